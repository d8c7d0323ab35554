"""Rows of an annotation table, read one by one: corrected where a correction exists, or skipped.

A row with a cell that cannot be read still says which clip it is. So a correction can find it, its
folder is not taken for one that no row names, and the expressions below it keep their ids.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar, cast

from hmrm.datasets.annotations.description import Findings
from hmrm.datasets.annotations.records import Record, Skip, by_row, cells_of
from hmrm.datasets.annotations.spreadsheets import Cell
from hmrm.datasets.annotations.workbook import Row, Table
from hmrm.errors import DataError

_KIND = "unreadable row"
_NAMES = ("subject", "clip", "video", "count")
# What is readable anywhere, for columns that an unreadable row may not do without.
_READABLE: Mapping[str, int | str] = {
    "onset": 1,
    "onset1": 1,
    "onset2": 1,
    "onset3": 1,
    "kind": "macro",
}

T = TypeVar("T")


def read_rows(table: Table, make: Callable[[Row], T | None], findings: Findings) -> list[T]:
    """``make`` of every row; a row it refuses is skipped with its reason, and never silently.

    Args:
        make: returns None for a row that holds no clip (a note below the table).
        findings: receives what is skipped; its corrections fix cells that cannot be read.

    Raises:
        DataError: more rows are refused than read; then it is the table that is wrong.
    """
    made: list[T] = []
    refused: list[DataError] = []
    for row in table.rows():
        try:
            one = _made(row, make, findings)
        except DataError as error:
            refused.append(error)
            continue
        if one is not None:
            made.append(one)
    if len(refused) > len(made):
        raise DataError(
            f"{table.sheet.title}: {len(refused)} rows cannot be read and only {len(made)} can; "
            f"the first: {refused[0]}"
        )
    return made


def _made(row: Row, make: Callable[[Row], T | None], findings: Findings) -> T | None:
    before = len(row.notes.found)
    meant: list[Record] = []
    try:
        try:
            made = make(row)
        except DataError:
            # What was noted up to the bad cell is noted again.
            del row.notes.found[before:]
            meant = _meant(row, make, findings)
            made = make(_corrected(row, meant, findings))
    except DataError as error:
        _leave_out(row, meant, str(error), findings)
        raise
    return _numbered(row, made, findings.rows)


def _numbered(row: Row, made: T, rows: Counter[str]) -> T:
    """With cells, and counted among the rows of their clips; ``rows`` has those above."""
    if isinstance(made, list):
        return cast(T, [_numbered(row, one, rows) for one in made])
    if not isinstance(made, Record):
        return made
    rows[made.id] += 1
    # A row of several records, SMIC-E's, gives each its own cells.
    return cast(T, replace(made, cells=made.cells or cells_of(row), row=rows[made.id]))


def _meant(row: Row, make: Callable[[Row], object], findings: Findings) -> list[Record]:
    """The records that a row would be, were all cells other than its names readable."""
    changed: dict[str, Cell] = {}
    while True:
        try:
            made = make(row.changed_to(changed, silent=True))
        except DataError as error:
            key = _bad_key(row, str(error))
            if key is None or key in (*_NAMES, *changed):
                return []
            changed[key] = _READABLE.get(key)
            continue
        found = _numbered(row, made if isinstance(made, list) else [made], findings.rows.copy())
        return [one for one in found if isinstance(one, Record)]


def _bad_key(row: Row, error: str) -> str | None:
    """The column of the cell that an error begins with."""
    return next((key for key in row.columns if error.startswith(f"{row.address(key)}: ")), None)


def _corrected(row: Row, meant: Sequence[Record], findings: Findings) -> Row:
    """The row with new values in the cells whose text corrections of this clip expect."""
    changed: dict[str, Cell] = {}
    records = {by_row(record).id: record for record in meant}
    for correction in findings.corrections:
        if correction.id not in records:
            continue
        own = set(records[correction.id].cells.values())
        others = {cell for record in meant for cell in record.cells.values()} - own
        for key in row.columns:
            value = row.value(key)
            text = "" if value is None else str(value).strip()
            fits = key.rstrip("123") == correction.column and text == correction.old
            if fits and row.address(key) not in others:
                changed[key] = correction.new
                row.notes.add("corrected", row.address(key), correction.reported)
    return row.changed_to(changed)


def _leave_out(row: Row, meant: Sequence[Record], error: str, findings: Findings) -> None:
    for one in meant:
        findings.rows[one.id] += 1
        findings.refused.append(by_row(one))
        findings.skipped.append(Skip(what=by_row(one).id, reason=error, kind=_KIND))
    if meant:
        return
    key = _bad_key(row, error)
    what = row.where if key is None else row.address(key)
    findings.skipped.append(Skip(what=what, reason=error.removeprefix(f"{what}: "), kind=_KIND))
