"""What the flow benchmarks compute from errors."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.effect import page as effect_page
from benchmarks.effect.__main__ import in_crop, sign_test
from benchmarks.flow import page as flow_page
from benchmarks.flow import steps
from benchmarks.flow.attention import compared
from benchmarks.flow.inside import ranking
from benchmarks.flow.verdict import compare, summary


class TestRanking:
    rng = np.random.default_rng(0)
    error = rng.exponential(1.0, (60, 60))
    image = rng.integers(0, 255, (60, 60), np.uint8)

    def test_the_true_order_is_perfect(self):
        found = ranking(self.error, 3.0 * self.error, self.image)
        assert found["ause"] == pytest.approx(0.0, abs=1e-12)
        halves = np.sort(self.error.ravel()).reshape(2, -1).mean(axis=1)
        assert [found["surest_half_px"], found["other_half_px"]] == pytest.approx(halves.tolist())
        assert found["expected_px"] == pytest.approx(3 * found["error_px"])

    def test_an_order_by_chance_is_as_good_as_none(self):
        found = ranking(self.error, self.rng.random((60, 60)), self.image)
        # exponential errors: what is left of a share s below its quantile is known;
        # 3600 pixels leave a few percent of scatter
        assert found["ause"] == pytest.approx(found["ause_no_order"], abs=0.06)
        assert found["ause_gradient"] == pytest.approx(found["ause_no_order"], abs=0.06)

    def test_the_worst_order_is_worse_than_none(self):
        found = ranking(self.error, -self.error, self.image)
        assert found["ause"] > found["ause_no_order"]


def column(*errors: float) -> dict[str, object]:
    return {
        "epe_px": float(np.mean(errors)),
        "epe_fastest_px": float(np.mean(errors)),
        "pairs_px": {"epe_px": list(errors), "epe_fastest_px": list(errors)},
    }


def test_the_rival_is_the_best_of_the_column_and_pairs_are_compared():
    methods = {
        "zero flow": {"columns": {"px_1": column(0.0, 0.0, 0.0)}},
        "no number": {"columns": {"px_1": column(0.1, math.nan, 0.1)}},
        "deepflow": {"columns": {"px_1": column(0.2, 0.4, 0.6)}},
        "dis": {"columns": {"px_1": column(0.5, 0.5, 0.5)}},
        "gru-aofe-fast": {"columns": {"px_1": column(0.0, 0.0, 0.0)}},
        "gru-aofe": {"columns": {"px_1": column(0.1, 0.31, 0.5)}},
    }
    mean, _ = found = compare(methods, "gru-aofe")
    assert mean.rival == "deepflow" and mean.difference_px == pytest.approx(-0.29 / 3)
    # differences -.10, -.09, -.10: their spread is far below that of the errors
    assert mean.uncertainty_px == pytest.approx(2 * 0.0057735 / math.sqrt(3), rel=1e-4)
    assert mean.verdict == "better"
    assert "in 2 of 2 cells, in 2 of them beyond" in summary(found, "gru-aofe")


@pytest.mark.parametrize(
    ("on", "off", "word"),
    [
        ([0.10, 0.11, 0.12], [0.20, 0.21, 0.22], "better"),
        ([0.20, 0.21, 0.22], [0.10, 0.11, 0.12], "worse"),
        ([0.10, 0.11, 0.12], [0.105, 0.115, 0.125], "no difference"),
        ([0.10, 0.30, 0.20], [0.20, 0.20, 0.23], "no difference"),
    ],
)
def test_a_difference_must_exceed_the_spread_over_seeds(
    on: list[float], off: list[float], word: str
):
    rows = [{"on": {"epe_px": a}, "off": {"epe_px": b}} for a, b in zip(on, off, strict=True)]
    assert word in str(compared(rows, "epe_px")["verdict"])


def test_sign_test():
    assert sign_test(0, 0) == 1.0
    assert sign_test(3, 3) == 1.0
    assert sign_test(0, 5) == sign_test(5, 0) == pytest.approx(2 / 32)
    assert sign_test(1, 7) == pytest.approx(2 * (1 + 8) / 256)


def test_a_flow_is_turned_and_scaled_with_the_crop():
    flow = np.zeros((2, 300, 300), np.float32)
    flow[0] = 1.0
    quarter_turn_half_size = np.array([[0.0, -0.5, 150.0], [0.5, 0.0, 0.0]])
    found = in_crop(flow, quarter_turn_half_size)
    np.testing.assert_allclose(found[:, 60, 60], [0.0, 0.5], atol=1e-6)


def test_the_committed_page_is_that_of_the_committed_figures():
    root = Path(__file__).parents[2]
    result = json.loads((root / "benchmarks/effect/results.json").read_text(encoding="utf-8"))
    page = (root / "docs/benchmarks/effect.md").read_text(encoding="utf-8")
    assert page == effect_page.page(result)


def test_trainings_follow_one_another_in_the_picture_and_the_table(tmp_path):
    trainings = []
    for name, errors in (("first", (0.4, 0.35, 0.3, 0.25)), ("second", (0.26, 0.22))):
        rows = [
            {"step": 100 * i, "epe_px": e, "zero_epe_px": 0.6, "static_px": e / 50, "by_motion": {}}
            for i, e in enumerate(errors, start=1)
        ]
        (tmp_path / name).mkdir()
        (tmp_path / name / "validation.json").write_text(json.dumps(rows))
        trainings.append({"name": name, "rows": steps.read(tmp_path / name)})
    table = flow_page._steps({"trainings": trainings})
    assert "| first | 400 | 0.600 | 0.400 | 0.350 | 0.250 | 0.005 |" in table
    assert "| second | 200 | 0.600 | 0.260 | 0.260 | 0.220 | 0.004 |" in table
    svg = steps.image(trainings)
    assert svg.startswith("<svg") and "first" in svg and "second" in svg
    assert svg == steps.image(trainings)


def test_scenes_are_compared_pair_by_pair_with_whichever_rival_was_measured():
    keys = ("epe_px gain 0.0", "near_edges_px", "elsewhere_px", "median_px", "cpu_s")
    rows = {"ours": (0.1, 0.2, 0.3), "tvl1": (0.2, 0.4, 0.3)}
    found = {
        "scenes": 3,
        "size_wh_px": [30, 20],
        "gains": [0.0],
        "provenance": {"commit": "abc"},
        "methods": {name: dict.fromkeys(keys, row) for name, row in rows.items()},
    }
    table = flow_page._passing(found)
    # differences -.1, -.2, 0: mean -.1, standard error .1 / sqrt(3)
    assert "| ours | 0.200 | 0.200 | 0.200 | 0.200 | -0.100 ± 0.115 | 0.2 |" in table
    assert "deepflow" not in table
