"""Sharp edges of motion: where things pass in front of each other, classical methods help.

The network solves equations summed over windows, and the strongest edge in a window leads them: the
motion of what passes in front reaches some px over what lies behind. There two signs meet: the
flow is steep, and warping by it leaves more over than it does elsewhere. Skin that moves by less
than a px hardly ever shows both. There the median of the network's flow, DeepFlow's and DIS's is
taken, compared with the images pixel by pixel by a variational refinement before and after a
weighted median. Where it leaves less over at many such pixels, it is the answer. The paper has no
such step.
"""

from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from hmrm.flow.classical import DeepFlow, Dis, match_brightness
from hmrm.flow.spline import spline
from hmrm.parallel import one_opencv_thread

SMALLEST_SIDE_PX = 64
"""Smaller images stay the network's: the others' pyramids have too few levels for them."""

# Chosen on synthetic pairs of the training's kind and three synthetic scenes (docs/log.md).
_STEEP = 0.05
_STEEP_REACH_PX = 4
_TIMES_USUAL = 2.0
_AROUND_PX = 40.0
_CORRECTED = 0.9
_FEW, _MANY = 0.005, 0.015
_REFINEMENTS, _SOLVER_STEPS = 5, 10
_LIKE_PX = 7

_NOISE_BLUR_PX = 0.8
_SHADE_PX = 10.0
_LEFT_OVER_PX = 2.5

# Below a fifth of a grey level rounding is all there is.
_LEAST_LEVEL = 0.2

# OpenCV's type stubs lack parts of it.
_opencv: Any = cv2


def correct_edges(
    flow: Float32[np.ndarray, "2 h w"],
    onset: UInt8[np.ndarray, "h w"],
    apex: UInt8[np.ndarray, "h w"],
) -> Float32[np.ndarray, "2 h w"]:
    """The flow, px, or where it breaks its weighted mean with the median of three.

    A flow that breaks nowhere comes back as it is. The median has no weight where less than .5 % of
    the pixels around (a Gaussian of 40 px) are corrected by it, and full weight from 1.5 % on.
    """
    if min(onset.shape) < SMALLEST_SIDE_PX:
        return flow
    steep = _near(_slope(flow) > _STEEP, reach_px=_STEEP_REACH_PX)
    # Reading the apex again costs more than that, the median far more, and few flows need them.
    if not steep.any():
        return flow
    left, usual = _left_over(flow, onset, apex)
    broken = steep & (left > _TIMES_USUAL * usual)
    if not _fraction(broken).any():
        return flow
    median = _median(flow, onset, apex)
    corrected = broken & (_left_over(median, onset, apex)[0] < _CORRECTED * left)
    return flow + _fraction(corrected) * (median - flow)


def _fraction(corrected: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    around = cv2.GaussianBlur(corrected.astype(np.float32), (0, 0), _AROUND_PX)
    return np.clip((around - _FEW) / (_MANY - _FEW), 0, 1).astype(np.float32)


def _median(
    flow: Float32[np.ndarray, "2 h w"],
    onset: UInt8[np.ndarray, "h w"],
    apex: UInt8[np.ndarray, "h w"],
) -> Float32[np.ndarray, "2 h w"]:
    # Dense inverse search cuts an image into as many strips as there are threads.
    with one_opencv_thread():
        estimates = [flow, DeepFlow()(onset, apex), Dis()(onset, apex)]
    median = np.ascontiguousarray(np.median(estimates, axis=0).transpose(1, 2, 0), np.float32)
    first = np.ascontiguousarray(onset)
    # The refinement's brightness term knows no gain.
    second = np.clip(np.rint(match_brightness(apex, onset)), 0, 255).astype(np.uint8)
    refinement = _opencv.VariationalRefinement_create()
    refinement.setFixedPointIterations(_REFINEMENTS)
    refinement.setSorIterations(_SOLVER_STEPS)
    refined = refinement.calc(first, second, median)
    # Pixels of like brightness move alike: what is left of a halo is outweighed (Sun et al. 2010).
    for plane in range(2):
        refined[..., plane] = _opencv.ximgproc.weightedMedianFilter(
            first, np.ascontiguousarray(refined[..., plane]), _LIKE_PX
        )
    return refinement.calc(first, second, refined).transpose(2, 0, 1)


def _slope(flow: Float32[np.ndarray, "2 h w"]) -> Float32[np.ndarray, "h w"]:
    """Change of the flow, px per px."""
    return np.sqrt(sum(np.square(part) for plane in flow for part in np.gradient(plane)))


def _near(mask: Bool[np.ndarray, "h w"], *, reach_px: int) -> Bool[np.ndarray, "h w"]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach_px + 1,) * 2)
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def _left_over(
    flow: Float32[np.ndarray, "2 h w"],
    onset: UInt8[np.ndarray, "h w"],
    apex: UInt8[np.ndarray, "h w"],
) -> tuple[Float32[np.ndarray, "h w"], float]:
    """R.m.s. around each pixel of what warping leaves over, grey levels, and what is usual here.

    Smooth light is removed: it carries no motion.
    """
    warped = spline(match_brightness(apex, onset)[None]).at(flow)[0]
    rest = cv2.GaussianBlur(warped - onset, (0, 0), _NOISE_BLUR_PX)
    rest = rest - cv2.GaussianBlur(rest, (0, 0), _SHADE_PX)
    usual = 1.4826 * float(np.median(np.abs(rest))) + _LEAST_LEVEL
    return np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), _LEFT_OVER_PX)), usual
