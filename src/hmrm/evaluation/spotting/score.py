"""Spotting measured by the field's own rule (MEGC 2020 and after).

An interval found is a true positive when its intersection over union with a true interval of the
same video and type reaches 0.5, frames counted inclusively. Each true interval counts once, and so
does each found one: with m true and n found intervals in a video there are at most min(m, n) true
positives. True and false positives and false negatives are summed over all videos before one F1
is taken, never averaged over videos. "All" is the sum of micro and macro.

Departs from the organisers' script of 2020, which counts true intervals that any found one
overlaps: one found interval can then count for two true ones. How many that are is stated.

Without types there is no score: a micro-expression found over a macro-expression is no hit, and
counting it as one mixes what the rule keeps apart. A challenge log states no types, but marks its
hits: there, what is marked TP may pair.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hmrm import records
from hmrm.errors import DataError
from hmrm.evaluation import metrics
from hmrm.evaluation.spotting.counts import Counts, mark_notes
from hmrm.evaluation.spotting.types import with_types
from hmrm.intervals import Interval, IntervalTable, Marks, alike_named
from hmrm.provenance import Stamp

OVERLAP = 0.5
"""Least intersection over union, inclusive: MEGC's k."""


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
        dropped: annotations that a found interval covers beyond the one it is matched with, by
            part; the organisers' script of 2020 counts them as found.
        warnings: sentences a reader must see.
        pairs: positions in both tables of what was matched, by truth.
    """

    counts: Mapping[str, Counts]
    recognition_uf1: float | None
    strs: float | None
    curves: Mapping[str, tuple[CurvePoint, ...]]
    dropped: Mapping[str, tuple[str, ...]]
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

    def __init__(
        self, truth: Sequence[Interval], *, least: float, marks: Marks | None = None
    ) -> None:
        self._least, self._marks = least, marks
        self._places: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._truth = truth
        for i, one in enumerate(truth):
            self._places[one.key, one.kind].append(i)
        self._near: dict[int, list[int]] = {}
        self.found_of: dict[int, int] = {}

    def add(self, number: int, found: Interval) -> bool:
        """Match one more, moving others over where that helps; False if there is no place."""
        places = self._places[found.key, found.kind]
        if self._marks is not None:
            pairs = self._marks.pairs
            places = [i for i in places if (self._truth[i].place, found.place) in pairs]
        near = [(overlap(self._truth[i], found), -i) for i in places]
        self._near[number] = [-i for iou, i in sorted(near, reverse=True) if iou >= self._least]
        return self._place(number, set())

    def dropped(self) -> list[int]:
        """True intervals that something found covers, and that are matched with nothing."""
        covered = {i for near in self._near.values() for i in near}
        return sorted(covered - set(self.found_of))

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
    truth: Sequence[Interval],
    found: Sequence[Interval],
    *,
    least: float = OVERLAP,
    marks: Marks | None = None,
) -> tuple[tuple[int, int], ...]:
    """Pairs (position in truth, position in found) of a largest one-to-one matching.

    Intervals pair only within a video and a type, at an overlap of ``least`` or more. Of several
    largest matchings the one taken is fixed: surest found first, best overlap first.

    Args:
        marks: of a log; only what it calls a hit pairs.
    """
    return tuple(sorted(_matched(truth, found, least=least, marks=marks).found_of.items()))


def _matched(
    truth: Sequence[Interval],
    found: Sequence[Interval],
    *,
    least: float,
    marks: Marks | None = None,
) -> _Matcher:
    matcher = _Matcher(truth, least=least, marks=marks)
    for number in _by_score(found):
        matcher.add(number, found[number])
    return matcher


def score_spotting(
    truth: IntervalTable, found: IntervalTable, *, least: float = OVERLAP
) -> SpottingScores:
    """Score found intervals against true ones.

    Raises:
        DataError: types are missing, and no marks of a log stand for them; or one side has times
            and the other frames.
    """
    if truth.in_ms != found.in_ms and truth.intervals and found.intervals:
        timed = truth if truth.in_ms else found
        raise DataError(
            f"{timed.source}: holds times, the other side frames; give --frames-per-s, which "
            "turns times into frames"
        )
    truth, found = alike_named(truth, found)
    marks = _shared_marks(truth, found)
    truth, found = (truth, found) if marks else with_types(truth, found)
    true, spotted = truth.intervals, found.intervals
    matcher = _matched(true, spotted, least=least, marks=marks)
    pairs = tuple(sorted(matcher.found_of.items()))
    parts = {"all": (true, spotted)} if marks else _by_part(true, spotted)
    counts = {name: _count(*sides, least=least, marks=marks) for name, sides in parts.items()}
    curves = {}
    if spotted and all(one.score is not None for one in spotted):
        curves = {name: _curve(*sides, least=least) for name, sides in parts.items()}
    dropped = {name: _dropped(true, matcher.dropped(), name) for name in parts}
    warnings = [*truth.warnings, *found.warnings, *_unmatched_names(truth, found)]
    one_sided = truth.marks or found.marks
    if one_sided is not None:
        warnings += mark_notes(one_sided, counts["all"], len(dropped["all"]))
    if marks is not None:
        warnings += _unmarked(true, spotted, marks, least=least)
    uf1 = _recognition(true, spotted, pairs)
    return SpottingScores(
        counts=counts,
        pairs=pairs,
        curves=curves,
        dropped=dropped,
        recognition_uf1=uf1,
        strs=None if uf1 is None else uf1 * counts["all"].f1,
        warnings=tuple(warnings),
    )


def _shared_marks(truth: IntervalTable, found: IntervalTable) -> Marks | None:
    """The marks of the log that both sides are from, where they state no types."""
    same = truth.marks is not None and truth.marks == found.marks
    untyped = not any(one.kind for one in (*truth.intervals, *found.intervals))
    return truth.marks if same and untyped else None


def _dropped(true: Sequence[Interval], numbers: Sequence[int], part: str) -> tuple[str, ...]:
    return tuple(
        f"{true[i].key} {true[i].onset_index} to {true[i].offset_index}"
        for i in numbers
        if part in ("all", true[i].kind)
    )


def _unmarked(
    true: Sequence[Interval], found: Sequence[Interval], marks: Marks, *, least: float
) -> list[str]:
    """What overlap and marks disagree on."""
    by_video: dict[str, list[Interval]] = defaultdict(list)
    for one in true:
        by_video[one.key].append(one)
    near = {(a.place, b.place) for b in found for a in by_video[b.key] if overlap(a, b) >= least}
    stated = []
    if beyond := near - marks.pairs:
        stated.append(
            f"{marks.source}: {len(beyond)} pair(s) overlap by {least:g} or more and are not "
            "marked TP, as of different types; they are no hits"
        )
    if short := marks.pairs - near:
        (key, onset, offset), _ = min(short)
        stated.append(
            f"{marks.source}: {len(short)} row(s) are marked TP, but overlap by less than "
            f"{least:g}, e.g. {key} {onset} to {offset}; they are no hits"
        )
    return stated


def _by_part(
    true: Sequence[Interval], found: Sequence[Interval]
) -> dict[str, tuple[Sequence[Interval], Sequence[Interval]]]:
    parts: dict[str, tuple[Sequence[Interval], Sequence[Interval]]] = {
        kind: ([o for o in true if o.kind == kind], [o for o in found if o.kind == kind])
        for kind in ("micro", "macro")
    }
    return parts | {"all": (true, found)}


def _count(
    true: Sequence[Interval],
    found: Sequence[Interval],
    *,
    least: float,
    marks: Marks | None = None,
) -> Counts:
    return _counts(len(match(true, found, least=least, marks=marks)), len(true), len(found))


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
