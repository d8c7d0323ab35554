"""Faces made unrecognisable: the box with a margin becomes a few flat cells, or one."""

import bisect
import math
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from hmrm.clip import FaceFrame, Image

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, px."""

MARGIN = 0.4
"""So much of a box's longer side is added on each side: the mesh ends below the hair."""

MOST_CELLS = 8

HOLD_S = 0.5
"""So long a box stays where its face was seen first or last."""


def blur(image: Image, box_xyxy_px: Box | None, *, cells: int = MOST_CELLS) -> Image:
    """A copy of an image whose face cannot be recognised.

    Args:
        image: grey or RGB.
        box_xyxy_px: the tracked box, px; it may reach over the edge. None is the whole image.
        cells: flat cells across and down, 1 to 8; 1 fills with the mean colour.

    Raises:
        ValueError: more cells than 8 or fewer than 1.

    Example:
        >>> import numpy as np
        >>> from hmrm.analysis.blur import blur
        >>> image = np.arange(256, dtype=np.uint8).repeat(256).reshape(256, 256)
        >>> len(np.unique(blur(image, None)[:, 0])), len(np.unique(blur(image, None, cells=1)))
        (8, 1)
    """
    if not 1 <= cells <= MOST_CELLS:
        raise ValueError(f"cells: {cells}; a face is hidden by 1 to {MOST_CELLS}")
    height, width = image.shape[:2]
    left, top, right, bottom = 0, 0, width, height
    if box_xyxy_px is not None:
        left, top, right, bottom = _within(box_xyxy_px, width, height)
    done = image.copy()
    if left >= right or top >= bottom:
        return done
    part = done[top:bottom, left:right]
    small_wh = (min(cells, right - left), min(cells, bottom - top))
    small = cv2.resize(part, small_wh, interpolation=cv2.INTER_AREA)
    flat = cv2.resize(small, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
    done[top:bottom, left:right] = flat
    return done


def _within(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Whole px of a box with its margin, inside the image."""
    left, top, right, bottom = box
    margin = MARGIN * max(right - left, bottom - top)
    return (
        min(max(math.floor(left - margin), 0), width),
        min(max(math.floor(top - margin), 0), height),
        min(max(math.ceil(right + margin) + 1, 0), width),
        min(max(math.ceil(bottom + margin) + 1, 0), height),
    )


class TrackedBoxes:
    """Where faces are in any frame, also in those in which they were lost.

    Between two frames in which a face was followed its box spans both boxes; before the first and
    after the last it stays for `HOLD_S`.
    """

    def __init__(self, frames: Iterable[FaceFrame]) -> None:
        faces: dict[int, list[FaceFrame]] = {}
        for frame in frames:
            if frame.box_xyxy_px is not None:
                faces.setdefault(frame.face_id, []).append(frame)
        self._faces = [sorted(face, key=lambda frame: frame.index) for face in faces.values()]
        self._indices = [[frame.index for frame in face] for face in self._faces]

    def at(self, index: int, time_s: float) -> list[Box]:
        """The boxes of a frame, px, without margin."""
        boxes = (
            _box_at(face, indices, index, time_s)
            for face, indices in zip(self._faces, self._indices, strict=True)
        )
        return [box for box in boxes if box is not None]


def _box_at(
    face: Sequence[FaceFrame], indices: Sequence[int], index: int, time_s: float
) -> Box | None:
    place = bisect.bisect_left(indices, index)
    around = face[max(place - 1, 0) : place + 1]
    if place < len(face) and indices[place] == index:
        around = face[place : place + 1]
    elif place in (0, len(face)) and abs(time_s - around[0].time_s) > HOLD_S:
        return None
    boxes = np.array([frame.box_xyxy_px for frame in around])
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    return left, top, right, bottom
