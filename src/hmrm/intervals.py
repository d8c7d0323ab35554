"""Spotted or annotated stretches of video, and the plain table that holds them."""

import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from hmrm import atomic
from hmrm.csv_cells import Writer

Kind = Literal["micro", "macro", ""]
"""Micro-expression (up to 0.5 s), macro-expression, or unknown."""

MICRO_S = 0.5
"""Longest micro-expression, s: the field's definition."""

Place = tuple[str, int, int]
"""Key of a video, onset and offset index."""

COLUMNS = (
    *("subject", "video", "onset", "offset", "type", "apex", "score"),
    *("onset_s", "apex_s", "offset_s"),
)
"""Columns of our table; the first five are the ones a reader can rely on."""

_KIND = re.compile(r"(micro|macro|mae|me)\b.*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One stretch of one video.

    Attributes:
        subject, video: as text, zeros kept.
        onset_index, offset_index: first and last frame, both inclusive, zero-based.
        kind: micro, macro, or empty where it is unknown.
        score: how sure the spotter is; any scale, larger is surer.
        label: class of the expression, for STRS.
        times_s: presentation times of onset, apex and offset, where they are known.
    """

    subject: str
    video: str
    onset_index: int
    offset_index: int
    kind: Kind = ""
    apex_index: int | None = None
    score: float | None = None
    label: str = ""
    times_s: tuple[float, float, float] | None = None

    @property
    def key(self) -> str:
        """Name of the video that both files must agree on; see ``video_key``."""
        return video_key(self.subject, self.video)

    @property
    def place(self) -> Place:
        """Where it is, whatever it is called."""
        return self.key, self.onset_index, self.offset_index

    @property
    def frames(self) -> int:
        """Number of frames, both ends counted."""
        return self.offset_index - self.onset_index + 1


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What a challenge log states of itself.

    Attributes:
        source: file name.
        true_positives, false_positives, false_negatives: rows marked TP, FP and FN. An interval
            that was found for two annotations stands in two rows.
        pairs: annotation and found interval of each row marked TP.
    """

    source: str
    true_positives: int
    false_positives: int
    false_negatives: int
    pairs: frozenset[tuple[Place, Place]]


@dataclass(frozen=True, kw_only=True)
class IntervalTable:
    """All intervals of one side, truth or found.

    Attributes:
        source: file name, for messages.
        intervals: in the order of the file, without exact duplicates.
        videos: keys of all videos named, also of those without an interval.
        names: key → name of the video without its subject.
        warnings: sentences that a reader of a score must see.
        in_ms: indices are milliseconds, for want of a frame rate.
        marks: of a challenge log.
    """

    source: str
    intervals: tuple[Interval, ...]
    videos: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    in_ms: bool = False
    marks: Marks | None = None


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


def kind_of_duration(duration_s: float) -> Literal["micro", "macro"]:
    """Micro up to half a second. Onset to offset: 16 frames at 30 per second last 0.5 s."""
    return "micro" if duration_s <= MICRO_S + 1e-9 else "macro"


def build_table(
    intervals: Iterable[Interval],
    *,
    source: str,
    videos: Sequence[tuple[str, str]] = (),
    warnings: Sequence[str] = (),
    duplicates_meant: bool = False,
) -> IntervalTable:
    """Take exact duplicates out, with a warning unless the format repeats rows by intention.

    Of found duplicates that differ in their score the surest stays.

    Args:
        videos: subject and video of those named, with or without an interval.
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
    messages = list(warnings)
    if repeated and not duplicates_meant:
        key, onset, offset, _ = repeated[0]
        messages.append(
            f"{source}: {sum(times[p] - 1 for p in repeated)} duplicate row(s) skipped, "
            f"e.g. {key} {onset} to {offset} (from 0)"
        )
    named = [*videos, *((one.subject, one.video) for one in best.values())]
    names = {video_key(subject, video): video for subject, video in named}
    return IntervalTable(
        source=source,
        intervals=tuple(best.values()),
        videos=tuple(sorted(names)),
        names=names,
        warnings=tuple(messages),
    )


def alike_named(truth: IntervalTable, found: IntervalTable) -> tuple[IntervalTable, IntervalTable]:
    """Both tables with the same name for the same video, where they state subjects differently.

    A video's name alone matches where one of the files states no subject, or the name holds it
    already (``006_1``), and no other video has it. Where nothing matches at all, an ``s`` before a
    subject's number is left aside: CAS(ME)²'s ``s15_0101`` is ``15_0101`` in the challenge's log.
    A warning says so, except where what was found states no subject at all, as hmrm spot writes it.
    """
    found = _by_name_alone(truth, found)
    if set(truth.videos) & set(found.videos):
        return truth, found
    bare = [_without_s(truth), _without_s(found)]
    shared = set(bare[0].videos) & set(bare[1].videos)
    if not shared:
        return truth, found
    message = (
        f"{truth.source} and {found.source} write subjects with and without a leading s; videos "
        "are matched without it"
    )
    return replace(bare[0], warnings=(*truth.warnings, message)), bare[1]


def _by_name_alone(truth: IntervalTable, found: IntervalTable) -> IntervalTable:
    true, spotted = _keys_by_name(truth), _keys_by_name(found)
    renamed = {
        ours[0]: theirs[0]
        for name, ours in spotted.items()
        if len(ours) == 1
        and len(theirs := true.get(name, [])) == 1
        and name in (ours[0], theirs[0])
        and ours[0] not in truth.videos
        and theirs[0] not in found.videos
    }
    if not renamed:
        return found
    here, there = min(renamed.items())
    message = (
        f"{found.source}: {len(renamed)} video(s) are matched by name alone, e.g. {here} with "
        f"{there}: the files tell subjects differently"
    )
    return replace(
        found,
        intervals=tuple(
            replace(i, subject="", video=renamed.get(i.key, i.key)) for i in found.intervals
        ),
        videos=tuple(sorted(renamed.get(key, key) for key in found.videos)),
        warnings=found.warnings if _has_no_subjects(found) else (*found.warnings, message),
    )


def _has_no_subjects(table: IntervalTable) -> bool:
    return all(table.names.get(key, key) == key for key in table.videos)


def _keys_by_name(table: IntervalTable) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for key in table.videos:
        keys.setdefault(table.names.get(key, key), []).append(key)
    return keys


def _without_s(table: IntervalTable) -> IntervalTable:
    def bare(key: str) -> str:
        return re.sub(r"^s(?=\d)", "", key)

    return replace(
        table,
        intervals=tuple(replace(i, subject="", video=bare(i.key)) for i in table.intervals),
        videos=tuple(sorted({bare(key) for key in table.videos})),
    )


def to_csv(intervals: Iterable[Interval], videos: Iterable[tuple[str, str]] = ()) -> str:
    """The table as CSV text; frames from 0, both ends inclusive.

    Args:
        videos: subject and video of all that were looked at; those without an interval get a row
            without frames.
    """
    text = io.StringIO()
    writer = Writer(text)
    writer.writerow(COLUMNS)
    without_intervals = dict.fromkeys(videos)
    for one in intervals:
        without_intervals.pop((one.subject, one.video), None)
        apex = "" if one.apex_index is None else one.apex_index
        score = "" if one.score is None else repr(float(one.score))
        times = ["", "", ""] if one.times_s is None else [round(t, 6) for t in one.times_s]
        frames = [one.onset_index, one.offset_index]
        writer.writerow([one.subject, one.video, *frames, one.kind, apex, score, *times])
    writer.writerows(
        [subject, video, *[""] * (len(COLUMNS) - 2)] for subject, video in without_intervals
    )
    return text.getvalue()


def write_csv(
    path: Path, intervals: Iterable[Interval], videos: Iterable[tuple[str, str]] = ()
) -> None:
    """Write the table as CSV; ``interval_files.read_intervals`` gives it back, labels aside.

    Args:
        videos: see `to_csv`.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_text(path, to_csv(intervals, videos))
