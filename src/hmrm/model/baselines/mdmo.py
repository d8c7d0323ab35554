"""MDMO: the mean flow along the main direction of each facial region.

Source: Liu, Zhang, Yan, Wang, Zhao and Fu, "A main directional mean optical flow feature for
spontaneous micro-expression recognition", IEEE Transactions on Affective Computing 7(4), 2016,
sections 3.3 to 3.5. In each of 36 regions the vectors are put into 8 bins of direction; those of
the fullest bin are averaged. Length and angle of the 36 means make 72 numbers, lengths divided
by the largest length. An SVM with polynomial kernel decides.

Departs from the paper: a map has no landmarks, so the 36 regions are a 6 × 6 grid over the
aligned face instead of regions along action units; only the flow from onset to apex is used, not
the mean over all frames; flow is the map's, centred; the 72 numbers are standardised over the
training clips, where the paper weighs lengths against angles with a parameter.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hmrm.model.baselines.bi_woof import block_sums, one_per_bin
from hmrm.model.baselines.kernel_svm import KernelSvm, Maps, Rows
from hmrm.model.baselines.mirrored_svm import centred_flow

REGIONS = 6


@dataclass(frozen=True, kw_only=True)
class Mdmo(KernelSvm):
    """A `KernelSvm` on 36 lengths and 36 angles."""

    kernel: Literal["linear", "rbf", "cubic"] = "cubic"
    cost: float = 1.0

    def describe(self, maps: Maps) -> Rows:
        """Length over the longest, then angle in radians, of each region row by row."""
        flow = centred_flow(maps)
        bins = one_per_bin(flow).astype(np.float64)
        counts = block_sums(bins, REGIONS)
        main = counts.argmax(axis=1, keepdims=True)
        # The fullest bin of a region is never empty.
        size = np.take_along_axis(counts, main, axis=1)
        sums = (block_sums(bins * flow[:, c : c + 1], REGIONS) for c in (0, 1))
        u, v = (
            (np.take_along_axis(total, main, axis=1) / size).reshape(len(maps), -1)
            for total in sums
        )
        length = np.hypot(u, v)
        longest = length.max(axis=1, keepdims=True)
        length = length / np.where(longest > 0, longest, 1.0)
        return np.concatenate([length, np.arctan2(v, u)], axis=1)
