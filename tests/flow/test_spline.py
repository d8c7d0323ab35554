import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.flow.spline import spline


def shifted(planes: np.ndarray, u: float, v: float) -> np.ndarray:
    displacement = np.broadcast_to(np.float32([u, v])[:, None, None], (2, *planes.shape[1:]))
    return spline(planes).at(displacement)


def grid(size: int = 48) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:size, :size].astype(np.float64)
    return x, y


@given(u=st.floats(-2, 2), v=st.floats(-2, 2))
@settings(max_examples=25, deadline=None)
def test_ramps_and_parabolas_are_exact(u: float, v: float):
    x, y = grid()
    found = shifted(np.stack([0.3 * x - 0.2 * y, 0.01 * (x - 20) ** 2]), u, v)
    inner = slice(18, -18)  # the mirrored border's influence falls by .27 a pixel
    expected = np.stack([0.3 * (x + u) - 0.2 * (y + v), 0.01 * (x + u - 20) ** 2])
    np.testing.assert_allclose(found[:, inner, inner], expected[:, inner, inner], atol=2e-5)


def test_it_passes_through_every_pixel():
    planes = np.random.default_rng(0).uniform(0, 255, (3, 20, 31))
    np.testing.assert_allclose(shifted(planes, 0, 0), planes, atol=1e-4)  # float32 at 255
    whole = shifted(planes, 3.0, -2.0)
    np.testing.assert_allclose(whole[:, 2:, :-3], planes[:, :-2, 3:], atol=1e-4)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_wave_is_moved_by_what_was_asked(axis: int):
    """Six px a period: finer than what sensors with optics resolve."""
    position = grid()[axis]
    wave = np.cos(2 * np.pi * position / 6)[None]
    for step in (0.01, 0.123, 0.5):
        found = shifted(wave, *((step, 0.0) if axis == 0 else (0.0, step)))[0]
        phase = 2 * np.pi * (position + step) / 6
        inner = (slice(15, 33), slice(15, 33))  # three whole periods
        basis = np.stack([np.cos(phase)[inner].ravel(), np.sin(phase)[inner].ravel()], axis=1)
        amplitude, error = np.linalg.lstsq(basis, found[inner].ravel(), rcond=None)[0]
        moved_wrongly_px = np.arctan2(error, amplitude) * 6 / (2 * np.pi)
        assert abs(moved_wrongly_px) < 2e-3
        assert amplitude > 0.97


def test_beyond_the_border_it_is_mirrored():
    planes = np.random.default_rng(1).uniform(0, 1, (1, 9, 9))
    left = shifted(planes, -4.0, 0.0)[0]
    np.testing.assert_allclose(left[:, 0], planes[0, :, 4], atol=1e-6)
    far = shifted(planes, 160.0, 0.0)[0]  # ten periods
    np.testing.assert_allclose(far, planes[0], atol=1e-5)
