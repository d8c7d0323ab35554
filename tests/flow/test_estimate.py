import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.errors import InputError
from hmrm.flow.classical import DualTVL1, match_brightness
from hmrm.flow.estimate import ESTIMATORS, NOISE_FLOOR_PX, estimate_flow, noise_floor_px, to_grey

METHODS = sorted(set(ESTIMATORS))


def texture(seed: int = 0, shape: tuple[int, int] = (96, 96)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = sum(
        cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), s) * s for s in (1.5, 4.0, 10.0)
    )
    return np.clip(128 + 40 * noise / noise.std(), 0, 255)


def translated(image: np.ndarray, u: float, v: float) -> np.ndarray:
    matrix = np.float64([[1, 0, u], [0, 1, v]])
    size = (image.shape[1], image.shape[0])
    return cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101
    )


def as_bytes(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("u", "v"), [(0.5, 0.0), (0.0, 0.5), (-1.5, 1.0)])
def test_translation_is_found_with_its_signs(method: str, u: float, v: float):
    onset = texture()
    flow = estimate_flow(as_bytes(onset), as_bytes(translated(onset, u, v)), method=method)
    assert flow.shape == (2, 96, 96)
    assert flow.dtype == np.float32
    inner = np.median(flow[:, 12:-12, 12:-12], axis=(1, 2))
    # DeepFlow and Farneback shrink motion by up to a tenth (measured .90)
    np.testing.assert_allclose(inner, [u, v], atol=0.12 * max(abs(u), abs(v)) + 0.01)


@pytest.mark.parametrize("method", METHODS)
def test_identical_pictures_have_exactly_no_flow(method: str):
    image = as_bytes(texture(1))
    assert not estimate_flow(image, image.copy(), method=method).any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(16, 16), (17, 16), (16, 90), (90, 16), (33, 47)])
def test_odd_and_small_sizes(method: str, shape: tuple[int, int]):
    onset = texture(2, shape)
    flow = estimate_flow(as_bytes(onset), as_bytes(translated(onset, 1, 0)), method=method)
    assert flow.shape == (2, *shape)
    assert np.isfinite(flow).all()


@pytest.mark.parametrize("method", METHODS)
def test_pictures_without_contrast(method: str):
    flow = estimate_flow(
        np.full((40, 40), 20, np.uint8), np.full((40, 40), 60, np.uint8), method=method
    )
    assert np.isfinite(flow).all()
    assert np.abs(flow).max() < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_crops_and_transposed_arrays(method: str):
    """Arrays whose rows do not follow each other in memory."""
    large = as_bytes(texture(8, (80, 90)))
    crop, other = large[4:50, 7:60], large[5:51, 7:60]
    expected = ESTIMATORS[method]()(crop.copy(), other.copy())
    np.testing.assert_array_equal(ESTIMATORS[method]()(crop, other), expected)
    np.testing.assert_array_equal(
        estimate_flow(np.asfortranarray(crop), other, method=method), expected
    )


@pytest.mark.parametrize("method", METHODS)
def test_same_input_same_bytes(method: str):
    onset = texture(3)
    pair = as_bytes(onset), as_bytes(translated(onset, 0.3, 0.2))
    one, two = (estimate_flow(*pair, method=method) for _ in range(2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_noise_floor_is_of_the_declared_size(method: str):
    rng = np.random.default_rng(4)
    still = texture(5, (224, 224))
    onset, apex = (as_bytes(still + rng.normal(0, 2, still.shape)) for _ in range(2))
    length = np.linalg.norm(estimate_flow(onset, apex, method=method), axis=0).mean()
    # The declared floor is a mean over photographs; a texture is easier, or as hard
    assert 0 < length < 2.5 * noise_floor_px(method)


def test_every_method_declares_a_noise_floor():
    assert set(NOISE_FLOOR_PX) == set(ESTIMATORS)


def test_tvl1_bears_a_gain_only_after_matching():
    onset = texture(6)
    apex = as_bytes(translated(onset, 0.3, 0.0) * 1.04 + 3)
    first = as_bytes(onset)
    truth = np.float32([0.3, 0])[:, None, None]

    def error(flow: np.ndarray) -> float:
        return float(np.linalg.norm(flow - truth, axis=0)[8:-8, 8:-8].mean())

    assert error(DualTVL1()(first, apex)) < 0.06
    assert error(DualTVL1(matched=False)(first, apex)) > 0.3


@given(gain=st.floats(0.7, 1.4), bias=st.floats(-20, 20), seed=st.integers(0, 5))
@settings(max_examples=30)
def test_brightness_matching_undoes_gain_and_bias(gain: float, bias: float, seed: int):
    reference = as_bytes(60 + texture(seed, (48, 48)) * 0.4)
    image = as_bytes(reference * gain + bias)
    # half a grey level of rounding, grown by the inverse gain
    np.testing.assert_allclose(match_brightness(image, reference), reference, atol=1.2)


def test_brightness_matching_is_not_moved_by_a_highlight():
    reference = as_bytes(60 + texture(1, (48, 48)) * 0.4)
    image = reference.copy()
    image[:3, :8] = 255  # 1 % of the pixels
    changed = np.abs(match_brightness(image, reference) - image)[10:]
    assert changed.max() < 1.5


class TestKindsOfPictures:
    grey = as_bytes(texture(7, (40, 32)))

    def test_colour_alpha_and_single_channel(self):
        rgb = np.repeat(self.grey[..., None], 3, axis=2)
        rgba = np.concatenate([rgb, np.zeros((40, 32, 1), np.uint8)], axis=2)
        for image in (rgb, rgba, self.grey[..., None]):
            np.testing.assert_array_equal(to_grey(image, name="onset"), self.grey)

    def test_luma_weights(self):
        image = np.zeros((16, 16, 3), np.uint8)
        image[..., 1] = 200
        assert (to_grey(image, name="onset") == round(0.587 * 200)).all()

    def test_deep_and_float(self):
        deep = self.grey.astype(np.uint16) * 257
        np.testing.assert_array_equal(to_grey(deep, name="onset"), self.grey)
        for kind in (np.float16, np.float32, np.float64):
            levels = (self.grey / 255).astype(kind)
            # float16 holds 11 bits, so 255 levels survive
            np.testing.assert_array_equal(to_grey(levels, name="onset"), self.grey)

    def test_kinds_mix(self):
        flow = estimate_flow(self.grey, self.grey / 255.0)
        assert not flow.any()

    @pytest.mark.parametrize(
        ("image", "words"),
        [
            (np.zeros((32,), np.uint8), "shape"),
            (np.zeros((32, 32, 2), np.uint8), "shape"),
            (np.zeros((2, 32, 32, 3), np.uint8), "shape"),
            (np.zeros((0, 32), np.uint8), "empty"),
            (np.zeros((32, 32), np.int64), "int64"),
            (np.zeros((32, 32), bool), "bool"),
            (np.full((32, 32), np.nan), "NaN"),
            (np.full((32, 32), 17.0), "17"),
            (np.full((32, 32), -0.5), "-0.5"),
        ],
    )
    def test_refused(self, image: np.ndarray, words: str):
        with pytest.raises(InputError, match=words):
            estimate_flow(image, image)

    def test_sizes(self):
        with pytest.raises(InputError, match="same size"):
            estimate_flow(np.zeros((32, 32), np.uint8), np.zeros((32, 33), np.uint8))
        with pytest.raises(InputError, match="16 px"):
            estimate_flow(np.zeros((32, 15), np.uint8), np.zeros((32, 15), np.uint8))

    def test_unknown_method_names_the_known(self):
        with pytest.raises(InputError, match="tvl1, deepflow, dis, farneback"):
            estimate_flow(self.grey, self.grey, method="raft")
        with pytest.raises(InputError, match="raft"):
            noise_floor_px("raft")


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_sixteen_bits_of_which_few_are_used_are_refused(bits: int):
    levels = np.linspace(0, 2**bits - 1, 64 * 64).astype(np.uint16).reshape(64, 64)
    with pytest.raises(InputError, match=rf"{bits} bits, multiply by {2 ** (16 - bits)}"):
        to_grey(levels, name="onset")
    assert to_grey(levels * 2 ** (16 - bits), name="onset").max() in (254, 255)
    assert not to_grey(np.zeros((64, 64), np.uint16), name="onset").any(), "black is black"
