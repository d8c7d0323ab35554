"""Known faults of annotation tables, mended by clip id and only where the old value stands.

``corrections.csv`` has one row per value: data set, clip (``subject/clip``), column (onset, apex,
offset or emotion; a field of `Record`), the old and the new value, and the evidence. Row numbers
of other people's scripts are no evidence: they hold for one edition of a table. A user's own file
in the same form can be given beside ours.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from hmrm.datasets.records import Record
from hmrm.datasets.workbook import Notes
from hmrm.errors import DataError

COLUMNS = ("dataset", "clip", "column", "old", "new", "evidence")
_FIELDS = {
    "onset": "onset_frame",
    "apex": "apex_frame",
    "offset": "offset_frame",
    "emotion": "emotion",
}


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One value to mend; ``old`` and ``new`` are as text, empty for none."""

    dataset: str
    clip: str
    column: str
    old: str
    new: str
    evidence: str


def read_corrections(path: Path | None = None) -> tuple[Correction, ...]:
    """Our own table, or a user's.

    Raises:
        DataError: the file cannot be read, lacks a column, or a row names no field, a value that
            is no frame, or no evidence.
    """
    if path is None:
        text, name = resources.files(__package__).joinpath("corrections.csv").read_text("utf-8"), ""
    else:
        try:
            text, name = path.read_text(encoding="utf-8-sig"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read as a table ({error})") from error
    reader = csv.DictReader(text.splitlines())
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"{name}: column {missing[0]!r} is missing; needs {', '.join(COLUMNS)}")
    return tuple(_correction(row, where=f"{name} line {reader.line_num}") for row in reader)


def _correction(row: dict[str, str], *, where: str) -> Correction:
    values = {column: (row[column] or "").strip() for column in COLUMNS}
    if values["column"] not in _FIELDS:
        known = ", ".join(_FIELDS)
        raise DataError(f"{where}: column {values['column']!r}; expected one of {known}")
    if not values["evidence"]:
        raise DataError(f"{where}: evidence is empty; say how the fault is known")
    if values["column"] != "emotion":
        for key in ("old", "new"):
            if values[key] and not values[key].isdecimal():
                raise DataError(f"{where}: {key} is {values[key]!r}; expected a frame or nothing")
    return Correction(**values)


def correct(
    records: Sequence[Record], corrections: Sequence[Correction], notes: Notes
) -> list[Record]:
    """The records with every correction applied whose old value is what the table has.

    One that is applied, one whose old value differs and one without a clip are noted each.
    """
    known = {f"{record.dataset}/{record.subject}/{record.clip}": record for record in records}
    order = list(known)
    for correction in corrections:
        clip = f"{correction.dataset}/{correction.clip}"
        record = known.get(clip)
        if record is None:
            if any(r.dataset == correction.dataset for r in records):
                notes.add(
                    "correction_without_clip", clip, "a correction names a clip that is absent"
                )
            continue
        name = _FIELDS[correction.column]
        found = getattr(record, name)
        if _text(found) == correction.new:
            continue
        if _text(found) != correction.old:
            message = f"{correction.column} is {_text(found)!r}, not {correction.old!r} as expected"
            notes.add("correction_not_applied", record.where, f"{clip}: {message}")
            continue
        change: Any = correction.new
        if correction.column != "emotion":
            change = int(correction.new) if correction.new else None
        known[clip] = replace(record, **{name: change})
        message = f"{correction.column} {correction.old or 'none'} → {correction.new or 'none'}"
        notes.add("corrected", record.where, f"{clip}: {message} ({correction.evidence})")
    return [known[clip] for clip in order]


def _text(value: object) -> str:
    return "" if value is None else str(value)
