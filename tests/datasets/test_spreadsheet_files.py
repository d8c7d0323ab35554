"""Spreadsheet files as programs and downloads leave them: typed cells, damage, stray formatting."""

import datetime
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
import xlwt

from hmrm.datasets.annotations.records import Annotations
from hmrm.datasets.annotations.spreadsheets import read_workbook
from hmrm.datasets.load import LoadOptions, load_dataset
from hmrm.errors import DataError

Rows = Sequence[Sequence[object]]

HEADER = [
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
]
ROW = ["01", "EP01_01", None, 10, 20, 30, None, "4", "others"]


def load(root: Path) -> Annotations:
    return load_dataset("casme2", root, LoadOptions(table_only=True)).annotations


def old_workbook(path: Path, rows: Rows, *, merged: bool = False) -> Path:
    """A workbook of the old format, its errors and dates typed as such."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    dated = xlwt.easyxf(num_format_str="D/M/YY")
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, datetime.date):
                sheet.write(at, column, cell, dated)
            elif cell == "#N/A":
                sheet.row(at).set_cell_error(column, 42)
            elif cell is not None:
                sheet.write(at, column, cell)
    if merged:
        sheet.merge(1, len(rows) - 1, 0, 0)
    book.save(str(path))
    return path


def new_workbook(path: Path, rows: Rows) -> Path:
    """A workbook of the newer format."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    book.save(path)
    return path


def test_errors_and_dates_of_old_workbooks_are_no_frames(tmp_path: Path) -> None:
    day = datetime.date(2014, 12, 15)
    rows = [HEADER, ROW, ROW, ROW, ROW]
    rows = [HEADER, *([r[0], f"EP01_0{i}", *r[2:]] for i, r in enumerate(rows[1:]))]
    rows[2][3], rows[3][3], rows[4][7] = "#N/A", day, day
    old_workbook(tmp_path / "CASME2-coding-20140508.xls", rows)
    found = load(tmp_path)
    assert [record.clip for record in found.records] == ["EP01_00", "EP01_03"]
    assert "cell D3: onset is '#N/A'" in found.skipped[0].reason
    assert "cell D4: onset is datetime" in found.skipped[1].reason
    assert [issue.code for issue in found.issues] == ["units_unreadable"]


def test_people_merged_over_rows_are_read_from_old_workbooks(tmp_path: Path) -> None:
    rows = [HEADER, ROW, [None, "EP01_02", *ROW[2:]]]
    old_workbook(tmp_path / "CASME2-coding-20140508.xls", rows, merged=True)
    assert [record.subject for record in load(tmp_path).records] == ["sub01", "sub01"]


def test_a_download_that_broke_off_is_refused_by_name(tmp_path: Path) -> None:
    for path in (
        old_workbook(tmp_path / "a.xls", [HEADER, *[ROW] * 50]),
        new_workbook(tmp_path / "b.xlsx", [HEADER, *[ROW] * 50]),
    ):
        whole = path.read_bytes()
        for fraction in (0.2, 0.5, 0.8, 0.99):
            path.write_bytes(whole[: int(len(whole) * fraction)])
            with pytest.raises(DataError, match=rf"{path.name}: cannot be read as a spreadsheet"):
                read_workbook(path)


def test_a_web_page_and_a_locked_workbook_say_what_they_are(tmp_path: Path) -> None:
    page = tmp_path / "CASME2-coding.xls"
    page.write_text("\n<html><body>Please sign in</body></html>")
    with pytest.raises(DataError, match="is a web page or XML"):
        read_workbook(page)
    locked = tmp_path / "locked.xlsx"
    name = "EncryptedPackage".encode("utf-16-le")
    locked.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + name)
    with pytest.raises(DataError, match="locked with a password"):
        read_workbook(locked)


def test_an_opendocument_table_is_named_as_such(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(DataError, match="is an OpenDocument table"):
        read_workbook(tmp_path / "a.xlsx")


def test_formatting_far_below_the_table_costs_nothing(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["a", "b"])
    sheet.cell(1_048_576, 16_384).font = openpyxl.styles.Font(bold=True)
    book.save(tmp_path / "a.xlsx")
    assert read_workbook(tmp_path / "a.xlsx")[0].rows == (("a", "b"),)
    sheet.cell(1_048_576, 16_384).value = "far away"
    held = io.BytesIO()
    book.save(held)
    (tmp_path / "a.xlsx").write_bytes(held.getvalue())
    with pytest.raises(DataError, match="reaches to cell XFD1048576"):
        read_workbook(tmp_path / "a.xlsx")
