"""The face of a clip's onset, found in images as data sets publish them.

Many publish crops that end at the face's own edge, where a detector finds nothing. A margin around
such an image helps: of 30 rendered faces cropped so, 28 are found as they are (19 without the
detector's second pass) and all 30 with margins, their points .05 eye distances from the truth in
the mean. A face that blinks or blurs in the onset is looked for in later frames of the clip: in
its half second it hardly moves.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from hmrm.clip import Image
from hmrm.errors import FaceNotFoundError, FaceTooSmallError
from hmrm.faces.boxes import Detection, Detector
from hmrm.faces.landmarks import Landmarks, alignment_points
from hmrm.faces.mtcnn import MTCNN
from hmrm.video.images import read_image

_LEAST_EYE_DISTANCE_PX = 24.0
_GREY = (128, 128, 128)
# Fraction of the longer side, and whether the border is repeated or grey; tried in this order.
_MARGINS = ((0.15, True), (0.5, True), (0.3, False), (0.5, False))
_OTHER_FRAMES = 3


def find_points(
    onset: Image, later: Sequence[Path], *, name: str, landmarks: Landmarks = 5
) -> tuple[Float[np.ndarray, "p 2"], str]:
    """Points of the largest face, px of the onset image, and how they were found.

    Args:
        later: further frames of the clip; up to three of them, evenly spread, are tried.
        name: what messages call the clip.
        landmarks: how many points.

    Raises:
        FaceNotFoundError: there is none in any of them.
        FaceTooSmallError: its eyes are less than 24 px apart.
        MissingExtraError: for 68 landmarks dlib is not installed.
    """
    found = _in_image(onset, landmarks)
    if found is not None:
        return found
    for path in frames_to_try(later):
        image = read_image(path)
        if image.shape[:2] == onset.shape[:2] and (found := _in_image(image, landmarks)):
            return found[0], _described("detected in a later frame", landmarks)
    raise FaceNotFoundError(f"{name}: no face in its frames; give its points with --faces")


def frames_to_try(later: Sequence[Path]) -> Sequence[Path]:
    """Those of a clip's later frames in which a face is looked for, if the onset shows none."""
    step = max(1, len(later) // _OTHER_FRAMES)
    return later[::step][:_OTHER_FRAMES]


def _described(how: str, landmarks: Landmarks) -> str:
    return how if landmarks == 5 else f"{how}, {landmarks} landmarks"


def _in_image(image: Image, landmarks: Landmarks) -> tuple[Float[np.ndarray, "p 2"], str] | None:
    found = _largest(_detector().detect(image))
    if found is not None:
        return alignment_points(image, found, landmarks), _described("detected", landmarks)
    for fraction, repeated in _MARGINS:
        margin = round(fraction * max(image.shape[:2]))
        kind = cv2.BORDER_REPLICATE if repeated else cv2.BORDER_CONSTANT
        framed = cv2.copyMakeBorder(image, *(margin,) * 4, kind, value=_GREY)
        found = _largest(_detector().detect(framed))
        if found is not None:
            points = alignment_points(framed, found, landmarks) - margin
            return points, _described("detected with a margin", landmarks)
    return None


def _largest(found: list[Detection]) -> Detection | None:
    if not found:
        return None
    face = max(found, key=lambda one: one.eye_distance_px)
    if face.eye_distance_px < _LEAST_EYE_DISTANCE_PX:
        raise FaceTooSmallError(
            f"the eyes are {face.eye_distance_px:.0f} px apart, at least "
            f"{_LEAST_EYE_DISTANCE_PX:.0f} px are needed"
        )
    return face


@cache
def _detector() -> Detector:
    # One for each process.
    return MTCNN()
