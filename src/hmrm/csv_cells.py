"""Cells of the CSV tables that we write: no spreadsheet takes a name for a formula.

A text that begins with ``= + - @`` or a tab gets an apostrophe in front, as spreadsheets write
text that looks like a formula; so does one that has such an apostrophe already. Our readers take
one away, and every name comes back as it was. Numbers stay as they are.
"""

import csv
import io
import re
from collections.abc import Iterable

_ACTING = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


class Writer:
    """A CSV writer whose text cells are `guarded`."""

    def __init__(self, file: io.StringIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")

    def writerow(self, row: Iterable[object]) -> None:
        """Write one row."""
        self._writer.writerow(guarded(cell) if isinstance(cell, str) else cell for cell in row)

    def writerows(self, rows: Iterable[Iterable[object]]) -> None:
        """Write several."""
        for row in rows:
            self.writerow(row)


def guarded(text: str) -> str:
    """The text as a cell that is no formula.

    Example:
        >>> from hmrm.csv_cells import guarded, unguarded
        >>> guarded("=1+1"), guarded("-0.5"), unguarded(guarded("'@x"))
        ("'=1+1", '-0.5', "'@x")
    """
    if not _ACTING.match(text):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def unguarded(cell: str) -> str:
    """The text of which `guarded` made the cell."""
    return cell[1:] if _GUARDED.match(cell) else cell
