"""Known faults of annotation tables, corrected by clip id and only where the old value stands.

``corrections.csv`` has one row per value: data set, clip (``subject/clip``), column (onset, apex,
offset or emotion; a field of `Record`), the old and the new value, and the evidence. The old value
of a cell that cannot be read is its text. Row numbers of other people's scripts are no evidence:
they hold for one edition of a table. A user's own file in the same form can be added to ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from hmrm import reading
from hmrm.datasets.annotations.records import Record
from hmrm.datasets.annotations.workbook import Notes
from hmrm.errors import DataError, shortened

COLUMNS = ("dataset", "clip", "column", "old", "new", "evidence")
_MOST_DIGITS = 9
_FIELDS = {
    "onset": "onset_frame",
    "apex": "apex_frame",
    "offset": "offset_frame",
    "emotion": "emotion",
}


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One value to correct; ``old`` and ``new`` are as text, empty for none.

    ``where`` is the file and its line.
    """

    dataset: str
    clip: str
    column: str
    old: str
    new: str
    evidence: str
    where: str = ""

    @property
    def id(self) -> str:
        """``dataset/subject/clip``."""
        return f"{self.dataset}/{self.clip}"

    @property
    def reported(self) -> str:
        """What it does, in words."""
        change = f"{self.old or 'none'} → {self.new or 'none'}"
        return f"{self.id}: {self.column} {change} ({self.evidence})"


def read_corrections(path: Path | None = None) -> tuple[Correction, ...]:
    """Our own table, or a user's.

    Raises:
        DataError: the file cannot be read, lacks a column, or a row names no field, a value that
            is no frame, or no evidence.
    """
    if path is None:
        text = resources.files(__package__).joinpath("corrections.csv").read_text("utf-8")
        name = "corrections.csv of hmrm"
    else:
        try:
            text, name = reading.read_text(path, encoding="utf-8-sig"), str(path)
        except (OSError, reading.DamagedError) as error:
            raise DataError(f"{path}: cannot be read as a table ({error})") from error
    try:
        header, rows = reading.table(text)
    except reading.DamagedError as error:
        raise DataError(f"{name} {error}") from error
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise DataError(f"{name}: column {missing[0]!r} is missing; needs {', '.join(COLUMNS)}")
    return tuple(_correction(row, where=f"{name} line {line}") for line, row in rows)


def _correction(row: Mapping[str, str | None], *, where: str) -> Correction:
    values = {column: (row[column] or "").strip() for column in COLUMNS}
    if values["column"] not in _FIELDS:
        known = ", ".join(_FIELDS)
        raise DataError(f"{where}: column {shortened(values['column'])}; expected one of {known}")
    if not values["evidence"]:
        raise DataError(f"{where}: evidence is empty; say how the fault is known")
    if values["column"] != "emotion":
        new = values["new"]
        if new and not (new.isdecimal() and len(new) <= _MOST_DIGITS):
            raise DataError(f"{where}: new is {shortened(new)}; expected a frame or nothing")
    return Correction(**values, where=where)


def correct(
    records: Sequence[Record],
    corrections: Sequence[Correction],
    refused: Sequence[Record],
    notes: Notes,
) -> list[Record]:
    """The records with every correction applied whose old value is what the table has.

    One that is applied, one whose old value differs and one without a clip are noted each.

    Args:
        refused: of rows that could not be read, with what could.
    """
    known = {record.id: record for record in records}
    unread = {record.id: record for record in refused}
    order = list(known)
    for correction in corrections:
        record = known.get(correction.id)
        if record is not None:
            known[record.id] = _corrected(record, correction, notes)
        elif correction.id in unread:
            message = f"the row cannot be read, and no {correction.column} in it is"
            address = unread[correction.id].cell(correction.column)
            message = f"{correction.id}: {message} {correction.old!r} ({correction.where})"
            notes.add("correction_not_applied", address, message)
        elif any(r.dataset == correction.dataset for r in records):
            message = f"{correction.id} is no clip of this data set here"
            notes.add("correction_without_clip", correction.where, message)
    return [known[clip] for clip in order]


def _corrected(record: Record, correction: Correction, notes: Notes) -> Record:
    address, name = record.cell(correction.column), _FIELDS[correction.column]
    found = _text(getattr(record, name))
    if found == correction.new:
        return record
    if found != correction.old:
        message = f"{correction.column} is {found!r}, not {correction.old!r} as expected"
        message = f"{record.id}: {message} ({correction.where})"
        notes.add("correction_not_applied", address, message)
        return record
    change: Any = correction.new
    if correction.column != "emotion":
        change = int(correction.new) if correction.new else None
    notes.add("corrected", address, correction.reported)
    return replace(record, **{name: change})


def _text(value: object) -> str:
    return "" if value is None else str(value)
