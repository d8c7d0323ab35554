"""Flow as colour, arrows and maps; always on a fixed scale, so that noise looks like noise."""

import math

import numpy as np
from jaxtyping import Float, UInt8

# The ring of colours of Baker et al. (2011): corner colour and the share of the turn up to the
# next corner, from red (motion to the right) through yellow (down) and so on, clockwise on screen.
_CORNERS = (
    ((255, 0, 0), 15),
    ((255, 255, 0), 6),
    ((0, 255, 0), 4),
    ((0, 255, 255), 11),
    ((0, 0, 255), 13),
    ((255, 0, 255), 6),
)
_TOO_FAST = 0.75
_UNKNOWN = (0, 0, 0)


def flow_picture(
    flow: Float[np.ndarray, "2 h w"], *, max_px: float = 2.0
) -> UInt8[np.ndarray, "h w 3"]:
    """Colour a flow: hue is direction, saturation is length, white is no motion.

    The scale is fixed by ``max_px`` and never by the picture: scaling each picture by its own
    maximum makes noise look like motion. Longer vectors are drawn at full saturation and darker,
    NaN is black.

    Args:
        flow: px, u right and v down.
        max_px: length at which a colour is fully saturated.

    Returns:
        RGB. The ring follows the Middlebury flow benchmark: right is red, down yellow, left blue.
    """
    known = np.isfinite(flow).all(axis=0)
    u, v = np.where(known, flow, 0.0).astype(np.float64)
    length = np.hypot(u, v) / max_px
    ring = _ring(np.arctan2(v, u))
    inside = 1.0 - np.minimum(length, 1.0)[..., None] * (1.0 - ring)
    colour = np.where(length[..., None] <= 1.0, inside, ring * _TOO_FAST)
    picture = np.rint(colour * 255.0).astype(np.uint8)
    picture[~known] = _UNKNOWN
    return picture


def _ring(angle: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 3"]:
    """Fully saturated colour (0 to 1) of a direction in radians, clockwise from the right."""
    starts = np.cumsum([0, *(share for _, share in _CORNERS)])
    corners = np.array([*(colour for colour, _ in _CORNERS), _CORNERS[0][0]]) / 255.0
    position = np.mod(angle, 2 * math.pi) / (2 * math.pi) * starts[-1]
    return np.stack([np.interp(position, starts, corners[:, c]) for c in range(3)], axis=-1)
