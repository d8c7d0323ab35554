"""Linear support vector machine that knows rest and symmetry.

Maps scaled per image do not say where zero motion lies; the median of u and of v does. Each of
both is then divided by its own r.m.s. (they were scaled apart, so their ratio is meaningless);
strain stays as it is. Every training clip is also learnt mirrored, and the decisions for a test
clip and its mirror image are summed. All else is `linear_svm`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from hmrm.model.baselines.kernel_svm import KernelSvm, Maps, Rows


@dataclass(frozen=True, kw_only=True)
class MirroredSvm(KernelSvm):
    """A `KernelSvm` on centred maps and their mirror images."""

    mirror: bool = True

    def describe(self, maps: Maps) -> Rows:
        """Centre u and v; all pixels in one row, strain untouched."""
        return np.concatenate([centred_flow(maps), maps[:, 2:]], axis=1).reshape(len(maps), -1)


def centred_flow(maps: Maps) -> Float64[np.ndarray, "n 2 s s"]:
    """Bring u and v of each map to median 0, r.m.s. 1; a still channel is 0."""
    flow = maps[:, :2] - np.median(maps[:, :2], axis=(2, 3), keepdims=True)
    rms = np.sqrt((flow**2).mean(axis=(2, 3), keepdims=True))
    return flow / np.where(rms > 0, rms, 1.0)
