"""Rows of an annotation table, read one by one: mended where a correction says how, or left out.

A row with a cell that cannot be read still says which clip it is. So a correction can find it, and
its folder is not taken for one that no row names.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar, cast

from hmrm.datasets.description import Findings
from hmrm.datasets.records import Record, Skip, cells_of
from hmrm.datasets.workbook import Row, Table
from hmrm.errors import DataError

_KIND = "unreadable row"
_NAMES = ("subject", "clip", "video", "count")
# What is readable anywhere, for columns that an unreadable row may not do without.
_READABLE: Mapping[str, object] = {"onset": 1, "onset1": 1, "kind": "micro"}

T = TypeVar("T")


def read_rows(table: Table, make: Callable[[Row], T | None], findings: Findings) -> list[T]:
    """``make`` of every row; a row it refuses is left out with its reason, and never silently.

    Args:
        make: returns None for a row that holds no clip (a remark below the table).
        findings: receives what is left out; its corrections mend cells that cannot be read.

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
    before, meant = len(row.notes.found), None
    try:
        try:
            return _with_cells(row, make(row))
        except DataError:
            # What was noted up to the bad cell is noted again.
            del row.notes.found[before:]
            meant = _meant(row, make)
            mended = row if meant is None else _mended(row, meant, findings)
            return _with_cells(row, make(mended))
    except DataError as error:
        _leave_out(row, meant, str(error), findings)
        raise


def _with_cells(row: Row, one: T) -> T:
    # A row of several records, SMIC-E's, tells each its own.
    return cast(T, replace(one, cells=cells_of(row))) if isinstance(one, Record) else one


def _meant(row: Row, make: Callable[[Row], object]) -> Record | None:
    """The record that a row would be, had it nothing unreadable beside its names."""
    changed = {key: _READABLE.get(key) for key in row.columns if key not in _NAMES}
    try:
        found = _with_cells(row, make(row.changed_to(changed, silent=True)))
    except DataError:
        return None
    first = found[0] if isinstance(found, list) and found else found
    return first if isinstance(first, Record) else None


def _mended(row: Row, meant: Record, findings: Findings) -> Row:
    """The row with new values in the cells whose text corrections of this clip expect."""
    changed: dict[str, object] = {}
    for correction in findings.corrections:
        if not re.fullmatch(rf"{re.escape(meant.id)}(_e\d+)?", correction.id):
            continue
        for key in row.columns:
            value = row.value(key)
            text = "" if value is None else str(value).strip()
            if key.rstrip("123") == correction.column and text == correction.old:
                changed[key] = correction.new
                row.notes.add("corrected", row.address(key), correction.told)
    return row.changed_to(changed)


def _leave_out(row: Row, meant: Record | None, error: str, findings: Findings) -> None:
    if meant is not None:
        findings.refused.append(meant)
        findings.skipped.append(Skip(what=meant.id, reason=error, kind=_KIND))
        return
    cells = (f"{row.address(key)}: " for key in row.columns)
    start = next((cell for cell in cells if error.startswith(cell)), f"{row.where}: ")
    what, reason = start.removesuffix(": "), error.removeprefix(start)
    findings.skipped.append(Skip(what=what, reason=reason, kind=_KIND))
