"""Rendered faces that move as faces do: action units of the atlas or of the morphable face."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32

from hmrm.facs.atlas import EYE_DISTANCE_PX, IMAGE_PX, ActionUnit, AtlasSource, MotionSource
from hmrm.facs.basis import UNITS
from hmrm.facs.landmark_shapes import draw_landmarks
from hmrm.facs.morphable import FacePose, MorphableSource, load_model
from hmrm.synthetic.flow_fields import Motion, scaled
from hmrm.synthetic.rendered_face import render_face

_CELLS = 96
_MARGIN = 0.5
_NOSE = slice(27, 36)


def render_moving_face(
    side_px: int, rng: np.random.Generator, *, model_path: Path | None, identities: int
) -> tuple[Float32[np.ndarray, "h w"], Motion]:
    """A rendered face, grey levels unrounded, and the motion of one to four action units on it.

    Args:
        side_px: of the square image; the face may reach beyond it.
        model_path: the morphable face; None moves every face by the atlas.
        identities: faces of the morphable model to sample from.
    """
    eye_distance_px = float(rng.uniform(0.25, 0.9) * side_px)
    depth = None
    source: MotionSource
    if model_path is not None and rng.random() < 0.5:
        source = _morphable(model_path, int(rng.integers(identities)))
        landmarks, depth = source.landmarks_xy_px, source.depth_px(_CELLS, _MARGIN)
    else:
        landmarks = draw_landmarks(rng, spread=0.7)
        source = AtlasSource(landmarks, reach=float(rng.uniform(0.85, 1.6)))
    size = (side_px, side_px)
    colour, points = render_face(
        rng, size_wh_px=size, eye_distance_px=eye_distance_px, landmarks=landmarks
    )
    image = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY).astype(np.float32)
    units = [
        ActionUnit(int(number), ("both", "left", "right")[int(rng.integers(3))])
        for number in rng.choice(UNITS, int(rng.integers(1, 5)), replace=False)
    ]
    to_cells = _to_cells(points[_NOSE].mean(axis=0), landmarks[_NOSE].mean(axis=0), eye_distance_px)
    motion = np.stack(
        [_seen(plane, to_cells, side_px) for plane in source.flow(units, _CELLS, _MARGIN)]
    )
    if depth is not None:
        seen = _seen(depth, to_cells, side_px)
        image = image * _shade(seen, rng)
        motion = scaled(motion, 1.0) + _head_turn(seen, rng)
    return image, motion


@lru_cache(maxsize=256)
def _morphable(model_path: Path, number: int) -> MorphableSource:
    rng = np.random.default_rng([3, number])
    model = _model(model_path)
    identity = rng.standard_normal(len(model.identity)).clip(-2.5, 2.5).tolist()
    pose = FacePose(
        identity=tuple(identity),
        yaw_deg=float(rng.normal(0.0, 8.0)),
        pitch_deg=float(rng.normal(0.0, 6.0)),
    )
    return MorphableSource(model, pose)


_model = lru_cache(maxsize=1)(load_model)


def _to_cells(
    nose_px: Float[np.ndarray, " 2"], canonical: Float[np.ndarray, " 2"], eye_distance_px: float
) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"]]:
    """Factor and offset that take px of the image to cells of a motion grid."""
    cells_per_px = _CELLS / IMAGE_PX
    factor = cells_per_px * (EYE_DISTANCE_PX / eye_distance_px)
    return factor, canonical * cells_per_px - nose_px * factor + round(_MARGIN * _CELLS) - 0.5


def _seen(
    plane: Float32[np.ndarray, "i j"],
    to_cells: tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"]],
    side_px: int,
) -> Float32[np.ndarray, "h w"]:
    factor, offset = to_cells
    back = np.array([[factor[0], 0, offset[0]], [0, factor[1], offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(
        plane, back, (side_px, side_px), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    # Cells are wider than px at times: their edges are no edges of the motion.
    return np.asarray(cv2.GaussianBlur(seen, (0, 0), 1.5), np.float32)


def _shade(depth: Float32[np.ndarray, "h w"], rng: np.random.Generator) -> np.ndarray:
    """Light from one side on the face's relief, 0.5 to 1.5."""
    slope_y, slope_x = np.gradient(cv2.GaussianBlur(depth, (0, 0), 3.0))
    towards = rng.normal(0.0, 0.4, 2)
    lit = 1.0 + slope_x * towards[0] + slope_y * towards[1]
    return np.clip(lit / np.sqrt(1 + slope_x**2 + slope_y**2), 0.5, 1.5).astype(np.float32)


def _head_turn(depth: Float32[np.ndarray, "h w"], rng: np.random.Generator) -> Motion:
    """Shift, and turns that move near parts further than far ones."""
    relief = depth / max(float(np.abs(depth).max()), 1e-6)
    sizes = rng.normal(0.0, rng.exponential(0.4), (2, 2))
    return np.stack([shift + turn * relief for shift, turn in sizes]).astype(np.float32)
