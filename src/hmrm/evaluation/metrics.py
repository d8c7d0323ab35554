"""UF1, UAR and their relatives, over clips pooled from all folds.

Everything is read off one confusion matrix that names every class of the protocol. A class that
no clip has and no clip is taken for scores 0, it is never dropped: dropping it turns a
three-class UF1 of 0.667 into 1.0, which published code does. Scores are never averaged over
subjects or folds: F1 is not additive.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hmrm.errors import DataError

Labels = Int[np.ndarray, " n"]
Predicted = Int[np.ndarray, " m"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """All scores of one set of predictions, each in 0 to 1.

    Attributes:
        classes: names in label order; all arrays below follow it.
        confusion: clips, rows truth, columns prediction.
        uf1: unweighted mean of ``f1`` over all classes (macro F1).
        uar: unweighted mean of ``recall`` over all classes (balanced accuracy). Not the mean of
            ``precision``, which one published table prints under this name.
    """

    classes: tuple[str, ...]
    confusion: Int[np.ndarray, "k k"]
    f1: Float[np.ndarray, " k"]
    recall: Float[np.ndarray, " k"]
    precision: Float[np.ndarray, " k"]
    uf1: float
    uar: float
    accuracy: float

    @property
    def clips(self) -> int:
        """Number of clips scored."""
        return int(self.confusion.sum())


def confusion_matrix(
    truth: Labels, predicted: Predicted, *, classes: int
) -> Int[np.ndarray, "k k"]:
    """Count clips by (truth, prediction).

    Raises:
        DataError: a label outside 0 … ``classes`` - 1, or the two differ in length.
    """
    if len(truth) != len(predicted):
        raise DataError(f"{len(truth)} true labels but {len(predicted)} predictions; match by id")
    for name, labels in (("true label", truth), ("prediction", predicted)):
        if len(labels) and (labels.min() < 0 or labels.max() >= classes):
            outside = labels[(labels < 0) | (labels >= classes)][0]
            raise DataError(f"{name} {outside} is none of the protocol's classes 0…{classes - 1}")
    cells = np.bincount(truth.astype(np.int64) * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes)


def score(truth: Labels, predicted: Predicted, *, classes: tuple[str, ...]) -> Scores:
    """Score predictions pooled over all folds.

    Args:
        truth: indices into ``classes``.
        predicted: same order of clips as ``truth``.
        classes: all class names of the protocol.

    Raises:
        DataError: no clips, labels outside the classes, or lengths differ.
    """
    if not len(truth):
        raise DataError("no predictions to score; the table is empty")
    return score_confusion(
        confusion_matrix(truth, predicted, classes=len(classes)), classes=classes
    )


def score_confusion(confusion: Int[np.ndarray, "k k"], *, classes: tuple[str, ...]) -> Scores:
    """Read all scores off a confusion matrix (rows truth)."""
    f1, recall, precision = per_class(confusion)
    return Scores(
        classes=classes,
        confusion=confusion,
        f1=f1,
        recall=recall,
        precision=precision,
        uf1=float(f1.mean()),
        uar=float(recall.mean()),
        accuracy=float(np.trace(confusion) / confusion.sum()),
    )


def per_class(
    confusion: Int[np.ndarray, "*batch k k"],
) -> tuple[
    Float[np.ndarray, "*batch k"], Float[np.ndarray, "*batch k"], Float[np.ndarray, "*batch k"]
]:
    """F1, recall and precision of each class; 0 where the quotient is 0/0."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    true_count, predicted_count = confusion.sum(-1), confusion.sum(-2)
    return (
        _quotient(2 * hits, true_count + predicted_count),
        _quotient(hits, true_count),
        _quotient(hits, predicted_count),
    )


def _quotient(
    over: Int[np.ndarray, "*shape"], under: Int[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    return over / np.maximum(under, 1)
