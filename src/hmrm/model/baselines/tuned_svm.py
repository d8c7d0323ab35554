"""Gaussian machine on blurred, symmetric maps, tuned on its training subjects: the one to beat.

Maps are blurred by a Gaussian of σ px, centred as in `mirrored_svm`, averaged with their mirror
images, standardised over the training clips, and compared by a Gaussian kernel. σ and C are those
of a fixed grid that give the highest UF1 on subject-grouped folds inside the training set, all
inner test clips pooled; at equal UF1 the earlier entry of the grid. One kernel per σ serves all
inner folds and every C.

Source: none of its own. That the form helps was seen on the clips of MEGC 2019 themselves, where
about 50 settings of blur, C and kernel were tried before the grid was fixed; σ and C are not.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float64, Int

from hmrm.errors import ConfigError
from hmrm.flow.mapset import MapSet
from hmrm.flow.pair import MAP_SIDE
from hmrm.model.baselines.kernel_svm import (
    FittedSvm,
    KernelSvm,
    Maps,
    Rows,
    check_classes,
    gram,
    moments,
    solve,
    votes,
)
from hmrm.model.baselines.mirrored_svm import centred_flow
from hmrm.model.contract import MapKind, Observer
from hmrm.subject_folds import Fold, grouped_folds


@dataclass(frozen=True, kw_only=True)
class SymmetricSvm(KernelSvm):
    """A `KernelSvm` to which a map and its mirror image are the same.

    Attributes:
        blur_px: standard deviation of the Gaussian, px of a map of 28 × 28: on a larger one it
            covers the same part of the face. 0 leaves maps as they are.
    """

    kernel: Literal["linear", "rbf", "cubic"] = "rbf"
    cost: float = 1.0
    blur_px: float = 1.0

    def describe(self, maps: Maps) -> Rows:
        """Blurred, centred, averaged with the mirror image; all pixels in one row."""
        smooth = _blurred(maps, self.blur_px * (maps.shape[-1] / MAP_SIDE))
        centred = np.concatenate([centred_flow(smooth), smooth[:, 2:]], axis=1)
        # u is centred already, so that its mirror image only changes the sign.
        mirrored = centred[..., ::-1] * np.array([-1.0, 1.0, 1.0])[:, None, None]
        return ((centred + mirrored) / 2).reshape(len(maps), -1)


@dataclass(frozen=True, kw_only=True)
class TunedSvm:
    """A `Recogniser` that chooses a `SymmetricSvm` on its own training subjects.

    Attributes:
        blurs_px, costs: the grid, σ and C.
        inner_folds: subject-grouped folds inside the training set; at most one per subject.
        map_kind: which maps it works on.
    """

    blurs_px: tuple[float, ...] = (0.0, 0.7, 1.0, 1.5, 2.0)
    costs: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0, 10.0)
    inner_folds: int = 5
    map_kind: MapKind = "raw"

    def __post_init__(self) -> None:
        if not self.blurs_px or not self.costs or min(self.blurs_px) < 0 or min(self.costs) <= 0:
            raise ConfigError(
                f"svm-tuned: blurs_px = {list(self.blurs_px)}, costs = {list(self.costs)}: give "
                "at least one blur of 0 or more and one cost above 0"
            )
        if self.inner_folds < 2:
            raise ConfigError(f"svm-tuned: inner_folds = {self.inner_folds}: must be at least 2")

    @property
    def epochs(self) -> None:
        """None: convex problems, each solved to its end."""

    def fit(
        self,
        train: MapSet,
        *,
        seed: int,
        epochs: int | None = None,
        observer: Observer | None = None,
    ) -> FittedSvm:
        """Choose on ``train``, then learn all of it; nothing is random.

        Returns:
            The fitted machine; its ``recogniser`` says which σ and C were chosen.

        Raises:
            DataError: the training clips are all of one class.
            ConfigError: they are of one subject alone, which leaves nobody to choose on.
            MissingExtraError: scikit-learn is not installed.
        """
        del epochs, observer
        scores = self.inner_scores(train)
        blur, cost = np.unravel_index(int(scores.argmax()), scores.shape)
        chosen = SymmetricSvm(
            blur_px=self.blurs_px[blur], cost=self.costs[cost], map_kind=self.map_kind
        )
        return chosen.fit(train, seed=seed)

    def inner_scores(self, train: MapSet) -> Float64[np.ndarray, "blurs costs"]:
        """UF1 of each setting on subjects inside the training set; for errors see `fit`."""
        check_classes(train)
        folds = grouped_folds(
            train.subjects,
            train.labels,
            folds=max(2, min(self.inner_folds, len(set(train.subjects)))),
            seed=0,
        )
        maps = train.maps.astype(np.float64)
        return np.array([self._scores_of_blur(blur, maps, train, folds) for blur in self.blurs_px])

    def _scores_of_blur(
        self, blur_px: float, maps: Maps, train: MapSet, folds: tuple[Fold, ...]
    ) -> list[float]:
        machine = SymmetricSvm(blur_px=blur_px)
        rows = machine.describe(maps)
        mean, std = moments(rows)
        rows = (rows - mean) / std
        kernel = gram(rows, rows, machine.kernel)
        classes = len(train.classes)
        return [
            _macro_f1(
                train.labels, _inner_predictions(kernel, train.labels, folds, cost), classes=classes
            )
            for cost in self.costs
        ]


def _inner_predictions(
    kernel: Float64[np.ndarray, "n n"],
    labels: Int[np.ndarray, " n"],
    folds: tuple[Fold, ...],
    cost: float,
) -> Int[np.ndarray, " n"]:
    """The class of each clip, by the machine that learnt from the other inner folds."""
    predicted = np.empty_like(labels)
    for fold in folds:
        train, test = np.array(fold.train), np.array(fold.test)
        present = np.unique(labels[train])
        if len(present) == 1:
            predicted[test] = present[0]
            continue
        solved = solve(kernel[np.ix_(train, train)], labels[train], cost=cost, balanced=True)
        between = kernel[np.ix_(train[solved.support], test)]
        margins = solved.weights @ between + solved.offsets[:, None]
        predicted[test] = present[votes(margins, classes=len(present)).argmax(1)]
    return predicted


def _macro_f1(
    truth: Int[np.ndarray, " n"], predicted: Int[np.ndarray, " n"], *, classes: int
) -> float:
    from sklearn.metrics import f1_score

    names = list(range(classes))
    return float(f1_score(truth, predicted, labels=names, average="macro", zero_division=0.0))


def _blurred(maps: Maps, sigma_px: float) -> Maps:
    if sigma_px == 0:
        return maps
    # Channel by channel: a clip's numbers must not depend on its neighbours.
    channels = [
        cv2.GaussianBlur(channel, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
        for channel in maps.reshape(-1, *maps.shape[2:])
    ]
    return np.array(channels).reshape(maps.shape)
