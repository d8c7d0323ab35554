import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.flow.strain import optical_strain


def strain_twin(flow: np.ndarray) -> np.ndarray:
    """Pixel by pixel, straight from the tensor's definition."""
    _, height, width = flow.shape
    out = np.zeros((height, width))

    def slope(plane: np.ndarray, y: int, x: int, axis: int) -> float:
        size = plane.shape[axis]
        at = (y, x)[axis]
        low, high = max(at - 1, 0), min(at + 1, size - 1)
        first = plane[low, x] if axis == 0 else plane[y, low]
        last = plane[high, x] if axis == 0 else plane[y, high]
        return float(last - first) / (high - low)

    for y in range(height):
        for x in range(width):
            jacobian = np.array([[slope(flow[c], y, x, axis) for axis in (1, 0)] for c in range(2)])
            out[y, x] = np.linalg.norm((jacobian + jacobian.T) / 2)
    return out


def grid(size: int = 24) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:size, :size].astype(np.float64) - (size - 1) / 2
    return x, y


def test_agrees_with_the_definition():
    flow = np.random.default_rng(0).normal(size=(2, 9, 13))
    # float64, the same few operations in another order
    np.testing.assert_allclose(optical_strain(flow), strain_twin(flow), atol=1e-12)


def test_leading_axes_are_independent():
    flows = np.random.default_rng(1).normal(size=(3, 2, 2, 8, 8)).astype(np.float32)
    together = optical_strain(flows)
    assert together.shape == (3, 2, 8, 8)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together[2, 1], optical_strain(flows[2, 1]))


@given(u=st.floats(-50, 50, width=32), v=st.floats(-50, 50, width=32))
def test_translation_has_exactly_none(u: float, v: float):
    flow = np.broadcast_to(np.float32([u, v])[:, None, None], (2, 12, 12))
    assert not optical_strain(flow).any()


@given(rate=st.floats(-0.1, 0.1))
def test_infinitesimal_rotation_has_none(rate: float):
    x, y = grid()
    # float64 differences of values up to 1.2: rounding only
    assert optical_strain(np.stack([-rate * y, rate * x])).max() < 1e-14


@given(angle=st.floats(-0.5, 0.5), u=st.floats(-5, 5), v=st.floats(-5, 5))
def test_rigid_motion_is_bounded_by_the_square_of_its_angle(angle: float, u: float, v: float):
    x, y = grid()
    c, s = math.cos(angle), math.sin(angle)
    flow = np.stack([c * x - s * y - x + u, s * x + c * y - y + v])
    strain = optical_strain(flow)
    np.testing.assert_allclose(strain, math.sqrt(2) * (1 - c), atol=1e-13)
    assert strain.max() <= 0.7072 * angle**2 + 1e-13


@given(scale=st.floats(-0.2, 0.2))
def test_uniform_stretch_has_its_known_strain(scale: float):
    x, y = grid()
    strain = optical_strain(np.stack([scale * x, scale * y]))
    np.testing.assert_allclose(strain, math.sqrt(2) * abs(scale), atol=1e-13)


@given(factor=st.floats(0.01, 100), seed=st.integers(0, 100))
def test_strain_grows_with_the_motion(factor: float, seed: int):
    flow = np.random.default_rng(seed).normal(size=(2, 8, 8))
    np.testing.assert_allclose(
        optical_strain(factor * flow), factor * optical_strain(flow), rtol=1e-12
    )


def test_simple_shear():
    _, y = grid()
    strain = optical_strain(np.stack([0.2 * y, 0 * y]))
    assert strain[5, 5] == pytest.approx(0.2 / math.sqrt(2))
