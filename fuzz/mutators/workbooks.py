"""Damage to .xlsx workbooks: their cells, their XML, their archive."""

import re
from collections.abc import Callable
from random import Random
from xml.sax.saxutils import escape, quoteattr

from fuzz.mutators import archives, hostile
from fuzz.mutators.archives import Member, member, pack, unpack, unpacked

_CELLS = (
    *('<c r="{}" t="b"><v>1</v></c>', '<c r="{}" t="b"><v>x</v></c>'),
    *('<c r="{}" t="e"><v>#REF!</v></c>', '<c r="{}"/>', '<c r="{}"><f>1/0</f></c>'),
    *('<c r="{}" t="d"><v>2026-01-01</v></c>', '<c r="{}" t="d"><v>x</v></c>'),
    *('<c r="{}" t="s"><v>999999999</v></c>', '<c r="{}" t="s"><v>-1</v></c>'),
    *('<c r="{}" s="99999"><v>3</v></c>', '<c r="{}" t="zz"><v>3</v></c>'),
    *('<c r="{}" t="str"><f>A1</f><v>text</v></c>', '<c r="{}" s="1"><v>1e9</v></c>'),
)
"""Cells of every type, with an address to fill in."""

CELL = re.compile(rb"<c [^>]*?(?:/>|>.*?</c>)", re.DOTALL)
_SHEET = re.compile(rb"xl/worksheets/[^/]*\.xml")
_MOST_COLUMN, _MOST_ROW = "XFD", 1_048_576
_HALF_A_GIGABYTE = 1 << 29


def cell_value(content: bytes, rng: Random) -> bytes:
    """Another value in one cell: text, number, truth, error, date, formula, reference."""

    def change(sheet: bytes) -> bytes:
        text = hostile.text(rng)
        # Control characters are not XML; other mutators make broken XML.
        safe = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", "", text)
        inline = f'<c r="{{}}" t="inlineStr"><is><t>{escape(safe)}</t></is></c>'
        number = f'<c r="{{}}"><v>{rng.choice(hostile.NUMBERS)}</v></c>'
        form = rng.choice((inline, inline, number, number, *_CELLS))
        return _cell_changed(sheet, rng, lambda address: form.replace("{}", address).encode())

    return _sheet_changed(content, rng, change)


def cell_address(content: bytes, rng: Random) -> bytes:
    """A cell or a row that states another place, also one that no sheet has."""
    places = ("XFD1048576", "ZZZZ9", "A0", "A99999999999", "1A", "", "A1", "$A$1", "R1C1", "XFE1")
    rows = ("1048576", "99999999999", "-1", "0", "x", "1", "1e5", "9" * 5000)

    def change(sheet: bytes) -> bytes:
        if rng.random() < 0.5:
            row = f'<row r="{rng.choice(rows)}">'.encode()
            return re.sub(rb"<row [^>]*>", lambda _: row, sheet, count=1)
        address = rng.choice(places)
        return _cell_changed(sheet, rng, lambda _: f'<c r="{address}"><v>3</v></c>'.encode())

    return _sheet_changed(content, rng, change)


def merged_ranges(content: bytes, rng: Random) -> bytes:
    """Merged cells: whole columns, the whole sheet, thousands of them, none that makes sense."""
    column = rng.choice("ABCDEFG")
    ranges = rng.choice(
        (
            [f"{column}2:{column}5"],
            [f"{column}1:{column}{_MOST_ROW}"],
            [f"A1:{_MOST_COLUMN}{_MOST_ROW}"],
            [f"A1:{_MOST_COLUMN}1"],
            [f"{column}1:{column}{_MOST_ROW}"] * 40,
            [f"{column}{n}:{column}{n + 1}" for n in range(1, 20_001)],
            [f"A{n}:G{n + 400}" for n in range(1, 400)],
            [f"{column}5:{column}2"],
            ["A1"],
            ["x"],
            [""],
            ["A1:ZZZZ99999999"],
        )
    )
    inside = "".join(f"<mergeCell ref={quoteattr(one)}/>" for one in ranges)
    text = f'<mergeCells count="{len(ranges)}">{inside}</mergeCells>'.encode()
    return _sheet_changed(
        content, rng, lambda sheet: sheet.replace(b"</sheetData>", b"</sheetData>" + text, 1)
    )


def claims(content: bytes, rng: Random) -> bytes:
    """A sheet that states to be larger than it is, and columns of any width."""
    size = rng.choice((f"A1:{_MOST_COLUMN}{_MOST_ROW}", "A1", "x", "", "A1:A99999999999"))
    cols = '<cols><col min="1" max="16384" width="1e300"/></cols>'

    def change(sheet: bytes) -> bytes:
        sheet = re.sub(rb'<dimension ref="[^"]*"', f'<dimension ref="{size}"'.encode(), sheet)
        return sheet.replace(b"<sheetData>", cols.encode() + b"<sheetData>", 1)

    return _sheet_changed(content, rng, change)


def large_cell(content: bytes, rng: Random) -> bytes:
    """One cell of forty thousand letters, of 32 million, or of half a gigabyte."""
    found = unpack(content)
    sheets = [i for i, one in enumerate(found) if _SHEET.fullmatch(one.name)]
    if not sheets:
        return content
    place = rng.choice(sheets)
    sheet = unpacked(found[place])
    cells = list(CELL.finditer(sheet))
    if not cells:
        return content
    cell = rng.choice(cells)
    start = sheet[: cell.start()] + b'<c r="A1" t="inlineStr"><is><t>'
    end = b"</t></is></c>" + sheet[cell.end() :]
    length = rng.choice((40_000, 1 << 25, _HALF_A_GIGABYTE))
    if length < _HALF_A_GIGABYTE:
        found[place] = member(found[place].name, start + b"x" * length + end)
    else:
        found[place] = archives.filled(found[place].name, length, start, end)
    return pack(found)


def xml(content: bytes, rng: Random) -> bytes:
    """A part whose XML is cut off, deep, of another encoding, or has entities of its own."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    doctype = (
        f'<!DOCTYPE x [<!ENTITY l0 "lol">{laughs}]>',
        '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    )

    def change(part: bytes) -> bytes:
        kind = rng.randrange(6)
        if kind == 0:
            return part[: rng.randrange(len(part) + 1)]
        if kind == 1:
            opened = re.sub(rb"^<\?xml[^>]*\?>", b"", part)
            cell = b'<c r="A1" t="inlineStr"><is><t>&l9;</t></is></c>'
            return rng.choice(doctype).encode() + CELL.sub(lambda _: cell, opened, count=1)
        if kind == 2:
            deep = hostile.deep("<a>", "</a>", rng).encode()
            return part.replace(b"<sheetData>", b"<sheetData>" + deep, 1)
        if kind == 3:
            return re.sub(rb"^<\?xml[^>]*\?>", b'<?xml version="1.0" encoding="utf-32"?>', part)
        if kind == 4:
            return part.replace(b"<v>", b"<v>\x01\xff", 1)
        return re.sub(rb'="[^"]*"', b'="\xc2\xb2"', part, count=rng.choice((1, 3, 0)))

    return _part_changed(content, rng, change)


def sheets(content: bytes, rng: Random) -> bytes:
    """Sheets renamed, repeated, hidden, without content, or of another kind."""

    def change(part: bytes) -> bytes:
        name = quoteattr(re.sub(r"[\x00-\x1f]", "", hostile.text(rng))[:2000]).encode()
        kind = rng.randrange(5)
        if kind == 0:
            return re.sub(rb'(<sheet [^>]*?name=)"[^"]*"', lambda m: m[1] + name, part, count=1)
        if kind == 1:
            found = re.search(rb"<sheet [^>]*/>", part)
            return part.replace(found[0], found[0] * rng.choice((2, 300))) if found else part
        if kind == 2:
            return re.sub(rb"<sheet [^>]*/>", b"", part)
        if kind == 3:
            return part.replace(b'state="visible"', b'state="veryHidden"')
        return re.sub(rb'sheetId="\d+"', b'sheetId="x"', part)

    return _part_changed(content, rng, change, only=rb"xl/workbook\.xml")


def relations(content: bytes, rng: Random) -> bytes:
    """Parts that point nowhere, outside, or at themselves."""
    targets = (b"../../../etc/passwd", b"missing.xml", b"", b"workbook.xml", b"http://127.0.0.1:9/")

    def change(part: bytes) -> bytes:
        target = b'Target="' + rng.choice(targets) + b'"'
        found = list(re.finditer(rb'Target="[^"]*"', part))
        if not found:
            return part
        one = rng.choice(found)
        return part[: one.start()] + target + part[one.end() :]

    return _part_changed(content, rng, change, only=rb".*\.rels")


def _cell_changed(sheet: bytes, rng: Random, new: Callable[[str], bytes]) -> bytes:
    cells = list(CELL.finditer(sheet))
    if not cells:
        return sheet
    cell = rng.choice(cells)
    address = re.search(rb'r="([A-Z]+\d+)"', cell[0])
    replaced = new(address[1].decode() if address else "A1")
    return sheet[: cell.start()] + replaced + sheet[cell.end() :]


def _sheet_changed(content: bytes, rng: Random, change: Callable[[bytes], bytes]) -> bytes:
    return _part_changed(content, rng, change, only=_SHEET.pattern)


def _part_changed(
    content: bytes, rng: Random, change: Callable[[bytes], bytes], *, only: bytes = rb".*"
) -> bytes:
    found: list[Member] = unpack(content)
    places = [i for i, one in enumerate(found) if re.fullmatch(only, one.name)]
    if not places:
        return content
    place = rng.choice(places)
    found[place] = member(found[place].name, change(unpacked(found[place])))
    return pack(found)


MUTATORS = (
    *(cell_value,) * 8,
    *(cell_address,) * 2,
    *(merged_ranges,) * 3,
    claims,
    large_cell,
    *(xml,) * 2,
    sheets,
    relations,
    *archives.ZIPS[:5],
)
