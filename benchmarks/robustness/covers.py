"""What covers a rendered face: glasses, sunglasses, a hand. They go with the head, not the skin."""

from typing import Literal

import cv2
import numpy as np

from hmrm.clip import Image
from hmrm.synthetic.clips import RenderedClip

Cover = Literal["none", "glasses", "sunglasses", "hand at the chin", "hand over a cheek"]

_FRAME, _LENS, _DARK = (38, 32, 30), (205, 215, 222), (22, 22, 26)
_HAND = (188, 140, 112)


def covered(clip: RenderedClip, index: int, cover: Cover) -> Image:
    """A frame of the clip with something before the face."""
    image = clip.frame(index).image
    if cover == "none":
        return image
    points = clip.points_at(0)
    layer = _hand(points, image.shape, cover) if "hand" in cover else _glasses(points, image, cover)
    size_wh_px = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(layer, clip.head[index], size_wh_px, flags=cv2.INTER_LINEAR)
    colour, alpha = moved[..., :3], moved[..., 3:]
    mixed = image * (1.0 - alpha) + colour
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _glasses(points: np.ndarray, image: Image, cover: Cover) -> np.ndarray:
    """Two lenses, a bridge and temples as colour times alpha, and alpha: (h, w, 4)."""
    layer = np.zeros((*image.shape[:2], 4), np.float32)
    eyes = [points[36:42].mean(axis=0), points[42:48].mean(axis=0)]
    apart = eyes[1] - eyes[0]
    distance = float(np.linalg.norm(apart))
    angle = float(np.degrees(np.arctan2(apart[1], apart[0])))
    axes = (0.33 * distance, 0.25 * distance)
    inner, outer = 0.34 * apart, 0.32 * apart
    for eye in eyes:
        colour, alpha = (_DARK, 0.85) if cover == "sunglasses" else (_LENS, 0.12)
        _over(layer, _ellipse(image.shape, eye, axes, angle, -1), colour, alpha)
        rim = _ellipse(image.shape, eye, axes, angle, max(1, round(0.045 * distance)))
        _over(layer, rim, _FRAME, 1.0)
    for start, end in (
        (eyes[0] + inner, eyes[1] - inner),
        (points[0] + [0, -0.1 * distance], eyes[0] - outer),
        (eyes[1] + outer, points[16] + [0, -0.1 * distance]),
    ):
        mask = np.zeros(image.shape[:2], np.uint8)
        ends = [np.rint(p * 16).astype(int).tolist() for p in (start, end)]
        width = max(1, round(0.05 * distance))
        cv2.line(mask, ends[0], ends[1], 255, width, cv2.LINE_AA, shift=4)
        _over(layer, mask, _FRAME, 1.0)
    return layer


def _hand(points: np.ndarray, shape: tuple[int, ...], cover: Cover) -> np.ndarray:
    """Four fingers and a palm below them, skin-coloured, shaded at the edges."""
    layer = np.zeros((*shape[:2], 4), np.float32)
    distance = float(np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0)))
    at_chin = cover == "hand at the chin"
    tip = points[8] + [0, -0.05 * distance] if at_chin else points[12] + [-0.1 * distance, 0]
    for finger in range(4):
        along = (finger - 1.5) * 0.24 * distance
        middle = tip + ([along, 0.35 * distance] if at_chin else [0.15 * distance, along])
        axes = (0.13 * distance, 0.5 * distance) if at_chin else (0.55 * distance, 0.13 * distance)
        mask = _ellipse(shape, middle, axes, 0.0, -1)
        shade = 0.78 + 0.06 * finger
        _over(layer, mask, tuple(shade * c for c in _HAND), 1.0)
    palm = tip + ([0.0, 1.0 * distance] if at_chin else [0.8 * distance, 0.3 * distance])
    mask = _ellipse(shape, palm, (0.6 * distance, 0.6 * distance), 0.0, -1)
    _over(layer, mask, tuple(0.95 * c for c in _HAND), 1.0)
    return layer


def _ellipse(
    shape: tuple[int, ...],
    middle: np.ndarray,
    axes: tuple[float, float],
    angle: float,
    thickness: int,
) -> np.ndarray:
    mask = np.zeros(shape[:2], np.uint8)
    centre = np.rint(np.asarray(middle) * 16).astype(int).tolist()
    halves = [round(a * 16) for a in axes]
    cv2.ellipse(mask, centre, halves, angle, 0, 360, 255, thickness, cv2.LINE_AA, shift=4)
    return mask


def _over(layer: np.ndarray, mask: np.ndarray, colour: tuple[float, ...], opacity: float) -> None:
    """Paint over what the layer holds; it keeps colour times alpha."""
    alpha = cv2.GaussianBlur(mask.astype(np.float32) / 255.0, (0, 0), 0.8)[..., None] * opacity
    layer *= 1.0 - alpha
    layer += alpha * np.array([*colour, 1.0], np.float32)
