"""Finished runs, read back from their folders."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from hmrm.errors import DataError
from hmrm.evaluation.predictions import Predictions, match, read_table


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One finished run.

    Attributes:
        name: unique among the runs of a report.
        summary: its ``run.json``.
        seeds: predictions of each seed, in the order of ``summary["seeds"]``.
        distance: between clips, 0 to 2, as the models see them (`read_distance`).
    """

    name: str
    summary: Mapping[str, Any]
    seeds: tuple[Predictions, ...]
    distance: Float[np.ndarray, "n n"] | None = None


def read_runs(folders: Sequence[Path]) -> tuple[Run, ...]:
    """Read runs; equal names get their folder's beside them.

    Raises:
        DataError: a folder without finished run, or damaged.
    """
    summaries = [_read_summary(folder) for folder in folders]
    names = [_name(summary) for summary in summaries]
    unique = [
        name if names.count(name) == 1 else f"{name} ({folder.name})"
        for name, folder in zip(names, folders, strict=True)
    ]
    if len(set(unique)) != len(unique):
        raise DataError(f"two runs are called {unique[0]}; give each folder once")
    return tuple(
        _read(folder, summary, name)
        for folder, summary, name in zip(folders, summaries, unique, strict=True)
    )


def _name(summary: Mapping[str, Any]) -> str:
    rule = summary["selection"]
    return f"{summary['model']}, {rule}" if rule in ("inner", "oracle") else str(summary["model"])


def _read_summary(folder: Path) -> Mapping[str, Any]:
    path = folder / "run.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{folder}: no finished run ({error}); give the command of the run again to finish it"
        ) from error
    except ValueError as error:
        raise DataError(f"{path}: damaged ({error}); delete it and run again") from error
    needed = ("model", "selection", "selection_words", "seeds", "classes", "scores", "warnings")
    missing = [key for key in needed if not isinstance(found, dict) or key not in found]
    if missing:
        raise DataError(f"{path}: has no {missing[0]!r}; made by another version? run again")
    return found


def _read(folder: Path, summary: Mapping[str, Any], name: str) -> Run:
    classes = tuple(summary["classes"])
    seeds = tuple(
        read_table(folder / "predictions" / f"seed{seed}.csv", classes=classes)
        for seed in summary["seeds"]
    )
    if summary.get("named", True):
        for one in seeds[1:]:
            match(seeds[0], one)
    distance = read_distance(folder / "folds" / f"seed{summary['seeds'][0]}", seeds[0].ids)
    return Run(name=name, summary=summary, seeds=seeds, distance=distance)


def read_distance(folds: Path, ids: Sequence[str]) -> Float[np.ndarray, "n n"] | None:
    """Distance between clips from the likeness that the fold files keep; None without.

    Folds have different models, whose features cannot be laid side by side. But each says how
    near its test clips lie to all others. So the distance of two clips is the mean of what the
    two models say that did not train on the one or on the other.
    """
    position = {name: i for i, name in enumerate(ids)}
    likeness = np.full((len(ids), len(ids)), np.nan)
    for path in sorted(folds.glob("*.json")):
        table = json.loads(path.read_text(encoding="utf-8"))
        if "likeness" not in table:
            return None
        for name, row in zip(table["ids"], table["likeness"], strict=True):
            likeness[position[name]] = row
    if not len(ids) or np.isnan(likeness).any():
        return None
    distance = np.clip(1 - (likeness + likeness.T) / 2, 0, 2)
    np.fill_diagonal(distance, 0)
    return distance
