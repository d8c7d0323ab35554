"""Follow one face from frame to frame: sparse optical flow, then one similarity for the face.

Pyramidal Lucas-Kanade on corners inside the face, kept where it finds back to its start, then a
robust similarity. The face's own movements (lips, lids) are a minority of the corners and lose
their weight, so the transform is the head's.
"""

from dataclasses import dataclass, field
from typing import Any, cast

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from hmrm.faces.align import apply, similarity
from hmrm.faces.crops import Transform
from hmrm.records import formerly

Grey = UInt8[np.ndarray, "h w"]

_CORNERS = 80
_WINDOW_PX = 15
_LEVELS = 3
# Corners of one face agree within a few tenths of a px; below this scatter all count fully.
_SCATTER_PX = 0.15


@dataclass(frozen=True, kw_only=True)
class FollowConfig:
    """When following one face has failed.

    Attributes:
        back_px: a corner counts if flow there and back ends within this distance, px of the
            working picture.
        least_corners: fewer found ones are no face.
        least_share: smallest share of corners found in the next frame.
        largest_step: largest change of size from frame to frame, as a ratio above 1.
    """

    back_px: float = 0.7
    least_corners: int = 8
    least_fraction: float = field(default=0.4, metadata=formerly("least_share"))
    largest_step: float = 1.25


def corners_in(
    grey: Grey, box_xyxy_px: tuple[float, float, float, float]
) -> Float32[np.ndarray, "n 2"]:
    """Well-textured points inside a face's box; its outer tenth, background, is left out."""
    x1, y1, x2, y2 = box_xyxy_px
    inset = 0.1 * (x2 - x1)
    left, top = max(0, round(x1 + inset)), max(0, round(y1 + inset))
    right, bottom = min(grey.shape[1], round(x2 - inset)), min(grey.shape[0], round(y2 - inset))
    if right - left < _WINDOW_PX or bottom - top < _WINDOW_PX:
        return np.empty((0, 2), dtype=np.float32)
    apart = max(3.0, (x2 - x1) / 14)
    found = cv2.goodFeaturesToTrack(grey[top:bottom, left:right], _CORNERS, 0.005, apart)
    if found is None:
        return np.empty((0, 2), dtype=np.float32)
    return found.reshape(-1, 2) + np.array([left, top], dtype=np.float32)


def follow(
    before: Grey,
    after: Grey,
    corners: Float32[np.ndarray, "n 2"],
    config: FollowConfig,
) -> tuple[Transform, Float32[np.ndarray, "m 2"]] | None:
    """How the face moved from ``before`` to ``after``, and the corners that were found again.

    Returns:
        None where it cannot be told: too few corners agree, or the face's size jumped.
    """
    if len(corners) < config.least_corners:
        return None
    left, top, right, bottom = _window(corners, before.shape)
    shift = np.array([left, top], dtype=np.float32)
    start = corners - shift
    first, second = before[top:bottom, left:right], after[top:bottom, left:right]
    there, seen = _flow(first, second, start)
    back, seen_back = _flow(second, first, there)
    missed = np.linalg.norm(back - start, axis=1)
    good = seen & seen_back & (missed <= config.back_px)
    if good.sum() < max(config.least_corners, config.least_fraction * len(corners)):
        return None
    source, target = corners[good], there[good] + shift
    if np.array_equal(source, target):
        return np.eye(2, 3), target
    transform = robust_similarity(source.astype(np.float64), target.astype(np.float64))
    scale = float(np.hypot(*transform[:, 0]))
    if not 1 / config.largest_step <= scale <= config.largest_step:
        return None
    return transform, target


def _flow(
    first: Grey, second: Grey, points: Float32[np.ndarray, "n 2"]
) -> tuple[Float32[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
    """Where the points are in the second picture, and which of them were found at all."""
    found, seen, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        points[:, None],
        # OpenCV takes None here, its type stubs do not.
        cast(Any, None),
        winSize=(_WINDOW_PX, _WINDOW_PX),
        maxLevel=_LEVELS,
    )
    return np.asarray(found, dtype=np.float32)[:, 0], np.asarray(seen).ravel() == 1


def robust_similarity(
    source: Float[np.ndarray, "n 2"], target: Float[np.ndarray, "n 2"]
) -> Transform:
    """Similarity that the majority of point pairs agree on: reweighted least squares.

    Weights fall with the distance as Geman and McClure's; the start is the plain median shift.
    """
    distance = np.linalg.norm(target - source - np.median(target - source, axis=0), axis=1)
    transform = np.eye(2, 3)
    for _ in range(8):
        scatter = max(_SCATTER_PX, 1.5 * float(np.median(distance)))
        weights = 1 / (1 + (distance / scatter) ** 2) ** 2
        transform = similarity(source, target, weights)
        distance = np.linalg.norm(target - apply(transform, source), axis=1)
    return transform


def _window(
    corners: Float32[np.ndarray, "n 2"], shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Part of the picture that flow needs: the corners' extent and half as much around it."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    reach = max(2.0 * _WINDOW_PX, 0.5 * float((high - low).max()))
    left, top = (max(0, int(v - reach)) for v in low)
    right, bottom = (min(n, int(v + reach) + 1) for v, n in zip(high, shape[1::-1], strict=True))
    return left, top, right, bottom
