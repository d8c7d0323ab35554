"""The text of a table that a user gives, whatever program saved it."""

from pathlib import Path

from hmrm import reading
from hmrm.errors import DataError

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
