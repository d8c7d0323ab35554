"""A run's folds pooled: predictions of each seed, and every score with its origin."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hmrm import atomic, provenance
from hmrm.evaluation.foldfiles import FoldFile
from hmrm.evaluation.leakage import find_leaks
from hmrm.evaluation.metrics import score
from hmrm.evaluation.oracle import oracle_control
from hmrm.evaluation.predictions import Predictions, build_predictions, write_table
from hmrm.evaluation.protocol import Protocol
from hmrm.evaluation.settings import ORACLE_WARNING, SELECTION_WORDS, Plan
from hmrm.evaluation.statistics import bootstrap, chance_levels, mean_sd
from hmrm.flow.mapset import MapSet

METRICS = ("uf1", "uar", "accuracy")
COMPOSITE = "composite"


@dataclass(frozen=True, kw_only=True, eq=False)
class RunResult:
    """Pooled predictions by seed, and ``summary``: plain values, what ``run.json`` holds."""

    predictions: Mapping[int, Predictions]
    summary: Mapping[str, Any]


def pool(
    mapset: MapSet, plan: Plan, protocol: Protocol, folds: Mapping[int, Sequence[FoldFile]]
) -> RunResult:
    """Pool the folds of each seed by clip id and score them."""
    predictions = {seed: _pooled(files, mapset.classes) for seed, files in folds.items()}
    settings = plan.settings
    epochs = _epochs(folds)
    transductive = any(f.result.transductive for files in folds.values() for f in files)
    summary: dict[str, Any] = {
        "model": plan.model,
        "selection": settings.selection,
        "selection_words": _selection_words(plan, epochs=bool(epochs)),
        "folds": settings.folds,
        "fold_count": len(protocol.folds),
        "seeds": list(settings.seeds),
        "classes": list(mapset.classes),
        "clips": len(mapset.ids),
        "subjects": len(set(mapset.subjects)),
        "skipped": [],
        "epochs": epochs,
        "transductive": transductive,
        "warnings": _warnings(settings.selection, transductive=transductive),
        "leaks": [dataclasses.asdict(leak) for leak in find_leaks(mapset, protocol)],
        "scores": score_table(list(predictions.values())),
        "config": plan.to_mapping(),
        "provenance": provenance.stamp(
            config_hash=plan.digest, data_hash=mapset.sha256, seeds=settings.seeds
        ),
    }
    curves = _curves(folds, mapset.classes)
    if curves:
        summary["curves"] = curves
    if settings.selection == "oracle":
        summary["oracle_control"] = _control(folds, mapset.classes)
    return RunResult(predictions=predictions, summary=summary)


def _selection_words(plan: Plan, *, epochs: bool) -> str:
    """How epochs were chosen. An ensemble's members have epochs, though the ensemble has none."""
    members = plan.options.get("members", ())
    if epochs or any("fitting" in member for member in members):
        return SELECTION_WORDS[plan.settings.selection]
    return "no epochs to choose"


def write_result(output: Path, result: RunResult) -> None:
    """Write the pooled predictions, then ``run.json``, whose presence means: finished.

    Raises:
        OutputError: a file cannot be written.
    """
    for seed, predictions in result.predictions.items():
        write_table(output / "predictions" / f"seed{seed}.csv", predictions)
    text = json.dumps(result.summary, indent=1, ensure_ascii=False)
    atomic.write_text(output / "run.json", text + "\n")


def score_table(seeds: Sequence[Predictions]) -> dict[str, Any]:
    """Scores of the composite and of each data set: seeds, interval, chance, confusion.

    Intervals and chance are drawn from a fixed seed, so the same predictions give the same bytes.
    """
    table = {COMPOSITE: _scores(seeds)}
    names = sorted(set(seeds[0].datasets))
    if len(names) > 1:
        for name in names:
            table[name] = _scores([part_of(p, name) for p in seeds])
    return table


def part_of(predictions: Predictions, dataset: str) -> Predictions:
    """The clips of one data set."""
    rows = np.flatnonzero(np.array(predictions.datasets) == dataset)
    scores = predictions.scores
    return dataclasses.replace(
        predictions,
        ids=tuple(predictions.ids[i] for i in rows),
        truth=predictions.truth[rows],
        predicted=predictions.predicted[rows],
        scores=None if scores is None else scores[rows],
    )


def _scores(seeds: Sequence[Predictions]) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    scores = [p.score() for p in seeds]
    intervals = bootstrap(seeds, generator=generator)
    chance = chance_levels(seeds[0], generator=generator)
    found: dict[str, Any] = {"clips": len(seeds[0].ids), "subjects": len(set(seeds[0].subjects))}
    for name in METRICS:
        values = [float(getattr(s, name)) for s in scores]
        found[name] = {
            **dataclasses.asdict(mean_sd(values)),
            "by_seed": values,
            "low": intervals[name].low,
            "high": intervals[name].high,
            "bootstrap_sd": intervals[name].sd,
            "chance": dataclasses.asdict(chance[name]),
        }
    for name in ("f1", "recall", "precision"):
        found[f"{name}_by_class"] = np.mean([getattr(s, name) for s in scores], axis=0).tolist()
    found["confusion"] = np.sum([s.confusion for s in scores], axis=0).tolist()
    return found


def _pooled(files: Sequence[FoldFile], classes: tuple[str, ...]) -> Predictions:
    scores = np.concatenate([f.result.scores for f in files])
    return build_predictions(
        ids=[name for f in files for name in f.ids],
        truth=np.concatenate([f.truth for f in files]),
        predicted=scores.argmax(1),
        classes=classes,
        scores=scores,
    )


def _epochs(folds: Mapping[int, Sequence[FoldFile]]) -> dict[str, float] | None:
    found = [f.result.epochs for files in folds.values() for f in files]
    numbers = [e for e in found if e is not None]
    if not numbers:
        return None
    return {
        "min": float(min(numbers)),
        "median": float(np.median(numbers)),
        "max": float(max(numbers)),
    }


def _warnings(selection: str, *, transductive: bool) -> list[str]:
    found = [ORACLE_WARNING] if selection == "oracle" else []
    if transductive:
        found.append("transductive: a clip's scores change with the clips predicted beside it")
    return found


def _curves(
    folds: Mapping[int, Sequence[FoldFile]], classes: tuple[str, ...]
) -> dict[str, list[list[float]]]:
    """UF1 by epoch for each seed: pooled test clips, and the mean of the inner curves."""
    curves: dict[str, list[list[float]]] = {}
    for files in folds.values():
        by_epoch = [f.result.epoch_predictions for f in files]
        recorded = [p for p in by_epoch if p is not None]
        if len(recorded) == len(files) and len({len(p) for p in recorded}) == 1:
            truth = np.concatenate([f.truth for f in files])
            pooled = np.concatenate(recorded, axis=1)
            curves.setdefault("test_uf1", []).append(
                [score(truth, row, classes=classes).uf1 for row in pooled]
            )
        inner = [f.result.inner_uf1 for f in files if f.result.inner_uf1 is not None]
        if inner:
            curves.setdefault("inner_uf1", []).append(np.mean(inner, axis=0).tolist())
    return curves


def _control(
    folds: Mapping[int, Sequence[FoldFile]], classes: tuple[str, ...]
) -> list[dict[str, Any]]:
    found = []
    for seed, files in folds.items():
        control = oracle_control(
            [_recorded(f) for f in files],
            [f.truth for f in files],
            classes=classes,
            generator=np.random.default_rng(0),
        )
        found.append({"seed": seed, **dataclasses.asdict(control)})
    return found


def _recorded(file: FoldFile) -> np.ndarray:
    assert file.result.epoch_predictions is not None, "oracle always keeps them"
    return file.result.epoch_predictions
