"""One fold with one seed as a task for an engine: what a worker gets, and what it returns."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hmrm.evaluation.fold import run_fold
from hmrm.evaluation.foldfiles import FoldFile
from hmrm.evaluation.settings import Plan
from hmrm.evaluation.task_maps import TaskMaps
from hmrm.subject_folds import Fold
from hmrm.training.registry import find_recogniser


@dataclass(frozen=True, kw_only=True)
class FoldTask:
    """All that a worker needs: small, and everything large is on disk.

    Attributes:
        out: where the result belongs; the worker does not write it.
        features: keep how alike the clips look to the model.
    """

    data: TaskMaps
    out: Path
    plan: Plan
    fold: Fold
    seed: int
    features: bool


@dataclass(frozen=True, kw_only=True)
class FoldCheck:
    """Whether a machine has what all folds of a run need."""

    data: TaskMaps
    plan: Plan

    def __call__(self) -> None:
        """Load the maps, build the model.

        Raises:
            ConfigError: the model's own code is not there.
            DataError: the maps are not there, or are others.
            MissingExtraError: the model's library is not installed.
        """
        find_recogniser(self.plan.model, self.plan.options)
        self.data.load()


def run_task(task: FoldTask) -> tuple[FoldFile, float]:
    """Run one fold; what belongs into its file, and the seconds it took."""
    start = time.perf_counter()
    data = task.data.load()
    recogniser = find_recogniser(task.plan.model, task.plan.options)
    settings = replace(task.plan.settings, features=task.features)
    try:
        result = run_fold(recogniser, data, task.fold, settings, seed=task.seed)
    except Exception as error:
        error.add_note(f"in model {task.plan.model}, fold {task.fold.name}, seed {task.seed}")
        raise
    test = np.array(task.fold.test)
    file = FoldFile(
        fold=task.fold.name,
        ids=tuple(data.ids[i] for i in test),
        truth=np.array(data.labels[test]),
        result=result,
    )
    return file, round(time.perf_counter() - start, 4)
