"""Spotted or annotated stretches of video, and the plain table that holds them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hmrm import atomic

Kind = Literal["micro", "macro", ""]
"""Micro-expression (up to 0.5 s), macro-expression, or not told."""

MICRO_S = 0.5
"""Longest micro-expression, s: the field's definition."""

COLUMNS = ("subject", "video", "onset", "offset", "type", "apex", "score")
"""Columns of our table; the first five are the ones a reader can rely on."""

_KIND = re.compile(r"(micro|macro|mae|me)\b.*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One stretch of one video.

    Attributes:
        subject, video: as text, zeros kept.
        onset_index, offset_index: first and last frame, both inclusive, zero-based.
        kind: micro, macro, or empty where it is not told.
        score: how sure the spotter is; any scale, larger is surer.
        label: what the expression was called, for STRS.
    """

    subject: str
    video: str
    onset_index: int
    offset_index: int
    kind: Kind = ""
    apex_index: int | None = None
    score: float | None = None
    label: str = ""

    @property
    def key(self) -> str:
        """Name of the video that both files must agree on; see ``video_key``."""
        return video_key(self.subject, self.video)

    @property
    def frames(self) -> int:
        """Number of frames, both ends counted."""
        return self.offset_index - self.onset_index + 1


@dataclass(frozen=True, kw_only=True)
class IntervalTable:
    """All intervals of one side, truth or found.

    Attributes:
        source: file name, for messages.
        intervals: in the order of the file, without exact duplicates.
        videos: keys of all videos named, also of those without an interval.
        warnings: sentences that a reader of a score must see.
    """

    source: str
    intervals: tuple[Interval, ...]
    videos: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def video_key(subject: str, video: str) -> str:
    """``subject_video``, or the video alone where its name says the subject already.

    So ``s15`` + ``0101`` is ``s15_0101`` in a file with both columns and in one with the video
    alone, and ``006`` + ``006_1`` is ``006_1``.
    """
    if not subject or video == subject or video.startswith(f"{subject}_"):
        return video
    return f"{subject}_{video}"


def kind_of(text: str) -> Kind | None:
    """The kind that a word of a file means, None where it means none.

    ``micro-expression``, ``Micro - 1/2`` and ``me`` are micro; ``Macro`` and ``mae`` are macro.
    """
    found = _KIND.fullmatch(text.strip().replace("_", "-"))
    if found is None:
        return None
    return "micro" if found[1].lower() in ("micro", "me") else "macro"


def kind_of_duration(duration_s: float) -> Kind:
    """Micro up to half a second. Onset to offset: 16 frames at 30 per second last 0.5 s."""
    return "micro" if duration_s <= MICRO_S + 1e-9 else "macro"


def build_table(
    intervals: Iterable[Interval],
    *,
    source: str,
    videos: Sequence[str] = (),
    warnings: Sequence[str] = (),
    duplicates_meant: bool = False,
) -> IntervalTable:
    """Take exact duplicates out, with a warning unless the format repeats rows by intention.

    Of found duplicates that differ in their score the surest stays.
    """
    best: dict[tuple[object, ...], Interval] = {}
    times: Counter[tuple[object, ...]] = Counter()
    for one in intervals:
        place = (one.key, one.onset_index, one.offset_index, one.kind)
        times[place] += 1
        before = best.get(place)
        if before is None or (one.score or 0.0) > (before.score or 0.0):
            best[place] = one
    repeated = [place for place, count in times.items() if count > 1]
    said = list(warnings)
    if repeated and not duplicates_meant:
        key, onset, offset, _ = repeated[0]
        said.append(
            f"{source}: {sum(times[p] - 1 for p in repeated)} duplicate row(s) left out, "
            f"e.g. {key} {onset} to {offset} (from 0)"
        )
    named = {*videos, *(one.key for one in best.values())}
    return IntervalTable(
        source=source,
        intervals=tuple(best.values()),
        videos=tuple(sorted(named)),
        warnings=tuple(said),
    )


def alike_named(truth: IntervalTable, found: IntervalTable) -> tuple[IntervalTable, IntervalTable]:
    """Both tables, without the ``s`` before a subject's number where only one of them writes it.

    CAS(ME)²'s ``s15_0101`` is ``15_0101`` in the challenge's log. Done only where the files share
    no video as they are and do so without it; a warning says so.
    """
    if set(truth.videos) & set(found.videos):
        return truth, found
    bare = [_without_s(truth), _without_s(found)]
    shared = set(bare[0].videos) & set(bare[1].videos)
    if not shared:
        return truth, found
    said = (
        f"{truth.source} and {found.source} write subjects with and without a leading s; videos "
        "are matched without it"
    )
    return replace(bare[0], warnings=(*truth.warnings, said)), bare[1]


def _without_s(table: IntervalTable) -> IntervalTable:
    def bare(key: str) -> str:
        return re.sub(r"^s(?=\d)", "", key)

    return replace(
        table,
        intervals=tuple(replace(i, subject="", video=bare(i.key)) for i in table.intervals),
        videos=tuple(sorted({bare(key) for key in table.videos})),
    )


def to_csv(intervals: Iterable[Interval]) -> str:
    """The table as CSV text; frames from 0, both ends inclusive."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in intervals:
        apex = "" if one.apex_index is None else one.apex_index
        score = "" if one.score is None else repr(float(one.score))
        writer.writerow(
            [one.subject, one.video, one.onset_index, one.offset_index, one.kind, apex, score]
        )
    return text.getvalue()


def write_csv(path: Path, intervals: Iterable[Interval]) -> None:
    """Write the table as CSV; ``interval_files.read_intervals`` gives it back, labels aside.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_text(path, to_csv(intervals))
