"""Which of the 468 points of the face mesh are used, and for what.

The numbering is MediaPipe's (Kartynnik et al. 2019). Left and right are the image's, as everywhere
in this package; MediaPipe names its points by the subject's own sides.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

POINT_COUNT = 468

EYE_CORNERS = (33, 133, 362, 263)
"""Image-left eye outer, inner, image-right eye inner, outer."""

_FOREHEAD = (10, 151, 9, 8, 67, 109, 338, 297, 103, 332, 54, 284, 21, 251)
_SIDES = (162, 389, 127, 356, 234, 454, 71, 301)
_BRIDGE = (168, 6, 197, 195, 5, 193, 417, 122, 351)
_NOSE = (1, 4, 2, 19, 94, 44, 274, 45, 275, 220, 440, 115, 344, 131, 360)

STABLE = (*EYE_CORNERS, *_FOREHEAD, *_SIDES, *_BRIDGE, *_NOSE)
"""Points that follow the skull more than the skin. Without the nose, the whole lower half of the
face drifts when the head nods (measured: a third more wandering of the mouth at rest)."""

REGIONS: Mapping[str, tuple[int, ...]] = {
    "left_brow_inner": (55, 107, 65, 66),
    "left_brow_outer": (53, 63, 46, 70, 52, 105),
    "right_brow_inner": (285, 336, 295, 296),
    "right_brow_outer": (283, 293, 276, 300, 282, 334),
    "left_mouth_corner": (61, 76, 62, 78),
    "right_mouth_corner": (291, 306, 292, 308),
    "upper_lip": (0, 37, 267, 11, 12, 13),
    "lower_lip": (17, 84, 314, 16, 15, 14),
    "chin": (152, 199, 175, 148, 377, 200),
    "left_cheek": (50, 205, 187, 207, 206),
    "right_cheek": (280, 425, 411, 427, 426),
    "left_nose_wing": (129, 64, 48, 102),
    "right_nose_wing": (358, 294, 278, 331),
}
"""Region → points whose mean stands for it: averaging halves the network's noise."""

INNER_LIPS = ((13, 14), (82, 87), (312, 317))
"""Opposite points of the upper and the lower lip's inner edge."""

LIDS = (((159, 145), (158, 153), (160, 144)), ((386, 374), (385, 380), (387, 373)))
"""Opposite points of the upper and the lower lid; image-left eye, then image-right."""

EYES = ((33, 133, 159, 145), (263, 362, 386, 374))
"""Points whose mean is an eye's centre."""

MIDLINE_TOP, MIDLINE_BOTTOM = (10, 151), (152, 199)

NOSE_TIP = 4


def _kept() -> tuple[int, ...]:
    pairs = [pair for eye in LIDS for pair in eye] + list(INNER_LIPS)
    groups = [STABLE, *REGIONS.values(), *pairs, *EYES, MIDLINE_TOP, MIDLINE_BOTTOM, (NOSE_TIP,)]
    return tuple(sorted({number for group in groups for number in group}))


KEPT = _kept()
"""Points that are kept while a video is read (about a quarter); measures are made of them."""

ROW_OF: Mapping[int, int] = {number: row for row, number in enumerate(KEPT)}
"""Point number → row among ``KEPT``."""


# Where detectors put the five points, from where the mesh's means lie, in eye distances along the
# eyes and down: mean over onset frames of filmed faces against MTCNN, made symmetric. Without it a
# face lies 6 % larger in its crop than in the crops that classifiers were trained on.
_TO_DETECTED = np.array(
    [[-0.01, -0.017], [0.01, -0.017], [0.0, 0.028], [-0.052, 0.046], [0.052, 0.046]]
)


def five_points_of(points_xy_px: Float[np.ndarray, "468 2"]) -> Float[np.ndarray, "5 2"]:
    """Eyes, nose tip and mouth corners of a mesh, means of several of its points each."""
    corners = (REGIONS["left_mouth_corner"], REGIONS["right_mouth_corner"])
    groups = [*EYES, (NOSE_TIP,), *corners]
    return np.stack([points_xy_px[list(group)].mean(axis=0) for group in groups])


def as_detected(five_xy_px: Float[np.ndarray, "5 2"]) -> Float[np.ndarray, "5 2"]:
    """Five points of a mesh, moved to where a detector's ``Detection`` has them.

    For the crops of classifiers; registration measures in the crop of the mesh's own points.
    """
    across = five_xy_px[1] - five_xy_px[0]
    down = np.array([-across[1], across[0]])
    return five_xy_px + _TO_DETECTED @ np.stack([across, down])


def rows_of(numbers: tuple[int, ...]) -> list[int]:
    """Rows among ``KEPT`` of some point numbers."""
    return [ROW_OF[number] for number in numbers]
