"""Each step between motion and map does what it says, and nothing when it is switched off."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.facs.atlas import ActionUnit, AtlasSource
from hmrm.facs.basis import BORDER, MAP_SIDE, UNITS, load_face
from hmrm.synthetic import distort

GRID = MAP_SIDE + 2 * BORDER


def smooth_field(seed: int, side: int = MAP_SIDE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side)) / side
    waves = [
        sum(rng.normal() * np.sin(6 * rng.normal() * x + 6 * rng.normal() * y) for _ in range(3))
        for _ in range(2)
    ]
    return np.stack(waves).astype(np.float32)


TEXTURE = np.full((MAP_SIDE, MAP_SIDE), 0.5, dtype=np.float32)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_head_motion_stays_within_its_bound_and_is_smooth(seed: int) -> None:
    depth = load_face("atlas", 0, 0, None).depth
    field = distort.head_motion(depth, np.random.default_rng(seed), most_px=1.0)
    assert field.shape == (2, GRID, GRID)
    # Six parts of at most 1 px times a normal number; beyond 12 px would be 10 deviations.
    assert np.abs(field).max() < 12.0


def test_misalignment_of_nothing_cuts_the_border_off() -> None:
    flow = smooth_field(1, GRID)
    texture = np.random.default_rng(0).random((GRID, GRID), np.float32)
    seen, seen_texture = distort.misalign(flow, texture, np.random.default_rng(0), amount=0.0)
    np.testing.assert_allclose(seen, flow[:, BORDER:-BORDER, BORDER:-BORDER], atol=1e-6)
    np.testing.assert_allclose(seen_texture, texture[BORDER:-BORDER, BORDER:-BORDER], atol=1e-6)


def test_misalignment_moves_a_peak_by_about_a_cell() -> None:
    flow = np.zeros((2, GRID, GRID), np.float32)
    flow[:, GRID // 2 - 1 : GRID // 2 + 1, GRID // 2 - 1 : GRID // 2 + 1] = 1.0
    places = []
    for seed in range(60):
        seen, _ = distort.misalign(flow, flow[0], np.random.default_rng(seed), amount=1.0)
        y, x = np.indices(seen[0].shape)
        places.append([(seen[0] * c).sum() / seen[0].sum() for c in (x, y)])
    spread = np.std(places, axis=0)
    assert (spread > 0.4).all() and (spread < 1.2).all()


def test_perfect_estimator_changes_nothing_and_a_usual_one_loses_motion_in_flat_skin() -> None:
    flow = np.ones((2, MAP_SIDE, MAP_SIDE), np.float32)
    rng = np.random.default_rng(2)
    assert distort.estimate(flow, TEXTURE, rng, loss=0.0) is flow
    flat, rich = TEXTURE * 0.1, TEXTURE * 2.0
    lost = [
        distort.estimate(flow, flat, np.random.default_rng(s), loss=1.0).mean() for s in range(30)
    ]
    kept = [
        distort.estimate(flow, rich, np.random.default_rng(s), loss=1.0).mean() for s in range(30)
    ]
    assert np.mean(lost) < np.mean(kept) < 1.0
    assert np.mean(kept) > 0.8


def test_noise_is_as_strong_as_asked_for_and_correlated() -> None:
    flow = np.zeros((2, MAP_SIDE, MAP_SIDE), np.float32)
    synthetic = np.stack(
        [distort.add_noise(flow, TEXTURE, np.random.default_rng(s), most_px=0.3) for s in range(50)]
    )
    assert 0.02 < synthetic.std() < 0.3
    neighbours = (synthetic[..., 1:] * synthetic[..., :-1]).mean() / (synthetic**2).mean()
    assert 0.3 < neighbours < 0.98


@given(seed=st.integers(0, 10**6), amounts=st.tuples(*[st.floats(-2.0, 2.0)] * 4))
@settings(max_examples=30, deadline=None)
def test_similarity_motion_is_taken_out_and_the_rest_stays(
    seed: int, amounts: tuple[float, float, float, float]
) -> None:
    shift_x, shift_y, grow, turn = amounts
    y, x = np.indices((MAP_SIDE, MAP_SIDE), dtype=np.float64)
    # On a face that is not squeezed, cells are 324/224 times as high as wide.
    x, y = (x - 13.5) / 14, (y - 13.5) / 14 * 324 / 224
    rigid = np.stack([shift_x + grow * x - turn * y, shift_y + grow * y + turn * x])
    bump = np.exp(-0.5 * (((x - 0.3) / 0.15) ** 2 + ((y - 0.8) / 0.15) ** 2))
    local = np.stack([bump, -bump]).astype(np.float32)
    left = distort.remove_head_motion((rigid + local).astype(np.float32))
    # The tall grid has 40 rows where 40.5 would be exact: 1 % of up to 4 px.
    np.testing.assert_allclose(left, distort.remove_head_motion(local), atol=0.05)
    assert np.abs(left - local).max() < 0.1


def test_bytes_keep_the_field_to_one_step_and_forget_the_range() -> None:
    flow = smooth_field(3)
    stored = distort.store_as_bytes(flow, np.random.default_rng(0))
    step = np.ptp(flow, axis=(1, 2)) / 255 * 1.5
    assert (np.abs(stored - flow).max(axis=(1, 2)) <= step / 2 + 1e-6).all()
    assert len(np.unique(stored[0])) <= 256
    still = np.zeros_like(flow)
    assert not distort.store_as_bytes(still, np.random.default_rng(0)).any()


def test_outliers_come_with_their_probability() -> None:
    flow = smooth_field(4)
    same = [
        distort.add_outliers(flow, np.random.default_rng(s), probability=0.3) is flow
        for s in range(300)
    ]
    # Standard error 0.026.
    assert np.mean(same) == pytest.approx(0.7, abs=0.1)


def test_a_face_of_the_pool_shows_the_sources_field() -> None:
    face = load_face("atlas", 1, 0, None)
    one = face.flow([ActionUnit(12, "left", 1.5)])
    np.testing.assert_allclose(np.hypot(*one).max(), 1.5, rtol=0.15)
    both = face.flow([ActionUnit(12, "both", 1.0)])
    halves = face.flow([ActionUnit(12, "left"), ActionUnit(12, "right")])
    np.testing.assert_allclose(both, halves, atol=1e-6)
    assert face.fields.shape == (2 * len(UNITS), 2, GRID, GRID)
    assert not np.allclose(face.fields, load_face("atlas", 2, 0, None).fields)
    mean = AtlasSource().flow([ActionUnit(12, "left")], MAP_SIDE, BORDER / MAP_SIDE)
    cosine = (one * mean).sum() / np.sqrt((one**2).sum() * (mean**2).sum())
    assert cosine > 0.7


def test_texture_is_rich_at_the_eyes_and_poor_on_the_cheeks() -> None:
    texture = load_face("atlas", 0, 0, None).texture[BORDER:-BORDER, BORDER:-BORDER]
    eye, cheek = texture[7:9, 5:8].mean(), texture[13:16, 3:6].mean()
    assert eye > 0.7 > 0.3 > cheek


def test_background_stands_still_and_the_face_does_not() -> None:
    face = load_face("atlas", 0, 0, None)
    flow = np.ones((2, GRID, GRID), np.float32)
    seen = distort.still_background(flow, face.inside, np.random.default_rng(0))
    assert seen[:, -2:, :2].max() < 0.05 and seen[:, -2:, -2:].max() < 0.05
    assert seen[:, 10:20, 12:24].min() > 0.95
