"""Splits that keep subjects apart: one group out in turn, or grouped folds.

Evaluation splits data into training and test by them (`hmrm.evaluation.protocol`), and a model that
chooses between settings splits its own training set again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from hmrm.errors import ConfigError, DataError


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Positions of the clips to train on and to test on, both ascending."""

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]


def leave_one_out(
    groups: Sequence[str], *, within: Sequence[str] | None = None
) -> tuple[Fold, ...]:
    """One fold per group, in the order of names.

    Args:
        groups: group (subject, data set) of each clip.
        within: train only on clips with the same value here as the test clips (e.g. data set).

    Raises:
        DataError: a fold would have nothing to train on.
    """
    home = within if within is not None else [""] * len(groups)
    folds = []
    for name in sorted(set(groups)):
        test = tuple(i for i, g in enumerate(groups) if g == name)
        homes = {home[i] for i in test}
        train = tuple(i for i, g in enumerate(groups) if g != name and home[i] in homes)
        if not train:
            raise DataError(f"excluding {name} leaves nothing to train on; add other subjects")
        folds.append(Fold(name=name, train=train, test=test))
    return tuple(folds)


def grouped_folds(
    subjects: Sequence[str], labels: Int[np.ndarray, " n"], *, folds: int, seed: int
) -> tuple[Fold, ...]:
    """``folds`` folds that never split a subject, classes spread as evenly as subjects allow.

    Greedy: subjects with many clips first, each into the fold where the class counts, as fractions
    of their class, then differ least between folds; ties go to the emptier fold. ``seed`` orders
    subjects of equal size.

    Raises:
        ConfigError: fewer than 2 folds, or more folds than subjects.
    """
    names = sorted(set(subjects))
    if not 2 <= folds <= len(names):
        raise ConfigError(f"{folds} folds of {len(names)} subjects; choose 2 to {len(names)}")
    classes, codes = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(names), len(classes)))
    position = {name: row for row, name in enumerate(names)}
    for subject, code in zip(subjects, codes, strict=True):
        counts[position[subject], code] += 1
    fractions = counts / counts.sum(0)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = sorted(shuffled, key=lambda row: -counts[row].sum())
    filled = np.zeros((folds, len(classes)))
    fold_of = np.zeros(len(names), dtype=int)
    for row in order:
        fold_of[row] = _best_fold(filled, fractions[row])
        filled[fold_of[row]] += fractions[row]
    assigned = np.array([fold_of[position[s]] for s in subjects])
    return tuple(_fold_of(assigned, k) for k in range(folds))


def _best_fold(filled: np.ndarray, subject: np.ndarray) -> int:
    def unevenness(fold: int) -> tuple[float, float]:
        trial = filled.copy()
        trial[fold] += subject
        # Rounded, so that sums taken in another order cannot turn a tie.
        return round(float(trial.std(0).mean()), 12), round(float(filled[fold].sum()), 12)

    return min(range(len(filled)), key=unevenness)


def _fold_of(assigned: np.ndarray, fold: int) -> Fold:
    return Fold(
        name=f"fold{fold + 1}of{assigned.max() + 1}",
        train=tuple(np.flatnonzero(assigned != fold).tolist()),
        test=tuple(np.flatnonzero(assigned == fold).tolist()),
    )
