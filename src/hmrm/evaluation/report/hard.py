"""Clips that models find hard, and labels that may be wrong: listed, never removed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hmrm.errors import DataError
from hmrm.evaluation.predictions import match
from hmrm.evaluation.report.runs import Run

FEWEST_TO_COMPARE, FEWEST_MEMBERS = 2, 3
_RULES_THAT_SEE_TEST = ("oracle",)


@dataclass(frozen=True, kw_only=True)
class HardClip:
    """One clip and what the votes say of it.

    Attributes:
        truth: class name.
        votes: class name → votes, in label order.
        by_run: run → class name, where runs are each of one mind, but not of the same.
    """

    id: str
    truth: str
    votes: Mapping[str, int]
    by_run: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class HardCases:
    """Clips that runs find hard.

    Attributes:
        runs: those that vote.
        votes: seeds of runs.
        all_wrong: nobody is right.
        suspected_labels: all agree on one other class, of at least three votes; a subset.
        disagreement: runs whose seeds are each of one mind, but not of the same.
        right_at_least_once: fraction of the clips that some vote has right.
    """

    runs: tuple[str, ...]
    votes: int
    all_wrong: tuple[HardClip, ...]
    suspected_labels: tuple[HardClip, ...]
    disagreement: tuple[HardClip, ...]
    right_at_least_once: float


def hard_cases(runs: Sequence[Run]) -> HardCases | None:
    """Count, over all seeds of all runs of the same clips, who gets a clip wrong and how.

    Runs that choose on the test subject are excluded, as are tables without clip names, and
    runs that are not shown to be better than guessing. None where fewer than two votes remain.
    """
    members = _voters(runs)
    votes = sum(len(run.seeds) for run in members)
    if votes < FEWEST_TO_COMPARE:
        return None
    first = members[0].seeds[0]
    classes = first.classes
    wrong, suspected, disputed = [], [], []
    for i, name in enumerate(first.ids):
        by_run = [[int(seed.predicted[i]) for seed in run.seeds] for run in members]
        counts = Counter(v for one in by_run for v in one)
        truth = int(first.truth[i])
        row = HardClip(
            id=name,
            truth=classes[truth],
            votes={classes[c]: n for c, n in sorted(counts.items())},
        )
        if truth not in counts:
            wrong.append(row)
            if len(counts) == 1 and votes >= FEWEST_MEMBERS:
                suspected.append(row)
        if len({one[0] for one in by_run if len(set(one)) == 1}) > 1:
            stated = {run.name: classes[one[0]] for run, one in zip(members, by_run, strict=True)}
            disputed.append(replace(row, by_run=stated))
    return HardCases(
        runs=tuple(run.name for run in members),
        votes=votes,
        all_wrong=tuple(wrong),
        suspected_labels=tuple(suspected),
        disagreement=tuple(disputed),
        right_at_least_once=1 - len(wrong) / len(first.ids),
    )


def _voters(runs: Sequence[Run]) -> list[Run]:
    """Runs about the same clips as the first that count."""
    members: list[Run] = []
    for run in runs:
        summary = run.summary
        if summary.selection in _RULES_THAT_SEE_TEST or summary.named is False:
            continue
        if summary.composite.uf1.low <= summary.composite.uf1.chance.permuted:
            continue
        try:
            match((members[0] if members else run).seeds[0], run.seeds[0])
        except DataError:
            continue
        members.append(run)
    return members
