"""The text of a table that a user gives, whatever program saved it."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

from hmrm import reading
from hmrm.csv_cells import unguarded
from hmrm.errors import DataError, shortened

Rows = list[tuple[int, dict[str, str]]]
"""Each row of a table, column by column, with its line."""

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def table_text(path: Path, *, if_workbook: str) -> str:
    """A text file's content: UTF-8, or UTF-16 with its mark, as spreadsheet programs write it.

    Args:
        if_workbook: what to do where the file is a workbook, for the message.

    Raises:
        DataError: no such file, a workbook, or text in another encoding.
    """
    try:
        content = reading.read_bytes(path, limit="text_bytes")
    except OSError as error:
        raise DataError(f"{path}: cannot be read as text ({error.strerror or error})") from error
    except reading.DamagedError as error:
        raise DataError(f"{path}: cannot be read as text ({error})") from error
    if content.startswith(_WORKBOOKS):
        raise DataError(f"{path}: is a workbook, not a text table; {if_workbook}")
    try:
        return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: cannot be read as text (byte {error.start} is no UTF-8); save it as CSV in "
            "UTF-8"
        ) from error


def delimiter_of(line: str) -> str:
    """What stands between the cells of a header: comma, semicolon, tab or bar.

    Example:
        >>> from hmrm.evaluation.text_files import delimiter_of
        >>> delimiter_of("subject;video;onset")
        ';'
    """
    return max(",;\t|", key=line.count)


def head_line(text: str) -> str:
    """The first line that holds more than blanks and marks between cells."""
    lines = io.StringIO(text)
    return next((line.rstrip("\r\n") for line in lines if line.strip(" \r\n\t,;|")), "")


def with_point(number: str) -> str:
    """A number with a decimal point, where a comma stands for it (``0,25``).

    Example:
        >>> from hmrm.evaluation.text_files import with_point
        >>> with_point("0,25"), with_point("1,250.5")
        ('0.25', '1,250.5')
    """
    comma = re.fullmatch(r"([+-]?\d+),(\d+)", number.strip())
    return number if comma is None else f"{comma[1]}.{comma[2]}"


def listed(names: Sequence[str]) -> str:
    """Names of columns for a message: the first eight, and how many more there are."""
    shown = ", ".join(shortened(name)[1:-1] for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def example(*lines: str) -> str:
    """The end of a message about an unknown form: lines of the right one."""
    return "\n".join(("right is, for example:", *(f"  {line}" for line in lines)))


def rows(path: Path) -> tuple[tuple[str, ...], Rows]:
    """The header, and each row with its line; comma, semicolon, tab or bar between.

    Empty rows are skipped.

    Raises:
        DataError: unreadable, without a header, or a row too short.
    """
    text = table_text(path, if_workbook="name the data set whose table it is with --dataset")
    try:
        mark = delimiter_of(head_line(text))
        header, cells = reading.table(text, delimiter=mark, skip_blanks=True)
    except reading.DamagedError as error:
        raise DataError(f"{path} {error}") from error
    found = []
    for line, row in cells:
        if not any((cell or "").strip() for cell in row.values()):
            continue
        short = next((name for name, cell in row.items() if cell is None), None)
        if short is not None:
            raise DataError(f"{path} line {line}: has no cell {short!r}; the row is too short")
        found.append((line, {name.strip(): cell or "" for name, cell in row.items()}))
    if not header:
        raise DataError(f"{path}: is empty; give a table with a header")
    return tuple(name.strip() for name in header), found


def rows_by_id(path: Path) -> tuple[tuple[str, ...], Rows]:
    """`rows` of a table whose column ``id`` names every clip once, ``dataset/subject/clip``.

    Raises:
        DataError: as `rows`, no such column, an empty one, or a clip twice.
    """
    header, found = rows(path)
    if "id" not in header:
        raise DataError(
            f"{path}: column 'id' is missing (dataset/subject/clip); has {listed(header)}. For "
            "a data set's own table name it with --dataset"
        )
    seen: set[str] = set()
    for line, row in found:
        row["id"] = unguarded(row["id"] or "")
        if not row["id"]:
            raise DataError(f"{path} line {line}: id is empty; expected dataset/subject/clip")
        if row["id"] in seen:
            raise DataError(f"{path} line {line}: clip {row['id']} occurs twice; keep one")
        seen.add(row["id"])
    return header, found
