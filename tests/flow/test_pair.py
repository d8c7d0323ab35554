import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.errors import InputError, NumericalError
from hmrm.flow.pair import area_average, centre_and_scale, flow_map
from hmrm.flow.strain import optical_strain


def smooth_flow(seed: int, size: int = 112) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    flow = np.zeros((2, size, size))
    for _ in range(4):
        cx, cy, width = *rng.uniform(0.2, 0.8, 2), rng.uniform(0.05, 0.2)
        bump = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2))
        flow += rng.normal(size=(2, 1, 1)) * bump
    return flow.astype(np.float32)


def average_twin(plane: np.ndarray, size: int) -> np.ndarray:
    """Each cell as the integral of the piecewise constant picture over its rectangle."""

    def weights(length: int) -> np.ndarray:
        edges = np.linspace(0, length, size + 1)
        pixel = np.arange(length)
        low = np.maximum(edges[:-1, None], pixel)
        high = np.minimum(edges[1:, None], pixel + 1)
        return np.maximum(high - low, 0) * size / length

    return weights(plane.shape[0]) @ plane @ weights(plane.shape[1]).T


@pytest.mark.parametrize("shape", [(224, 224), (112, 112), (100, 64), (29, 41), (28, 28)])
def test_cells_are_exact_means(shape: tuple[int, int]):
    flow = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    expected = np.stack([average_twin(plane, 28) for plane in flow])
    # float32 sums of at most 64 values of unit size
    np.testing.assert_allclose(area_average(flow, size=28), expected, atol=2e-6)


def test_map_is_centred_scaled_and_keeps_its_scale():
    flow = smooth_flow(0)
    found = flow_map(flow)
    assert found.values.shape == (3, 28, 28)
    assert found.values.dtype == np.float32
    assert found.crop == "hmrm-1"
    np.testing.assert_allclose(np.median(found.values[:2], axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(found.values[2], optical_strain(found.values[:2]), atol=1e-6)
    cells = np.stack([average_twin(plane, 28) for plane in flow]) * 2  # 112 px wide, 224 canonical
    back = found.values[:2] * found.scale_px + np.median(cells, axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(back, cells, atol=1e-5)


@given(
    seed=st.integers(0, 50),
    factor=st.floats(0.02, 20),
    u=st.floats(-3, 3),
    v=st.floats(-3, 3),
)
def test_values_ignore_head_translation_and_intensity(seed: int, factor: float, u: float, v: float):
    flow = smooth_flow(seed, 56)
    moved = (factor * flow + np.float32([u, v])[:, None, None]).astype(np.float32)
    one, two = flow_map(flow), flow_map(moved)
    # 3 px of translation leave 4e-7 px of rounding on motion of some 0.002 px
    np.testing.assert_allclose(two.values, one.values, atol=3e-4)
    assert two.scale_px == pytest.approx(factor * one.scale_px, rel=1e-3)


@pytest.mark.parametrize("constant", [0.0, 0.3, -1000.0])
@pytest.mark.parametrize("side", [28, 61, 224])
def test_no_motion_gives_zeros(constant: float, side: int):
    found = flow_map(np.full((2, side, side), constant, np.float32))
    assert not found.values.any()
    assert found.scale_px == 0


def test_one_broken_cell_does_not_set_the_scale():
    flow = smooth_flow(3, 56)
    broken = flow.copy()
    broken[:, 10:12, 20:22] += 50
    # the 98th percentile is clipped, the mean length gains 50 * 1.41 / 784
    assert flow_map(broken).scale_px < 1.6 * flow_map(flow).scale_px


def test_motion_of_few_cells_is_not_blown_up():
    flow = np.full((2, 28, 28), 0.0, np.float32)
    flow[0, 3, 3] = 1.0
    values, scale = centre_and_scale(flow)
    assert scale == pytest.approx(1 / 784)
    assert values.max() == pytest.approx(784)


@given(seed=st.integers(0, 50), a=st.floats(0.1, 10), b=st.floats(0.1, 10))
def test_per_channel_forgets_each_channels_own_scale(seed: int, a: float, b: float):
    uv = np.random.default_rng(seed).normal(size=(2, 28, 28))
    stored = uv * np.array([a, b])[:, None, None] + np.array([0.4, -2.0])[:, None, None]
    one, _ = centre_and_scale(uv, per_channel=True)
    two, scale = centre_and_scale(stored, per_channel=True)
    np.testing.assert_allclose(two, one, atol=1e-5)  # float32 values up to 10
    assert np.isnan(scale)


def test_mirror_swaps_the_sign_of_u():
    flow = smooth_flow(5, 56)
    mirrored = flow[:, :, ::-1] * np.float32([-1, 1])[:, None, None]
    one, two = flow_map(flow).values, flow_map(np.ascontiguousarray(mirrored)).values
    np.testing.assert_allclose(two[0], -one[0, :, ::-1], atol=1e-5)
    np.testing.assert_allclose(two[1:], one[1:, :, ::-1], atol=1e-5)


class TestConfidence:
    flow = smooth_flow(7)

    def test_equal_confidence_changes_nothing(self):
        even = flow_map(self.flow, confidence=np.full((112, 112), 0.3, np.float32))
        np.testing.assert_allclose(even.values, flow_map(self.flow).values, atol=1e-5)

    def test_a_cell_is_the_weighted_mean_of_its_pixels(self):
        weight = np.random.default_rng(0).uniform(0, 1, (112, 112)).astype(np.float32)
        found = flow_map(self.flow, confidence=weight)
        cells = np.zeros((2, 28, 28))
        for y in range(28):
            for x in range(28):
                block = (slice(4 * y, 4 * y + 4), slice(4 * x, 4 * x + 4))
                for c in range(2):
                    cells[c, y, x] = np.average(self.flow[c][block], weights=weight[block])
        expected, _ = centre_and_scale(cells)
        np.testing.assert_allclose(found.values, expected, atol=1e-4)

    def test_pixels_without_confidence_have_no_say(self):
        broken, weight = self.flow.copy(), np.ones((112, 112), np.float32)
        broken[:, ::2, ::2] = 100.0
        weight[::2, ::2] = 0.0
        clean = flow_map(self.flow, confidence=weight)
        np.testing.assert_array_equal(flow_map(broken, confidence=weight).values, clean.values)

    def test_a_cell_without_confidence_takes_the_plain_mean(self):
        nothing = np.zeros((112, 112), np.float32)
        np.testing.assert_array_equal(
            flow_map(self.flow, confidence=nothing).values, flow_map(self.flow).values
        )

    @pytest.mark.parametrize("wrong", [np.nan, -0.1, np.inf])
    def test_refused(self, wrong: float):
        weight = np.ones((112, 112))
        weight[3, 3] = wrong
        with pytest.raises(NumericalError, match="confidence"):
            flow_map(self.flow, confidence=weight)


def test_bad_input():
    with pytest.raises(InputError, match="20 x 30 px"):
        flow_map(np.zeros((2, 30, 20), np.float32))
    with pytest.raises(InputError, match="at least 2"):
        flow_map(np.zeros((2, 30, 30), np.float32), size=1)
    flow = smooth_flow(0)
    flow[0, 0, 0] = np.nan
    with pytest.raises(NumericalError, match="NaN"):
        flow_map(flow)
    with pytest.raises(NumericalError):
        centre_and_scale(np.full((2, 4, 4), np.inf))
