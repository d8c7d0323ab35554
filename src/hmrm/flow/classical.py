"""Classical optical flow of OpenCV behind one interface.

An estimator takes two grey uint8 images of one size and returns the flow from onset to apex.
``flow/estimate.py`` checks and converts what users hand in; here inputs are trusted.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from hmrm.flow.opencv import optflow

# OpenCV's type stubs lack some algorithms and do not accept None for "no first guess".
_opencv: Any = cv2


@runtime_checkable
class FlowEstimator(Protocol):
    """What every estimator is, classical or learned."""

    def __call__(
        self, onset: UInt8[np.ndarray, "h w"], apex: UInt8[np.ndarray, "h w"]
    ) -> Float32[np.ndarray, "2 h w"]:
        """Flow from onset to apex in px, u right and v down."""


@dataclass(frozen=True, kw_only=True)
class DualTVL1:
    """TV-L1 by duality (Zach, Pock and Bischof 2007), OpenCV's defaults.

    Its data term compares grey values themselves, so that a gain of 3 % alone is worth 1 px of
    error. The apex is therefore matched to the onset in brightness first (``match_brightness``).

    Attributes:
        scales, scale_step: levels of the pyramid, and the scale factor between them.
        warps: warpings a level.
    """

    matched: bool = True
    scales: int = 5
    scale_step: float = 0.8
    warps: int = 5

    def __post_init__(self) -> None:
        """Raise before any work where OpenCV lacks it."""
        optflow()

    def __call__(
        self, onset: UInt8[np.ndarray, "h w"], apex: UInt8[np.ndarray, "h w"]
    ) -> Float32[np.ndarray, "2 h w"]:
        """Flow from onset to apex in px."""
        second = match_brightness(apex, onset) if self.matched else apex.astype(np.float32)
        # OpenCV multiplies float images by 255; float keeps the matched image unrounded.
        first = onset.astype(np.float32) / 255.0
        solver = optflow().DualTVL1OpticalFlow_create(
            nscales=self.scales, warps=self.warps, scaleStep=self.scale_step
        )
        return _channels_first(solver.calc(first, second / 255.0, None))


@dataclass(frozen=True, kw_only=True)
class DeepFlow:
    """DeepFlow's variational part (Weinzaepfel et al. 2013), OpenCV's defaults.

    Its data term holds gradients too and bears changes of gain without matching. Below about
    32 px a side OpenCV's pyramid has too few levels and motion comes out too small.
    """

    def __post_init__(self) -> None:
        """Raise before any work where OpenCV lacks it."""
        optflow()

    def __call__(
        self, onset: UInt8[np.ndarray, "h w"], apex: UInt8[np.ndarray, "h w"]
    ) -> Float32[np.ndarray, "2 h w"]:
        """Flow from onset to apex in px."""
        return _channels_first(optflow().createOptFlow_DeepFlow().calc(onset, apex, None))


@dataclass(frozen=True, kw_only=True)
class Dis:
    """Dense inverse search (Kroeger et al. 2016), medium preset.

    Patches are normalised by their mean, so that no matching is needed.

    Attributes:
        finest_scale: pyramid level at which the search ends; 0 is full resolution. The preset's 1
            stops at half, where a third of a px is lost.
    """

    finest_scale: int = 0

    def __call__(
        self, onset: UInt8[np.ndarray, "h w"], apex: UInt8[np.ndarray, "h w"]
    ) -> Float32[np.ndarray, "2 h w"]:
        """Flow from onset to apex in px."""
        search = _opencv.DISOpticalFlow_create(_opencv.DISOPTICAL_FLOW_PRESET_MEDIUM)
        search.setFinestScale(self.finest_scale)
        # Its code asserts rows without gaps, which a crop of a larger array has.
        first, second = np.ascontiguousarray(onset), np.ascontiguousarray(apex)
        return _channels_first(search.calc(first, second, None))


@dataclass(frozen=True, kw_only=True)
class Farneback:
    """Polynomial expansion (Farnebäck 2003): the cheapest, and biased to zero below one px.

    Attributes:
        window_px: side of the averaging window.
        expansion_px: neighbourhood of the polynomial, its Gaussian has ``expansion_sigma_px``.
    """

    levels: int = 3
    window_px: int = 15
    iterations: int = 3
    expansion_px: int = 5
    expansion_sigma_px: float = 1.2

    def __call__(
        self, onset: UInt8[np.ndarray, "h w"], apex: UInt8[np.ndarray, "h w"]
    ) -> Float32[np.ndarray, "2 h w"]:
        """Flow from onset to apex in px."""
        flow = _opencv.calcOpticalFlowFarneback(
            onset,
            apex,
            None,
            0.5,
            self.levels,
            self.window_px,
            self.iterations,
            self.expansion_px,
            self.expansion_sigma_px,
            0,
        )
        return _channels_first(flow)


def match_brightness(
    image: UInt8[np.ndarray, "h w"], reference: UInt8[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """``image`` with gain and bias changed so that its brightness fits ``reference``.

    Mean and standard deviation are taken between the 2nd and the 98th percentile of the sorted
    grey values, so that highlights, clipped pixels and small occluders do not move them. An image
    without contrast gets the bias only; the gain stays within 0.5 to 2.

    Returns:
        float32 grey levels, unrounded; may leave 0 to 255 a little.
    """
    mean, std = _trimmed_moments(image)
    expected_mean, expected_std = _trimmed_moments(reference)
    # Below one grey level the standard deviation is noise, not contrast.
    flat = min(std, expected_std) < 1.0
    gain = 1.0 if flat else float(np.clip(expected_std / std, 0.5, 2.0))
    return (image.astype(np.float32) - np.float32(mean)) * np.float32(gain) + np.float32(
        expected_mean
    )


def _trimmed_moments(image: UInt8[np.ndarray, "h w"]) -> tuple[float, float]:
    values = np.sort(image, axis=None)
    cut = round(0.02 * values.size)
    kept = values[cut : values.size - cut].astype(np.float64)
    return float(kept.mean()), float(kept.std())


def _channels_first(flow: Float32[np.ndarray, "h w 2"]) -> Float32[np.ndarray, "2 h w"]:
    return np.ascontiguousarray(flow.transpose(2, 0, 1))
