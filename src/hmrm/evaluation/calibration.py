"""Calibration on other subjects: how a scaling and class sets are fitted, and how they then hold.

A run's out-of-fold scores of all other subjects calibrate those of one subject, so no clip has a
part in its own probability. Class sets are those of split conformal prediction with the score
1 - p(true class), p as if all classes were equally frequent, so that no class is left uncovered.
Clips of one subject are not exchangeable: what is assumed is that *subjects* are; the level is
therefore one over clips of unseen subjects, and its interval is a bootstrap over subjects. The few
numbers of the scaling are fitted on the same clips as the quantiles. No model is evaluated for
this: only scores that a run already has are used.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from hmrm.errors import DataError
from hmrm.model.calibration import Scaling, class_sets
from hmrm.model.inference import softmax

LEVEL = 0.9
"""Fraction of clips whose set is to hold the true class."""

DATA_SET_LEVEL = 0.87
"""The same for every single data set of the calibration, by the rule ``every_data_set``."""

SetRule = Literal["pooled", "by_class", "every_data_set"]
"""Which clips a set's threshold is the quantile of.

``pooled``: all calibration clips. ``by_class``: those of each class for that class, so that each
class is covered. ``every_data_set``: as ``pooled``, but no calibration data set may be covered by
less than `DATA_SET_LEVEL`; the hardest one then decides. It assumes that an unseen data set is
about as hard as the hardest one of the calibration, and knows of no clip which data set it is from.
"""
RULES: tuple[SetRule, ...] = ("pooled", "by_class", "every_data_set")

_RIDGE_OFFSETS = 1.0
_RIDGE_SLOPE = 1e-3
_STEPS = 100
_CONVERGED = 1e-9


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What other subjects' clips decided.

    Attributes:
        least: probability from which on a class belongs to a set, by rule and class.
        certain: what the highest score (its softmax) of the least certain ``excluded`` is below.
    """

    scaling: Scaling
    least: Mapping[SetRule, tuple[float, ...]]
    certain: float


def fit(
    logits: Float[np.ndarray, "n k"],
    truth: Int[np.ndarray, " n"],
    data_sets: Sequence[str],
    *,
    level: float = LEVEL,
    excluded: float = 0.2,
) -> Fitted:
    """Fit scaling, thresholds and the limit of certainty on calibration clips.

    Args:
        logits: out-of-fold scores, largest wins (`hmrm.model.calibration.logits_of`).
        truth: index of each clip's class.
        data_sets: of each clip; not used by the scaling, nor when it is applied.
        level: fraction of clips whose set holds the true class, 0 to 1.
        excluded: fraction of clips that count as uncertain.

    Raises:
        DataError: no clips.

    Example:
        >>> import numpy as np
        >>> from hmrm.evaluation.calibration import fit
        >>> truth = np.arange(200) % 2
        >>> noisy = np.eye(2)[truth] + np.random.default_rng(0).normal(size=(200, 2))
        >>> found = fit(4 * noisy, truth, ["casme2"] * 200)
        >>> 0 < found.scaling.slope < 1  # the scores were too sure
        True
    """
    scaling = fit_scaling(logits, truth)
    right = scaling.balanced(logits)[np.arange(len(truth)), truth]
    homes, classes = np.array(data_sets), logits.shape[1]
    pooled = _least(right, level)
    lower = level * DATA_SET_LEVEL / LEVEL
    hardest = min(_least(right[homes == name], lower) for name in sorted(set(data_sets)))
    return Fitted(
        scaling=scaling,
        least={
            "pooled": (pooled,) * classes,
            "by_class": tuple(_least(right[truth == one], level) for one in range(classes)),
            "every_data_set": (min(pooled, hardest),) * classes,
        },
        certain=float(np.quantile(softmax(logits).max(axis=1), excluded)),
    )


def fit_scaling(logits: Float[np.ndarray, "n k"], truth: Int[np.ndarray, " n"]) -> Scaling:
    """The scaling of least negative log likelihood, offsets held near 0 by a ridge of 1.

    Raises:
        DataError: no clips.
    """
    if not len(logits):
        raise DataError("calibration: no clips; at least one other subject must have scores")
    centred = logits - logits.mean(axis=1, keepdims=True)
    unit = max(float(centred.std()), 1e-12)
    problem = _Problem(centred / unit, truth)
    found = np.zeros(1 + logits.shape[1])
    found[0] = 1.0
    for _ in range(_STEPS):
        step = problem.step(found)
        size = 1.0
        while problem.loss(found - size * step) > problem.loss(found) and size > _CONVERGED:
            size /= 2
        found = found - size * step
        if np.abs(size * step).max() < _CONVERGED:
            break
    slope, offsets = max(float(found[0]), 0.0) / unit, found[1:] - found[1:].mean()
    return Scaling(slope=slope, offsets=tuple(offsets.tolist()))


class _Problem:
    """Ridge-penalised negative log likelihood of slope and offsets, convex in both."""

    def __init__(self, logits: Float[np.ndarray, "n k"], truth: Int[np.ndarray, " n"]) -> None:
        count, classes = logits.shape
        self._truth = np.eye(classes)[truth]
        self._inputs = np.zeros((count, classes, 1 + classes))
        self._inputs[:, :, 0] = logits
        self._inputs[:, range(classes), range(1, 1 + classes)] = 1.0
        self._ridge = np.array([_RIDGE_SLOPE, *[_RIDGE_OFFSETS] * classes])

    def loss(self, values: Float[np.ndarray, " m"]) -> float:
        fitted = softmax(self._inputs @ values)
        right = np.maximum((fitted * self._truth).sum(axis=1), 1e-300)
        return float(-np.log(right).sum() + (self._ridge * values**2).sum() / 2)

    def step(self, values: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """Newton's."""
        fitted = softmax(self._inputs @ values)
        slope = np.einsum("nk,nka->a", fitted - self._truth, self._inputs) + self._ridge * values
        mean = np.einsum("nk,nka->na", fitted, self._inputs)
        square = np.einsum("nk,nka,nkb->ab", fitted, self._inputs, self._inputs)
        return np.linalg.solve(square - mean.T @ mean + np.diag(self._ridge), slope)


def _least(right: Float[np.ndarray, " n"], level: float) -> float:
    """The conformal quantile: as if one more clip were there, of the worst score; 0 if too few.

    Args:
        right: probability of each clip's true class.
    """
    rank = math.ceil((len(right) + 1) * level)
    return 0.0 if rank > len(right) else float(np.sort(right)[len(right) - rank])


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibrated:
    """Clips whose calibration comes from other subjects, or from other data sets.

    Attributes:
        probabilities: calibrated.
        sets: rule → which classes belong to each clip's set.
        certain: not among the least certain, by the limit of the calibration clips.
    """

    probabilities: Float[np.ndarray, "n k"]
    sets: Mapping[SetRule, Bool[np.ndarray, "n k"]]
    certain: Bool[np.ndarray, " n"]


def calibrate_on_others(
    logits: Float[np.ndarray, "n k"],
    truth: Int[np.ndarray, " n"],
    groups: Sequence[str],
    data_sets: Sequence[str],
) -> Calibrated:
    """Calibrate the clips of each group (subject, or data set) on those of all other groups.

    Raises:
        DataError: a single group.
    """
    names = np.array(groups)
    homes = np.array(data_sets)
    probabilities = np.zeros(logits.shape)
    sets = {rule: np.zeros(logits.shape, dtype=bool) for rule in RULES}
    certain = np.zeros(len(logits), dtype=bool)
    for name in sorted(set(groups)):
        own = names == name
        fitted = fit(logits[~own], truth[~own], homes[~own].tolist())
        probabilities[own] = fitted.scaling.probabilities(logits[own])
        for rule, least in fitted.least.items():
            sets[rule][own] = class_sets(fitted.scaling.balanced(logits[own]), np.array(least))
        certain[own] = softmax(logits[own]).max(axis=1) >= fitted.certain
    return Calibrated(probabilities=probabilities, sets=sets, certain=certain)
