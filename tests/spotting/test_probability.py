"""The probability that an event is an expression: its fit, its reliability, its page."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.spotting.probability import PAGE, RESULTS, Counted, counted, fit, page, reliability
from hmrm.spotting.probability import (
    FittedProbability,
    expression_probability,
    fitted_probability,
)


@given(st.floats(1.0, 50.0), st.floats(1.0, 50.0))
def test_a_higher_peak_is_more_probable(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 < expression_probability(low) <= expression_probability(high) < 1


def sampled(count: int, intercept: float, slope: float) -> list[Counted]:
    random = np.random.default_rng(0)
    peaks = np.exp(random.uniform(0, 2, count))
    truth = random.random(count) < 1 / (1 + np.exp(-(intercept + slope * np.log(peaks))))
    return [
        Counted(video=f"v{i % 10}", peak=float(peak), expression=bool(one))
        for i, (peak, one) in enumerate(zip(peaks, truth, strict=True))
    ]


def test_the_fit_finds_what_the_events_were_sampled_with() -> None:
    intercept, slope = fit(sampled(20_000, -0.5, 1.5))
    assert intercept == pytest.approx(-0.5, abs=0.15)
    assert slope == pytest.approx(1.5, abs=0.15)


def test_reliability_counts_every_event_once_and_beats_the_rate() -> None:
    events = sampled(2_000, -0.5, 1.5)
    found = reliability(events)
    assert sum(one["events"] for one in found["bins"]) == len(events)
    assert sum(one["expressions"] for one in found["bins"]) == sum(e.expression for e in events)
    assert found["brier"] < found["brier_of_the_rate"]
    for one in found["bins"]:
        assert one["expressions"] / one["events"] == pytest.approx(one["mean"], abs=0.08)


def test_no_video_no_event() -> None:
    assert counted([]) == []


@pytest.mark.parametrize("wrong", [{"slope": -0.1}, {"intercept": math.nan}])
def test_a_fit_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    values = {
        "events": 1,
        "expressions": 1,
        "videos": 1,
        "fitted_on": "",
        "limits": "",
        "intercept": 0.0,
        "slope": 1.0,
        **wrong,
    }
    with pytest.raises(ValueError, match="intercept must be finite"):
        FittedProbability(**values)


def test_the_page_is_that_of_the_shipped_fit() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(fitted_probability(), results)
