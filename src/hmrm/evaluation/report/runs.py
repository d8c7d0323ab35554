"""Finished runs, read back from their folders, each with a name of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hmrm.errors import DataError
from hmrm.evaluation.foldfiles import read_fold_table
from hmrm.evaluation.predictions import Predictions
from hmrm.evaluation.results import RunResult, RunSummary, ScoreRow
from hmrm.evaluation.run_check import checked_result


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One finished run.

    Attributes:
        name: unique among the runs of a report.
        distance: between clips, 0 to 2, as the models see them (`read_distance`).
    """

    name: str
    result: RunResult
    distance: Float[np.ndarray, "n n"] | None = None

    @property
    def summary(self) -> RunSummary:
        """What its ``run.json`` holds."""
        return self.result.summary

    @property
    def seeds(self) -> tuple[Predictions, ...]:
        """Predictions of each seed, in the order of ``summary.seeds``."""
        return tuple(self.result.predictions.values())


def read_runs(folders: Sequence[Path]) -> tuple[Run, ...]:
    """Read runs; equal names get their folder's appended.

    Raises:
        DataError: a folder without finished run, damaged, or changed since it was written.
    """
    results = [checked_result(folder) for folder in folders]
    names = [_name(result.summary) for result in results]
    unique = [
        name if names.count(name) == 1 else f"{name} ({folder.name})"
        for name, folder in zip(names, folders, strict=True)
    ]
    if len(set(unique)) != len(unique):
        raise DataError(f"two runs are called {unique[0]}; give each folder once")
    return tuple(
        Run(name=name, result=result, distance=_distance(folder, result))
        for name, result, folder in zip(unique, results, folders, strict=True)
    )


def tidy_table(runs: Sequence[Run]) -> tuple[ScoreRow, ...]:
    """Every score of every run as one tidy table; ``model`` is the run's unique name."""
    return tuple(row for run in runs for row in run.result.table(model=run.name))


def _name(summary: RunSummary) -> str:
    rule = summary.selection
    return f"{summary.model}, {rule}" if rule in ("inner", "oracle") else summary.model


def _distance(folder: Path, result: RunResult) -> Float[np.ndarray, "n n"] | None:
    first = result.summary.seeds[0]
    return read_distance(folder / "folds" / f"seed{first}", result.predictions[first].ids)


def read_distance(folds: Path, ids: Sequence[str]) -> Float[np.ndarray, "n n"] | None:
    """Distance between clips from the cosine similarity that the fold files keep; None without.

    Folds have different models, whose features cannot be laid side by side. But each says how
    near its test clips lie to all others. So the distance of two clips is the mean of what the
    two models say that did not train on the one or on the other.

    Raises:
        DataError: a fold file is damaged.
    """
    position = {name: i for i, name in enumerate(ids)}
    cosine_similarity = np.full((len(ids), len(ids)), np.nan)
    for path in sorted(folds.glob("*.json")):
        table = read_fold_table(path)
        if table.cosine_similarity is None:
            return None
        if len(table.cosine_similarity) != len(table.ids):
            raise DataError(f"{path}: damaged (clips and cosine similarities differ in number)")
        for name, row in zip(table.ids, table.cosine_similarity, strict=True):
            if len(row) != len(ids) or name not in position:
                raise DataError(f"{path}: damaged (cosine similarities of clip {name})")
            cosine_similarity[position[name]] = row
    if not len(ids) or np.isnan(cosine_similarity).any():
        return None
    distance = np.clip(1 - (cosine_similarity + cosine_similarity.T) / 2, 0, 2)
    np.fill_diagonal(distance, 0)
    return distance
