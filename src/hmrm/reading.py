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
from collections.abc import Mapping
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
        raise DamagedError(f"holds an integer of more than {most.digits} digits")
    try:
        found = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise DamagedError("holds half a character (a lone surrogate)") from error
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"is not JSON ({str(error)[:200]})") from error
    return found


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
    except ValueError as error:
        raise DamagedError(f"is not TOML ({str(error)[:200]})") from error
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
                raise DamagedError(f"holds an integer of more than {most.digits} digits")
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
    most, lacking = limits.current(), 0
    # Cells may hold line breaks, so rows are counted below; this bounds what is parsed at all.
    require_rows(text.count("\n") // 2)
    file = io.StringIO(text, newline="")
    reader = csv.DictReader(file, delimiter=delimiter, skipinitialspace=skip_blanks)
    try:
        header = tuple(reader.fieldnames or ())
        rows: list[tuple[int, dict[str, str | None]]] = []
        for row in reader:
            # A header of 100,000 names over rows of one cell would take gigabytes.
            lacking += sum(cell is None for cell in row.values())
            if lacking > most.cells:
                advice = limits.how_to_raise("cells", lacking)
                raise DamagedError(f"line {reader.line_num}: rows lack {lacking} cells; {advice}")
            if len(rows) == most.rows:
                advice = limits.how_to_raise("rows", most.rows + 1)
                raise DamagedError(f"line {reader.line_num}: more than {most.rows} rows; {advice}")
            rows.append((reader.line_num, {name: row.get(name) for name in header}))
    except csv.Error as error:
        raise DamagedError(
            f"line {reader.line_num + 1}: cannot be read as a table ({error})"
        ) from error
    return header, rows
