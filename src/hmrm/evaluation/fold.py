"""One fold with one seed: train, select, predict, and nothing else.

Training receives a fold's training clips and a seed. What this file does with the test clips
happens after training, or in an observer that returns nothing.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from hmrm.errors import ConfigError, NumericalError
from hmrm.evaluation.metrics import score
from hmrm.evaluation.settings import Settings
from hmrm.flow.mapset import MapSet
from hmrm.model.contract import FittedRecogniser, HasFeatures, Recogniser
from hmrm.subject_folds import Fold, grouped_folds

_PROBES = 3
_SAME = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldResult:
    """What one fold and seed gave.

    Attributes:
        scores: one row per test clip, in the order of the fold's test positions.
        epochs: epochs trained, or taken by ``oracle``; None where there is nothing to choose.
        transductive: a clip's scores depend on the clips around it.
        epoch_predictions: class by epoch and test clip, where it was recorded.
        inner_uf1: UF1 on inner subjects by epoch, for ``inner``.
        cosine_similarity: of the features of each test clip and those of every clip, seen by the
            model that never trained on the test clip.
    """

    scores: Float[np.ndarray, "t k"]
    epochs: int | None
    transductive: bool
    epoch_predictions: Int[np.ndarray, "e t"] | None = None
    inner_uf1: Float[np.ndarray, " inner_e"] | None = None
    cosine_similarity: Float[np.ndarray, "t n"] | None = None


def run_fold(
    recogniser: Recogniser, data: MapSet, fold: Fold, settings: Settings, *, seed: int
) -> FoldResult:
    """Train on a fold's training clips and predict its test clips.

    Raises:
        ConfigError: a selection rule for a model without epochs, or predictions of a wrong shape.
        NumericalError: predictions that are not finite.
    """
    rule = settings.selection
    if rule != "fixed" and recogniser.epochs is None:
        raise ConfigError(f"selection {rule}: this model has no epochs to choose; use fixed")
    train, test = data.select(fold.train), data.select(fold.test)
    epochs, inner_uf1 = None, None
    if rule == "inner":
        inner_uf1 = inner_curve(recogniser, data, fold, settings, seed=seed)
        epochs = int(inner_uf1.argmax()) + 1
    first_pass = _FirstPass(test.maps, classes=len(data.classes))
    recording = rule == "oracle" or (settings.record_epochs and recogniser.epochs is not None)
    fitted = recogniser.fit(
        train, seed=seed, epochs=epochs, observer=first_pass if recording else None
    )
    final = scores = checked_scores(fitted, test.maps, classes=len(data.classes))
    taken = epochs if epochs is not None else recogniser.epochs
    if rule == "oracle":
        hits = np.stack(first_pass.scores).argmax(-1) == test.labels
        taken = oracle_epoch(hits) + 1
        scores = first_pass.scores[taken - 1]
    return FoldResult(
        scores=scores,
        epochs=taken,
        transductive=is_transductive(fitted, test.maps, final, train.maps[:2]),
        epoch_predictions=np.stack(first_pass.scores).argmax(-1) if recording else None,
        inner_uf1=inner_uf1,
        cosine_similarity=_cosine_similarity(fitted, data, fold) if settings.features else None,
    )


def oracle_epoch(hits: Bool[np.ndarray, "e t"]) -> int:
    """The last of the epochs with most test clips right: the habit of published code."""
    right = hits.sum(1)
    return int(len(right) - 1 - right[::-1].argmax())


def inner_curve(
    recogniser: Recogniser, data: MapSet, fold: Fold, settings: Settings, *, seed: int
) -> Float[np.ndarray, " e"]:
    """UF1 by epoch, pooled over subject-grouped folds inside the training set."""
    whole = data.select(fold.train)
    count = min(settings.inner_folds, len(set(whole.subjects)))
    folds = grouped_folds(whole.subjects, whole.labels, folds=count, seed=settings.fold_seed)
    truth, predicted = [], []
    for inner in folds:
        test = whole.select(inner.test)
        first_pass = _FirstPass(test.maps, classes=len(data.classes))
        recogniser.fit(whole.select(inner.train), seed=seed, observer=first_pass)
        truth.append(test.labels)
        predicted.append(np.stack(first_pass.scores).argmax(-1))
    pooled, labels = np.concatenate(predicted, axis=1), np.concatenate(truth)
    return np.array([score(labels, row, classes=data.classes).uf1 for row in pooled])


class _FirstPass:
    """An observer that keeps the scores of some clips after every epoch."""

    def __init__(self, maps: Shaped[np.ndarray, "t ..."], *, classes: int) -> None:
        self.maps = maps
        self.classes = classes
        self.scores: list[Float[np.ndarray, "t k"]] = []

    def __call__(self, epoch: int, fitted: FittedRecogniser) -> None:
        assert epoch == len(self.scores) + 1, "epochs are observed in order, from 1"
        self.scores.append(checked_scores(fitted, self.maps, classes=self.classes))


def checked_scores(
    fitted: FittedRecogniser, maps: Shaped[np.ndarray, "t ..."], *, classes: int
) -> Float[np.ndarray, "t k"]:
    """Predict, and hold the model to its contract.

    Raises:
        ConfigError: not one row per clip and one column per class.
        NumericalError: NaN or infinity.
    """
    # A copy: a model that writes into its input must not change what the next clip sees.
    scores = np.asarray(fitted.predict(maps.copy()), dtype=np.float64)
    if scores.shape != (len(maps), classes):
        raise ConfigError(
            f"predict returned shape {scores.shape}; expected {(len(maps), classes)}: "
            "one row per clip, one score per class"
        )
    if not np.isfinite(scores).all():
        raise NumericalError("predict returned NaN or infinity; the training may have diverged")
    return scores


def is_transductive(
    fitted: FittedRecogniser,
    test: Shaped[np.ndarray, "t ..."],
    together: Float[np.ndarray, "t k"],
    others: Shaped[np.ndarray, "m ..."],
) -> bool:
    """Whether a clip's scores depend on the clips around it.

    Some clips are predicted alone and in other company; all must agree with ``together``, the
    scores of the whole batch ``test``.
    """
    classes, count = together.shape[1], min(_PROBES, len(test))
    alone = [checked_scores(fitted, test[i : i + 1], classes=classes) for i in range(count)]
    company = np.concatenate([others, test[:count][::-1]])
    elsewhere = checked_scores(fitted, company, classes=classes)[len(others) :][::-1]
    close = _SAME * max(1.0, float(np.abs(together).max()))
    return any(
        np.abs(again - together[:count]).max() > close
        or not np.array_equal(again.argmax(1), together[:count].argmax(1))
        for again in (np.concatenate(alone), elsewhere)
    )


def _cosine_similarity(
    fitted: FittedRecogniser, data: MapSet, fold: Fold
) -> Float[np.ndarray, "t n"] | None:
    if not isinstance(fitted, HasFeatures):
        return None
    features = np.asarray(fitted.features(np.array(data.maps)), dtype=np.float64)
    features = features - features[np.array(fold.train)].mean(0)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    directions = features / np.where(lengths > 0, lengths, 1.0)
    return directions[np.array(fold.test)] @ directions.T
