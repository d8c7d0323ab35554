"""Any estimator, after the head's own motion has been taken out of the apex image.

Between onset and apex a head moves by a few px while the skin moves by less than one. Estimators
are most exact on small motion; here only that is left to them, and the head's is added again. On
60 rendered faces that move by 1 to 3 px as a whole DeepFlow errs by .046 px for .057, GRU-AOFE by
.054 for .074 (``docs/benchmarks/effect.md``). ``estimate_flow(…, align=True)`` and ``hmrm flow
--align`` ask for it.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Float32, UInt8

from hmrm.flow.classical import Dis, FlowEstimator
from hmrm.flow.rigid import fit_rigid
from hmrm.flow.spline import spline

_LEAST_PX = 0.1


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """``estimator`` on the onset and the apex brought upon it by a similarity transform.

    Where no corner of the image would move by 0.1 px the apex is left as it is: reading it
    between its pixels would only blur it.

    Attributes:
        rough: what the similarity is fitted to; a cheap one will do, as the fit averages.
    """

    estimator: FlowEstimator
    rough: FlowEstimator = field(default_factory=Dis)

    def __call__(
        self, onset: UInt8[np.ndarray, "h w"], apex: UInt8[np.ndarray, "h w"]
    ) -> Float32[np.ndarray, "2 h w"]:
        """Flow from onset to apex in px, the head's motion included."""
        head = fit_rigid(self.rough(onset, apex), model="similarity")
        height, width = onset.shape
        y, x = np.mgrid[:height, :width].astype(np.float64)
        moved = _at(head, x, y)
        if np.linalg.norm(moved, axis=0).max() < _LEAST_PX:
            return self.estimator(onset, apex)
        levels = spline(apex[None].astype(np.float32)).at(moved)[0]
        flow = self.estimator(onset, np.clip(np.rint(levels), 0, 255).astype(np.uint8))
        # The aligned apex shows at y what the apex shows at y + head(y), and y is x + flow(x).
        return (flow + _at(head, x + flow[0], y + flow[1])).astype(np.float32)


def _at(
    matrix: Float[np.ndarray, "2 3"], x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "2 h w"]:
    return np.stack([m[0] * x + m[1] * y + m[2] for m in matrix])
