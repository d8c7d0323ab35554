"""Which clips are trained on and which are tested on: the only place where data is split.

In every scheme a subject is on one side only and every clip is tested once. Splitting is apart
from evaluation, so that it can be tested against a slow readable twin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from hmrm.clip import ClipId
from hmrm.errors import ConfigError, DataError, shortened

SCHEMES = ("loso", "loso-per-dataset", "datasets", "a number k of subject-grouped folds")


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Positions of the clips to train on and to test on, both ascending."""

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A split with its classes; ``scheme`` is what `build` was asked for."""

    scheme: str
    classes: tuple[str, ...]
    folds: tuple[Fold, ...]


def build(
    scheme: str,
    *,
    ids: Sequence[str],
    labels: Int[np.ndarray, " n"],
    classes: tuple[str, ...],
    seed: int = 0,
) -> Protocol:
    """Split clips by name of scheme.

    Args:
        scheme: ``loso`` (leave one subject out over all data sets pooled, MEGC 2019's CDE),
            ``loso-per-dataset`` (train on the subject's own data set only), ``datasets`` (leave
            one data set out) or a number k ≥ 2 of subject-grouped folds, e.g. ``"5"``.
        ids: ``dataset/subject/clip`` of each clip.
        labels: indices into ``classes``; only k-fold looks at them, to spread the classes.
        seed: of the k-fold assignment; the other schemes have no choice to make.

    Raises:
        ConfigError: unknown scheme, or more folds than subjects.
        DataError: too few subjects or data sets to leave one out, an id twice, or one that is not
            ``dataset/subject/clip``.
    """
    _check_ids(ids)
    clips = [ClipId.parse(name) for name in ids]
    subjects, datasets = [clip.subject for clip in clips], [clip.dataset for clip in clips]
    if scheme == "loso":
        folds = leave_one_out(subjects)
    elif scheme == "loso-per-dataset":
        folds = leave_one_out(subjects, within=datasets)
    elif scheme == "datasets":
        folds = leave_one_out(datasets)
    elif scheme.isdecimal() and len(scheme) <= 6:
        folds = grouped_folds(subjects, labels, folds=int(scheme), seed=seed)
    else:
        raise ConfigError(f"folds {shortened(scheme)} are unknown; choose {', '.join(SCHEMES)}")
    return Protocol(scheme=scheme, classes=classes, folds=folds)


def _check_ids(ids: Sequence[str]) -> None:
    for name, following in pairwise(sorted(ids)):
        if name == following:
            raise DataError(f"clip {name} occurs twice; a clip is tested once")


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
