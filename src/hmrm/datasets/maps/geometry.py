"""Where the face lies in a set of flow maps, read from their average motion.

Eyes (blinks), mouth corners and chin move most, whatever the labels. Averaged over many clips
they stand out as peaks, and tell which crop the maps were taken in, without looking at a label
or a score.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hmrm.errors import DataError

EYE_WINDOW = (0.15, 0.5)
MOUTH_WINDOW = (0.58, 0.85)
_COLUMNS = (0.08, 0.42)
_MIRROR_STEP_PX = 0.05
_LEAST_SYMMETRY = 0.8
"""Correlation of average motion with its mirror image: .85 and more of faces, to .75 of noise."""


@dataclass(frozen=True, kw_only=True)
class FaceGeometry:
    """Fractions of width (x) and height (y), 0 at the left and upper edge.

    ``axis_x`` is the face's symmetry axis, ``eye_x`` the image-left eye; the other eye is its
    mirror image.
    """

    axis_x: float
    eye_x: float
    eye_y: float
    mouth_y: float


def measure_face(maps: Float[np.ndarray, "n c s s"]) -> FaceGeometry:
    """Find eyes and mouth as peaks of average motion.

    Every map is centred by its medians and divided by its r.m.s., so that each clip counts the
    same. The average length is made symmetric about its best mirror axis; the highest peaks of
    the eye's and the mouth's quarter are refined by a parabola.

    Measured against landmarks this is good to about half a cell sideways and for the eyes, and
    to about one cell for the mouth, whose motion is spread over the cheek.

    Raises:
        DataError: no peak where an eye or a mouth should be: too few clips, or not a face.
    """
    return face_candidates(maps)[0]


def face_candidates(maps: Float[np.ndarray, "n c s s"]) -> list[FaceGeometry]:
    """All places that eyes and mouth may have by `measure_face`, the most likely first.

    Brows move, too: in an unknown crop they may stand where eyes are looked for.

    Raises:
        DataError: see `measure_face`.
    """
    uv = maps[:, :2] - np.median(maps[:, :2], axis=(2, 3), keepdims=True)
    rms = np.sqrt((uv**2).sum(1).mean((1, 2)))
    moving = rms > 0
    if not moving.any():
        raise DataError("no map holds any motion; eyes and mouth cannot be found")
    lengths = np.hypot(uv[moving, 0], uv[moving, 1]) / rms[moving, None, None]
    average = lengths.mean(0).astype(np.float64)
    axis = mirror_axis(average)
    columns = np.arange(average.shape[1])
    mirrored = np.array([np.interp(2 * axis - columns, columns, row) for row in average])
    if np.corrcoef(average[:, 2:-2].ravel(), mirrored[:, 2:-2].ravel())[0, 1] < _LEAST_SYMMETRY:
        raise DataError("average motion is not alike on both sides, as a face's is; too few clips?")
    symmetric = (average + mirrored) / 2
    side = average.shape[0]
    return [
        FaceGeometry(
            axis_x=(axis + 0.5) / side,
            eye_x=(eye_column + 0.5) / side,
            eye_y=(eye_row + 0.5) / side,
            mouth_y=(mouth_row + 0.5) / side,
        )
        for eye_row, eye_column in _peaks(symmetric, EYE_WINDOW, name="eye")
        for mouth_row, _ in _peaks(symmetric, MOUTH_WINDOW, name="mouth")
    ]


def mirror_axis(image: Float[np.ndarray, "s s"]) -> float:
    """Column (zero-based, between columns allowed) about which an image is most symmetric."""
    side = image.shape[1]
    columns, middle = np.arange(side), (side - 1) / 2
    reach = side / 10

    def cosine_similarity(axis: float) -> float:
        other = 2 * axis - columns
        inside = (other >= 0) & (other <= side - 1)
        mirrored = np.array([np.interp(other[inside], columns, row) for row in image])
        return float(np.corrcoef(image[:, inside].ravel(), mirrored.ravel())[0, 1])

    candidates = np.arange(middle - reach, middle + reach, _MIRROR_STEP_PX)
    return float(max(candidates, key=cosine_similarity))


def _peaks(
    image: Float[np.ndarray, "s s"], rows: tuple[float, float], *, name: str
) -> list[tuple[float, float]]:
    """Interior maxima with row in ``rows`` and column in the left half, the highest first."""
    side = image.shape[0]
    found: list[tuple[float, float, float]] = []
    for row in range(max(1, int(rows[0] * side)), int(rows[1] * side)):
        for column in range(max(1, int(_COLUMNS[0] * side)), int(_COLUMNS[1] * side)):
            around = image[row - 1 : row + 2, column - 1 : column + 2]
            value = float(image[row, column])
            if value == around.max():
                found.append((value, row + _vertex(around[:, 1]), column + _vertex(around[1])))
    if not found:
        raise DataError(f"average motion has no peak at the {name}; too few clips, or no face")
    return [(row, column) for _, row, column in sorted(found, key=lambda one: -one[0])]


def _vertex(three: Float[np.ndarray, " 3"]) -> float:
    """Offset of the vertex of the parabola through three samples; 0 where they are level."""
    bend = three[0] - 2 * three[1] + three[2]
    return float((three[0] - three[2]) / (2 * bend)) if bend < 0 else 0.0
