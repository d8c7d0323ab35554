"""What one row of an interval file says: frames, type, score and label."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hmrm.errors import DataError
from hmrm.evaluation.intervals import Interval, Kind, kind_of, kind_of_duration

Lengths = tuple[int, int | None]
Row = dict[str, str]
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a file does not say of itself.

    Attributes:
        first_frame: number of a video's first frame in the file: 0 or 1.
        missing_offset: what to do with an offset of 0 or less where the onset is later, which
            some tables write for "unknown": refuse, take the apex, or leave the row out.
        frames_per_s: tells micro from macro where the file does not.
        lengths: kind → least and most frames. Where a file tells no types, what is no longer
            than micro's most frames is micro, and the rest macro.
        drop_lengths: leave out intervals outside ``lengths`` of their kind, as the baseline does.
        part: of a log with several parts, the one to read.
    """

    first_frame: int = 0
    missing_offset: Literal["refuse", "apex", "drop"] = "refuse"
    frames_per_s: float | None = None
    lengths: Mapping[Kind, Lengths] = field(default_factory=dict)
    drop_lengths: bool = False
    part: str | None = None


def interval_of(row: Row, options: ReadOptions) -> Interval | None:
    """The row's interval, zero-based; None where its offset is unknown and left out."""
    where = row["where"]
    onset, offset = _frame(row, "onset"), _frame(row, "offset")
    apex = _frame(row, "apex") if row.get("apex", "").strip() not in ("", "-", "/") else None
    if offset <= 0 < onset:
        if options.missing_offset == "drop":
            return None
        if options.missing_offset == "refuse" or apex is None or apex < onset:
            raise DataError(
                f"{where}: onset {onset}, offset {offset}; if {offset} stands for an unknown "
                "offset, say what to do: take the apex (where there is one), or drop the row"
            )
        offset = apex
    if offset < onset or onset < options.first_frame:
        raise DataError(
            f"{where}: frames {onset} to {offset} are no interval in a file whose first frame is "
            f"{options.first_frame}; onset must not be later than offset"
        )
    base = options.first_frame
    kind = _kind(row, offset - onset, options)
    return Interval(
        subject=row.get("subject", ""),
        video=row["video"],
        onset_index=onset - base,
        offset_index=offset - base,
        kind=kind,
        apex_index=None if apex is None or apex < base else apex - base,
        score=_score(row),
        label=row.get("label", ""),
    )


def _frame(row: Row, name: str) -> int:
    text = row[name].strip()
    number = float(text) if NUMBER.fullmatch(text) else 0.5
    if number != int(number):
        raise DataError(f"{row['where']}: {name} is {text!r}; expected a frame number")
    return int(number)


def _score(row: Row) -> float | None:
    text = row.get("score", "").strip()
    if text in ("", "-"):
        return None
    if not NUMBER.fullmatch(text):
        raise DataError(f"{row['where']}: score is {text!r}; expected a number or nothing")
    return float(text)


def _kind(row: Row, distance: int, options: ReadOptions) -> Kind:
    text = row.get("type", "").strip()
    if text:
        kind = kind_of(text)
        if kind is None:
            raise DataError(f"{row['where']}: type is {text!r}; expected micro or macro")
        return kind
    frames = distance + 1
    if "micro" in options.lengths and options.lengths["micro"][1] is not None:
        return "micro" if frames <= options.lengths["micro"][1] else "macro"
    if "macro" in options.lengths:
        return "macro" if frames >= options.lengths["macro"][0] else "micro"
    if options.frames_per_s is not None:
        return kind_of_duration(distance / options.frames_per_s)
    return ""


def _within(frames: int, bounds: Lengths) -> bool:
    return bounds[0] <= frames and (bounds[1] is None or frames <= bounds[1])


def outside(one: Interval, options: ReadOptions) -> bool:
    """Whether its length is none that was asked for."""
    if not options.drop_lengths or not options.lengths:
        return False
    bounds = options.lengths.get(one.kind)
    return one.kind == "" or (bounds is not None and not _within(one.frames, bounds))
