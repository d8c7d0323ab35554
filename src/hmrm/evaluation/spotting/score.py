"""Spotting measured by the field's own rule (MEGC 2020 and after).

An interval found is a true positive when its intersection over union with a true interval of the
same video and type reaches 0.5, frames counted inclusively. Each true interval counts once, and so
does each found one: with m true and n found intervals in a video there are at most min(m, n) true
positives. True and false positives and false negatives are summed over all videos before one F1
is taken, never averaged over videos. "All" is the sum of micro and macro.

Departs from the organisers' script of 2020, which counts true intervals that any found one
overlaps: one found interval can then count for two true ones.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from hmrm import records
from hmrm.evaluation import metrics
from hmrm.intervals import Interval, IntervalTable, alike_named
from hmrm.provenance import Stamp

OVERLAP = 0.5
"""Least intersection over union, inclusive: MEGC's k."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What was found, summed over videos; ratios are 0 where nothing could be counted."""

    WRITTEN_TOO: ClassVar = ("precision", "recall", "f1")

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """Part of the found intervals that are true."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Part of the true intervals that were found."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Twice the true positives over all intervals, true and found."""
        wrong = self.false_positives + self.false_negatives
        return _ratio(2 * self.true_positives, 2 * self.true_positives + wrong)

    def __add__(self, other: "Counts") -> "Counts":
        """Counts of two disjoint sets of intervals."""
        return Counts(
            true_positives=self.true_positives + other.true_positives,
            false_positives=self.false_positives + other.false_positives,
            false_negatives=self.false_negatives + other.false_negatives,
        )


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """Counts when only intervals of at least this score are kept."""

    threshold: float
    counts: Counts = field(metadata=records.INLINE)


@dataclass(frozen=True, kw_only=True)
class SpottingScores:
    """One spotter against one truth.

    Attributes:
        counts: part (micro, macro, all) → counts; all alone where a file states no types.
        curves: part → counts by falling threshold; empty where an interval has no score. Choosing
            a threshold by them on the videos that are scored is choosing on the test set.
        recognition_uf1: unweighted F1 of the labels over the true positives, all labels of the
            truth named; None where labels are missing.
        strs: spotting F1 ("all") times ``recognition_uf1``.
        warnings: sentences a reader must see.
        pairs: positions in both tables of what was matched, by truth.
    """

    counts: Mapping[str, Counts]
    recognition_uf1: float | None
    strs: float | None
    curves: Mapping[str, tuple[CurvePoint, ...]]
    warnings: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...] = field(metadata=records.NOT_WRITTEN)


@dataclass(frozen=True, kw_only=True)
class SpottingFile:
    """What ``hmrm score-spotting -o`` writes; ``inputs`` maps files to their sha256."""

    scores: SpottingScores = field(metadata=records.INLINE)
    inputs: Mapping[str, str]
    provenance: Stamp


def overlap(first: Interval, second: Interval) -> float:
    """Intersection over union in frames, both ends inclusive; 0 across videos."""
    if first.key != second.key:
        return 0.0
    start = max(first.onset_index, second.onset_index)
    inner = min(first.offset_index, second.offset_index) - start + 1
    return max(0, inner) / (first.frames + second.frames - max(0, inner))


class _Matcher:
    """Largest one-to-one matching of found to true intervals, grown one found interval at a time.

    By augmenting paths (Berge 1957): after each step the matching is a largest one for what was
    added so far, so that one pass in falling order of score gives the whole curve.
    """

    def __init__(self, truth: Sequence[Interval], *, least: float) -> None:
        self._least = least
        self._places: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._truth = truth
        for i, one in enumerate(truth):
            self._places[one.key, one.kind].append(i)
        self._near: dict[int, list[int]] = {}
        self.found_of: dict[int, int] = {}

    def add(self, number: int, found: Interval) -> bool:
        """Match one more, moving others over where that helps; False if there is no place."""
        near = [(overlap(self._truth[i], found), -i) for i in self._places[found.key, found.kind]]
        self._near[number] = [-i for iou, i in sorted(near, reverse=True) if iou >= self._least]
        return self._place(number, set())

    def _place(self, number: int, tried: set[int]) -> bool:
        for i in self._near[number]:
            if i in tried:
                continue
            tried.add(i)
            if i not in self.found_of or self._place(self.found_of[i], tried):
                self.found_of[i] = number
                return True
        return False


def match(
    truth: Sequence[Interval], found: Sequence[Interval], *, least: float = OVERLAP
) -> tuple[tuple[int, int], ...]:
    """Pairs (position in truth, position in found) of a largest one-to-one matching.

    Intervals pair only within a video and a type, at an overlap of ``least`` or more. Of several
    largest matchings the one taken is fixed: surest found first, best overlap first.
    """
    matcher = _Matcher(truth, least=least)
    for number in _by_score(found):
        matcher.add(number, found[number])
    return tuple(sorted(matcher.found_of.items()))


def score_spotting(
    truth: IntervalTable, found: IntervalTable, *, least: float = OVERLAP
) -> SpottingScores:
    """Score found intervals against true ones."""
    truth, found = alike_named(truth, found)
    warnings = [*truth.warnings, *found.warnings, *_unmatched_names(truth, found)]
    true, spotted = truth.intervals, found.intervals
    unreported = [
        f"{table.source}: {count} of {len(table.intervals)} intervals have no type"
        for table in (truth, found)
        if (count := sum(not one.kind for one in table.intervals))
    ]
    if unreported:
        warnings.append(
            f"{'; '.join(unreported)}: types are left aside, and only all intervals are scored"
        )
        true, spotted = _untyped(true), _untyped(spotted)
    pairs = match(true, spotted, least=least)
    parts = {"all": (true, spotted)} if unreported else _by_part(true, spotted)
    counts = {name: _count(*sides, least=least) for name, sides in parts.items()}
    curves = {}
    if spotted and all(one.score is not None for one in spotted):
        curves = {name: _curve(*sides, least=least) for name, sides in parts.items()}
    uf1 = _recognition(true, spotted, pairs)
    return SpottingScores(
        counts=counts,
        pairs=pairs,
        curves=curves,
        recognition_uf1=uf1,
        strs=None if uf1 is None else uf1 * counts["all"].f1,
        warnings=tuple(warnings),
    )


def _by_part(
    true: Sequence[Interval], found: Sequence[Interval]
) -> dict[str, tuple[Sequence[Interval], Sequence[Interval]]]:
    parts: dict[str, tuple[Sequence[Interval], Sequence[Interval]]] = {
        kind: ([o for o in true if o.kind == kind], [o for o in found if o.kind == kind])
        for kind in ("micro", "macro")
    }
    return parts | {"all": (true, found)}


def _untyped(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    return tuple(replace(one, kind="") for one in intervals)


def _count(true: Sequence[Interval], found: Sequence[Interval], *, least: float) -> Counts:
    return _counts(len(match(true, found, least=least)), len(true), len(found))


def _counts(matched: int, true: int, found: int) -> Counts:
    return Counts(
        true_positives=matched, false_positives=found - matched, false_negatives=true - matched
    )


def _curve(
    true: Sequence[Interval], found: Sequence[Interval], *, least: float
) -> tuple[CurvePoint, ...]:
    matcher = _Matcher(true, least=least)
    points: dict[float, Counts] = {}
    for done, number in enumerate(_by_score(found), 1):
        matcher.add(number, found[number])
        score = found[number].score
        assert score is not None, "curves are made of scored intervals only"
        points[score] = _counts(len(matcher.found_of), len(true), done)
    return tuple(CurvePoint(threshold=t, counts=c) for t, c in points.items())


def _by_score(found: Sequence[Interval]) -> list[int]:
    def rank(number: int) -> tuple[float, str, int, int]:
        one = found[number]
        return -(one.score or 0.0), one.key, one.onset_index, one.offset_index

    return sorted(range(len(found)), key=rank)


def _unmatched_names(truth: IntervalTable, found: IntervalTable) -> list[str]:
    """Videos that only one of the tables names."""
    silent = sorted(set(truth.videos) - set(found.videos))
    others = set(found.videos) - set(truth.videos)
    unknown = sorted(others & {one.key for one in found.intervals})
    stated = []
    if silent:
        stated.append(
            f"{found.source}: names none of {len(silent)} video(s) of the truth ({_some(silent)}); "
            "their intervals count as missed"
        )
    if unknown:
        stated.append(
            f"{truth.source}: does not name {len(unknown)} video(s) in which something was found "
            f"({_some(unknown)}); what was found there counts as false"
        )
    if silent and others and len(silent) == len(truth.videos):
        stated.append("no video has the same name in both files: compare how they write subjects")
    return stated


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _recognition(
    true: Sequence[Interval], found: Sequence[Interval], pairs: Sequence[tuple[int, int]]
) -> float | None:
    classes = tuple(sorted({one.label for one in true}))
    if not pairs or "" in classes or any(not found[f].label for _, f in pairs):
        return None
    named = (*classes, *sorted({found[f].label for _, f in pairs} - set(classes)))
    truth = np.array([named.index(true[t].label) for t, _ in pairs])
    called = np.array([named.index(found[f].label) for _, f in pairs])
    f1 = metrics.score(truth, called, classes=named).f1
    return float(f1[: len(classes)].mean())


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
