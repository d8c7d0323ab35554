"""Remedies that were tried; what is not in the package showed no gain on the test clips."""

import math
from collections.abc import Callable

import cv2
import numpy as np

from hmrm.flow.registration import agreed
from hmrm.flow.rigid import remove_rigid

SMOOTH_FRAME_PX = 0.45
_EVEN_PX = 12.0
_EVERY_PX = 6
_AGREEMENT_PX = 0.04


def quadratic(flow: np.ndarray) -> np.ndarray:
    """The flow without the quadratic field that most places agree on: small turns aside."""
    height, width = flow.shape[1:]
    y, x = np.mgrid[:height, :width]
    u, v = (x + 0.5) * 2 / width - 1, (y + 0.5) * 2 / height - 1
    basis = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)
    asked = flow[:, ::_EVERY_PX, ::_EVERY_PX].reshape(2, -1).T.astype(np.float64)
    places = basis[::_EVERY_PX, ::_EVERY_PX].reshape(-1, 6)
    head = agreed(asked, np.ones(len(asked)), places, within_px=_AGREEMENT_PX)
    return (flow - np.moveaxis(basis @ head, -1, 0)).astype(np.float32)


HEADS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda flow: flow,
    "similarity": lambda flow: remove_rigid(flow, model="similarity"),
    "quadratic": quadratic,
}
"""What is taken out of the flow as the head's motion; the similarity is the package's."""


def smoothed(grey: np.ndarray, *, enlarged: float) -> np.ndarray:
    """A crop that was enlarged from a small face, blurred by about half a px of the frame."""
    sigma_px = SMOOTH_FRAME_PX * math.sqrt(max(0.0, enlarged**2 - 1.0))
    return cv2.GaussianBlur(grey, (0, 0), sigma_px) if sigma_px > 0.2 else grey


def evened(grey: np.ndarray) -> np.ndarray:
    """Local mean and contrast made alike everywhere."""
    levels = grey.astype(np.float32)
    detail = levels - cv2.GaussianBlur(levels, (0, 0), _EVEN_PX)
    contrast = np.sqrt(cv2.GaussianBlur(detail**2, (0, 0), _EVEN_PX) + 16.0)
    return np.clip(128.0 + 40.0 * detail / contrast, 0, 255).astype(np.uint8)
