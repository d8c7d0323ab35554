"""Everything a report says, as plain values: ``report.json``, and the source of both pages."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import combinations
from typing import Any

import numpy as np

from hmrm import provenance
from hmrm.errors import DataError
from hmrm.evaluation.oracle import PERMUTATIONS
from hmrm.evaluation.predictions import match
from hmrm.evaluation.report.hard import hard_cases
from hmrm.evaluation.report.runs import Run
from hmrm.evaluation.statistics import holm, paired_bootstrap
from hmrm.evaluation.summary import COMPOSITE

DATASET_NAMES = {COMPOSITE: "composite", "smic": "SMIC-HS", "casme2": "CASME II", "samm": "SAMM"}
GROUPS = {
    "ours": "measured here",
    "honest": "published, chosen without the test subject",
    "unknown": "published, rule unknown",
    "on_test": "published or measured, chosen on the test subject",
}
COMPOSITE_CLIPS, COMPOSITE_SUBJECTS = 442, 68
_GROUP_OF_RULE = {"none": "honest", "fixed": "honest", "unknown": "unknown", "on_test": "on_test"}

# What a run names as its folds that did not learn from a part of these people.
_NO_SPLIT = ("none", "unknown")


def published() -> Mapping[str, Any]:
    """The table of published numbers, with the rule each was made by."""
    text = resources.files("hmrm.evaluation.report").joinpath("published.json").read_text("utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def build_content(runs: Sequence[Run]) -> dict[str, Any]:
    """Tables, paired tests, hard cases and warnings of all runs.

    Raises:
        DataError: no run.
    """
    if not runs:
        raise DataError("no run to report; give at least one run folder")
    table = published()
    datasets = _datasets(runs, table)
    rows = _table(runs, table, datasets)
    return {
        "title": "Recognition of micro-expressions, leave one subject out"
        if all(r.summary["folds"] == "loso" for r in runs)
        else "Recognition of micro-expressions",
        "hmrm": provenance.version(),
        "datasets": datasets,
        "dataset_names": {d: DATASET_NAMES.get(d, d) for d in datasets},
        "classes": list(runs[0].summary["classes"]),
        "runs": [{"name": r.name, **r.summary} for r in runs],
        "table": rows,
        "remarks": [
            f"{m['name']}: {m['remark']}"
            for m in (table["methods"] if len(rows) > len(runs) else ())
            if "remark" in m
        ],
        "pairs": paired_tests(runs),
        "hard": hard_cases(runs),
        "oracle": _oracle(runs),
        "separate": all(r.summary["folds"] not in _NO_SPLIT for r in runs),
        "warnings": [*_warnings(runs), *_split_otherwise(runs), *_incomparable(runs)],
        "leaks": [{"run": r.name, **leak} for r in runs for leak in r.summary.get("leaks", [])],
    }


def _warnings(runs: Sequence[Run]) -> list[str]:
    """Each warning once, with the runs it is about."""
    about: dict[str, list[str]] = {}
    for run in runs:
        for warning in run.summary["warnings"]:
            about.setdefault(warning, []).append(run.name)
    return [f"{'; '.join(names)}: {warning}" for warning, names in about.items()]


def _split_otherwise(runs: Sequence[Run]) -> list[str]:
    """That runs learnt from different parts of the people, where they did."""
    about: dict[str, list[str]] = {}
    for run in runs:
        if run.summary["folds"] not in _NO_SPLIT:
            about.setdefault(run.summary["folds"], []).append(run.name)
    if len(about) < 2:
        return []
    said = "; ".join(f"{', '.join(names)}: folds {folds}" for folds, names in about.items())
    return [
        f"{said}. Fewer folds leave fewer people to learn from, and lower scores: compare runs of "
        "one split"
    ]


def _incomparable(runs: Sequence[Run]) -> list[str]:
    """What sets apart the runs that cannot be compared with the first, once per reason."""
    about: dict[str, list[str]] = {}
    for run in runs[1:]:
        try:
            match(runs[0].seeds[0], run.seeds[0])
        except DataError as error:
            about.setdefault(str(error), []).append(run.name)
    return [
        f"{'; '.join(names)}: not comparable with {runs[0].name} ({reason}); no paired test, no "
        "vote on hard cases, and scores of different clips must not be ranked"
        for reason, names in about.items()
    ]


def _is_composite(run: Run, table: Mapping[str, Any]) -> bool:
    """Whether a run is about the clips and classes that the published numbers speak of."""
    summary = run.summary
    return (
        summary["clips"] == COMPOSITE_CLIPS
        and summary["subjects"] == COMPOSITE_SUBJECTS
        and set(summary["scores"]) == set(table["datasets"])
        and list(summary["classes"]) == ["negative", "positive", "surprise"]
    )


def _datasets(runs: Sequence[Run], table: Mapping[str, Any]) -> list[str]:
    named = [d for d in table["datasets"] if any(d in r.summary["scores"] for r in runs)]
    others = {d for r in runs for d in r.summary["scores"]} - set(named)
    return [*named, *sorted(others)]


def _table(
    runs: Sequence[Run], table: Mapping[str, Any], datasets: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows in groups: ours first, then published ones by how they were chosen."""
    rows = [_own_row(run, datasets) for run in runs]
    if all(_is_composite(run, table) for run in runs):
        rows += [_published_row(method, datasets) for method in table["methods"]]
    order = list(GROUPS)
    return sorted(rows, key=lambda row: order.index(row["group"]))


def _own_row(run: Run, datasets: Sequence[str]) -> dict[str, Any]:
    scores = run.summary["scores"]
    return {
        "name": run.name,
        "group": "on_test" if run.summary["selection"] == "oracle" else "ours",
        "own": True,
        "source": "",
        "rule_words": run.summary["selection_words"],
        "seeds": len(run.summary["seeds"]),
        "scores": {
            d: {
                m: {k: scores[d][m][k] for k in ("mean", "sd", "low", "high")}
                for m in ("uf1", "uar")
            }
            for d in datasets
            if d in scores
        },
    }


def _published_row(method: Mapping[str, Any], datasets: Sequence[str]) -> dict[str, Any]:
    return {
        "name": method["name"],
        "group": _GROUP_OF_RULE[method["rule"]],
        "own": False,
        "source": method.get("source", ""),
        "rule_words": method["rule_words"],
        "seeds": None,
        "scores": {
            d: {m: {"mean": value} for m, value in zip(("uf1", "uar"), method[d], strict=True)}
            for d in datasets
            if d in method
        },
    }


def paired_tests(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Every two runs of the same clips: the better one second, so that differences are positive.

    ``p_holm`` is UF1's p after Holm's correction for the number of pairs.
    """
    found: list[dict[str, Any]] = []
    for first, second in combinations(runs, 2):
        by_uf1 = sorted(
            (first, second), key=lambda r: r.summary["scores"][COMPOSITE]["uf1"]["mean"]
        )
        try:
            difference = paired_bootstrap(
                by_uf1[0].seeds, by_uf1[1].seeds, generator=np.random.default_rng(0)
            )
        except DataError:
            continue
        found.append(
            {
                "lower": by_uf1[0].name,
                "higher": by_uf1[1].name,
                "looked": any(r.summary["selection"] == "oracle" for r in by_uf1),
                **{name: dataclasses.asdict(difference[name]) for name in ("uf1", "uar")},
            }
        )
    for pair, p in zip(found, holm([pair["uf1"]["p"] for pair in found]), strict=True):
        pair["p_holm"] = p
    return found


def _oracle(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """For each oracle run: its score, the same run without looking, the same rule on noise."""
    found = []
    for run in runs:
        controls = run.summary.get("oracle_control")
        if not controls:
            continue
        means = {
            name: np.mean([c[name] for c in controls], axis=0).tolist()
            for name in ("looking", "last", "fixed")
        }
        scores = run.summary["scores"][COMPOSITE]
        found.append(
            {
                "run": run.name,
                "epochs": controls[0]["epochs"],
                "true_looking": [scores["uf1"]["mean"], scores["uar"]["mean"]],
                "true_last": means["fixed"],
                "permuted_looking": means["looking"],
                "permuted_last": means["last"],
                "permutations": PERMUTATIONS,
                "guess": scores["uf1"]["chance"]["permuted"],
            }
        )
    return found
