"""What the size of flow maps and their storage in 8 bits cost: ``python -m benchmarks.size``.

Rendered clips of synthetic subjects go through the real estimator once; the same flow becomes maps
of 28, 56 and 112 cells a side, and maps of 28 in 8 bits. Folds keep a subject on one side. On each
kind of map the tuned support vector machine chooses its blur and C on training subjects; where the
size allows, a linear head on frozen features of ``hmrm-synthetic`` is fitted, too. Seed, strengths
and settings were fixed before the run.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.size.clips import HIGH_PX, LOW_PX, VARIANTS, rendered_maps
from benchmarks.size.page import page
from hmrm import atomic, provenance
from hmrm.cli.terminal import progress_bar
from hmrm.evaluation.predictions import Predictions
from hmrm.evaluation.statistics import bootstrap, paired_bootstrap
from hmrm.flow.mapset import MapSet
from hmrm.parallel import single_thread
from hmrm.subject_folds import grouped_folds
from hmrm.training.registry import build_recogniser

ROOT = Path(__file__).resolve().parents[2]
SEED = 81000
FOLDS = 5
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "svm-tuned": ("svm-tuned", {}),
    "linear head": (
        "hmrm",
        {
            "network": "lite",
            "pretrained": "hmrm-synthetic",
            "tune": "linear",
            "head": {"kind": "logistic", "cost": 1e-4},
        },
    ),
}
"""The baseline, and ``configs/hmrm-frozen-linear.toml``."""


def main() -> None:
    """Render, train in folds, compare; write the JSON and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.size", description=__doc__)
    parser.add_argument("--subjects", type=int, default=24)
    parser.add_argument("--clips", type=int, default=10, help="of each subject")
    parser.add_argument("--flow", default="deepflow")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks/size/results.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/benchmarks/size.md")
    given = parser.parse_args()
    single_thread()
    with progress_bar(enabled=True) as bar:
        maps = rendered_maps(
            subjects=given.subjects,
            clips=given.clips,
            seed=given.seed,
            flow=given.flow,
            progress=bar,
        )
    result = {
        "provenance": provenance.stamp(seeds=(given.seed,)),
        "subjects": given.subjects,
        "clips": given.subjects * given.clips,
        "flow": given.flow,
        "intensity_px": [LOW_PX, HIGH_PX],
        "folds": FOLDS,
        "models": {name: compared(maps, name) for name in MODELS},
    }
    atomic.write_text(given.json, json.dumps(result, indent=1) + "\n")
    atomic.write_text(given.page, page(result))


def compared(maps: dict[str, MapSet], model: str) -> dict[str, Any]:
    """UF1 and UAR of a model on every kind of map, and the paired difference to maps of 28.

    Kinds that the model does not take are missing.
    """
    takes = [name for name in VARIANTS if model == "svm-tuned" or maps[name].maps.shape[-1] == 28]
    found = {name: out_of_fold(maps[name], model) for name in takes}
    rows = {}
    for name, predictions in found.items():
        rows[name] = {
            score: asdict(interval)
            for score, interval in bootstrap(
                [predictions], generator=np.random.default_rng(0)
            ).items()
        }
        if name != "28":
            differences = paired_bootstrap(
                [found["28"]], [predictions], generator=np.random.default_rng(0)
            )
            rows[name]["over_28"] = {score: asdict(one) for score, one in differences.items()}
    return rows


def out_of_fold(maps: MapSet, model: str) -> Predictions:
    """What a model says of each clip, trained on other subjects."""
    name, options = MODELS[model]
    scores = np.empty((len(maps.ids), len(maps.classes)))
    for fold in grouped_folds(maps.subjects, maps.labels, folds=FOLDS, seed=0):
        fitted = build_recogniser(name, options).fit(maps.select(fold.train), seed=0)
        scores[list(fold.test)] = fitted.predict(maps.select(fold.test).maps)
    return Predictions(
        ids=maps.ids,
        truth=maps.labels,
        predicted=scores.argmax(1),
        classes=maps.classes,
        scores=scores,
    )


if __name__ == "__main__":
    main()
