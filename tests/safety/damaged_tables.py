"""Damaged annotation tables: their cells, their XML, their size."""

from collections.abc import Callable
from pathlib import Path

import openpyxl
from damaged_files import Make
from openpyxl.worksheet.worksheet import Worksheet

from fuzz.mutators import archives, workbooks
from fuzz.seeds import datasets


def table(change: Callable[[Worksheet], None]) -> Make:
    """CASME II's table, changed in a spreadsheet program."""

    def make(folder: Path, kit: Path) -> None:
        path = _table(folder, kit)
        book = openpyxl.load_workbook(path)
        change(book.worksheets[0])
        book.save(path)

    return make


def _table(folder: Path, kit: Path) -> Path:
    datasets.tables("casme2", ".xlsx")(folder, kit)
    return sorted(folder.rglob("*coding*.xlsx"))[0]


def digits(sheet: Worksheet) -> None:
    """A subject of 5,000 digits."""
    sheet["A2"] = "9" * 5000


def sheet_xml(change: Callable[[bytes], bytes]) -> Make:
    """CASME II's table, its first sheet changed as text."""

    def make(folder: Path, kit: Path) -> None:
        path = _table(folder, kit)
        found = archives.unpack(path.read_bytes())
        path.write_bytes(
            archives.pack(
                [
                    archives.member(one.name, change(archives.unpacked(one)))
                    if one.name.endswith(b"sheet1.xml")
                    else one
                    for one in found
                ]
            )
        )

    return make


def merged(*ranges: str) -> Callable[[bytes], bytes]:
    """A sheet with these cells merged."""
    inside = b"".join(f'<mergeCell ref="{one}"/>'.encode() for one in ranges)
    block = b"</sheetData><mergeCells>" + inside + b"</mergeCells>"
    return lambda sheet: sheet.replace(b"</sheetData>", block, 1)


def far_cell(sheet: bytes) -> bytes:
    """A value in the last cell that a sheet can have."""
    row = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return sheet.replace(b"</sheetData>", row, 1)


def entities(sheet: bytes) -> bytes:
    """Ten entities, each ten times the one before."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    start = f'<!DOCTYPE x [<!ENTITY l0 "lol">{laughs}]>'.encode()
    body = sheet[sheet.index(b"<worksheet") :]
    cell = b'<c r="A1" t="inlineStr"><is><t>&l9;</t></is></c>'
    return start + workbooks.CELL.sub(lambda _: cell, body, count=1)


def huge_cell(folder: Path, kit: Path) -> None:
    """A table one of whose cells is half a gigabyte of text."""
    path = _table(folder, kit)
    found = archives.unpack(path.read_bytes())
    place = next(i for i, one in enumerate(found) if one.name.endswith(b"sheet1.xml"))
    sheet = archives.unpacked(found[place])
    cell = workbooks.CELL.search(sheet)
    assert cell is not None
    start = sheet[: cell.start()] + b'<c r="A1" t="inlineStr"><is><t>'
    end = b"</t></is></c>" + sheet[cell.end() :]
    found[place] = archives.filled(found[place].name, 1 << 29, start, end)
    path.write_bytes(archives.pack(found))


def csv_digits(folder: Path, kit: Path) -> None:
    """The same table as text, with a subject and a frame of 5,000 digits."""
    datasets.tables("casme2", ".csv")(folder, kit)
    path = sorted(folder.rglob("*coding*.csv"))[0]
    lines = path.read_text().splitlines()
    cells = lines[1].split(",")
    cells[0] = "9" * 5000
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
