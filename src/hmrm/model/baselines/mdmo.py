"""MDMO: the mean flow along the main direction of each facial region.

Source: Liu, Zhang, Yan, Wang, Zhao and Fu, "A main directional mean optical flow feature for
spontaneous micro-expression recognition", IEEE Transactions on Affective Computing 7(4), 2016,
sections 3.3 to 3.5. In each of 36 regions the vectors are put into 8 bins of direction; those of
the fullest bin are averaged. Length and angle of the 36 means make 72 numbers, lengths divided
by the largest length, both parts weighted against each other (λ = 0.9 for lengths). An SVM with
polynomial kernel decides.

Departs from the paper: a map has no landmarks, so the 36 regions are a 6 × 6 grid over the
aligned face instead of regions along action units; only the flow from onset to apex is used, not
the mean over all frames; flow is the map's, centred; angles are divided by π.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int

from hmrm.model.baselines.bi_woof import BINS, direction_bins
from hmrm.model.baselines.kernel_svm import KernelSvm, Maps, Rows
from hmrm.model.baselines.mirrored_svm import centred_flow

REGIONS = 6


@dataclass(frozen=True, kw_only=True)
class Mdmo(KernelSvm):
    """A `KernelSvm` on 36 lengths and 36 angles."""

    kernel: Literal["linear", "rbf", "cubic"] = "cubic"
    cost: float = 1.0
    length_weight: float = 0.9

    def describe(self, maps: Maps) -> Rows:
        """λ · length / longest, then (1 − λ) · angle / π, of each region row by row."""
        flow = centred_flow(maps)
        bins = direction_bins(flow)
        means = []
        for rows in np.array_split(np.arange(maps.shape[2]), REGIONS):
            for columns in np.array_split(np.arange(maps.shape[3]), REGIONS):
                region = np.ix_(np.arange(len(maps)), rows, columns)
                means.append(_main_mean(flow[:, 0][region], flow[:, 1][region], bins[region]))
        u, v = np.stack(means, axis=2)
        length = np.hypot(u, v)
        longest = length.max(axis=1, keepdims=True)
        length = length / np.where(longest > 0, longest, 1.0)
        angle = np.arctan2(v, u) / np.pi
        weight = self.length_weight
        return np.concatenate([weight * length, (1 - weight) * angle], axis=1)


def _main_mean(
    u: Float64[np.ndarray, "n h w"], v: Float64[np.ndarray, "n h w"], bins: Int[np.ndarray, "n h w"]
) -> Float64[np.ndarray, "2 n"]:
    counts = np.stack([(bins == b).sum((1, 2)) for b in range(BINS)], axis=1)
    main = bins == counts.argmax(axis=1)[:, None, None]
    size = main.sum((1, 2))
    return np.stack([(u * main).sum((1, 2)) / size, (v * main).sum((1, 2)) / size])
