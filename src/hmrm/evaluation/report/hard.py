"""Clips that models find hard, and labels that may be wrong: listed, never removed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hmrm.errors import DataError
from hmrm.evaluation.predictions import match
from hmrm.evaluation.report.runs import Run
from hmrm.evaluation.summary import COMPOSITE

FEWEST_TO_COMPARE, FEWEST_VOTES = 2, 3
_RULES_THAT_LOOK = ("oracle",)


def hard_cases(runs: Sequence[Run]) -> dict[str, Any] | None:
    """Count, over all seeds of all runs of the same clips, who gets a clip wrong and how.

    Runs that choose on the test subject have no vote, nor have tables without clip names, nor
    runs that are not shown to be better than guessing.

    Returns:
        ``votes`` (seeds of runs), and three lists of clips: ``all_wrong`` (nobody is right),
        ``suspected_labels`` (all agree on one other class, of at least three votes; a subset),
        ``disagreement`` (runs whose seeds are each of one mind, but not the same); None where
        fewer than two votes.
    """
    voting = _voters(runs)
    votes = sum(len(run.seeds) for run in voting)
    if votes < FEWEST_TO_COMPARE:
        return None
    first = voting[0].seeds[0]
    classes = first.classes
    found: dict[str, Any] = {
        "runs": [run.name for run in voting],
        "votes": votes,
        "all_wrong": [],
        "suspected_labels": [],
        "disagreement": [],
    }
    for i, name in enumerate(first.ids):
        by_run = [[int(seed.predicted[i]) for seed in run.seeds] for run in voting]
        counts = Counter(v for one in by_run for v in one)
        truth = int(first.truth[i])
        row = {
            "id": name,
            "truth": classes[truth],
            "votes": {classes[c]: n for c, n in sorted(counts.items())},
        }
        if truth not in counts:
            found["all_wrong"].append(row)
            if len(counts) == 1 and votes >= FEWEST_VOTES:
                found["suspected_labels"].append(row)
        minds = {one[0] for one in by_run if len(set(one)) == 1}
        if len(minds) > 1:
            said = {run.name: classes[one[0]] for run, one in zip(voting, by_run, strict=True)}
            found["disagreement"].append({**row, "by_run": said})
    found["right_at_least_once"] = 1 - len(found["all_wrong"]) / len(first.ids)
    return found


def _voters(runs: Sequence[Run]) -> list[Run]:
    """Runs about the same clips as the first that may vote."""
    voting: list[Run] = []
    for run in runs:
        if run.summary["selection"] in _RULES_THAT_LOOK or not run.summary.get("named", True):
            continue
        uf1 = run.summary["scores"][COMPOSITE]["uf1"]
        if uf1["low"] <= uf1["chance"]["permuted"]:
            continue
        try:
            match((voting[0] if voting else run).seeds[0], run.seeds[0])
        except DataError:
            continue
        voting.append(run)
    return voting
