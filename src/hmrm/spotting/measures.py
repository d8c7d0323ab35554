"""What the mesh shows of a face in every frame, without head pose, in eye distances.

The face frame: origin between the eyes, x along them to the image's right, y down the face, z out
of the face's plane; the unit is the person's eye distance. These numbers are kept, the mesh is not.
"""

from array import array
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hmrm.faces.mesh_points import (
    EYES,
    INNER_LIPS,
    KEPT,
    LIDS,
    MIDLINE_BOTTOM,
    MIDLINE_TOP,
    REGIONS,
    STABLE,
    rows_of,
)
from hmrm.faces.mesh_track import MeshFace
from hmrm.spotting.disk_rows import DiskRows
from hmrm.spotting.rigid import align, median_shape

_STABLE = rows_of(STABLE)
_SHAPE_FRAMES = 400  # frames, evenly taken, that the person's shape is the median of
_AT_A_TIME = 2000  # frames that are turned at once: long videos need little memory


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceMeasures:
    """One face in the frames in which it was seen.

    Attributes:
        index: zero-based frames, increasing.
        time_s: their times.
        segment: rows of one number belong together; nothing may be read across a change.
        place: region (order of ``REGIONS``) and x, y, z in the face frame, eye distances; on disk
            if there are many frames.
        mouth_width, mouth_opening: eye distances; opening between the lips' inner edges.
        eye_opening: image-left and image-right, part of the eye's width.
        pose_deg: yaw, pitch, roll against the person's median pose.
        presence: of the network, 0 to 1.
        misfit: distance of the skull's points from the person's shape, eye distances.
        eye_distance_px: px of the image.
    """

    index: Int[np.ndarray, " n"]
    time_s: Float[np.ndarray, " n"]
    segment: Int[np.ndarray, " n"]
    place: "Float[np.ndarray, 'n r 3'] | DiskRows"
    mouth_width: Float[np.ndarray, " n"]
    mouth_opening: Float[np.ndarray, " n"]
    eye_opening: Float[np.ndarray, "n 2"]
    pose_deg: Float[np.ndarray, "n 3"]
    presence: Float[np.ndarray, " n"]
    misfit: Float[np.ndarray, " n"]
    eye_distance_px: Float[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def frames_per_s(self) -> float:
        """Rate of the frames within segments; 0 for fewer than two."""
        steps = np.diff(self.time_s)[np.diff(self.segment) == 0]
        return float(1 / np.median(steps)) if len(steps) else 0.0


class MeshRecorder:
    """Collects a face's meshes frame by frame: a quarter of their points, on disk if many."""

    def __init__(self, *, longest_gap_s: float = 0.25) -> None:
        self._longest_gap_s = longest_gap_s
        self._index, self._segment = array("q"), array("q")
        self._numbers = array("d")
        self._points = DiskRows((len(KEPT), 3), np.float32)

    def add(self, index: int, time_s: float, face: MeshFace) -> None:
        """Take in the face's mesh in the next frame."""
        gap = bool(self._index) and time_s - self._numbers[-3] > self._longest_gap_s
        begins = face.jump or gap or not self._index
        number = (self._segment[-1] if self._segment else -1) + begins
        self._index.append(index)
        self._segment.append(number)
        self._numbers.extend([time_s, face.mesh.presence, face.eye_distance_px])
        self._points.append(face.mesh.points_xyz_px[list(KEPT)])

    def forget(self, rows: int) -> None:
        """Drop the first rows."""
        del self._index[:rows], self._segment[:rows]
        del self._numbers[: 3 * rows]
        self._points.forget(rows)

    def measures(self) -> FaceMeasures:
        """The measures of all frames so far, pose taken out against the person's own shape."""
        numbers = np.array(self._numbers).reshape(-1, 3)
        return measure(
            self._points,
            index=np.array(self._index, dtype=np.int64),
            segment=np.array(self._segment, dtype=np.int32),
            time_s=numbers[:, 0],
            presence=numbers[:, 1],
            eye_distance_px=numbers[:, 2],
        )


def measure(
    points: "Float[np.ndarray, 'n k 3'] | DiskRows",
    *,
    index: Int[np.ndarray, " n"],
    segment: Int[np.ndarray, " n"],
    time_s: Float[np.ndarray, " n"],
    presence: Float[np.ndarray, " n"],
    eye_distance_px: Float[np.ndarray, " n"],
) -> FaceMeasures:
    """Measures of the kept points of every frame."""
    step = max(1, len(points) // _SHAPE_FRAMES)
    shape = median_shape(points[::step].astype(np.float64), _STABLE)
    place, parts = DiskRows((len(REGIONS), 3), np.float32), []
    for start in range(0, max(1, len(points)), _AT_A_TIME):
        some = points[start : start + _AT_A_TIME].astype(np.float64)
        placed, *others = _without_pose(some, shape)
        place.extend(placed)
        parts.append([one.astype(np.float32) for one in others])
    width, opening, lids, across, pose_deg, misfit = map(np.concatenate, zip(*parts, strict=True))
    return FaceMeasures(
        index=index,
        time_s=time_s,
        segment=segment,
        place=place,
        mouth_width=width,
        mouth_opening=opening,
        eye_opening=lids / np.maximum(np.median(across, axis=0), 1e-9),
        pose_deg=pose_deg,
        presence=presence,
        misfit=misfit,
        eye_distance_px=eye_distance_px,
    )


def _without_pose(
    points: Float[np.ndarray, "n k 3"], shape: Float[np.ndarray, "k 3"]
) -> tuple[np.ndarray, ...]:
    """Of some frames: place, mouth width, its and the lids' opening, eye width, pose, misfit."""
    aligned = align(points, shape, _STABLE)
    to_face, origin, unit = _face_frame(shape)
    placed = (aligned.points - origin) @ to_face.T / unit
    place = np.stack([placed[:, rows_of(points)].mean(axis=1) for points in REGIONS.values()], 1)
    left, right = (list(REGIONS).index(f"{side}_mouth_corner") for side in ("left", "right"))
    return (
        place,
        np.linalg.norm(place[:, right] - place[:, left], axis=1),
        _apart(placed, INNER_LIPS),
        np.stack([_apart(placed, pairs) for pairs in LIDS], axis=1),
        np.stack([_apart(placed, ((eye[0], eye[1]),)) for eye in EYES], axis=1),
        aligned.pose_deg,
        aligned.misfit / unit,
    )


def _face_frame(shape: Float[np.ndarray, "k 3"]) -> tuple[np.ndarray, np.ndarray, float]:
    """Axes (rows), origin and unit of the face frame in the shape's own axes."""
    left, right = (shape[rows_of(eye)].mean(axis=0) for eye in EYES)
    unit = float(np.linalg.norm(right - left))
    x = (right - left) / unit
    down = shape[rows_of(MIDLINE_BOTTOM)].mean(axis=0) - shape[rows_of(MIDLINE_TOP)].mean(axis=0)
    down -= x * (down @ x)
    y = down / np.linalg.norm(down)
    return np.stack([x, y, np.cross(x, y)]), (left + right) / 2, unit


def _apart(
    placed: Float[np.ndarray, "n k 3"], pairs: tuple[tuple[int, int], ...]
) -> Float[np.ndarray, " n"]:
    """Mean distance of pairs of points."""
    first, second = rows_of(tuple(a for a, _ in pairs)), rows_of(tuple(b for _, b in pairs))
    return np.linalg.norm(placed[:, first] - placed[:, second], axis=2).mean(axis=1)
