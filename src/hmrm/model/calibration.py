"""Scores of a recogniser as probabilities that hold, and as sets of classes that hold the true one.

Both are fitted on clips that the recogniser did not learn from (`hmrm.evaluation.calibration`);
here is only what applies them, in numpy alone.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hmrm.model.inference import softmax

_SMALLEST = 1e-12
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Vector scaling with one slope: probabilities are softmax(slope · logits + offsets).

    Attributes:
        slope: of the logits, 0 or more; below 1 where the recogniser is too sure of itself.
        offsets: one per class, in label order. They carry how frequent the classes were among the
            calibration clips, so the most probable class may be another one than that of the
            highest score.
    """

    slope: float
    offsets: tuple[float, ...]

    def __post_init__(self) -> None:
        values = (self.slope, *self.offsets)
        if not np.isfinite(values).all() or self.slope < 0:
            raise ValueError(f"slope {self.slope} and offsets must be finite, the slope 0 or more")

    def probabilities(self, logits: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
        """Calibrated probabilities, 0 to 1; a row adds up to 1.

        Example:
            >>> import numpy as np
            >>> from hmrm.model.calibration import Scaling
            >>> halved = Scaling(slope=0.5, offsets=(0.0, 0.0))
            >>> halved.probabilities(np.array([[2.0, 0.0]])).round(3).tolist()
            [[0.731, 0.269]]
        """
        return softmax(self.slope * _centred(logits) + np.array(self.offsets))

    def balanced(self, logits: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
        """`probabilities` as if all classes were equally frequent: class sets are made of these."""
        return softmax(self.slope * _centred(logits))


def _centred(logits: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    return logits - logits.mean(axis=1, keepdims=True)


def logits_of(scores: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Scores as logits: the logarithm of probabilities, anything else as it is.

    Probabilities are rows of numbers from 0 to 1 whose sum is at most 1: less where the recogniser
    knows further classes.

    Example:
        >>> import numpy as np
        >>> from hmrm.model.calibration import logits_of
        >>> logits_of(np.array([[1.5, -0.5]])).tolist()
        [[1.5, -0.5]]
    """
    sums = scores.sum(axis=1)
    if (scores >= 0).all() and (sums > 0).all() and (sums < 1 + _ROUNDING).all():
        return np.log(np.maximum(scores, _SMALLEST))
    return scores


def class_sets(
    balanced: Float[np.ndarray, "n k"], least: Float[np.ndarray, " k"]
) -> Bool[np.ndarray, "n k"]:
    """Which classes belong to the set of each clip; that of the highest score always does.

    Args:
        balanced: see `Scaling.balanced`.
        least: probability from which on a class belongs, one per class.

    Example:
        >>> import numpy as np
        >>> from hmrm.model.calibration import class_sets
        >>> class_sets(np.array([[0.6, 0.3, 0.1]]), np.array([0.2, 0.2, 0.2])).tolist()
        [[True, True, False]]
    """
    inside = balanced >= least
    inside[np.arange(len(inside)), balanced.argmax(axis=1)] = True
    return inside
