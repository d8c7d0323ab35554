"""LBP-TOP, CLBP-TOP, STLBP-IP: hand-computed codes, slow readable twins, what must not matter."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from toy_frames import toy_clip, toy_frame_set

from hmrm.errors import DataError
from hmrm.evaluation.run import evaluate
from hmrm.evaluation.settings import Plan, Settings
from hmrm.flow.mapset import with_frame_files
from hmrm.model.baselines.clbp_top import ClbpTop, centres, signs, sizes
from hmrm.model.baselines.frame_svm import FrameSvm, shaped_frames
from hmrm.model.baselines.lbp_top import (
    PLANES,
    LbpTop,
    binary_codes,
    block_slices,
    differences,
    histogram,
    uniform_bins,
)
from hmrm.model.baselines.stlbp_ip import StlbpIp, block_description, image_codes, line_codes
from hmrm.training.registry import build_recogniser

UNIT = (1, 1, 1)
WHOLE = (slice(None), slice(0, 1), slice(0, 1))
NAMES = ("lbp-top", "clbp-top", "stlbp-ip")
RISING_ROWS = (9 * np.arange(3)[:, None, None] + 3 * np.arange(3)[:, None] + np.arange(3)).astype(
    np.uint8
)
DIGITS = np.array(
    [
        [[3, 7, 1], [8, 2, 6], [4, 9, 5]],
        [[6, 1, 8], [7, 5, 3], [2, 4, 9]],
        [[9, 4, 2], [1, 6, 7], [5, 8, 3]],
    ],
    dtype=np.uint8,
)
PATCH = np.array([[4, 9, 6], [2, 5, 8], [5, 1, 10]], dtype=np.uint8)

small_clips = arrays(np.uint8, (6, 7, 8))


def codes_of(volume: np.ndarray) -> list[int]:
    return [int(binary_codes(volume, plane, UNIT)[0, 0, 0]) for plane in PLANES]


def test_the_codes_of_small_clips_are_those_computed_by_hand() -> None:
    assert codes_of(RISING_ROWS) == [225, 15, 195]
    assert [int(uniform_bins()[code]) for code in (225, 15, 195)] == [44, 11, 39]
    assert codes_of(np.full((3, 3, 3), 9, np.uint8)) == [255, 255, 255]
    assert codes_of(DIGITS) == [154, 182, 169]
    for code in (154, 182, 169):
        assert uniform_bins()[code] == 0


def twin(volume: np.ndarray, plane: str, radii: tuple[int, int, int]) -> np.ndarray:
    """Pixel by pixel, neighbour by neighbour, as the paper has it."""
    rx, ry, rt = radii
    frames, height, width = volume.shape
    found = np.zeros((frames - 2 * rt, height - 2 * ry, width - 2 * rx), int)
    for t in range(rt, frames - rt):
        for y in range(ry, height - ry):
            for x in range(rx, width - rx):
                code = 0
                for p in range(8):
                    cos, sin = math.cos(2 * math.pi * p / 8), math.sin(2 * math.pi * p / 8)
                    u, v, s = float(x), float(y), float(t)
                    if plane == "xy":
                        u, v = x + rx * cos, y - ry * sin
                    elif plane == "xt":
                        u, s = x + rx * cos, t + rt * sin
                    else:
                        s, v = t + rt * cos, y - ry * sin
                    place = tuple(math.floor(value + 0.5) for value in (s, v, u))
                    code += (volume[place] >= volume[t, y, x]) << p
                found[t - rt, y - ry, x - rx] = code
    return found


@given(small_clips, st.sampled_from([(1, 1, 1), (2, 1, 2), (3, 2, 1)]))
@settings(max_examples=15, deadline=None)
def test_codes_equal_the_slow_twins(volume: np.ndarray, radii: tuple[int, int, int]) -> None:
    for plane in PLANES:
        np.testing.assert_array_equal(
            binary_codes(volume, plane, radii), twin(volume, plane, radii)
        )


@given(small_clips)
@settings(max_examples=15, deadline=None)
def test_brighter_or_of_more_contrast_is_the_same_pattern(volume: np.ndarray) -> None:
    half = volume // 3
    for plane in PLANES:
        np.testing.assert_array_equal(
            binary_codes(half, plane, UNIT), binary_codes(2 * half + 7, plane, UNIT)
        )


def test_uniform_codes_have_a_bin_each() -> None:
    table = uniform_bins()
    assert sorted(table[table > 0]) == list(range(1, 59))
    assert (table == 0).sum() == 256 - 58


def test_histograms_sum_to_one_in_each_block_and_plane() -> None:
    clip = toy_clip(0, np.random.default_rng(0), frames=11)
    found = LbpTop().describe_clip(clip)
    assert found.shape == (25 * 3 * 59,)
    np.testing.assert_allclose(found.reshape(75, 59).sum(1), 1)
    # Blocks are whole: put together by pixels they give the histogram of the frame.
    volume = shaped_frames(clip.grey, least=5)
    codes = uniform_bins()[binary_codes(volume, "xy", (1, 1, 2))]
    weights = np.array([codes[block].size for block in block_slices(codes.shape)])
    together = weights @ found.reshape(25, 3, 59)[:, 0] / codes.size
    np.testing.assert_allclose(together, histogram(codes))


def completed(patch: np.ndarray) -> tuple[int, int, bool]:
    volume = np.stack([patch] * 3)
    steps = differences(volume, "xy", UNIT)
    sign, size = int(signs(steps).item()), int(sizes(steps).item())
    return sign, size, bool(centres(volume, WHOLE, UNIT).item())


def test_the_completed_patterns_of_a_patch_are_those_computed_by_hand() -> None:
    steps = differences(np.stack([PATCH] * 3), "xy", UNIT).ravel()
    assert steps.tolist() == [3, 1, 4, -1, -3, 0, -4, 5]
    assert completed(PATCH) == (167, 213, False)
    assert completed(255 - PATCH) == (120, 213, True)
    assert completed(np.full((3, 3), 7, np.uint8)) == (255, 255, True)
    assert completed(9 * PATCH) == completed(PATCH)


def test_the_signs_are_lbp_tops_codes() -> None:
    clip = toy_clip(1, np.random.default_rng(3), frames=9)
    completed_rows = ClbpTop().describe_clip(clip).reshape(25, 356)
    plain = LbpTop().describe_clip(clip).reshape(25, 3, 59)
    np.testing.assert_allclose(completed_rows[:, :354].reshape(25, 3, 2, 59)[:, :, 0], plain)
    np.testing.assert_allclose(completed_rows[:, 354:].sum(1), 1)


MOVED = np.array(
    [[1, 0, -1, 2, 0], [2, 1, 0, 0, 0], [0, 3, 1, -2, 0], [1, 1, 0, 0, 0], [0, 0, 2, 3, 0]]
)


def test_projections_and_their_codes_are_those_computed_by_hand() -> None:
    rows, columns = MOVED.sum(1), MOVED.sum(0)
    assert rows.tolist() == [2, 3, 2, 2, 5] and columns.tolist() == [4, 5, 2, 3, 0]
    assert line_codes(rows[None], 3).tolist() == [[0, 3, 3]]
    assert line_codes(columns[None], 3).tolist() == [[0, 3, 0]]
    found = block_description(np.stack([MOVED] * 3), window=3)
    np.testing.assert_allclose(found[:4], [1 / 3, 0, 0, 2 / 3])
    np.testing.assert_allclose(found[4:8], [2 / 3, 0, 0, 1 / 3])
    assert len(found) == 8 + 2 * 59


def test_appearance_is_the_mean_over_frames_and_not_more() -> None:
    generator = np.random.default_rng(0)
    moved = generator.integers(-9, 9, (5, 12, 12))
    each = [block_description(np.stack([frame] * 3))[:512] for frame in moved]
    np.testing.assert_allclose(block_description(moved)[:512], np.mean(each, axis=0))


def test_image_codes_are_those_of_the_xy_plane() -> None:
    image = np.random.default_rng(1).integers(0, 255, (9, 11)).astype(np.uint8)
    expected = binary_codes(np.stack([image] * 3), "xy", UNIT)[0]
    np.testing.assert_array_equal(image_codes(image.astype(np.int64)), expected)


def test_a_static_clip_has_one_code_and_gain_changes_nothing() -> None:
    still = block_description(np.zeros((4, 40, 40), np.int64))
    assert len(still) == 630
    assert still[255] == still[256 + 255] == 1
    assert still[512 + uniform_bins()[255]] == still[571 + uniform_bins()[255]] == 1
    moved = np.random.default_rng(2).integers(-20, 20, (5, 40, 40))
    np.testing.assert_array_equal(block_description(moved), block_description(3 * moved))
    clip = toy_clip(0, np.random.default_rng(0))
    assert StlbpIp().describe_clip(clip).shape == (10_080,)


def test_short_clips_are_stretched_linearly() -> None:
    frames = np.stack([np.full((160, 160), level, np.uint8) for level in (10, 20)])
    assert shaped_frames(frames, least=5)[:, 0, 0].tolist() == [10, 12, 15, 18, 20]
    assert len(shaped_frames(frames[:1], least=4)) == 4


def test_the_radius_in_time_follows_the_frame_rate() -> None:
    clip = toy_clip(0, np.random.default_rng(0))
    radii = {200.0: 4, 100.0: 2, 25.0: 1, float("nan"): 4}
    for rate, radius in radii.items():
        assert LbpTop().radius_of(replace(clip, frame_rate=rate)) == radius
    assert LbpTop(time_radius=3).radius_of(clip) == 3


@pytest.mark.parametrize("name", NAMES)
def test_every_machine_learns_where_the_face_moves(name: str, tmp_path: Path) -> None:
    fitted = build_recogniser(name).fit(toy_frame_set(tmp_path, 30), seed=0)
    test = toy_frame_set(tmp_path, 9, seed=7)
    assert (fitted.predict(test.maps).argmax(1) == test.labels).mean() > 0.8


def test_a_run_over_frames_is_like_any_other_and_needs_them(tmp_path: Path) -> None:
    data = toy_frame_set(tmp_path / "frames", 18, subjects=6)
    plan = Plan(model="stlbp-ip", settings=Settings(folds="3"))
    maps = np.zeros((18, 3, 28, 28), np.float32)
    found = evaluate(replace(data, maps=maps), plan, tmp_path / "run")
    assert found.predictions[0].ids == data.ids
    assert found.summary.composite.uf1.mean > 0.6
    with pytest.raises(DataError, match="prepare --frames"):
        evaluate(replace(data, maps=maps, frames=None), plan, tmp_path / "other")


def test_a_missing_clip_is_named(tmp_path: Path) -> None:
    data = toy_frame_set(tmp_path, 6)
    Path(str(data.maps[2])).unlink()
    with pytest.raises(DataError, match=data.ids[2]):
        with_frame_files(data)


def test_scrambled_test_frames_leave_the_fold_as_it_is(tmp_path: Path) -> None:
    data = toy_frame_set(tmp_path / "a", 18)
    train = data.select(range(12))
    fitted = LbpTop().fit(train, seed=0)
    Path(str(data.maps[15])).write_bytes(b"anything")
    again = FrameSvm.fit(LbpTop(), train, seed=0)
    np.testing.assert_array_equal(fitted.weights, again.weights)
    np.testing.assert_array_equal(fitted.rows, again.rows)
    np.testing.assert_array_equal(fitted.mean, again.mean)
