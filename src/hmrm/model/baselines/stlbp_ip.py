"""STLBP-IP: binary patterns of the integral projections of how frames differ from the first.

Source: Huang, Wang, Zhao and Pietikäinen, "Facial micro-expression recognition using
spatiotemporal local binary pattern with integral projection", ICCV workshops 2015; details from a
reimplementation by others (github.com/yuxinhe), whose faults are not taken over. In each block, the
differences to the first frame are summed along rows and along columns. Appearance: patterns along
these two projections (one-dimensional, 9 wide, 256 codes), their histograms averaged over frames.
Motion: the projections stacked over time make an XT and a YT image, whose uniform patterns (8
neighbours, radius 1) are counted. 2 · 256 + 2 · 59 numbers a block; a linear SVM decides.

Departs from the paper (ours): 160 × 160 px in 4 × 4 blocks, 10,080 numbers; C = 1, balanced
classes, numbers standardised. The later variant (robust PCA, chosen features) is not built.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from hmrm.flow.aligned_frames import AlignedFrames
from hmrm.model.baselines.frame_svm import FrameSvm, shaped_frames
from hmrm.model.baselines.lbp_top import block_slices, histogram, packed, uniform_bins

WINDOW = 9
BLOCKS = 4
LEAST_FRAMES = 4
# (row, column) steps of the neighbours at 0°, 45°, … 315°; rows run down.
_AROUND = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True, kw_only=True)
class StlbpIp(FrameSvm):
    """A `FrameSvm` on 16 · 630 fractions of codes; ``time_radius`` changes nothing."""

    def describe_clip(self, clip: AlignedFrames) -> Float64[np.ndarray, " d"]:
        """Block by block, row by row; in each the parts of `block_description`."""
        volume = shaped_frames(clip.grey, least=LEAST_FRAMES).astype(np.int64)
        moved = volume[1:] - volume[0]
        blocks = block_slices(moved.shape, BLOCKS)
        return np.concatenate([block_description(moved[block]) for block in blocks])


def block_description(
    moved: Int[np.ndarray, "t h w"], window: int = WINDOW
) -> Float64[np.ndarray, " d"]:
    """Appearance of the row sums and of the column sums, then motion in XT and in YT.

    Args:
        moved: grey levels minus those of the first frame.
        window: length of the one-dimensional pattern, odd.
    """
    rows, columns = moved.sum(2), moved.sum(1)
    bins = 1 << (window - 1)
    appearance = [
        np.mean([np.bincount(codes, minlength=bins) / len(codes) for codes in of_frames], axis=0)
        for of_frames in (line_codes(rows, window), line_codes(columns, window))
    ]
    motion = [histogram(uniform_bins()[image_codes(image)]) for image in (columns, rows)]
    return np.concatenate([*appearance, *motion])


def line_codes(lines: Int[np.ndarray, "t n"], window: int) -> Int[np.ndarray, "t m"]:
    """Along each line: neighbours from left to right, the highest bit first, set where ≥ centre."""
    half = window // 2
    seen = np.lib.stride_tricks.sliding_window_view(lines, window, axis=1)
    others = np.delete(seen, half, axis=2) >= seen[:, :, half : half + 1]
    return others @ (1 << np.arange(window - 1)[::-1])


def image_codes(image: Int[np.ndarray, "t n"]) -> Int[np.ndarray, "u m"]:
    """Patterns of 8 neighbours around each pixel that has them all."""
    rows, columns = image.shape
    centre = image[1:-1, 1:-1]
    shifted = [
        image[1 + down : rows - 1 + down, 1 + right : columns - 1 + right]
        for down, right in _AROUND
    ]
    return packed(np.stack([one >= centre for one in shifted]))
