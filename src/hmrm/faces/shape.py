"""The average face: where 68 landmarks lie, and the five points that align a face."""

import numpy as np
from jaxtyping import Float

EYE_LEFT, EYE_RIGHT = slice(36, 42), slice(42, 48)
NOSE_TIP, MOUTH_LEFT, MOUTH_RIGHT = 30, 48, 54

MIRRORED_68 = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *(67, 66, 65),
)
"""``points[MIRRORED_68]`` renumbers the landmarks of a mirrored image."""


def five_points(landmarks: Float[np.ndarray, "68 2"]) -> Float[np.ndarray, "5 2"]:
    """Both eye centres, nose tip, both mouth corners; image left before right.

    An eye's centre is the mean of its six landmarks, so it moves a little with the lids.
    """
    return np.stack(
        [
            landmarks[EYE_LEFT].mean(axis=0),
            landmarks[EYE_RIGHT].mean(axis=0),
            landmarks[NOSE_TIP],
            landmarks[MOUTH_LEFT],
            landmarks[MOUTH_RIGHT],
        ]
    )


# Mean of 578 landmark sets on onset frames (CASME II, SAMM, SMIC), published under the MIT licence
# (NOTICE): each set turned, scaled and shifted onto the mean's five points, iterated until it
# stands still, then averaged with its mirror image. Frame: origin between the eyes, y down, unit
# eye distance. Spread (r.m.s.) 0.03 to 0.05 inside the face, 0.07 at the brows, 0.08 to 0.14
# along the jaw.
# fmt: off
MEAN_FACE_68: Float[np.ndarray, "68 2"] = np.array([
    (-1.1283, -0.0734), (-1.1083, 0.2230), (-1.0632, 0.5129), (-1.0059, 0.7962),
    (-0.9082, 1.0639), (-0.7418, 1.3008), (-0.5241, 1.4901), (-0.2785, 1.6380),
    (0.0000, 1.6812), (0.2785, 1.6380), (0.5241, 1.4901), (0.7418, 1.3008),
    (0.9082, 1.0639), (1.0059, 0.7962), (1.0632, 0.5129), (1.1083, 0.2230),
    (1.1283, -0.0734), (-0.9324, -0.2406), (-0.7810, -0.3674), (-0.5709, -0.3918),
    (-0.3601, -0.3525), (-0.1608, -0.2738), (0.1608, -0.2738), (0.3601, -0.3525),
    (0.5709, -0.3918), (0.7810, -0.3674), (0.9324, -0.2406), (0.0000, -0.0414),
    (0.0000, 0.1565), (0.0000, 0.3507), (0.0000, 0.5519), (-0.2226, 0.6836),
    (-0.1148, 0.7149), (0.0000, 0.7412), (0.1148, 0.7149), (0.2226, 0.6836),
    (-0.6919, -0.0127), (-0.5654, -0.0513), (-0.4285, -0.0486), (-0.3025, 0.0192),
    (-0.4357, 0.0480), (-0.5759, 0.0454), (0.3025, 0.0192), (0.4285, -0.0486),
    (0.5654, -0.0513), (0.6919, -0.0127), (0.5759, 0.0454), (0.4357, 0.0480),
    (-0.3895, 1.0406), (-0.2408, 0.9802), (-0.1028, 0.9374), (0.0000, 0.9682),
    (0.1028, 0.9374), (0.2408, 0.9802), (0.3895, 1.0406), (0.2445, 1.1478),
    (0.1103, 1.1959), (0.0000, 1.2067), (-0.1103, 1.1959), (-0.2445, 1.1478),
    (-0.3248, 1.0444), (-0.1045, 1.0384), (0.0000, 1.0519), (0.1045, 1.0384),
    (0.3248, 1.0444), (0.1046, 1.0471), (0.0000, 1.0607), (-0.1046, 1.0471),
])
# fmt: on
MEAN_FACE_68.setflags(write=False)
