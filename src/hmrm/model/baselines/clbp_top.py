"""CLBP-TOP: completed local binary patterns on three orthogonal planes.

Source: Guo, Zhang and Zhang, "A completed modeling of local binary pattern operator for texture
classification", IEEE TIP 19(6), 2010, and the authors' clbp.m; taken to three planes by Pfister,
Li, Zhao and Pietikäinen, "Differentiating spontaneous from posed facial expressions within a
generic facial expression recognition framework", ICCV workshops 2011. The sign S is LBP-TOP's
code; the magnitude M has bit p set where neighbour p differs from the centre by at least the mean
difference; the centre C is set where it is at least as bright as the mean. A linear SVM decides.

Departs from the papers where the text we could read is silent (ours): no joint histograms, which
the two-dimensional original has, too; frames, radii, rounding and blocks as in `lbp_top`; the mean
difference is that of plane and block over the whole clip, the mean grey level that of all pixels
a block's codes see; C is counted once, not once per plane: 25 · (3 · (59 + 59) + 2) numbers.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int, UInt8

from hmrm.flow.aligned_frames import AlignedFrames
from hmrm.model.baselines.frame_svm import FrameSvm, shaped_frames
from hmrm.model.baselines.lbp_top import (
    PLANES,
    Radii,
    block_slices,
    differences,
    histogram,
    packed,
    uniform_bins,
)


@dataclass(frozen=True, kw_only=True)
class ClbpTop(FrameSvm):
    """A `FrameSvm` on 25 · 356 fractions of codes."""

    def describe_clip(self, clip: AlignedFrames) -> Float64[np.ndarray, " d"]:
        """Block by block, row by row; in each S and M of XY, XT, YT, then C unset and set."""
        radii = (1, 1, self.radius_of(clip))
        volume = shaped_frames(clip.grey, least=2 * radii[2] + 1)
        planes = [differences(volume, plane, radii) for plane in PLANES]
        parts = []
        for block in block_slices(planes[0].shape[1:]):
            for plane in planes:
                own = plane[:, *block]
                parts += [histogram(uniform_bins()[codes]) for codes in (signs(own), sizes(own))]
            bright = float(centres(volume, block, radii).mean())
            parts.append(np.array([1 - bright, bright]))
        return np.concatenate(parts)


def signs(steps: Int[np.ndarray, "8 t h w"]) -> Int[np.ndarray, "t h w"]:
    """S: bit p where neighbour p is at least as bright as the centre."""
    return packed(steps >= 0)


def sizes(steps: Int[np.ndarray, "8 t h w"]) -> Int[np.ndarray, "t h w"]:
    """M: bit p where neighbour p differs by at least the mean over all of them."""
    length = np.abs(steps)
    # In whole numbers: a mean that is rounded could fall on either side of an equal value.
    return packed(length * length.size >= length.sum())


def centres(
    volume: UInt8[np.ndarray, "t h w"], block: tuple[slice, ...], radii: Radii
) -> Bool[np.ndarray, "a b c"]:
    """C: whether a centre is at least as bright as all pixels that its block's codes see."""
    rx, ry, rt = radii
    _, rows, columns = block
    seen = volume[:, rows.start : rows.stop + 2 * ry, columns.start : columns.stop + 2 * rx].astype(
        np.int64
    )
    inner = seen[rt : len(seen) - rt, ry : seen.shape[1] - ry, rx : seen.shape[2] - rx]
    return inner * seen.size >= seen.sum()
