"""Annotation tables as their authors publish them: columns by name, cells with an address.

Real tables differ: a heading above the header, other names for a column, a sheet that was renamed,
subjects that a spreadsheet turned into numbers. What is clear is read and noted; what is not is
refused with file, sheet and cell.
"""

import re
import string
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hmrm.clip import Issue
from hmrm.datasets.annotations.spreadsheets import Cell, Sheet, column_letters
from hmrm.errors import DataError, shortened

_HEADER_WITHIN = 40
_MISSING = frozenset({"", "/", "-", "--", "—", "nan", "none", "null", "n/a", "na", "?"})
# Some programs and web pages leave characters behind that show nowhere.
_BLANKS = "\u200b\u200c\u200d\ufeff" + string.whitespace
_LARGEST_FRAME = 10**12
_RANGE = re.compile(r"(\d{1,12})\s*(?:-|–|~|to|/)\s*(\d{1,12})")


class Notes:
    """Issues met on the way, in order."""

    def __init__(self) -> None:
        self.found: list[Issue] = []

    def add(self, code: str, where: str, message: str) -> None:
        """Keep one issue; ``code`` groups those that are alike."""
        self.found.append(Issue(code=code, where=where, message=message))


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that a loader looks for.

    Attributes:
        key: what the loader calls it.
        names: headers it goes by; case, blanks and punctuation do not matter.
        required: whether a table without it is no such table.
    """

    key: str
    names: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table, its cells by the loader's names."""

    sheet: Sheet
    index: int
    columns: dict[str, int]
    notes: Notes
    changed: Mapping[str, Cell] = field(default_factory=dict)

    def changed_to(self, values: Mapping[str, Cell], *, silent: bool = False) -> "Row":
        """The same row with other values in some columns; a silent one notes nowhere."""
        notes = Notes() if silent else self.notes
        return replace(self, changed={**self.changed, **values}, notes=notes)

    @property
    def where(self) -> str:
        """Address of the row."""
        return self.sheet.where(self.index)

    def has(self, key: str) -> bool:
        """Whether the table has such a column."""
        return key in self.columns

    def address(self, key: str) -> str:
        """Address of a cell."""
        return self.sheet.where(self.index, self.columns.get(key))

    def value(self, key: str) -> Cell:
        """The cell as on file; None where the table has no such column or the row is short."""
        if key in self.changed:
            return self.changed[key]
        cells, column = self.sheet.rows[self.index], self.columns.get(key)
        return None if column is None or column >= len(cells) else cells[column]

    def text(self, key: str) -> str:
        """The cell as text without outer blanks; whole numbers without a decimal point.

        Raises:
            DataError: the cell holds neither text nor a number.
        """
        value = self.value(key)
        if value is None or (isinstance(value, float) and value != value):
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise DataError(
                f"{self.address(key)}: {key} is {value!r} ({type(value).__name__}); expected text"
            )
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = str(value)
        stripped = unicodedata.normalize("NFKC", text).strip(_BLANKS)
        if stripped != text:
            self.notes.add("stray_blanks", self.address(key), "blanks around the text were ignored")
        return stripped

    def needed_text(self, key: str) -> str:
        """As ``text``, but never empty.

        Raises:
            DataError: the cell is empty, or holds neither text nor a number.
        """
        text = self.text(key)
        if not text:
            raise DataError(f"{self.address(key)}: {key} is empty")
        return text

    def frame(self, key: str) -> int | None:
        """A frame number; None where the cell is blank or says that there is none.

        ``/``, ``-``, -1 and ``?`` say so; a number with a question mark is read and noted, and so
        is a range, of which the middle is taken.

        Raises:
            DataError: the cell holds something else.
        """
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            raise self._no_frame(key, value)
        if isinstance(value, str):
            return self._frame_in_text(key, value)
        if value is None or value != value or value == -1:
            return None
        # A spreadsheet can state whole numbers that no float holds.
        if not 0 <= value <= _LARGEST_FRAME or int(value) != value:
            raise self._no_frame(key, value)
        return int(value)

    def needed_frame(self, key: str) -> int:
        """As ``frame``, but never None.

        Raises:
            DataError: there is no number.
        """
        found = self.frame(key)
        if found is None:
            raise DataError(f"{self.address(key)}: {key} is {self.value(key)!r}; expected a frame")
        return found

    def _frame_in_text(self, key: str, value: str) -> int | None:
        text = unicodedata.normalize("NFKC", value).strip(_BLANKS)
        if text.lower() in _MISSING or re.fullmatch(r"-1(\.0*)?", text):
            return None
        if text.endswith("?"):
            self.notes.add(
                "doubtful_frame", self.address(key), f"{key} {text!r} is marked doubtful"
            )
            text = text.rstrip("? ")
        spread = _RANGE.fullmatch(text)
        if spread:
            middle = (int(spread[1]) + int(spread[2])) // 2
            self.notes.add(
                "frame_range", self.address(key), f"{key} {text!r} is a range; took {middle}"
            )
            return middle
        if not re.fullmatch(r"\d{1,12}(\.0*)?", text):
            raise self._no_frame(key, value)
        return int(text.split(".")[0])

    def _no_frame(self, key: str, value: Cell) -> DataError:
        kind = type(value).__name__
        return DataError(
            f"{self.address(key)}: {key} is {shortened(value)} ({kind}); expected a frame number, "
            "or / where there is none"
        )


@dataclass(frozen=True, kw_only=True)
class Table:
    """A sheet whose header row was found."""

    sheet: Sheet
    header: int | None
    columns: dict[str, int]
    notes: Notes

    def rows(self) -> Iterator[Row]:
        """Rows below the header that hold anything at all."""
        first = 0 if self.header is None else self.header + 1
        for index in range(first, len(self.sheet.rows)):
            if any(not _is_blank(cell) for cell in self.sheet.rows[index]):
                yield Row(sheet=self.sheet, index=index, columns=self.columns, notes=self.notes)


def find_table(
    sheets: Sequence[Sheet],
    columns: Sequence[Column],
    notes: Notes,
    *,
    sheet_name: str | None = None,
) -> Table:
    """The sheet that has the columns, wherever its header stands.

    Args:
        sheet_name: the published name. If another sheet alone has the columns, it is taken and
            the renaming noted.

    Raises:
        DataError: no sheet has all the required columns, or several do and none has the name.
    """
    candidates = [table for sheet in sheets if (table := _with_header(sheet, columns, notes))]
    if not candidates:
        raise _no_table(sheets, columns)
    found = _chosen(candidates, notes, sheet_name)
    _note_repeated_headers(found)
    return found


def _chosen(candidates: Sequence[Table], notes: Notes, sheet_name: str | None) -> Table:
    """Of the sheets that have the columns, the one of that name, or the only one."""
    named = [t for t in candidates if sheet_name and _plain(t.sheet.name) == _plain(sheet_name)]
    if named:
        return named[0]
    if len(candidates) > 1:
        if sheet_name is None:
            return _first_of(candidates, notes)
        names = ", ".join(repr(t.sheet.name) for t in candidates)
        raise DataError(
            f"{candidates[0].sheet.file}: no sheet is named {sheet_name!r}, and several could be "
            f"it ({names}); name one of them so"
        )
    found = candidates[0]
    if sheet_name and found.sheet.name:
        notes.add(
            "sheet_renamed",
            found.sheet.title,
            f"it alone has the columns; the published name is {sheet_name!r}",
        )
    return found


def has_table(sheets: Sequence[Sheet], columns: Sequence[Column]) -> bool:
    """Whether any sheet has the required columns."""
    return any(_with_header(sheet, columns, Notes()) for sheet in sheets)


def plain_table(sheet: Sheet, keys: Sequence[str], notes: Notes) -> Table:
    """A sheet without a header row: columns by position.

    Raises:
        DataError: the sheet has fewer columns.
    """
    width = max((len(row) for row in sheet.rows), default=0)
    if width < len(keys):
        raise DataError(
            f"{sheet.title}: {width} columns; expected {len(keys)} without a header: "
            f"{', '.join(keys)}"
        )
    columns = {key: column for column, key in enumerate(keys)}
    return Table(sheet=sheet, header=None, columns=columns, notes=notes)


def _with_header(sheet: Sheet, columns: Sequence[Column], notes: Notes) -> Table | None:
    for index, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
        places = _places(row, columns)
        if all(column.key in places for column in columns if column.required):
            return Table(sheet=sheet, header=index, columns=places, notes=notes)
    return None


def _first_of(candidates: Sequence[Table], notes: Notes) -> Table:
    """The first of several sheets that could be the table; the others are named."""
    found = candidates[0]
    for other in candidates[1:]:
        notes.add(
            "sheet_not_read",
            other.sheet.title,
            f"has the columns too; sheet {found.sheet.name!r} was read",
        )
    return found


def _places(row: Sequence[Cell], columns: Sequence[Column]) -> dict[str, int]:
    headers = [_plain(cell) for cell in row]
    places: dict[str, int] = {}
    for column in columns:
        for name in map(_plain, column.names):
            if name in headers:
                places[column.key] = headers.index(name)
                break
    return places


def _note_repeated_headers(table: Table) -> None:
    """A header that stands twice leaves open which column is meant."""
    assert table.header is not None, "a table that was found has a header"
    headers = [_plain(cell) for cell in table.sheet.rows[table.header]]
    for key, column in table.columns.items():
        for again in range(column + 1, len(headers)):
            if headers[again] == headers[column]:
                table.notes.add(
                    "column_twice",
                    table.sheet.where(table.header, again),
                    f"{key} stands in column {column_letters(column)} already, which was read",
                )


def _no_table(sheets: Sequence[Sheet], columns: Sequence[Column]) -> DataError:
    """Name the sheet that comes nearest, and what it lacks."""
    required = [column for column in columns if column.required]

    def lacking(row: Sequence[Cell]) -> list[Column]:
        places = _places(row, required)
        return [column for column in required if column.key not in places]

    rows = [
        (sheet, index, lacking(row))
        for sheet in sheets
        for index, row in enumerate(sheet.rows[:_HEADER_WITHIN])
    ]
    if not rows:
        return DataError(f"{sheets[0].file if sheets else 'table'}: holds no rows at all")
    sheet, index, missing = min(rows, key=lambda one: len(one[2]))
    names = " or ".join(repr(name) for name in missing[0].names)
    return DataError(
        f"{sheet.file}: no sheet has the columns of this table; nearest is {sheet.where(index)}, "
        f"which lacks {len(missing)} of {len(required)}, first {names} (sheets: "
        f"{', '.join(repr(s.name) for s in sheets)})"
    )


def _plain(value: Cell) -> str:
    text = unicodedata.normalize("NFKC", str(value)) if value is not None else ""
    return re.sub(r"[\W_]", "", text.lower())


def _is_blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
