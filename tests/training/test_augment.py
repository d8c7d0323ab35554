"""Views of a movement: each from its own map alone, and the same movement still."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.errors import ConfigError
from hmrm.flow.pair import mirrored_maps
from hmrm.flow.strain import optical_strain
from hmrm.training.augment import AugmentConfig, augment, moved

CONFIG = AugmentConfig()


NO_AUGMENT = AugmentConfig(
    mirror=0.0,
    shift=0.0,
    scale=0.0,
    turn_deg=0.0,
    magnitude=0.0,
    ratio=0.0,
    noise=0.0,
    rest=0.0,
)


def synthetic(count: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3, 28, 28)).astype(np.float32)


def smooth(seed: int = 0) -> np.ndarray:
    """Two bumps of motion well inside the map, with their strain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:28, :28].astype(np.float64)
    flow = np.zeros((2, 28, 28))
    for _ in range(2):
        cx, cy = rng.uniform(11, 16, 2)
        bump = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 40)
        flow += rng.normal(size=(2, 1, 1)) * bump
    return np.concatenate([flow, optical_strain(flow)[None]]).astype(np.float32)


@given(seed=st.integers(0, 10_000))
def test_mirrored_twice_is_the_map_itself(seed: int) -> None:
    maps = synthetic(2, seed=seed)
    np.testing.assert_array_equal(mirrored_maps(mirrored_maps(maps)), maps)
    np.testing.assert_array_equal(mirrored_maps(maps)[:, 0], -maps[:, 0, :, ::-1])
    np.testing.assert_array_equal(mirrored_maps(maps)[:, 1:], maps[:, 1:, :, ::-1])


def test_strain_of_a_mirror_image_is_the_mirrored_strain() -> None:
    values = mirrored_maps(smooth()[None])[0]
    np.testing.assert_allclose(values[2], optical_strain(values[:2]), atol=1e-6)


@given(seed=st.integers(0, 10_000), index=st.integers(0, 5))
def test_no_map_enters_another(seed: int, index: int) -> None:
    maps = synthetic(6, seed=seed)
    others = synthetic(6, seed=seed + 1)
    others[index] = maps[index]
    views = [augment(m, CONFIG, generator=np.random.default_rng(seed)) for m in (maps, others)]
    np.testing.assert_array_equal(views[0][index], views[1][index])
    assert not np.array_equal(views[0], views[1])


def test_without_changes_a_map_is_itself() -> None:
    maps = synthetic(3)
    view = augment(maps, NO_AUGMENT, generator=np.random.default_rng(0))
    np.testing.assert_array_equal(view, maps)
    assert not np.shares_memory(view, maps)


def test_the_input_is_left_alone_and_seeds_decide() -> None:
    maps = synthetic(4)
    before = maps.copy()
    views = [augment(maps, CONFIG, generator=np.random.default_rng(s)) for s in (1, 1, 2)]
    np.testing.assert_array_equal(maps, before)
    np.testing.assert_array_equal(views[0], views[1])
    assert not np.array_equal(views[0], views[2])


@given(x=st.integers(-3, 3), y=st.integers(-3, 3))
def test_a_whole_shift_moves_every_cell(x: int, y: int) -> None:
    values = synthetic(1)[0]
    view = moved(values, shift_xy=(float(x), float(y)), zoom=1.0, angle=0.0)
    inside = view[:, max(y, 0) : 28 + min(y, 0), max(x, 0) : 28 + min(x, 0)]
    origin = values[:, max(-y, 0) : 28 + min(-y, 0), max(-x, 0) : 28 + min(-x, 0)]
    np.testing.assert_allclose(inside, origin, atol=1e-6)


def test_a_quarter_turn_turns_picture_and_vectors() -> None:
    values = synthetic(1)[0]
    view = moved(values, shift_xy=(0.0, 0.0), zoom=1.0, angle=math.pi / 2)
    # Clockwise: what was on the left comes to the top, and right (u) becomes down (v).
    turned = np.rot90(values, -1, axes=(1, 2))
    # Bilinear weights of a fixed-point warp: 1/32 of a cell.
    np.testing.assert_allclose(view[1], turned[0], atol=0.15)
    np.testing.assert_allclose(view[0], -turned[1], atol=0.15)
    np.testing.assert_allclose(view[2], turned[2], atol=0.15)


@pytest.mark.parametrize(("zoom", "angle"), [(1.2, 0.0), (0.85, 0.0), (1.0, 0.6), (1.05, -0.4)])
def test_strain_of_a_moved_map_is_the_moved_strain(zoom: float, angle: float) -> None:
    view = moved(smooth(), shift_xy=(1.0, -0.5), zoom=zoom, angle=angle)[:, 2:-2, 2:-2]
    error = np.abs(view[2] - optical_strain(view[:2]))[1:-1, 1:-1].mean()
    # Interpolation costs up to 0.033; vectors left unturned or unscaled cost 0.1 and more.
    assert error < 0.05 * view[2].mean()


@given(seed=st.integers(0, 10_000))
def test_strength_scales_motion_and_strain_alike(seed: int) -> None:
    only = replace(NO_AUGMENT, magnitude=0.5)
    maps = synthetic(1, seed=seed)
    view = augment(maps, only, generator=np.random.default_rng(seed))
    factors = view / maps
    np.testing.assert_allclose(factors, factors[0, 0, 0, 0], rtol=1e-5)
    assert 1 / 1.5 - 1e-6 <= factors[0, 0, 0, 0] <= 1.5 + 1e-6


@pytest.mark.parametrize("options", [{"mirror": 1.5}, {"shift": -1.0}, {"noise": math.nan}])
def test_bad_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        AugmentConfig(**options)
