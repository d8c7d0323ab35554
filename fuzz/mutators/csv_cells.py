"""Damage to text tables, whatever stands between their cells."""

from collections.abc import Callable
from random import Random

from fuzz.mutators import hostile

Cells = list[list[str]]


def replace_cell(content: bytes, rng: Random) -> bytes:
    """Another value in one cell."""

    def change(rows: Cells) -> None:
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = hostile.text(rng)

    return _changed(content, rng, change)


def replace_column(content: bytes, rng: Random) -> bytes:
    """The same value in every row of a column."""

    def change(rows: Cells) -> None:
        column, value = rng.randrange(len(rows[0])), hostile.text(rng)
        for row in rows[1:]:
            if column < len(row):
                row[column] = value

    return _changed(content, rng, change)


def short_row(content: bytes, rng: Random) -> bytes:
    """A row breaks off."""

    def change(rows: Cells) -> None:
        row = rng.choice(rows)
        del row[rng.randrange(len(row)) :]

    return _changed(content, rng, change)


def long_row(content: bytes, rng: Random) -> bytes:
    """Cells beyond the header."""

    def change(rows: Cells) -> None:
        rng.choice(rows).extend([hostile.text(rng)] * rng.choice((1, 3, 10_000)))

    return _changed(content, rng, change)


def header(content: bytes, rng: Random) -> bytes:
    """Names missing, twice, in another spelling or order."""

    def change(rows: Cells) -> None:
        names = rows[0]
        place = rng.randrange(len(names))
        kind = rng.randrange(6)
        if kind == 0:
            del names[place]
        elif kind == 1:
            names[place] = rng.choice(names)
        elif kind == 2:
            names[place] = hostile.text(rng)
        elif kind == 3:
            names[:] = [f" {name.upper()} " for name in names]
        elif kind == 4:
            rng.shuffle(names)
        else:
            rows.insert(0, list(names))

    return _changed(content, rng, change)


def rows(content: bytes, rng: Random) -> bytes:
    """Rows missing, twice, out of order, or many."""

    def change(found: Cells) -> None:
        kind = rng.randrange(6)
        if kind == 0:
            del found[1:]
        elif kind == 1:
            found.append(list(rng.choice(found)))
        elif kind == 2:
            found[1:] = rng.sample(found[1:], len(found) - 1)
        elif kind == 3:
            found.insert(rng.randrange(len(found) + 1), [])
        elif kind == 4:
            del found[0]
        else:
            found.extend(list(found[-1]) for _ in range(5_000))

    return _changed(content, rng, change)


def quotes(content: bytes, rng: Random) -> bytes:
    """Quotation marks that are not closed, or that hold line ends."""
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    line = lines[place]
    start = rng.randrange(len(line) + 1)
    piece = rng.choice((b'"', b'""', b'"\n"', b'","', b'"\r\n', b"'", b"\r", b"\0", b"\x1a"))
    lines[place] = line[:start] + piece + line[start:]
    return b"\n".join(lines)


def encoding(content: bytes, rng: Random) -> bytes:
    """Another encoding, with or without its mark; other line ends; another delimiter."""
    text = content.decode("utf-8", "replace")
    umlaut = text.replace("e", "é", 3)
    return rng.choice(
        (
            text.encode("utf-16"),
            text.encode("utf-16-be"),
            text.encode("utf-32"),
            umlaut.encode("latin-1", "replace"),
            b"\xef\xbb\xbf" + content,
            text.replace("\n", "\r").encode(),
            text.replace("\n", "\r\n").encode(),
            text.replace(",", ";").encode(),
            text.replace(",", "\t").encode(),
            text.replace(",", " ").encode(),
            text.replace("\n", "\u2028").encode(),
            b"sep=;\n" + content,
            b"PK\x03\x04" + content,
            b"\xd0\xcf\x11\xe0" + content,
            b"<table>" + content,
        )
    )


def _changed(content: bytes, rng: Random, change: Callable[[Cells], None]) -> bytes:
    text = content.decode("utf-8", "replace")
    mark = max(",;\t ", key=text.count)
    found = [line.split(mark) for line in text.splitlines() if line.strip()]
    if not found:
        return hostile.text(rng).encode("utf-8", "replace")
    change(found)
    return "\n".join(mark.join(row) for row in found).encode("utf-8", "replace") + b"\n"


MUTATORS = (
    replace_cell,
    replace_cell,
    replace_cell,
    replace_column,
    short_row,
    long_row,
    header,
    rows,
    quotes,
    encoding,
)
