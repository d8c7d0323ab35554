"""A linear classifier on features of a network that stays as it is: a convex problem.

Features far outnumber clips, so everything rests on regularisation. ``svm`` is the machine of the
baseline (`hmrm.model.baselines.mirrored_svm`) on other features; ``ridge`` and ``logistic`` are
linear classifiers per class, which become the network's own last layer.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int
from torch.nn import functional

from hmrm.errors import ConfigError, DataError
from hmrm.model.baselines.kernel_svm import FittedSvm, KernelSvm, Maps, Rows
from hmrm.model.contract import MapKind
from hmrm.model.fitted_network import FrozenFeatures
from hmrm.model.network import HMRM

_CHANGE = 1e-9
_ITERATIONS = 500


@dataclass(frozen=True, kw_only=True)
class LinearHead:
    """Which classifier, and how strongly it is held back.

    Attributes:
        kind: ``svm`` one against one; ``ridge`` least squares to ±1; ``logistic`` multinomial.
        cost: scikit-learn's C of ``svm`` and ``logistic``; 1 / (2 · alpha) of its ridge.
        balanced: weigh clips by the inverse frequency of their class.
        mirror: learn every clip also mirrored.
    """

    kind: Literal["svm", "ridge", "logistic"] = "svm"
    cost: float = 3e-4
    balanced: bool = True
    mirror: bool = True

    def __post_init__(self) -> None:
        if not self.cost > 0:
            raise ConfigError(f"head: cost = {self.cost}: must be above 0")


@dataclass(frozen=True, kw_only=True)
class FeatureSvm(KernelSvm):
    """A linear `KernelSvm` whose description of a map is a network's features."""

    extract: FrozenFeatures = field(repr=False)
    map_kind: MapKind = "canonical"

    def describe(self, maps: Maps) -> Rows:
        """Features of each map."""
        return self.extract(maps.astype(np.float32))


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedFeatureSvm:
    """A machine together with the network that describes maps for it."""

    svm: FittedSvm
    network: HMRM

    def predict(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n classes"]:
        """The machine's votes; each clip for itself."""
        return self.svm.predict(maps)

    def features(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n d"]:
        """Standardised features of the network."""
        return self.svm.features(maps)


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearClassifiers:
    """One affine function of a map's features per class."""

    weights: Float64[np.ndarray, "k d"]
    offsets: Float64[np.ndarray, " k"]


def fit_linear_classifiers(
    rows: Float64[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    *,
    classes: int,
    head: LinearHead,
) -> LinearClassifiers:
    """Fit ``ridge`` or ``logistic`` on rows standardised over themselves.

    Standardisation is part of the weights returned: they take rows as they are. A class that no
    row has gets the lowest offset of all and no weights, so that it never wins by itself.

    Raises:
        DataError: all rows are of one class.
    """
    present, columns = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise DataError(f"{len(rows)} training clips, all of one class; a classifier needs two")
    mean, std = rows.mean(0), rows.std(0)
    std = np.where(std > 0, std, 1.0)
    counts = np.bincount(columns)
    fractions = len(rows) / (len(present) * counts[columns])
    weights = fractions if head.balanced else np.ones(len(rows))
    standard = (rows - mean) / std
    solve = _ridge if head.kind == "ridge" else _logistic
    slopes, intercepts = solve(standard, np.eye(len(present))[columns], weights, cost=head.cost)
    slopes = slopes / std
    intercepts = intercepts - slopes @ mean
    all_slopes, all_offsets = np.zeros((classes, rows.shape[1])), np.full(classes, -1e3)
    all_slopes[present], all_offsets[present] = slopes, intercepts
    return LinearClassifiers(weights=all_slopes, offsets=all_offsets)


def _ridge(
    rows: Float64[np.ndarray, "n d"],
    target: Float64[np.ndarray, "n k"],
    weights: Float64[np.ndarray, " n"],
    *,
    cost: float,
) -> tuple[Float64[np.ndarray, "k d"], Float64[np.ndarray, " k"]]:
    """Weighted least squares to ±1, in the dual: a system of as many unknowns as clips."""
    centre = weights @ rows / weights.sum()
    expected = 2 * target - 1
    level = weights @ expected / weights.sum()
    root = np.sqrt(weights)[:, None]
    x, y = root * (rows - centre), root * (expected - level)
    system = x @ x.T + np.eye(len(rows)) / (2 * cost)
    slopes = (x.T @ np.linalg.solve(system, y)).T
    return slopes, level - slopes @ centre


def _logistic(
    rows: Float64[np.ndarray, "n d"],
    target: Float64[np.ndarray, "n k"],
    weights: Float64[np.ndarray, " n"],
    *,
    cost: float,
) -> tuple[Float64[np.ndarray, "k d"], Float64[np.ndarray, " k"]]:
    """Softmax regression, ½|slopes|² + cost · Σ weighted losses, by L-BFGS from zero.

    Solved in coordinates of the clips' span, where the best slopes lie: no more of them than
    clips.
    """
    basis, _ = np.linalg.qr(rows.T)
    x, y = torch.from_numpy(rows @ basis), torch.from_numpy(target)
    w = torch.from_numpy(weights)
    slopes = torch.zeros(y.shape[1], x.shape[1], dtype=torch.float64, requires_grad=True)
    offsets = torch.zeros(y.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [slopes, offsets],
        max_iter=_ITERATIONS,
        tolerance_grad=_CHANGE,
        tolerance_change=_CHANGE * _CHANGE,
        line_search_fn="strong_wolfe",
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        losses = functional.cross_entropy(x @ slopes.T + offsets, y, reduction="none")
        # Divided by cost · Σ weights, so that tolerances mean the same for every problem.
        total = (w * losses).sum() / w.sum() + 0.5 * (slopes**2).sum() / (cost * w.sum())
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return slopes.detach().numpy() @ basis.T, offsets.detach().numpy()
