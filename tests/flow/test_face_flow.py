"""Flow between crops of a face: small faces are smoothed, the head's motion is taken out."""

import cv2
import numpy as np
import pytest

from hmrm.errors import ConfigError, InputError
from hmrm.flow.face import FaceFlowConfig, face_flow

RNG = np.random.default_rng(0)
ONSET = RNG.integers(0, 256, (60, 50, 3), dtype=np.uint8)
APEX = RNG.integers(0, 256, (60, 50, 3), dtype=np.uint8)


class Witness:
    """An estimator that keeps what it was shown, and says that all moved by 2 px to the right."""

    def __call__(self, onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
        self.seen = onset, apex
        flow = np.zeros((2, *onset.shape), np.float32)
        flow[0] = 2.0
        return flow


@pytest.mark.parametrize(("enlarged", "sigma"), [(0.5, 0.0), (1.0, 0.0), (4.0, 1.7428)])
def test_only_enlarged_faces_are_smoothed(enlarged: float, sigma: float) -> None:
    witness, config = Witness(), FaceFlowConfig(smooth_frame_px=0.45)
    assert config.sigma_px(enlarged) == pytest.approx(sigma, abs=1e-4)
    face_flow(ONSET, APEX, witness, config, enlarged=enlarged)
    grey = cv2.cvtColor(ONSET, cv2.COLOR_RGB2GRAY)
    expected = cv2.GaussianBlur(grey, (0, 0), sigma) if sigma else grey
    assert np.abs(witness.seen[0].astype(int) - expected).max() <= 1  # two ways to round luma
    off = FaceFlowConfig(smooth_frame_px=0.0)
    face_flow(ONSET, APEX, witness, off, enlarged=enlarged)
    assert np.abs(witness.seen[0].astype(int) - grey).max() <= 1


@pytest.mark.parametrize(("model", "left"), [("none", 2.0), ("similarity", 0), ("quadratic", 0)])
def test_the_heads_motion_is_taken_out_as_asked(model: str, left: float) -> None:
    config = FaceFlowConfig(head_motion=model)  # type: ignore[arg-type]
    flow = face_flow(ONSET, APEX, Witness(), config, enlarged=1.0)
    np.testing.assert_allclose(flow[0], left, atol=1e-5)


def test_the_same_picture_twice_has_not_moved() -> None:
    assert not face_flow(ONSET, ONSET.copy(), Witness(), FaceFlowConfig(), enlarged=2.0).any()


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="same size"):
        face_flow(ONSET, APEX[:50], Witness(), FaceFlowConfig(), enlarged=1.0)
    for bad in (-1.0, float("nan")):
        with pytest.raises(ConfigError, match="use 0 or more"):
            FaceFlowConfig(smooth_frame_px=bad)
