"""The apex where annotators gave none: the frame that differs most from onset and offset.

The rule of CapsuleNet (Quang, Chun, Tokuyama: "CapsuleNet for Micro-Expression Recognition", FG
2019): differences to onset and to offset in cells around brows, eyes, nose and mouth, each
normalised by how much the picture changes from one frame to the next, summed; the largest wins.
Departs from it: cells lie at the average face's landmarks in the aligned crop, since all frames
of a clip go through one transform.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from hmrm.errors import InputError
from hmrm.faces.align import canonical_landmarks68

Rule = Literal["difference", "middle"]
RULES: tuple[Rule, ...] = ("difference", "middle")

# Brows, inner and outer lid corners, nostrils, mouth corners and lips.
_CELLS_AT = (17, 19, 21, 22, 24, 26, 36, 39, 42, 45, 31, 33, 35, 48, 51, 54, 57)
_CELL_HALF = 0.045


def apex_index(crops: Sequence[UInt8[np.ndarray, "h w"]], rule: Rule) -> int:
    """Position of the apex in a clip from onset to offset; never the first where there are two.

    Args:
        crops: grey canonical crops through one transform, onset first.

    Raises:
        InputError: fewer than two pictures.
    """
    if len(crops) < 2:
        raise InputError("apex: a clip of one frame has no movement; give onset and offset")
    middle = max(1, (len(crops) - 1) // 2)
    if rule == "middle" or len(crops) < 3:
        return middle
    return 1 + int(np.argmax(apex_scores(crops)))


def apex_scores(crops: Sequence[UInt8[np.ndarray, "h w"]]) -> Float[np.ndarray, " t"]:
    """Score of every picture but the first and the last; grey levels over grey levels."""
    cells = np.stack([_cells(crop) for crop in crops])
    to_onset = _differences(cells[1:-1], cells[:1])
    to_offset = _differences(cells[1:-1], cells[-1:])
    # One grey level keeps a still cell from deciding.
    step = 1.0 + (_differences(cells[1:-1], cells[:-2]) + _differences(cells[1:-1], cells[2:])) / 2
    return (((1.0 + to_onset) + (1.0 + to_offset)) / step).sum(axis=1)


def _differences(
    one: Float[np.ndarray, "t n p"], other: Float[np.ndarray, "s n p"]
) -> Float[np.ndarray, "t n"]:
    return np.abs(one - other).mean(axis=2)


def _cells(crop: UInt8[np.ndarray, "h w"]) -> Float[np.ndarray, "n p"]:
    height, width = crop.shape
    half = max(2, round(_CELL_HALF * width))
    cells = []
    for x, y in canonical_landmarks68()[list(_CELLS_AT)]:
        column = int(np.clip(x * width, half, width - half))
        row = int(np.clip(y * height, half, height - half))
        cells.append(crop[row - half : row + half, column - half : column + half].ravel())
    return np.stack(cells).astype(np.float64)
