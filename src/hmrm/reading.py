"""The one way to read a file: bounded bytes, text, JSON, TOML and rows of text tables.

Whatever is wrong with the content becomes a `DamagedError`, whose message has no file name:
the caller adds it and raises the error of its own kind.
"""

import csv
import io
import json
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hmrm import limits

# Possessive throughout: what is matched is never tried again, whatever the length.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_TOML_ASIDE = re.compile(
    r'''"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}|'{3}(?:[^']++|'(?!''))*+'{3,5}'''
    r"""|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|'[^'\n]*+'|\#[^\n]*+""",
    re.DOTALL,
)
_LONG_INTEGER = r"(?<![\d.eE])(?<![eE][+-])\d{%d,}(?![\d.eE])"
_DOTTED_KEY = r"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){%d,}+"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class DamagedError(ValueError):
    """The content of a file is not what it should be; the message says how, not where."""


def read_bytes(path: Path, *, most: int | None = None, limit: str = "file_bytes") -> bytes:
    """All bytes of a file, of no more than the limit called ``limit``.

    A file has to be a regular one: a device would be read for ever. A pipe may be given, as
    ``/dev/stdin`` or ``/dev/fd/63``.

    Args:
        most: replaces the limit's value.

    Raises:
        OSError: it cannot be read.
        DamagedError: it is no regular file, too large, or no file can have its name.
    """
    try:
        status = path.stat()
    except ValueError as error:  # a zero byte in a name that a damaged table gave
        raise DamagedError(f"no file can have this name ({error})") from error
    piped = stat.S_ISFIFO(status.st_mode) and path.is_absolute() and path.parts[1] == "dev"
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"is a folder: {path.name}")
    if not stat.S_ISREG(status.st_mode) and not piped:
        raise DamagedError("is no regular file; a device or a pipe is not read")
    found = getattr(limits.current(), limit) if most is None else most
    if status.st_size > found:
        raise _too_large(status.st_size, limit)
    with path.open("rb") as file:
        content = file.read(found + 1)
    if len(content) > found:
        raise _too_large(len(content), limit)
    return content


def _too_large(size: int, limit: str) -> DamagedError:
    return DamagedError(f"has {size} bytes or more; {limits.how_to_raise(limit, size)}")


def read_text(path: Path, *, limit: str = "text_bytes", encoding: str = "utf-8") -> str:
    """A text file.

    Raises:
        OSError: it cannot be read.
        DamagedError: too large, no regular file, or not of this encoding.
    """
    try:
        return read_bytes(path, limit=limit).decode(encoding)
    except UnicodeDecodeError as error:
        raise DamagedError(f"is no text in UTF-8 (byte {error.start})") from error


def read_json(path: Path) -> Any:
    """Plain values of a JSON file.

    Raises:
        OSError: it cannot be read.
        DamagedError: see `read_text` and `parse_json`.
    """
    return parse_json(read_text(path, limit="json_bytes"))


def parse_json(text: str) -> Any:
    """Plain values of JSON text.

    Raises:
        DamagedError: not JSON, nested too deeply, with too many values or too long integers, or
            with half characters that could never be written again.
    """
    bare, most = _STRING.sub("", text), limits.current()
    values = sum(map(bare.count, ",[{"))
    if values > most.json_values:
        raise DamagedError(f"holds {values} values; {limits.how_to_raise('json_values', values)}")
    depth = 0
    for mark in re.finditer(r"[\[{\]}]", bare):
        depth += 1 if mark[0] in "[{" else -1
        if depth > most.depth:
            raise DamagedError(f"is nested more than {most.depth} deep")
    if re.search(_LONG_INTEGER % (most.digits + 1), bare):
        raise _long_integer()
    try:
        found = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise DamagedError("holds half a character (a lone surrogate)") from error
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"is not JSON ({str(error)[:200]})") from error
    return found


def _long_integer() -> DamagedError:
    return DamagedError(f"holds an integer of more than {limits.current().digits} digits")


def read_toml(path: Path) -> Any:
    """Plain values of a TOML file.

    Raises:
        OSError: it cannot be read.
        DamagedError: see `read_text`; not TOML, nested too deeply, a key of too many parts, or an
            integer that is too long.
    """
    text = read_text(path, limit="toml_bytes")
    _require_short_keys(text)
    try:
        found = tomllib.loads(text)
    except RecursionError as error:
        raise DamagedError(f"is nested more than {limits.current().depth} deep") from error
    except tomllib.TOMLDecodeError as error:
        raise DamagedError(f"is not TOML ({str(error)[:200]})") from error
    except ValueError as error:  # Python's own bound on digits: 4300
        raise _long_integer() from error
    _require_small(found)
    return found


def _require_short_keys(text: str) -> None:
    """Refuse ``a.a.a…``, before the parser makes a table of each of its parts."""
    most = limits.current().depth
    bare = _TOML_ASIDE.sub(
        lambda found: ("" if found[0][0] == "#" else "_") + "\n" * found[0].count("\n"), text
    )
    found = re.search(_DOTTED_KEY % most, bare)
    if found is not None:
        line, parts = bare.count("\n", 0, found.start()) + 1, found[0].count(".") + 1
        raise DamagedError(
            f"line {line}: a key of {parts} parts; {limits.how_to_raise('depth', parts)}"
        )


def _require_small(table: Any) -> None:
    most = limits.current()
    level: list[Any] = [table]
    for _ in range(most.depth + 1):
        inside: list[Any] = []
        for value in level:
            if isinstance(value, Mapping):
                inside += value.values()
            elif isinstance(value, list):
                inside += value
            elif type(value) is int and abs(value) >= 10**most.digits:
                raise _long_integer()
        level = inside
        if not level:
            return
    raise DamagedError(f"is nested more than {most.depth} deep")


def require_rows(lines: int) -> None:
    """Refuse a text table of more lines than a table may have rows, before it is parsed.

    Raises:
        DamagedError: names how many, and how to raise the limit.
    """
    if lines > limits.current().rows:
        raise DamagedError(f"{lines} lines; {limits.how_to_raise('rows', lines)}")


def table(
    text: str, *, delimiter: str = ",", skip_blanks: bool = False
) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str | None]]]]:
    """Header of a text table, and its rows by column, each with its line.

    Cells that a short row lacks are None; those beyond the header are dropped.

    Args:
        skip_blanks: take blanks after a delimiter away, as OpenFace writes them.

    Raises:
        DamagedError: a cell that is too long, too many cells that short rows lack, too many rows,
            or no table; names the line.
    """
    # Cells may hold line breaks, so rows are counted below; this bounds what is parsed at all.
    require_rows(text.count("\n") // 2)
    header, rows = row_by_row(text, delimiter=delimiter, skip_blanks=skip_blanks)
    return header, list(rows)


def row_by_row(
    text: str, *, delimiter: str = ",", skip_blanks: bool = False, limit: str = "rows"
) -> tuple[tuple[str, ...], Iterator[tuple[int, dict[str, str | None]]]]:
    """As `table`, but the rows one after the other, so that long tables need little memory.

    Args:
        limit: name of the limit on the number of rows.

    Raises:
        DamagedError: no table, here; anything else while the rows are taken.
    """
    file = io.StringIO(text, newline="")
    reader = csv.DictReader(file, delimiter=delimiter, skipinitialspace=skip_blanks)
    try:
        # Spreadsheet programs write empty rows above a table.
        while reader.fieldnames is not None and not any(n.strip() for n in reader.fieldnames):
            reader.fieldnames = None
        header = tuple(reader.fieldnames or ())
    except csv.Error as error:
        raise _no_table(1, error) from error
    return header, _rows(reader, header, limit)


def _rows(
    reader: "csv.DictReader[str]", header: tuple[str, ...], limit: str
) -> Iterator[tuple[int, dict[str, str | None]]]:
    cells, most, lacking, count = limits.current().cells, getattr(limits.current(), limit), 0, 0
    try:
        for row in reader:
            # A header of 100,000 names over rows of one cell would take gigabytes.
            lacking += sum(cell is None for cell in row.values())
            if lacking > cells:
                advice = limits.how_to_raise("cells", lacking)
                raise DamagedError(f"line {reader.line_num}: rows lack {lacking} cells; {advice}")
            if count == most:
                advice = limits.how_to_raise(limit, most + 1)
                raise DamagedError(f"line {reader.line_num}: more than {most} rows; {advice}")
            count += 1
            yield reader.line_num, {name: row.get(name) for name in header}
    except csv.Error as error:
        raise _no_table(reader.line_num + 1, error) from error


def _no_table(line: int, error: csv.Error) -> DamagedError:
    return DamagedError(f"line {line}: cannot be read as a table ({error})")
