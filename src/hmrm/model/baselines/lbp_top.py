"""LBP-TOP: local binary patterns on three orthogonal planes of a clip.

Source: Zhao and Pietikäinen, "Dynamic texture recognition using local binary patterns with an
application to facial expressions", IEEE TPAMI 29(6), 2007, and the authors' LBPTOP.m. Around each
pixel P = 8 neighbours lie on an ellipse in the planes XY, XT and YT; bit p of its code is set where
neighbour p is at least as bright. 58 uniform codes have a bin of their own, all others share bin 0.
A linear SVM decides on the histograms of 5 × 5 blocks in each plane: 25 · 3 · 59 numbers.

Departs from the papers where they are silent or differ (ours): frames of 160 × 160 px; codes before
blocking, so that blocks lose no border; neighbours by rounding to whole pixels; radii 1, 1 and in
time 20 ms (4 frames at 200 a second, where the best figure on CASME II was reported; 2 at 100);
clips of too few frames are stretched linearly; each number standardised over the training clips.
"""

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int, UInt8

from hmrm.flow.aligned_frames import AlignedFrames
from hmrm.model.baselines.frame_svm import FrameSvm, shaped_frames

Plane = Literal["xy", "xt", "yt"]
PLANES: tuple[Plane, ...] = ("xy", "xt", "yt")
NEIGHBOURS = 8
BINS = 59
BLOCKS = 5

Radii = tuple[int, int, int]
"""In x, y and t."""


@dataclass(frozen=True, kw_only=True)
class LbpTop(FrameSvm):
    """A `FrameSvm` on 25 · 3 · 59 fractions of codes."""

    def describe_clip(self, clip: AlignedFrames) -> Float64[np.ndarray, " d"]:
        """Block by block, row by row; in each the planes XY, XT, YT."""
        radii = (1, 1, self.radius_of(clip))
        volume = shaped_frames(clip.grey, least=2 * radii[2] + 1)
        planes = [uniform_bins()[binary_codes(volume, plane, radii)] for plane in PLANES]
        return np.concatenate(
            [histogram(bins[block]) for block in block_slices(planes[0].shape) for bins in planes]
        )


def neighbour_offsets(plane: Plane, radii: Radii) -> list[tuple[int, int, int]]:
    """Steps (t, y, x) to the neighbours of a pixel, in the order of their bits."""
    rx, ry, rt = radii
    steps = []
    for number in range(NEIGHBOURS):
        angle = 2 * math.pi * number / NEIGHBOURS
        cos, sin = math.cos(angle), math.sin(angle)
        exact = {
            "xy": (0.0, -ry * sin, rx * cos),
            "xt": (rt * sin, 0.0, rx * cos),
            "yt": (rt * cos, -ry * sin, 0.0),
        }[plane]
        t, y, x = (math.floor(step + 0.5) for step in exact)
        steps.append((t, y, x))
    return steps


def differences(
    volume: UInt8[np.ndarray, "t h w"], plane: Plane, radii: Radii
) -> Int[np.ndarray, "8 a b c"]:
    """Neighbour minus centre, for every pixel that has all neighbours in all three planes."""
    values = volume.astype(np.int64)
    margins = (radii[2], radii[1], radii[0])

    def moved(step: tuple[int, int, int]) -> Int[np.ndarray, "a b c"]:
        return values[
            tuple(
                slice(margin + by, side - margin + by)
                for margin, by, side in zip(margins, step, values.shape, strict=True)
            )
        ]

    centre = moved((0, 0, 0))
    return np.stack([moved(step) - centre for step in neighbour_offsets(plane, radii)])


def packed(bits: np.ndarray) -> Int[np.ndarray, "..."]:
    """Codes 0 to 255 of 8 bits along the first axis, the lowest first."""
    return np.tensordot(1 << np.arange(NEIGHBOURS), bits.astype(np.int64), axes=1)


def binary_codes(
    volume: UInt8[np.ndarray, "t h w"], plane: Plane, radii: Radii
) -> Int[np.ndarray, "a b c"]:
    """Code 0 to 255 of every pixel that has all its neighbours.

    Example:
        A clip that brightens from frame to frame: the two directions in time and the centre's own
        row, which is equal, are set.

        >>> import numpy as np
        >>> from hmrm.model.baselines.lbp_top import binary_codes
        >>> clip = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((3, 3, 3), np.uint8)
        >>> f"{binary_codes(clip, 'xt', (1, 1, 1))[0, 0, 0]:08b}"
        '00011111'
    """
    return packed(differences(volume, plane, radii) >= 0)


@cache
def uniform_bins() -> Int[np.ndarray, "256"]:
    """Bin of each code: 1 to 58, ascending, of those with at most two changes around; others 0."""
    table = np.zeros(1 << NEIGHBOURS, dtype=np.int64)
    used = 0
    for code in range(len(table)):
        turned = (code >> 1) | ((code & 1) << (NEIGHBOURS - 1))
        if (code ^ turned).bit_count() <= 2:
            used += 1
            table[code] = used
    assert used == BINS - 1
    return table


def histogram(bins: Int[np.ndarray, "..."]) -> Float64[np.ndarray, "59"]:
    """Fractions of all pixels by bin."""
    return np.bincount(bins.ravel(), minlength=BINS) / bins.size


def block_slices(shape: tuple[int, ...], blocks: int = BLOCKS) -> list[tuple[slice, ...]]:
    """The whole time, and ``blocks`` · ``blocks`` parts as even as the sides allow, row by row."""
    parts = []
    for side in shape[1:3]:
        ends = np.cumsum([0, *(len(part) for part in np.array_split(np.arange(side), blocks))])
        parts.append([slice(int(a), int(b)) for a, b in pairwise(ends)])
    return [(slice(None), rows, columns) for rows in parts[0] for columns in parts[1]]
