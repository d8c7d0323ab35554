"""What choosing on the test subject is worth, measured on labels that mean nothing.

The rule "best epoch on the test subject" is applied to permuted labels: no model can know them,
so whatever the score exceeds guessing by is the reward for choosing on the test subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hmrm.evaluation.fold import oracle_epoch
from hmrm.evaluation.metrics import score

PERMUTATIONS = 50


@dataclass(frozen=True, kw_only=True)
class OracleControl:
    """UF1 and UAR, mean over permutations of the labels among all clips.

    Attributes:
        looking: best epoch per fold by the permuted labels, scored on them.
        last: last epoch of every fold, scored on the same permuted labels.
        fixed: last epoch scored on the true labels: the same run without looking.
        epochs: number of evaluations per fold.
    """

    looking: tuple[float, float]
    last: tuple[float, float]
    fixed: tuple[float, float]
    epochs: int


def oracle_control(
    predictions: Sequence[Int[np.ndarray, "e t"]],
    truth: Sequence[Int[np.ndarray, " t"]],
    *,
    classes: tuple[str, ...],
    generator: np.random.Generator,
) -> OracleControl:
    """Apply the oracle rule of each fold to labels permuted among all clips.

    Args:
        predictions: of each fold, class by epoch and test clip.
        truth: of each fold, the true labels.
    """
    pooled = np.concatenate(truth)
    ends = np.cumsum([len(t) for t in truth])[:-1]
    last = np.concatenate([p[-1] for p in predictions])
    looking_scores, last_scores = [], []
    for _ in range(PERMUTATIONS):
        dealt = generator.permutation(pooled)
        chosen = [
            p[oracle_epoch(p == part)]
            for p, part in zip(predictions, np.split(dealt, ends), strict=True)
        ]
        looking_scores.append(_pair(dealt, np.concatenate(chosen), classes))
        last_scores.append(_pair(dealt, last, classes))
    return OracleControl(
        looking=_mean(looking_scores),
        last=_mean(last_scores),
        fixed=_pair(pooled, last, classes),
        epochs=len(predictions[0]),
    )


def _pair(
    truth: Int[np.ndarray, " n"], predicted: Int[np.ndarray, " n"], classes: tuple[str, ...]
) -> tuple[float, float]:
    found = score(truth, predicted, classes=classes)
    return found.uf1, found.uar


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    uf1, uar = np.mean(pairs, axis=0)
    return float(uf1), float(uar)
