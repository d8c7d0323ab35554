"""What one row of an interval file says: frames or times, type, score and label."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hmrm.errors import DataError
from hmrm.evaluation.spotting.headers import seconds
from hmrm.intervals import Interval, Kind, kind_of, kind_of_duration

Lengths = tuple[int, int | None]
Row = dict[str, str]
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_LARGEST_NUMBER = 1e12  # Cameras count up to 8 digits.
_LONGEST_FRAMES = 1_000_000  # 83 minutes at 200 frames a second.
MS_PER_S = 1000.0


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a file does not say of itself.

    Attributes:
        first_frame: number of a video's first frame in the file; None: not stated, taken as 0.
        missing_offset: what to do where the offset is empty, or 0 or less after a later onset,
            which some tables write for "unknown": refuse, take the apex, or leave the row out.
        frames_per_s: separates micro from macro where the file does not, and turns times into
            frames; without it times are kept as ms, one "frame" each.
        kind: of intervals without a type.
        lengths: kind → least and most frames. Where a file states no types, what is no longer
            than micro's most frames is micro, and the rest macro.
        drop_lengths: skip intervals outside ``lengths`` of their kind, as the baseline does.
        part: of a log with several parts, the one to read.
    """

    first_frame: int | None = None
    missing_offset: Literal["refuse", "apex", "drop"] = "refuse"
    frames_per_s: float | None = None
    kind: Kind = ""
    lengths: Mapping[Kind, Lengths] = field(default_factory=dict)
    drop_lengths: bool = False
    part: str | None = None


def interval_of(row: Row, options: ReadOptions, tally: Counter[str]) -> Interval | None:
    """The row's interval, zero-based; None where it is skipped.

    What was skipped or cut is counted in ``tally``, by a description.

    Raises:
        DataError: frames that make no interval, or a type or score that is none.
    """
    where, base = row["where"], options.first_frame or 0
    if row.get("unit"):
        row, base = _in_frames(row, options), 0
    onset, apex = _frame(row, "onset"), _apex(row)
    offset = _offset(row, onset, apex, options.missing_offset)
    if offset is None:
        tally["without offset skipped"] += 1
        return None
    _check_frames(f"{where}: frames {onset} to {offset}", onset, offset, base)
    kind = _kind(row, offset - onset, options)
    if row.get("unit") and kind and not (row.get("type") or options.kind):
        tally["without a type taken as micro up to 0.5 s and as macro above"] += 1
    if onset < base:
        tally["that began before the video cut to its first frame"] += 1
    one = Interval(
        subject=row.get("subject", ""),
        video=row["video"],
        onset_index=max(onset - base, 0),
        offset_index=offset - base,
        kind=kind,
        apex_index=None if apex is None or apex < base else apex - base,
        score=_score(row),
        label=row.get("label", ""),
    )
    if _outside(one, options):
        tally["shorter or longer than asked for skipped"] += 1
        return None
    return one


def _in_frames(row: Row, options: ReadOptions) -> Row:
    """The row with frames instead of its times, which are those of onset and offset frame."""
    rate = rate_of(row, options) or MS_PER_S
    found = dict(row)
    for name in ("onset", "apex", "offset"):
        text = row.get(name, "").strip()
        if text not in ("", "-", "/"):
            unit = row.get(f"{name}_unit", row["unit"])
            found[name] = str(round(seconds(text, unit, f"{row['where']}: {name}") * rate))
    return found


def rate_of(row: Row, options: ReadOptions) -> float | None:
    """Frames per second by which a row's times become frames; None where nothing states them."""
    if options.frames_per_s is not None:
        return options.frames_per_s
    text = row.get("rate", "").strip()
    rate = float(text) if NUMBER.fullmatch(text) else 0.0
    return rate if 0 < rate < _LARGEST_NUMBER else None


def _check_frames(what: str, onset: int, offset: int, base: int) -> None:
    if min(onset, offset) < 0:
        raise DataError(f"{what}: no frame has a number below 0; correct the row")
    if offset < onset:
        raise DataError(f"{what}: the onset is later than the offset; correct the row")
    if offset < base:
        raise DataError(
            f"{what} lie before the video, whose first frame you gave as {base}; correct the row, "
            "or the number"
        )
    if offset - onset >= _LONGEST_FRAMES:
        raise DataError(f"{what}: {offset - onset + 1} frames are no expression; correct the row")


def _offset(
    row: Row, onset: int, apex: int | None, missing: Literal["refuse", "apex", "drop"]
) -> int | None:
    """The offset; where it is unknown, what was asked for: the apex, or None to leave it out."""
    written = row["offset"].strip()
    offset = _frame(row, "offset") if written else 0
    if written and not offset <= 0 < onset:
        return offset
    if missing == "drop":
        return None
    usable = apex is not None and apex >= onset
    if missing == "apex" and usable:
        return apex
    apex_words = "--missing-offset apex takes its apex, " if usable else "it has no apex to take; "
    raise DataError(
        f"{row['where']}: onset {onset}, but the offset is {written or 'empty'}; if that means "
        f"unknown, {apex_words}--missing-offset drop leaves such rows out"
    )


def _apex(row: Row) -> int | None:
    return _frame(row, "apex") if row.get("apex", "").strip() not in ("", "-", "/") else None


def _frame(row: Row, name: str) -> int:
    text = row[name].strip()
    number = float(text) if NUMBER.fullmatch(text) else 0.5
    if abs(number) > _LARGEST_NUMBER or number != int(number):
        raise DataError(f"{row['where']}: {name} is {text!r}; expected a frame number")
    return int(number)


def _score(row: Row) -> float | None:
    text = row.get("score", "").strip()
    if text in ("", "-"):
        return None
    if not NUMBER.fullmatch(text) or math.isinf(float(text)):
        raise DataError(f"{row['where']}: score is {text!r}; expected a number or nothing")
    return float(text)


def _kind(row: Row, distance: int, options: ReadOptions) -> Kind:
    text = row.get("type", "").strip()
    if text:
        kind = kind_of(text)
        if kind is None:
            raise DataError(f"{row['where']}: type is {text!r}; expected micro or macro")
        return kind
    if options.kind:
        return options.kind
    frames = distance + 1
    if "micro" in options.lengths and options.lengths["micro"][1] is not None:
        return "micro" if frames <= options.lengths["micro"][1] else "macro"
    if "macro" in options.lengths:
        return "macro" if frames >= options.lengths["macro"][0] else "micro"
    rate = options.frames_per_s
    if row.get("unit"):
        rate = rate_of(row, options) or MS_PER_S
    return "" if rate is None else kind_of_duration(distance / rate)


def _within(frames: int, bounds: Lengths) -> bool:
    return bounds[0] <= frames and (bounds[1] is None or frames <= bounds[1])


def _outside(one: Interval, options: ReadOptions) -> bool:
    if not options.drop_lengths or not options.lengths:
        return False
    bounds = options.lengths.get(one.kind)
    return one.kind == "" or (bounds is not None and not _within(one.frames, bounds))
