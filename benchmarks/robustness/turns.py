"""Turned heads: every point of a face moves by its height towards the viewer."""

from collections.abc import Sequence

import cv2
import numpy as np

from hmrm.clip import Image
from hmrm.facs.atlas import IMAGE_PX, ActionUnit
from hmrm.facs.morphable import MorphableSource
from hmrm.synthetic.clips import ClipConfig, Expression, render_clip

SAMPLES, MARGIN = 256, 0.4
_SIDE = SAMPLES + 2 * round(MARGIN * SAMPLES)
_FINE_EYES_PX = 130.0


def depth_px(face: MorphableSource | None) -> np.ndarray:
    """Height of a face, crop px on ``SAMPLES`` and margins; an ellipsoid where there is no model.

    Smooth and bounded, so that no point passes another when the head turns.
    """
    if face is not None:
        height = np.clip(face.depth_px(SAMPLES, MARGIN), -60.0, 80.0)
    else:
        y, x = (np.indices((_SIDE, _SIDE)) + 0.5) / SAMPLES - MARGIN
        far = ((x - 0.5) / 0.75) ** 2 + ((y - 0.5) / 0.65) ** 2
        height = 110.0 * np.sqrt(np.clip(1 - far, 0, 1)) - 60.0 * (far < 1)
    return cv2.GaussianBlur(height.astype(np.float32), (0, 0), 0.04 * SAMPLES)


def turn_field(depth: np.ndarray, *, yaw_deg: float, pitch_deg: float) -> np.ndarray:
    """Motion of every point when the head turns to image right and down, (2, h, w) crop px."""
    yaw, pitch = np.deg2rad([yaw_deg, pitch_deg])
    y, x = (np.indices(depth.shape) + 0.5) / SAMPLES - MARGIN - 0.5
    x, y = x * IMAGE_PX[0], y * IMAGE_PX[1]
    # Far from the face nothing turns: the background stands still.
    near = np.exp(-0.5 * ((x / 150) ** 4 + (y / 210) ** 4))
    turned_x = np.cos(yaw) * x + np.sin(yaw) * depth
    behind = np.cos(yaw) * depth - np.sin(yaw) * x
    turned_y = np.cos(pitch) * y + np.sin(pitch) * behind
    return (np.stack([turned_x - x, turned_y - y]) * near).astype(np.float32)


class _Turn:
    """A `MotionSource` of one movement: the turn, whatever the units."""

    def __init__(self, field: np.ndarray) -> None:
        self._field = field

    def flow(self, units: Sequence[ActionUnit], size: int = 224, margin: float = 0.0) -> np.ndarray:
        """See ``MotionSource.flow``."""
        assert units and (size, margin) == (SAMPLES, MARGIN), "synthetic clips sample alike"
        return self._field


def posed(
    image: Image, points: np.ndarray, depth: np.ndarray, *, yaw_deg: float, pitch_deg: float
) -> tuple[Image, np.ndarray]:
    """A photograph and its 68 landmarks with the head turned; what was hidden is stretched skin."""
    camera = ClipConfig(
        size_wh_px=(round(3.6 * _FINE_EYES_PX), round(4.4 * _FINE_EYES_PX)),
        frames_per_s=1.0,
        duration_s=2.0,
        eye_distance_px=_FINE_EYES_PX,
        sway_px=0.0,
        drift_px=0.0,
        roll_deg=0.0,
        zoom=0.0,
        noise_sigma=0.0,
        blinks_per_min=0.0,
        flicker=0.0,
    )
    turn = Expression(units=(ActionUnit(1),), onset_s=0.0, rise_s=0.0, hold_s=2.0, decay_s=0.0)
    source = _Turn(turn_field(depth, yaw_deg=yaw_deg, pitch_deg=pitch_deg))
    rng = np.random.default_rng(0)  # nothing in this clip is random
    clip = render_clip(image, points, [turn], camera, rng=rng, source=source)
    return clip.frame(1).image, clip.points_at(1)
