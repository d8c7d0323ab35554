"""An explanation as an image: regions shaded by what they add, likely units as arrows."""

import cv2
import numpy as np
from jaxtyping import UInt8

from hmrm.clip import Reasons
from hmrm.faces.align import canonical_landmarks68
from hmrm.faces.crops import IMAGE_WH_PX
from hmrm.faces.regions import FINE
from hmrm.facs.atlas import ActionUnit, AtlasSource

_ZOOM = 2
_MAGNIFIED = 20
"""Arrows are this many times as long as the motion."""
_ARROWS = 14
_WHITE, _FOR, _AGAINST = np.array([255.0]), (214, 96, 77), (67, 147, 195)
_OUTLINE = (150, 150, 150)
_LINES = ((0, 17), (17, 22), (22, 27), (27, 31), (31, 36))
_LOOPS = ((36, 42), (42, 48), (48, 60))


def drawing(reasons: Reasons) -> UInt8[np.ndarray, "648 448 3"]:
    """The average face, RGB: red regions speak for the class, blue ones against it.

    Arrows are the motion of the likely units by the atlas, 20 times as long.
    """
    width, height = (_ZOOM * side for side in IMAGE_WH_PX)
    image = np.full((height, width, 3), _WHITE[0])
    most = max((abs(value) for value in reasons.regions.values()), default=0.0)
    for region in FINE:
        part = reasons.regions.get(region.name, 0.0) / most if most > 0 else 0.0
        colour = np.array(_FOR if part > 0 else _AGAINST, dtype=np.float64)
        left, top, right, bottom = region.box_xyxy
        rows = slice(round(top * height), round(bottom * height))
        columns = slice(round(left * width), round(right * width))
        image[rows, columns] = (1 - abs(part)) * image[rows, columns] + abs(part) * colour
    image_out = np.ascontiguousarray(image.round().astype(np.uint8))
    _outline(image_out)
    _arrows(image_out, reasons)
    return image_out


def _outline(image: UInt8[np.ndarray, "h w 3"]) -> None:
    points = np.rint(canonical_landmarks68() * [image.shape[1], image.shape[0]]).astype(np.int32)
    for spans, closed in ((_LINES, False), (_LOOPS, True)):
        for start, end in spans:
            cv2.polylines(image, [points[start:end]], closed, _OUTLINE, 1, cv2.LINE_AA)


def _arrows(image: UInt8[np.ndarray, "h w 3"], reasons: Reasons) -> None:
    units = [ActionUnit(unit.number, unit.side, unit.px) for unit in reasons.units]
    if not units:
        return
    flow = AtlasSource().flow(units, _ARROWS)
    longest = float(np.hypot(*flow).max())
    height, width = image.shape[:2]
    for row, column in zip(*np.nonzero(np.hypot(*flow) > longest / 5), strict=True):
        start = np.array([(column + 0.5) / _ARROWS * width, (row + 0.5) / _ARROWS * height])
        end = start + _ZOOM * _MAGNIFIED * flow[:, row, column]
        ends = [tuple(int(value) for value in np.rint(point)) for point in (start, end)]
        cv2.arrowedLine(image, ends[0], ends[1], (0, 0, 0), 1, cv2.LINE_AA, tipLength=0.3)
