"""Regions of the canonical crop: the paper's grid, boxes for MotionMix, anatomical patches.

All are polygons in crop coordinates (0 to 1, see ``align``), so they fit every image size and
squares as well as unsqueezed images. Left and right are the image's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

from hmrm.errors import InputError
from hmrm.faces.align import SizeWH, canonical_landmarks68


@dataclass(frozen=True, kw_only=True)
class Region:
    """A named polygon in the crop, corners in order, 0 to 1."""

    name: str
    corners_xy: tuple[tuple[float, float], ...]

    @property
    def box_xyxy(self) -> tuple[float, float, float, float]:
        """The polygon's extent: left, top, right, bottom, 0 to 1."""
        xs, ys = zip(*self.corners_xy, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def mask(self, size_wh_px: SizeWH) -> Bool[np.ndarray, "h w"]:
        """Pixels whose centre lies inside, for an image of that size; read-only, kept.

        Regions that share an edge never share a pixel, and leave none out.
        """
        width, height = (size_wh_px,) * 2 if isinstance(size_wh_px, int) else size_wh_px
        return _mask(self, width, height)


@lru_cache(maxsize=256)
def _mask(region: Region, width: int, height: int) -> Bool[np.ndarray, "h w"]:
    x = (np.arange(width) + 0.5) / width
    y = ((np.arange(height) + 0.5) / height)[:, None]
    inside = np.zeros((height, width), dtype=bool)
    corners = region.corners_xy
    # Even-odd rule; an edge belongs to the side below it and to its right, so that neighbours
    # divide the pixels between them.
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y1 != y2:
            crosses = (y1 <= y) != (y2 <= y)
            inside ^= crosses & (x >= x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    inside.setflags(write=False)
    return inside


def box(name: str, x1: float, y1: float, x2: float, y2: float) -> Region:
    """A rectangle as region.

    Raises:
        InputError: the rectangle is empty.
    """
    if not (x1 < x2 and y1 < y2):
        raise InputError(f"region {name!r}: empty rectangle ({x1}, {y1}) to ({x2}, {y2})")
    return Region(name=name, corners_xy=((x1, y1), (x2, y1), (x2, y2), (x1, y2)))


def _grid(x: float, y: float, side: float, names: tuple[str, str, str, str]) -> list[Region]:
    """Four squares, row by row."""
    half = side / 2
    places = [(x, y), (x + half, y), (x, y + half), (x + half, y + half)]
    return [box(n, a, b, a + half, b + half) for n, (a, b) in zip(names, places, strict=True)]


COARSE = _grid(0.0, 0.0, 1.0, ("left_eye_brow", "right_eye_brow", "left_mouth", "right_mouth"))
"""The paper's four regions, quarters of the crop, row by row (14 x 14 of 28)."""

_FINE_NAMES = (
    ("left_brow_outer", "left_brow_inner", "left_eye_outer", "left_eye_inner"),
    ("right_brow_inner", "right_brow_outer", "right_eye_inner", "right_eye_outer"),
    ("left_mouth_outer", "left_mouth_inner", "left_chin_outer", "left_chin_inner"),
    ("right_mouth_inner", "right_mouth_outer", "right_chin_inner", "right_chin_outer"),
)

FINE = [
    fine
    for coarse, names in zip(COARSE, _FINE_NAMES, strict=True)
    for fine in _grid(*coarse.box_xyxy[:2], 0.5, names)
]
"""The paper's sixteen (7 x 7 of 28): four of the first coarse region, row by row, then the next."""


def _other_side(name: str) -> str:
    side, _, rest = name.partition("_")
    return f"{'right' if side == 'left' else 'left'}_{rest}"


MIRRORED_FINE = [[one.name for one in FINE].index(_other_side(fine.name)) for fine in FINE]
"""For each fine region the row of the one that a mirror turns it into."""


def mixing_boxes(
    landmarks68: Float[np.ndarray, "68 2"] | None = None, *, margin: float = 0.05
) -> Mapping[str, Region]:
    """Rectangles around ``left_eye``, ``right_eye`` (brow included) and ``mouth``, for MotionMix.

    Args:
        landmarks68: in crop coordinates; the average face's where there are none.
        margin: added on each side, fraction of the crop.
    """
    points = canonical_landmarks68() if landmarks68 is None else landmarks68
    rows = {
        "left_eye": [*range(17, 22), *range(36, 42)],
        "right_eye": [*range(22, 27), *range(42, 48)],
        "mouth": list(range(48, 68)),
    }
    boxes = {}
    for name, row in rows.items():
        low = np.clip(points[row].min(axis=0) - margin, 0, 1)
        high = np.clip(points[row].max(axis=0) + margin, 0, 1)
        boxes[name] = box(name, *map(float, low), *map(float, high))
    return boxes


def _mirrored(name: str, corners: tuple[tuple[float, float], ...]) -> Region:
    turned = tuple((round(1 - x, 6), y) for x, y in reversed(corners))
    return Region(name=name, corners_xy=turned)


# Outlined on the average face: brows (landmarks 17 to 26) with the skin that they pull, lids, the
# nose's bridge and back (27 to 30), which has no muscle that moves it sideways, cheeks next to the
# nostrils, mouth corners (48, 54) with the fold next to them, chin above the jaw's edge (8).
_BROW = ((0.02, 0.06), (0.47, 0.06), (0.47, 0.19), (0.02, 0.21))
_EYE = ((0.06, 0.21), (0.38, 0.21), (0.38, 0.33), (0.06, 0.33))
_CHEEK = ((0.06, 0.38), (0.34, 0.38), (0.34, 0.56), (0.06, 0.56))
_MOUTH = ((0.18, 0.60), (0.48, 0.60), (0.48, 0.77), (0.18, 0.77))
_PATCHES = (
    Region(name="left_brow", corners_xy=_BROW),
    _mirrored("right_brow", _BROW),
    Region(name="left_eye", corners_xy=_EYE),
    _mirrored("right_eye", _EYE),
    Region(name="nose", corners_xy=((0.44, 0.27), (0.56, 0.27), (0.62, 0.52), (0.38, 0.52))),
    Region(name="left_cheek", corners_xy=_CHEEK),
    _mirrored("right_cheek", _CHEEK),
    Region(name="left_mouth_corner", corners_xy=_MOUTH),
    _mirrored("right_mouth_corner", _MOUTH),
    box("chin", 0.34, 0.80, 0.66, 0.94),
)
ANATOMICAL: Mapping[str, Region] = {patch.name: patch for patch in _PATCHES}
"""Patches whose motion spotting measures. ``nose`` follows the skull and stands for head motion;
the eyes blink and must not count as expression."""
