"""Which column of an interval table says what, by any of the usual names, frames or times.

A time is known by the unit in its column's name: ``Begin Time - msec`` and ``onset (ms)`` are
milliseconds, ``Start (s)`` and ``onset_s`` seconds, ``Begin Time - hh:mm:ss.ms`` clock times.
Columns of frames win over those of times.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hmrm.errors import DataError
from hmrm.evaluation.text_files import with_point

NAMES: dict[str, tuple[str, ...]] = {
    "subject": ("subject", "sub", "subject_id", "subject_name", "participant", "sub_id"),
    "video": (
        *("video", "vid", "video_name", "video_id", "filename", "file_name", "clip", "file"),
        *("media_file_name", "media_file", "media_file_path", "file_path", "source"),
        *("observation_id", "name"),
    ),
    "onset": (
        *("onset", "onset_frame", "onset_index", "onsetframe", "onsetf", "pred_onset"),
        *("start", "start_frame", "frame_start", "begin", "begin_frame", "image_index_start"),
    ),
    "apex": ("apex", "apex_frame", "apex_index", "apexframe", "apexf"),
    "offset": (
        *("offset", "offset_frame", "offset_index", "offsetframe", "offsetf", "pred_offset"),
        *("end", "end_frame", "frame_end", "stop", "stop_frame", "image_index_stop"),
    ),
    "type": ("type", "kind", "expression_type", "exp_type", "me_type"),
    "score": ("score", "salience", "confidence", "prob", "probability"),
    "label": ("label", "class", "emotion", "estimated_emotion"),
}
"""Column → names it goes by, in lower case with ``_`` for blanks; the first found is taken."""

TIMES: dict[str, tuple[str, ...]] = {
    "onset": ("onset", "start", "begin", "begin_time", "start_time", "onset_time"),
    "apex": ("apex", "apex_time"),
    "offset": ("offset", "end", "stop", "end_time", "stop_time", "offset_time"),
}
HINTS = ("tier", "behavior", "behaviour", "annotation", "category")
"""Columns in which annotators write the type, or something else."""
RATES = ("fps", "fps_frame_s", "frame_rate")

_UNIT = re.compile(
    r"(.+?)[\s_\-(\[]+(msec|ms|milliseconds?|ss\.msec|hh:mm:ss\.ms|s|sec|secs|seconds?)[)\]]?",
    re.IGNORECASE,
)
_FACTORS = {"ms": 1e-3, "s": 1.0, "clock": 0.0}
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)")


@dataclass(frozen=True, kw_only=True)
class Header:
    """Where the columns of a table are.

    Attributes:
        places: column of `NAMES` → position.
        units: ``onset``, ``apex``, ``offset`` → ``ms``, ``s`` or ``clock`` where it is a time.
        hints: positions of columns that may hold the type.
        rate: position of the frame rate, where the table states it.
        onset_name: of the onset's column, which may say what it counts from.
    """

    places: Mapping[str, int]
    units: Mapping[str, str]
    hints: tuple[int, ...]
    rate: int | None
    onset_name: str


def plain(name: str) -> str:
    """A column's name as `NAMES` writes it."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def header_of(cells: Sequence[str]) -> Header | None:
    """What the columns of a header mean; None where the line is none."""
    names = [plain(cell) for cell in cells]
    places = {
        column: next(names.index(alias) for alias in aliases if alias in names)
        for column, aliases in NAMES.items()
        if any(alias in names for alias in aliases)
    }
    units: dict[str, str] = {}
    for column, aliases in TIMES.items():
        times = {unit: i for i, cell in enumerate(cells) for unit in _units(cell, aliases)}
        if column not in places and times:
            units[column] = next(unit for unit in ("ms", "s", "clock") if unit in times)
            places[column] = times[units[column]]
    hints = tuple(names.index(name) for name in HINTS if name in names)
    if len(places) + len(hints) < 2:
        return None
    rates = [names.index(name) for name in RATES if name in names]
    return Header(
        places=places,
        units=units,
        hints=hints,
        rate=rates[0] if rates else None,
        onset_name=names[places["onset"]] if "onset" in places else "",
    )


def _units(cell: str, aliases: Sequence[str]) -> list[str]:
    """The unit of a time's column: one or none."""
    match = _UNIT.fullmatch(cell.strip())
    if match is None or plain(match[1]) not in aliases:
        return []
    unit = match[2].lower()
    if unit == "hh:mm:ss.ms":
        return ["clock"]
    return ["ms" if unit in ("msec", "ms") or unit.startswith("milli") else "s"]


def seconds(text: str, unit: str, where: str) -> float:
    """A time in s.

    Raises:
        DataError: none of this unit.
    """
    clock = _CLOCK.fullmatch(text)
    if unit == "clock" and clock:
        return 3600 * int(clock[1] or 0) + 60 * int(clock[2]) + float(clock[3].replace(",", "."))
    # 1,250 ms may be a thousand and more; of seconds no one writes that.
    if unit == "s" or not re.fullmatch(r".*,\d{3}", text):
        text = with_point(text)
    try:
        value = float(text) * _FACTORS[unit]
    except ValueError:
        value = float("nan")
    if unit == "clock" or not 0 <= value < 1e7:
        words = {"ms": "milliseconds", "s": "seconds", "clock": "hours:minutes:seconds"}
        raise DataError(f"{where} is {text[:40]!r}; expected a time in {words[unit]}")
    return value
