"""Hits, false alarms and misses of spotting, and a log's marks next to them."""

from dataclasses import dataclass
from typing import ClassVar

from hmrm.intervals import Marks


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


def mark_notes(marks: Marks, counts: Counts, dropped: int) -> list[str]:
    """A log's own marks in a sentence, and how the counts of its intervals differ from them."""
    own = Counts(
        true_positives=marks.true_positives,
        false_positives=marks.false_positives,
        false_negatives=marks.false_negatives,
    )
    stated = (
        f"{marks.source}: its own marks are {own.true_positives} TP, {own.false_positives} FP, "
        f"{own.false_negatives} FN, F1 {own.f1:.4f}"
    )
    if own == counts:
        return [f"{stated}: the same as scored here"]
    if own.true_positives == counts.true_positives + dropped and dropped:
        return [f"{stated}; they count the annotations that the one-to-one rule drops"]
    return [
        f"{stated}; scored here: {counts.true_positives}, {counts.false_positives}, "
        f"{counts.false_negatives}, F1 {counts.f1:.4f}"
    ]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
