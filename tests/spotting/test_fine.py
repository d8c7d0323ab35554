import numpy as np
from scripted import course

from hmrm.spotting.fine import blinks, find_fine
from hmrm.spotting.motion import MotionSignal

REGIONS = (
    "left_brow",
    "right_brow",
    "nose",
    "left_cheek",
    "right_cheek",
    "left_mouth_corner",
    "right_mouth_corner",
    "chin",
)
BROWS, CORNERS = [0, 1], [5, 6]


def motion(count, *movements, rate=100.0, noise=0.01, wander=0.02, seed=0, eyes=None, segment=None):
    """Displacement with noise and slow wandering, and ``(regions, px, course)`` added upwards."""
    rng = np.random.default_rng(seed)
    shape = (count, len(REGIONS), 2)
    slow = np.cumsum(rng.standard_normal(shape), axis=0) * wander / np.sqrt(rate)
    values = slow + noise * rng.standard_normal(shape)
    for regions, px, amplitude in movements:
        for region in regions:
            values[:, region, 1] -= px * amplitude
    return MotionSignal(
        regions=REGIONS,
        index=np.arange(count),
        time_s=np.arange(count) / rate,
        motion_px=values,
        eye_change=np.zeros(count) if eyes is None else eyes,
        segment=np.zeros(count, dtype=np.int64) if segment is None else segment,
    )


def test_nothing_is_found_in_noise():
    for seed in range(3):
        assert find_fine(motion(1000, seed=seed)) == []


def test_a_third_of_a_px_is_found_with_its_times():
    smile = course(400, 180, 194, 198, 212)
    (one,) = find_fine(motion(400, (CORNERS, 0.35, smile)))
    assert abs(one.onset - 181) <= 4
    assert abs(one.apex - 196) <= 4
    assert abs(one.offset - 211) <= 4
    assert "mouth_corner" in one.region
    assert 0.25 < one.peak_px < 0.45


def test_a_clip_of_a_third_of_a_second_is_enough():
    smile = course(32, 2, 14, 17, 29)
    (one,) = find_fine(motion(32, (CORNERS, 0.4, smile)))
    assert abs(one.apex - 15) <= 3
    assert find_fine(motion(32)) == []


def test_movement_that_fills_half_of_a_clip_does_not_hide_a_fine_one():
    loud = (
        course(300, 20, 30, 60, 70)
        + course(300, 90, 100, 150, 160)
        + course(300, 170, 175, 195, 200)
    )
    fine = course(300, 240, 252, 256, 268)
    signal = motion(300, (range(8), 6.0, loud), (CORNERS, 0.7, fine))
    away = np.convolve(loud > 0.001, np.ones(21), mode="same") > 0
    found = find_fine(signal, displaced=away, excluded=away)
    assert [240 - 5 <= one.onset <= 240 + 8 for one in found] == [True]
    assert not any(235 < one.apex < 270 for one in find_fine(signal))


def test_nothing_is_looked_for_where_it_is_excluded():
    smile = course(400, 180, 194, 198, 212)
    signal = motion(400, (CORNERS, 0.5, smile))
    excluded = np.zeros(400, dtype=bool)
    excluded[170:220] = True
    assert find_fine(signal, excluded=excluded) == []


def test_a_blink_that_pulls_at_brows_is_no_movement_and_is_told():
    lids = course(400, 200, 206, 212, 224)
    signal = motion(400, ((0, 1, 3, 4), 1.5, lids), eyes=0.7 * lids)
    assert find_fine(signal) == []
    shut = blinks(signal)
    assert shut[204:218].all()
    assert not shut[:190].any()


def test_eyes_that_stay_narrow_do_not_blink():
    squeezed = course(400, 150, 158, 300, 310)
    assert not blinks(motion(400, eyes=0.7 * squeezed)).any()


def test_nothing_is_read_across_segments():
    segment = np.repeat([0, 1], 200)
    signal = motion(400, (CORNERS, 3.0, np.repeat([0.0, 1.0], 200)), segment=segment)
    assert find_fine(signal) == []


def test_too_few_rows_give_nothing():
    assert find_fine(motion(3)) == []
    assert find_fine(motion(0)) == []


def test_a_movement_of_most_of_a_second_is_whole_and_not_what_a_quick_rest_leaves_of_it():
    level = np.interp(np.arange(180) / 30.0, [3.0, 3.2, 3.6, 3.8], [0.0, 1.0, 1.0, 0.0])
    smile = (1 - np.cos(np.pi * level)) / 2
    for seed in range(3):
        signal = motion(
            180, (CORNERS, 0.97, smile), rate=30.0, noise=0.008, wander=0.005, seed=seed
        )
        (one,) = find_fine(signal)
        assert abs(one.onset - 90) <= 2 and abs(one.offset - 114) <= 2
        assert one.peak_px > 0.8
