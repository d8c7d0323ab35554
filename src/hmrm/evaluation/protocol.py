"""Which clips are trained on and which are tested on: the only place where that is decided.

In every scheme a subject is on one side only and every clip is tested once. Splitting is apart
from evaluation, so that it can be tested against a slow readable twin (`hmrm.subject_folds`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from hmrm.clip import ClipId
from hmrm.errors import ConfigError, DataError, shortened
from hmrm.subject_folds import Fold, grouped_folds, leave_one_out

SCHEMES = ("loso", "loso-per-dataset", "datasets", "a number k of subject-grouped folds")


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
