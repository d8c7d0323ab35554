"""What all support vector machines here share: a Gram matrix per fold and one vote per class.

With a few hundred clips of some thousand numbers each, nearly all time of a usual SVM goes into
kernel rows. They are computed once, as one matrix product; solving takes milliseconds.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, cast

import numpy as np
from jaxtyping import Float, Float64, Int

from hmrm.errors import DataError, MissingExtraError
from hmrm.flow.mapset import MapSet
from hmrm.flow.pair import mirrored_about_median
from hmrm.model.contract import Inputs, MapKind, Observer

Maps = Float64[np.ndarray, "n 3 s s"]
Rows = Float64[np.ndarray, "n d"]


@dataclass(frozen=True, kw_only=True)
class KernelSvm:
    """A `Recogniser`; baselines set other defaults and describe a map in their own way.

    Attributes:
        kernel: on rows a, b of d numbers: ``linear`` a·b, ``rbf`` exp(−|a − b|²/d), ``cubic``
            (a·b/d + 1)³.
        cost: C of the soft margin.
        balanced: weigh C by the inverse frequency of a class.
        standardise: each number to mean 0 and standard deviation 1 over the training clips.
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

    def rows(self, maps: Inputs) -> Rows:
        """`describe` of maps as they come."""
        return self.describe(maps.astype(np.float64))

    def fit(
        self,
        train: MapSet,
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
        check_classes(train)
        rows, labels = self.rows(train.maps), train.labels
        if self.mirror:
            mirrored = self.describe(mirrored_about_median(train.maps.astype(np.float64)))
            rows, labels = np.concatenate([rows, mirrored]), np.concatenate([labels, labels])
        mean, std = moments(rows, standardise=self.standardise)
        rows = (rows - mean) / std
        solved = solve(
            gram(rows, rows, self.kernel), labels, cost=self.cost, balanced=self.balanced
        )
        support, weights = rows[solved.support], solved.weights
        if self.kernel == "linear":
            # A sum of products with support clips is a product with their sum: one normal per pair.
            support, weights = weights @ support, np.eye(len(weights))
        return FittedSvm(
            recogniser=self,
            classes=len(train.classes),
            present=solved.present,
            mean=mean,
            std=std,
            rows=support,
            weights=weights,
            offsets=solved.offsets,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedSvm:
    """A trained machine, in bare numbers.

    Attributes:
        classes: of the protocol; ``present`` are those that training clips had.
        mean, std: of each number of the description, over the training clips.
        rows: what the kernel compares a clip with: support clips, or one normal vector per pair.
        weights: of the rows in each pair's decision; pairs of ``present`` in lexical order.
        offsets: added to each pair's decision, which is above 0 for the pair's first class.
    """

    recogniser: KernelSvm
    classes: int
    present: Int[np.ndarray, " k"]
    mean: Float64[np.ndarray, " d"]
    std: Float64[np.ndarray, " d"]
    rows: Float64[np.ndarray, "m d"]
    weights: Float64[np.ndarray, "pairs m"]
    offsets: Float64[np.ndarray, " pairs"]

    def predict(self, maps: Inputs) -> Float[np.ndarray, "n classes"]:
        """Votes of one class against one, summed margins (squashed below ½) between equals.

        A class that no training clip had scores one below the lowest class that had.
        """
        # One clip at a time: a matrix product of another size may round differently, and a
        # clip's scores must not depend on its neighbours.
        scores = [self._scores(maps[i : i + 1]) for i in range(len(maps))]
        return np.array(scores).reshape(len(maps), self.classes)

    def features(self, maps: Inputs) -> Float[np.ndarray, "n d"]:
        """The standardised description that the kernel works on."""
        return self._standardised(maps)

    @property
    def parameters(self) -> int:
        """Numbers that a decision needs."""
        own_weights = 0 if self.recogniser.kernel == "linear" else self.weights.size
        return self.rows.size + own_weights + len(self.offsets)

    @property
    def flops(self) -> int:
        """Operations per clip: a multiplication and an addition per parameter and view."""
        return 2 * self.parameters * (2 if self.recogniser.mirror else 1)

    def _standardised(self, maps: Inputs) -> Rows:
        return (self.recogniser.rows(maps) - self.mean) / self.std

    def _scores(self, clip: Inputs) -> Float64[np.ndarray, " classes"]:
        scores = self._votes(clip)
        if self.recogniser.mirror:
            scores = scores + self._votes(mirrored_about_median(clip.astype(np.float64)))
        all_scores = np.full(self.classes, scores.min() - 1)
        all_scores[self.present] = scores
        return all_scores

    def _votes(self, clip: Inputs) -> Float64[np.ndarray, " k"]:
        kernel = gram(self.rows, self._standardised(clip), self.recogniser.kernel)
        return votes(self.weights @ kernel + self.offsets[:, None], classes=len(self.present))[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class Solved:
    """What LIBSVM found for a Gram matrix.

    Attributes:
        present: labels that clips had, ascending.
        support: positions of the clips that a decision needs.
        weights: theirs in each pair's decision; pairs of ``present`` in lexical order.
        offsets: see `FittedSvm`.
    """

    present: Int[np.ndarray, " k"]
    support: Int[np.ndarray, " m"]
    weights: Float64[np.ndarray, "pairs m"]
    offsets: Float64[np.ndarray, " pairs"]


def moments(
    rows: Rows, *, standardise: bool = True
) -> tuple[Float64[np.ndarray, " d"], Float64[np.ndarray, " d"]]:
    """Mean of each number, and its standard deviation (1 unless asked for)."""
    mean = rows.mean(0)
    std = rows.std(0) if standardise else np.ones_like(mean)
    # A pixel that is the same in every training clip is uninformative; it must not become NaN.
    return mean, np.where(std > 0, std, 1.0)


def solve(
    kernel: Float64[np.ndarray, "n n"],
    labels: Int[np.ndarray, " n"],
    *,
    cost: float,
    balanced: bool,
) -> Solved:
    """Solve one machine per pair of classes; see `KernelSvm` for ``cost`` and ``balanced``.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    machine = _svc()(
        kernel="precomputed", C=cost, class_weight="balanced" if balanced else None
    ).fit(kernel, labels)
    # LIBSVM answers for the first class of a pair; of two classes alone, scikit-learn turns the
    # sign around.
    sign = -1.0 if len(machine.classes_) == 2 else 1.0
    return Solved(
        present=machine.classes_,
        support=machine.support_,
        weights=_pair_weights(machine),
        offsets=sign * machine.intercept_,
    )


def votes(
    margins: Float64[np.ndarray, "pairs n"], *, classes: int
) -> Float64[np.ndarray, "n classes"]:
    """Votes of each class against each other, and their summed margins, squashed below ½."""
    won, sums = np.zeros((margins.shape[1], classes)), np.zeros((margins.shape[1], classes))
    for (first, second), margin in zip(_pairs(classes), margins, strict=True):
        won[:, first] += margin >= 0
        won[:, second] += margin < 0
        sums[:, first] += margin
        sums[:, second] -= margin
    return won + sums / (3 * (np.abs(sums) + 1))


def _pairs(classes: int) -> list[tuple[int, int]]:
    return list(combinations(range(classes), 2))


def _pair_weights(machine: Any) -> Float64[np.ndarray, "pairs support"]:
    """LIBSVM's coefficients, which it packs by class, as one row per pair of classes."""
    ends = np.cumsum(machine.n_support_)
    of_class = [slice(end - size, end) for end, size in zip(ends, machine.n_support_, strict=True)]
    pairs = _pairs(len(machine.classes_))
    weights = np.zeros((len(pairs), len(machine.support_)))
    for row, (first, second) in zip(weights, pairs, strict=True):
        row[of_class[first]] = machine.dual_coef_[second - 1, of_class[first]]
        row[of_class[second]] = machine.dual_coef_[first, of_class[second]]
    return -weights if len(pairs) == 1 else weights


def check_classes(train: MapSet) -> None:
    """Refuse a training set of one class alone.

    Raises:
        DataError: such a set.
    """
    present = np.unique(train.labels)
    if len(present) < 2:
        names = ", ".join(train.classes[int(label)] for label in present) or "none"
        raise DataError(
            f"{len(train.ids)} training clips, classes: {names}; an SVM needs two classes"
        )


def gram(
    a: Float64[np.ndarray, "n d"], b: Float64[np.ndarray, "m d"], kernel: str
) -> Float64[np.ndarray, "n m"]:
    """The kernel between every two rows; see `KernelSvm`."""
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
