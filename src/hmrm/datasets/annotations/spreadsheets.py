"""Sheets of .xlsx, .xls and .csv files as bare values, each cell with its address."""

import csv
import importlib
import io
import re
import struct
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from hmrm import limits, reading
from hmrm.datasets.annotations import workbook_size
from hmrm.errors import DataError, MissingExtraError

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".csv"})
"""What annotation tables are named."""

Cell = str | int | float | bool | date | time | timedelta | None
"""What a cell may hold, without any interpretation."""

_MOST_DIGITS = 100
_LONG_NUMBER = re.compile(rf"\d{{{_MOST_DIGITS + 1}}}")
_MOST_PLACES = 5_000_000
_LOCKED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet as on file: values row by row, without any interpretation.

    ``name`` is empty for a text file.
    """

    file: Path
    name: str
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def title(self) -> str:
        """File and sheet, as messages name them."""
        return f"{self.file.name} sheet {self.name!r}" if self.name else self.file.name

    @property
    def holds_anything(self) -> bool:
        """Whether any cell has a value."""
        return any(cell not in (None, "") for row in self.rows for cell in row)

    def where(self, row: int, column: int | None = None) -> str:
        """Address of a row or cell, both from 0, in the spreadsheet's own words."""
        if column is None:
            return f"{self.title} row {row + 1}"
        return f"{self.title} cell {column_letters(column)}{row + 1}"


def read_workbook(path: Path) -> tuple[Sheet, ...]:
    """All sheets of a spreadsheet, or the one table of a text file.

    The content decides, not the suffix: files named .xls are often the newer format.

    Raises:
        DataError: no such file, or its content is no table.
        MissingExtraError: the format needs a package that is not installed.
    """
    try:
        content = reading.read_bytes(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except reading.DamagedError as error:
        raise DataError(f"{path}: {error}") from error
    if content.startswith(b"PK"):
        if b"opendocument.spreadsheet" in content[:200]:
            raise DataError(f"{path}: is an OpenDocument table; save it as .xlsx")
        return _with_small_cells(_read_xlsx(path, content))
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return _with_small_cells(_read_xls(path, content))
    return _with_small_cells((_read_text(path, content),))


def _with_small_cells(sheets: tuple[Sheet, ...]) -> tuple[Sheet, ...]:
    """Refuse sheets with cells that are no annotation, and that would stop a reader."""
    most = limits.current().cell_letters
    for sheet in sheets:
        for number, row in enumerate(sheet.rows):
            for column, cell in enumerate(row):
                if not isinstance(cell, str) or len(cell) <= _MOST_DIGITS:
                    continue
                if len(cell) > most or _LONG_NUMBER.search(cell):
                    raise DataError(
                        f"{sheet.file}: {sheet.where(number, column)} holds {len(cell)} letters, "
                        f"or a number of more than {_MOST_DIGITS} digits; correct the cell"
                    )
    return sheets


def column_letters(column: int) -> str:
    """Spreadsheet name of a column counted from 0: A, B, … Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _read_xlsx(path: Path, content: bytes) -> tuple[Sheet, ...]:
    openpyxl = _package("openpyxl")
    try:
        # Extensions of other office programs are nothing a reader of the values need know about.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            workbook_size.require_small(content)
            book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
            return tuple(
                Sheet(file=path, name=sheet.title, rows=_unmerged(sheet))
                for sheet in book.worksheets
            )
    except _DAMAGED as error:
        raise DataError(f"{path}: cannot be read as a spreadsheet ({error})") from error


# What a damaged file makes its reader stumble over.
_DAMAGED = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError),
    *(ArithmeticError, AssertionError, struct.error, zipfile.BadZipFile, zlib.error, ParseError),
)


def _unmerged(sheet: Any) -> tuple[tuple[Cell, ...], ...]:
    """Values of a sheet; cells merged downwards, such as a person's, have it in every row.

    Formatting alone can reach down to the last of a million rows, so only cells with a value
    count, which openpyxl keeps by place.
    """
    places = [place for place, cell in sheet._cells.items() if cell.value is not None]
    if not places:
        return ()
    height, width = (max(axis) for axis in zip(*places, strict=True))
    _require_few(height, width, sheet.title)
    rows = [
        [_bare(value) for value in row]
        for row in sheet.iter_rows(max_row=height, max_col=width, values_only=True)
    ]
    for merged in sheet.merged_cells.ranges:
        if merged.min_col == merged.max_col <= width:
            for row in range(merged.min_row, min(merged.max_row, height)):
                rows[row][merged.min_col - 1] = rows[merged.min_row - 1][merged.min_col - 1]
    return tuple(tuple(row) for row in rows)


def _require_few(height: int, width: int, title: str) -> None:
    if height * width > _MOST_PLACES:
        raise ValueError(f"sheet {title!r} reaches to cell {column_letters(width - 1)}{height}")


def _bare(value: Any) -> Cell:
    """The cell; formulas of whole regions, which openpyxl leaves as objects, as text."""
    return value if value is None or isinstance(value, Cell) else str(value)


def _read_xls(path: Path, content: bytes) -> tuple[Sheet, ...]:
    if _LOCKED in content:
        raise DataError(f"{path}: is locked with a password; save it without one")
    xlrd = _package("xlrd")
    try:
        # Merged cells are known only together with the formatting.
        book = xlrd.open_workbook(
            file_contents=content, formatting_info=True, logfile=io.StringIO()
        )
        return tuple(
            Sheet(file=path, name=sheet.name, rows=_xls_rows(xlrd, book, sheet))
            for sheet in book.sheets()
        )
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, *_DAMAGED) as error:
        raise DataError(f"{path}: cannot be read as a spreadsheet ({error})") from error


def _xls_rows(xlrd: Any, book: Any, sheet: Any) -> tuple[tuple[Cell, ...], ...]:
    """Values of an old workbook's sheet, as the newer format would give them.

    By itself xlrd gives errors and dates as bare numbers, which could pass for frames.
    """

    def value(cell: Any) -> Cell:
        if cell.ctype == xlrd.XL_CELL_ERROR:
            return xlrd.error_text_from_code.get(cell.value, "#ERROR!")
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        if cell.ctype == xlrd.XL_CELL_DATE:
            return xlrd.xldate_as_datetime(cell.value, book.datemode)
        return None if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) else cell.value

    rows = [[value(cell) for cell in sheet.row(i)] for i in range(sheet.nrows)]
    for top, bottom, left, right in sheet.merged_cells:
        if right - left == 1:
            for row in rows[top + 1 : bottom]:
                row.extend([None] * (left + 1 - len(row)))
                row[left] = rows[top][left]
    return tuple(tuple(row) for row in rows)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"annotation tables in this format need {name}; run: pip install 'hmrm[research]', or "
            "save the table as .csv"
        ) from error


def _read_text(path: Path, content: bytes) -> Sheet:
    most = limits.current().text_bytes
    if len(content) > most:
        raise DataError(f"{path}: {limits.how_to_raise('text_bytes', len(content))}")
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        raise DataError(
            f"{path}: is a web page or XML under the name of a table; open it in a spreadsheet "
            "program and save it as .xlsx"
        )
    # Without its mark, UTF-16 would read every second file of another encoding as nonsense.
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            break
    else:
        raise DataError(f"{path}: neither a spreadsheet nor text; give the published table")
    delimiter = max(",;\t", key=text.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return Sheet(file=path, name="", rows=tuple(tuple(row) for row in rows))
    except csv.Error as error:
        raise DataError(f"{path}: cannot be read as a table ({error})") from error
