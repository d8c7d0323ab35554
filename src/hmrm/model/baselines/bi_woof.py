"""Bi-WOOF: orientation histograms of flow, weighted twice.

Source: Liong, See, Wong and Phan, "Less is more: micro-expression recognition from video using
apex frame", Signal Processing: Image Communication 62, 2018, section 3.3. The flow from onset to
apex is cut into blocks; in each, every pixel votes for the bin of its direction with the length
of its flow (local weight), and the block's histogram is multiplied by the block's mean optical
strain (global weight). A linear SVM decides.

Departs from the paper: 7 × 7 blocks instead of 8 × 8, which do not divide a 28 × 28 map; flow
and strain are the map's, centred, since a map does not keep px; C = 0.001 and balanced classes
as in `linear_svm`, where the paper takes C = 10,000 on its own scale.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from hmrm.model.baselines.kernel_svm import KernelSvm, Maps, Rows
from hmrm.model.baselines.mirrored_svm import centred_flow

BLOCKS = 7
BINS = 8


@dataclass(frozen=True, kw_only=True)
class BiWoof(KernelSvm):
    """A `KernelSvm` on 7 · 7 · 8 weighted votes."""

    def describe(self, maps: Maps) -> Rows:
        """Bin of 45° each, the first from 0° to 45° (0° right, 90° down); blocks row by row."""
        flow = centred_flow(maps)
        length = np.hypot(flow[:, 0], flow[:, 1])
        votes = block_sums(one_per_bin(flow) * length[:, None], BLOCKS)
        size = block_sums(np.ones((1, 1, *maps.shape[2:])), BLOCKS)
        strain = block_sums(np.abs(maps[:, 2:]), BLOCKS) / size
        return (votes * strain).transpose(0, 2, 3, 1).reshape(len(maps), -1)


def block_sums(
    values: Float64[np.ndarray, "n c h w"], blocks: int
) -> Float64[np.ndarray, "n c b b"]:
    """Sums over ``blocks`` · ``blocks`` parts of each image, as even as its side allows."""
    for axis in (2, 3):
        parts = np.array_split(np.arange(values.shape[axis]), blocks)
        values = np.add.reduceat(values, [part[0] for part in parts], axis=axis)
    return values


def one_per_bin(flow: Float64[np.ndarray, "n 2 h w"]) -> Bool[np.ndarray, "n bins h w"]:
    """True in the bin that each vector points to."""
    return direction_bins(flow)[:, None] == np.arange(BINS)[:, None, None]


def direction_bins(flow: Float64[np.ndarray, "n 2 h w"]) -> Int[np.ndarray, "n h w"]:
    """Which eighth of the circle each vector points to: 0 to 7, from right over down."""
    turns = np.arctan2(flow[:, 1], flow[:, 0]) / (2 * np.pi) % 1.0
    # −tiny % 1.0 rounds to 1.0, which is direction 0 again.
    return (turns * BINS).astype(int) % BINS
