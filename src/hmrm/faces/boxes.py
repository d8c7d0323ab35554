"""Boxes around faces: the record of a detection, who detects, overlap and suppression."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from hmrm.clip import Image


@dataclass(frozen=True, kw_only=True, eq=False)
class Detection:
    """One face found in one image.

    Attributes:
        box_xyxy_px: left, top, right, bottom; pixel centres lie at whole numbers, so a box over
            the whole image runs from -0.5 to w - 0.5. It may reach over the image's edge.
        confidence: 0 to 1, the detector's own; not a calibrated probability.
        points_xy_px: image-left eye, image-right eye, nose tip, image-left and image-right
            mouth corner.
    """

    box_xyxy_px: tuple[float, float, float, float]
    confidence: float
    points_xy_px: Float[np.ndarray, "5 2"]

    @property
    def eye_distance_px(self) -> float:
        """Distance between the two eye centres."""
        return float(np.linalg.norm(self.points_xy_px[1] - self.points_xy_px[0]))


@runtime_checkable
class Detector(Protocol):
    """Anything that finds faces in one image, best first; ``mtcnn.MTCNN`` does."""

    def detect(self, image: Image) -> list[Detection]:
        """Faces of one image."""


@runtime_checkable
class QuickDetector(Detector, Protocol):
    """A detector that can look for large faces alone, in a fraction of the time."""

    def detect_large(self, image: Image) -> list[Detection]:
        """Faces of one image that fill a fair part of it; smaller ones may be missing."""


def overlaps(a: Float[np.ndarray, "n 4"], b: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Intersection over union of every box of ``a`` with every box of ``b``; 0 for empty boxes."""
    inner = _intersections(a, b)
    union = _areas(a)[:, None] + _areas(b)[None, :] - inner
    return np.divide(inner, union, out=np.zeros_like(inner), where=union > 0)


def _intersections(
    a: Float[np.ndarray, "n 4"], b: Float[np.ndarray, "m 4"]
) -> Float[np.ndarray, "n m"]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.prod(np.clip(high - low, 0, None), axis=2)


def _areas(boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, " n"]:
    return np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1)


def suppress(
    boxes: Float[np.ndarray, "n 4"],
    scores: Float[np.ndarray, " n"],
    *,
    limit: float,
    nested: bool = False,
) -> Int[np.ndarray, " k"]:
    """Indices of the boxes that stay, best first, when rivals overlapping one more go.

    Args:
        limit: overlap above which the lower score goes.
        nested: measure overlap against the smaller box, so that a box inside another goes too.

    Equal scores are taken in the order given, so the result does not depend on the sort.
    """
    areas, inner = _areas(boxes), _intersections(boxes, boxes)
    smaller = np.minimum(areas[:, None], areas[None, :])
    base = smaller if nested else areas[:, None] + areas[None, :] - inner
    overlap = np.divide(inner, base, out=np.zeros_like(inner), where=base > 0)
    kept: list[int] = []
    alive = np.ones(len(boxes), dtype=bool)
    for index in np.argsort(-scores, kind="stable"):
        if alive[index]:
            kept.append(int(index))
            alive &= overlap[index] <= limit
    return np.array(kept, dtype=np.int64)
