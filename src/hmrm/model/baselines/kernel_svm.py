"""What all support vector machines here share: a Gram matrix per fold and one vote per class.

With a few hundred clips of some thousand numbers each, nearly all time of a usual SVM goes into
kernel rows. They are computed once, as one matrix product; solving takes milliseconds.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from hmrm.errors import DataError, MissingExtraError
from hmrm.model.baselines.mirror import mirrored_maps
from hmrm.model.contract import MapKind, Observer, TrainingSet

Maps = Float64[np.ndarray, "n 3 s s"]
Rows = Float64[np.ndarray, "n d"]


@dataclass(frozen=True, kw_only=True)
class KernelSvm:
    """A `Recogniser`; peers set other defaults and describe a map in their own way.

    Attributes:
        kernel: on rows a, b of d numbers: ``linear`` a·b, ``rbf`` exp(−|a − b|²/d), ``cubic``
            (a·b/d + 1)³.
        cost: C of the soft margin.
        balanced: weigh C by the inverse frequency of a class.
        standardise: each number to mean 0 and deviation 1 over the training clips.
        mirror: learn every clip also mirrored, and sum both decisions at test.
        map_kind: which maps it works on.
    """

    kernel: Literal["linear", "rbf", "cubic"] = "linear"
    cost: float = 0.001
    balanced: bool = True
    standardise: bool = True
    mirror: bool = False
    map_kind: MapKind = "raw"

    @property
    def epochs(self) -> None:
        """None: a convex problem, solved to its end."""

    def describe(self, maps: Maps) -> Rows:
        """One row of numbers per clip: here all pixels."""
        return maps.reshape(len(maps), -1)

    def fit(
        self,
        train: TrainingSet,
        *,
        seed: int,
        epochs: int | None = None,
        observer: Observer | None = None,
    ) -> "FittedSvm":
        """Train one machine; nothing is random, so ``seed`` changes nothing.

        Raises:
            DataError: the training clips are all of one class.
            MissingExtraError: scikit-learn is not installed.
        """
        del seed, epochs, observer
        _check_classes(train)
        rows, labels = self.describe(train.maps.astype(np.float64)), train.labels
        if self.mirror:
            mirrored = self.describe(mirrored_maps(train.maps.astype(np.float64)))
            rows, labels = np.concatenate([rows, mirrored]), np.concatenate([labels, labels])
        mean = rows.mean(0)
        deviation = rows.std(0) if self.standardise else np.ones_like(mean)
        # A pixel that is the same in every training clip tells nothing; it must not become NaN.
        deviation = np.where(deviation > 0, deviation, 1.0)
        rows = (rows - mean) / deviation
        machine = _svc()(
            kernel="precomputed",
            C=self.cost,
            class_weight="balanced" if self.balanced else None,
        ).fit(_gram(rows, rows, self.kernel), labels)
        return FittedSvm(
            recogniser=self,
            classes=len(train.classes),
            mean=mean,
            deviation=deviation,
            clips=len(rows),
            support=machine.support_,
            rows=rows[machine.support_],
            machine=machine,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedSvm:
    """A trained machine: the support clips, and how to describe a new one."""

    recogniser: KernelSvm
    classes: int
    mean: Float64[np.ndarray, " d"]
    deviation: Float64[np.ndarray, " d"]
    clips: int
    support: Int[np.ndarray, " support"]
    rows: Float64[np.ndarray, "support d"]
    machine: Any

    def predict(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n classes"]:
        """Votes of one class against one, summed margins (squashed below ½) between equals.

        A class that no training clip had scores one below the lowest class that had.
        """
        # One clip at a time: a matrix product of another size may round differently, and a
        # clip's scores must not depend on its neighbours.
        scores = [self._scores(maps[i : i + 1].astype(np.float64)) for i in range(len(maps))]
        return np.array(scores).reshape(len(maps), self.classes)

    def features(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n d"]:
        """The standardised description that the kernel works on."""
        return self._standardised(maps.astype(np.float64))

    def _standardised(self, maps: Maps) -> Rows:
        return (self.recogniser.describe(maps) - self.mean) / self.deviation

    def _scores(self, clip: Float64[np.ndarray, "1 3 s s"]) -> Float64[np.ndarray, " classes"]:
        decision = self._decision(clip)
        if self.recogniser.mirror:
            decision = decision + self._decision(mirrored_maps(clip))
        scores = np.full(self.classes, decision.min() - 1)
        scores[self.machine.classes_] = decision
        return scores

    def _decision(self, clip: Float64[np.ndarray, "1 3 s s"]) -> Float64[np.ndarray, " present"]:
        # scikit-learn wants a column per training clip, and reads those of support clips only.
        gram = np.zeros((1, self.clips))
        gram[:, self.support] = _gram(self._standardised(clip), self.rows, self.recogniser.kernel)
        decision = self.machine.decision_function(gram)[0]
        return np.array([-decision, decision]) if np.ndim(decision) == 0 else decision


def _check_classes(train: TrainingSet) -> None:
    present = np.unique(train.labels)
    if len(present) < 2:
        names = ", ".join(train.classes[int(label)] for label in present) or "none"
        raise DataError(
            f"{len(train.ids)} training clips, classes: {names}; an SVM needs two classes"
        )


def _gram(
    a: Float64[np.ndarray, "n d"], b: Float64[np.ndarray, "m d"], kernel: str
) -> Float64[np.ndarray, "n m"]:
    products = a @ b.T
    if kernel == "linear":
        return products
    if kernel == "cubic":
        return (products / a.shape[1] + 1) ** 3
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * products
    return np.exp(-squares / a.shape[1])


def _svc() -> type[Any]:
    try:
        from sklearn.svm import SVC
    except ImportError as error:
        raise MissingExtraError(
            "support vector machines need scikit-learn: pip install 'hmrm[research]'"
        ) from error
    return cast(type[Any], SVC)
