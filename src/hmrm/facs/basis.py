"""Ready motion fields: every action unit on a pool of faces, from one source or another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32

from hmrm.errors import ConfigError
from hmrm.facs.atlas import (
    EYE_DISTANCE_PX,
    ActionUnit,
    AtlasSource,
    MotionSource,
    Side,
    sample_positions,
)
from hmrm.facs.atlas_table import CONJUGATE_UNITS, TABLE
from hmrm.facs.landmark_shapes import draw_landmarks
from hmrm.facs.morphable import (
    SHAPES,
    FacePose,
    MorphableModel,
    MorphableSource,
    load_model,
)

MAP_SIDE = 28
BORDER = 4
"""Cells around the map that fields reach, so that a shifted face brings motion in, not a border."""

UNITS = tuple(number for number in TABLE if number in SHAPES or number in CONJUGATE_UNITS)
"""Action units that both sources can show, in a fixed order."""

SIDES: tuple[Side, Side] = ("left", "right")

_COLUMN = {
    (number, side): 2 * i + j for i, number in enumerate(UNITS) for j, side in enumerate(SIDES)
}
_MARGIN = BORDER / MAP_SIDE

# Landmarks where a face has edges to see motion by, and how far they reach (eye distances).
_TEXTURED = (
    ((17, 18, 19, 20, 21, 22, 23, 24, 25, 26), 0.09, 0.8),
    ((36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47), 0.09, 1.0),
    ((31, 32, 33, 34, 35), 0.09, 0.8),
    ((48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59), 0.1, 1.0),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Face:
    """One face's fields, sampled once a cell.

    Attributes:
        fields: displacement at 1 px for each unit and side (left, right), px.
        depth: height towards the viewer, px; turning the head moves the face in proportion.
        texture: how much there is to see motion by, 0 to 1: high on brows, eyes, nostrils, lips.
        inside: 1 on the face, 0 on what stands still behind it.
    """

    fields: Float32[np.ndarray, "k 2 h w"]
    depth: Float32[np.ndarray, "h w"]
    texture: Float32[np.ndarray, "h w"]
    inside: Float32[np.ndarray, "h w"]

    def flow(self, units: Sequence[ActionUnit]) -> Float32[np.ndarray, "2 h w"]:
        """Sum of the units' fields; a unit of both sides is its two halves together."""
        weights = np.zeros(len(self.fields), dtype=np.float32)
        for unit in units:
            for side in SIDES if unit.side == "both" else (unit.side,):
                weights[_COLUMN[unit.number, side]] += unit.intensity_px
        used = np.flatnonzero(weights)
        flow = np.zeros(self.fields.shape[1:], dtype=np.float32)
        for column in used:
            flow += weights[column] * self.fields[column]
        return flow


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceSource:
    """What a face of the pool is made from.

    Attributes:
        landmarks_xy_px: of the face at rest, px of the canonical crop.
        depth: as in ``Face``.
    """

    motion: MotionSource
    landmarks_xy_px: Float[np.ndarray, "68 2"]
    depth: Float32[np.ndarray, "h w"]


def load_source(source: str, number: int, pool_seed: int, model_path: Path | None) -> FaceSource:
    """What ``load_face`` samples its fields from: motion at any resolution, and landmarks.

    Raises:
        As ``load_face``.
    """
    return _load_source(source, number, pool_seed, model_path)


@lru_cache(maxsize=1024)
def _load_source(source: str, number: int, pool_seed: int, model_path: Path | None) -> FaceSource:
    return SOURCES[source](number, pool_seed, model_path)


def load_face(source: str, number: int, pool_seed: int, model_path: Path | None) -> Face:
    """Face ``number`` of a source's endless pool; the same numbers give the same face.

    Args:
        source: a key of ``SOURCES``.

    Raises:
        ConfigError: the source needs ``model_path``.
        DataError: ``model_path`` is no morphable face.
    """
    return _load_face(source, number, pool_seed, model_path)


@lru_cache(maxsize=1024)
def _load_face(source: str, number: int, pool_seed: int, model_path: Path | None) -> Face:
    return _face(SOURCES[source](number, pool_seed, model_path))


def _atlas_face(number: int, pool_seed: int, model_path: Path | None) -> FaceSource:
    del model_path
    rng = np.random.default_rng([pool_seed, 1, number])
    landmarks = draw_landmarks(rng)
    source = AtlasSource(landmarks, reach=float(rng.uniform(0.85, 1.6)))
    return FaceSource(motion=source, landmarks_xy_px=landmarks, depth=_synthetic_depth(landmarks))


def _morphable_face(number: int, pool_seed: int, model_path: Path | None) -> FaceSource:
    if model_path is None:
        raise ConfigError(
            "synthesis: the morphable source needs model_path, the folder FaceXModel of "
            'ICT-FaceKit or the .npz made from it; source = "atlas" needs nothing'
        )
    model = _model(model_path)
    rng = np.random.default_rng([pool_seed, 2, number])
    pose = FacePose(
        identity=tuple(rng.standard_normal(len(model.identity)).clip(-2.5, 2.5).tolist()),
        yaw_deg=float(rng.normal(0.0, 6.0)),
        pitch_deg=float(rng.normal(0.0, 6.0)),
    )
    source = MorphableSource(model, pose)
    return FaceSource(
        motion=source,
        landmarks_xy_px=source.landmarks_xy_px,
        depth=source.depth_px(MAP_SIDE, _MARGIN),
    )


SOURCES: Mapping[str, Callable[[int, int, Path | None], FaceSource]] = {
    "atlas": _atlas_face,
    "morphable": _morphable_face,
}
"""Motion source → its endless pool of faces."""


@lru_cache(maxsize=2)
def _model(path: Path) -> MorphableModel:
    return load_model(path)


def _face(source: FaceSource) -> Face:
    fields = [
        source.motion.flow([ActionUnit(number, side)], MAP_SIDE, _MARGIN)
        for number in UNITS
        for side in SIDES
    ]
    return Face(
        fields=np.stack(fields),
        depth=source.depth,
        texture=_texture(source.landmarks_xy_px),
        inside=inside_face(source.landmarks_xy_px),
    )


def _texture(landmarks: Float[np.ndarray, "68 2"]) -> Float32[np.ndarray, "h w"]:
    x, y = sample_positions(MAP_SIDE, _MARGIN)
    total = np.zeros((y.size, x.size))
    for points, spread, weight in _TEXTURED:
        sigma = spread * EYE_DISTANCE_PX
        for point in landmarks[list(points)]:
            far = (x[None, :] - point[0]) ** 2 + (y[:, None] - point[1]) ** 2
            total = np.maximum(total, weight * np.exp(-0.5 * far / sigma**2))
    return (0.1 + 0.9 * total).astype(np.float32)


def inside_face(landmarks: Float[np.ndarray, "68 2"]) -> Float32[np.ndarray, "h w"]:
    """Within the jaw line, or above the ears: there hair and forehead move with the head."""
    x, y = sample_positions(MAP_SIDE, _MARGIN)
    above = np.array([[landmarks[16, 0], y[0] - 99.0], [landmarks[0, 0], y[0] - 99.0]])
    outline = np.concatenate([landmarks[:17], above])
    cells = np.column_stack(
        [(outline[:, 0] - x[0]) / (x[1] - x[0]), (outline[:, 1] - y[0]) / (y[1] - y[0])]
    )
    mask = np.zeros((y.size, x.size), dtype=np.uint8)
    cv2.fillPoly(mask, [np.rint(cells * 256).astype(np.int32)], 255, cv2.LINE_AA, shift=8)
    return mask.astype(np.float32) / np.float32(255.0)


def _synthetic_depth(landmarks: Float[np.ndarray, "68 2"]) -> Float32[np.ndarray, "h w"]:
    """A face without a 3D model: an ellipsoid with a nose on it, as high as faces are."""
    x, y = sample_positions(MAP_SIDE, _MARGIN)
    middle = landmarks[[0, 16]].mean(axis=0)
    half_width = (landmarks[16, 0] - landmarks[0, 0]) / 2
    half_height = landmarks[8, 1] - landmarks[27, 1]
    far = ((x[None, :] - middle[0]) / half_width) ** 2
    far = far + ((y[:, None] - landmarks[28, 1]) / half_height) ** 2
    depth = 1.0 * half_width * np.sqrt((1.0 - far).clip(min=0.0))
    tip, sigma = landmarks[30], 0.16 * EYE_DISTANCE_PX
    nose = (x[None, :] - tip[0]) ** 2 + ((y[:, None] - tip[1]) / 1.5) ** 2
    depth = depth + 0.3 * EYE_DISTANCE_PX * np.exp(-0.5 * nose / sigma**2)
    return (depth - depth.mean()).astype(np.float32)
