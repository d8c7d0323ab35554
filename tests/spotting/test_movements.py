"""The spotter on signals without pictures: what is a movement, and what is not."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.intervals import MICRO_S
from hmrm.spotting.motion import MotionSignal
from hmrm.spotting.movements import (
    SpotConfig,
    _rest,
    _smooth,
    excursions_px,
    find_movements,
)
from hmrm.spotting.salience import noise_px, salience, usual_peak

REGIONS = (
    "left_brow",
    "right_brow",
    "nose",
    "left_cheek",
    "right_cheek",
    "left_mouth_corner",
    "chin",
)
MOUTH = REGIONS.index("left_mouth_corner")


def signal(
    seconds: float = 6.0, rate: float = 100.0, *, noise: float = 0.02, seed: int = 0
) -> MotionSignal:
    """A face at rest: white noise and a slow drift."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate)) / rate
    motion = rng.normal(0, noise, (len(time_s), len(REGIONS), 2))
    motion += np.sin(0.7 * time_s)[:, None, None] * rng.uniform(0, 5 * noise, (len(REGIONS), 2))
    return MotionSignal(
        regions=REGIONS,
        index=np.arange(len(time_s)),
        time_s=time_s,
        motion_px=motion,
        head_px=np.zeros(len(time_s)),
        eye_change=np.full(len(time_s), 0.002),
        segment=np.zeros(len(time_s), dtype=np.int64),
    )


def with_bump(
    base: MotionSignal,
    onset_s: float,
    offset_s: float,
    *,
    peak_px: float = 0.4,
    region: int = MOUTH,
    apex_share: float = 0.5,
    hold: float = 0.0,
) -> MotionSignal:
    """The signal with a raised-cosine movement of one region, up and to the left."""
    length = offset_s - onset_s
    rise = apex_share * (1 - hold) * length
    fall = (1 - apex_share) * (1 - hold) * length
    phase = np.interp(
        base.time_s,
        [onset_s, onset_s + rise, offset_s - fall, offset_s],
        [0, 1, 1, 0],
    )
    motion = base.motion_px.copy()
    motion[:, region] += (peak_px * (0.5 - 0.5 * np.cos(np.pi * phase)))[:, None] * [-0.6, -0.8]
    return dataclasses.replace(base, motion_px=motion)


def iou(found: tuple[float, float], truth: tuple[float, float]) -> float:
    inner = min(found[1], truth[1]) - max(found[0], truth[0])
    return max(0.0, inner) / (max(found[1], truth[1]) - min(found[0], truth[0]))


@settings(max_examples=40, deadline=None)
@given(
    rate=st.sampled_from([25.0, 30.0, 60.0, 100.0, 200.0]),
    onset_s=st.floats(1.0, 4.0),
    length_s=st.floats(0.2, 0.5),
    apex_share=st.floats(0.3, 0.7),
    seed=st.integers(0, 10**6),
)
def test_one_movement_gives_one_event_where_it_is(
    rate: float, onset_s: float, length_s: float, apex_share: float, seed: int
) -> None:
    base = signal(rate=rate, seed=seed)
    offset_s = onset_s + length_s
    found = find_movements(with_bump(base, onset_s, offset_s, apex_share=apex_share))
    assert len(found) == 1
    movement = found[0]
    times = base.time_s
    assert iou((times[movement.onset], times[movement.offset]), (onset_s, offset_s)) >= 0.5
    apex_s = onset_s + apex_share * length_s
    # Half a frame of rounding; noise moves a flat top by another frame and more.
    assert abs(times[movement.apex] - apex_s) <= max(0.05, 2 / rate)
    assert movement.onset < movement.apex < movement.offset
    assert movement.region == "left_mouth_corner"
    assert not movement.blink
    # Frames may pass the apex by half of their distance, where a steep flank is lower already.
    flank_s = min(apex_share, 1 - apex_share) * length_s
    passed_px = 0.4 * (1 - math.cos(math.pi * min(1.0, 0.5 / rate / flank_s))) / 2
    assert 0.4 - 0.13 - passed_px <= movement.peak_px <= 0.4 + 0.13


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), rate=st.sampled_from([30.0, 100.0]))
def test_noise_and_drift_alone_are_no_movement(seed: int, rate: float) -> None:
    assert find_movements(signal(10.0, rate, seed=seed)) == []


def test_noise_below_the_methods_own_is_never_a_movement() -> None:
    quiet = with_bump(signal(noise=1e-4), 2.0, 2.3, peak_px=0.05)
    assert find_movements(quiet) == []
    assert find_movements(signal(noise=0.0)) == []


def test_the_threshold_adapts_to_the_face() -> None:
    restless = with_bump(signal(noise=0.2), 2.0, 2.3, peak_px=0.4)
    assert find_movements(restless) == []


def test_confidence_rises_with_the_movement() -> None:
    weak, strong = (
        find_movements(with_bump(signal(), 2.0, 2.4, peak_px=px))[0].salience for px in (0.3, 0.9)
    )
    assert 0.5 <= weak < strong < 1


def test_a_long_movement_is_one_event_longer_than_micro() -> None:
    base = signal(12.0)
    found = find_movements(with_bump(base, 5.0, 6.4, peak_px=3.0, hold=0.6))
    assert len(found) == 1
    duration_s = base.time_s[found[0].offset] - base.time_s[found[0].onset]
    assert duration_s > MICRO_S
    assert duration_s == pytest.approx(1.4, abs=0.2)


def test_a_step_that_stays_is_a_new_resting_place() -> None:
    base = signal(12.0)
    motion = base.motion_px.copy()
    motion[:, MOUTH, 1] += 2.0 * np.clip((base.time_s - 5) / 0.3, 0, 1)
    found = find_movements(dataclasses.replace(base, motion_px=motion))
    assert [m for m in found if base.time_s[m.offset] - base.time_s[m.onset] <= MICRO_S] == []


def test_two_movements_are_two_events() -> None:
    base = with_bump(signal(), 1.5, 1.8)
    found = find_movements(with_bump(base, 3.0, 3.3, region=0))
    assert [m.region for m in found] == ["left_mouth_corner", "left_brow"]


def blinking(base: MotionSignal, at_s: float, change: float = 0.9) -> MotionSignal:
    eyes = base.eye_change + change * np.exp(-(((base.time_s - at_s) / 0.06) ** 2))
    return dataclasses.replace(base, eye_change=eyes)


def test_what_lids_pull_along_is_not_expression() -> None:
    pulled = with_bump(blinking(signal(), 2.15), 2.0, 2.3, region=0, peak_px=1.0)
    assert find_movements(pulled) == []
    # A brow that moves as much without a blink is one, and so is one with a slight change of look.
    assert len(find_movements(with_bump(signal(), 2.0, 2.3, region=0, peak_px=1.0))) == 1
    slight = blinking(signal(), 2.15, change=0.1)
    assert len(find_movements(with_bump(slight, 2.0, 2.3, region=0, peak_px=1.0))) == 1


def test_the_rest_between_blinks_that_follow_each_other_is_no_movement() -> None:
    face = signal()
    eyes = face.eye_change.copy()
    for middle_s in (2.0, 2.5, 3.0, 3.5):
        face = with_bump(face, middle_s - 0.22, middle_s + 0.22, region=0, peak_px=1.5)
        eyes[np.abs(face.time_s - middle_s) < 0.2] = 0.6
    assert find_movements(dataclasses.replace(face, eye_change=eyes)) == []


def test_a_mouth_that_moves_during_a_blink_is_found_and_marked() -> None:
    found = find_movements(with_bump(blinking(signal(), 2.15), 2.0, 2.3))
    assert [(m.region, m.blink) for m in found] == [("left_mouth_corner", True)]


def test_the_nose_is_never_an_expression() -> None:
    assert find_movements(with_bump(signal(), 2.0, 2.3, region=REGIONS.index("nose"))) == []


def test_nothing_is_read_across_a_break() -> None:
    base = signal()
    motion = base.motion_px.copy()
    motion[200:230] += 3.0
    segment = np.zeros(len(motion), dtype=np.int64)
    segment[200:230], segment[230:] = 1, 2
    assert find_movements(dataclasses.replace(base, motion_px=motion, segment=segment)) == []
    assert len(find_movements(dataclasses.replace(base, motion_px=motion))) == 1


def test_a_movement_under_way_at_an_end_is_not_one() -> None:
    base = signal()
    assert find_movements(with_bump(base, -0.2, 0.2)) == []
    assert find_movements(with_bump(base, 5.85, 6.3)) == []


@pytest.mark.parametrize("rows", [0, 1, 4, 5, 9])
def test_short_signals_give_nothing(rows: int) -> None:
    base = signal()
    cut = {
        f.name: getattr(base, f.name)[:rows]
        for f in dataclasses.fields(base)
        if f.name != "regions"
    }
    assert find_movements(MotionSignal(regions=REGIONS, **cut)) == []


def test_uneven_frame_times_do_not_matter() -> None:
    base = with_bump(signal(rate=200.0), 2.0, 2.35)
    kept = np.sort(np.random.default_rng(5).choice(len(base.index), 500, replace=False))
    uneven = MotionSignal(
        regions=REGIONS,
        **{
            f.name: getattr(base, f.name)[kept]
            for f in dataclasses.fields(base)
            if f.name != "regions"
        },
    )
    found = find_movements(uneven)
    assert len(found) == 1
    times = uneven.time_s
    assert iou((times[found[0].onset], times[found[0].offset]), (2.0, 2.35)) >= 0.5


def test_excursions_are_the_distance_from_rest() -> None:
    base = with_bump(signal(noise=0.0), 2.0, 2.4, peak_px=1.0)
    found = excursions_px(base)
    assert set(found) == set(REGIONS) - {"nose"}
    assert found["left_mouth_corner"].max() == pytest.approx(1.0, abs=0.05)
    assert base.time_s[found["left_mouth_corner"].argmax()] == pytest.approx(2.2, abs=0.02)
    assert found["chin"].max() < 0.05


def test_the_running_median_agrees_with_a_loop() -> None:
    values = np.random.default_rng(2).normal(size=(60, 3))
    slow = np.stack([np.median(values[max(0, i - 5) : i + 6], axis=0) for i in range(60)])
    np.testing.assert_array_equal(_rest(values, 10.0), slow)


def test_smoothing_keeps_constants_and_means() -> None:
    values = np.random.default_rng(2).normal(size=(400, 2))
    np.testing.assert_allclose(_smooth(np.ones((30, 2)), 2.0), 1.0, atol=1e-12)
    smooth = _smooth(values, 2.0)
    assert smooth.std() == pytest.approx(values.std() * (2 * np.sqrt(np.pi) * 2) ** -0.5, rel=0.15)
    assert _smooth(values, 0.1) is values


@given(st.floats(0, 1e3), st.floats(0, 1e3), st.floats(1e-6, 1e3))
def test_confidence_is_monotone_and_bounded(a: float, b: float, threshold: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= salience(low, threshold) <= salience(high, threshold) <= 1
    assert salience(threshold, threshold) == pytest.approx(0.5)


def test_confidence_refuses_what_has_no_meaning() -> None:
    with pytest.raises(ValueError, match="threshold"):
        salience(1.0, 0.0)
    with pytest.raises(ValueError, match="peak"):
        salience(-1.0, 1.0)


def test_noise_ignores_rare_movements() -> None:
    away = np.random.default_rng(0).normal(0, [0.3, 0.1], (4000, 1, 2))
    away[:400] += 50
    np.testing.assert_allclose(noise_px(away, floor_px=0.01)[0], [0.3, 0.1], rtol=0.25)
    assert noise_px(away[:0], floor_px=0.02).tolist() == [[0.02, 0.02]]


def test_usual_peak_is_the_median_of_maxima() -> None:
    height = np.array([[1.0], [5.0], [2.0], [2.5], [9.0], [0.0]])
    assert usual_peak(height, block=2).tolist() == [5.0]
    assert usual_peak(height, block=100).tolist() == [9.0]


def test_defaults_say_what_cannot_be_told_from_rest() -> None:
    assert SpotConfig().floor_px == 0.1
