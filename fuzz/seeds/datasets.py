"""Annotation tables and folders of every data set, and what prepare makes of one."""

import csv
import io
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import xlwt

from fuzz.seeds.commands import succeed
from hmrm.synthetic.datasets.catalogue import SYNTHETIC_SETS
from hmrm.synthetic.datasets.writer import (
    SyntheticDataSet,
    write_points,
    write_synthetic,
    write_table,
)

Make = Callable[[Path, Path], None]

WITH_TABLES = tuple(
    name for name in SYNTHETIC_SETS if SYNTHETIC_SETS[name]().tables(SYNTHETIC_SETS[name]().clips)
)
"""Data sets that have an annotation table."""

_CLIPS = 6
_FEW = 3


def tables(name: str, suffix: str) -> Make:
    """The tables of a data set as .xlsx, .xls or .csv."""
    return partial(_tables, name, suffix)


def _tables(name: str, suffix: str, folder: Path, kit: Path) -> None:
    del kit
    some = SYNTHETIC_SETS[name]().first(_CLIPS)
    for table in some.tables(some.clips):
        path = folder / table.path
        if path.suffix != ".csv" and suffix == ".xls":
            _old_workbook(path.with_suffix(suffix), table.sheets)
        elif path.suffix != ".csv" and suffix == ".csv":
            _text(path.with_suffix(suffix), table.sheets)
        else:
            write_table(path, table.sheets)


def _old_workbook(path: Path, sheets: object) -> None:
    book = xlwt.Workbook()
    assert isinstance(sheets, dict)
    for title, rows in sheets.items():
        sheet = book.add_sheet(title, cell_overwrite_ok=True)
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell is not None:
                    sheet.write(at, column, cell)
        sheet.merge(1, 2, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(str(path))


def _text(path: Path, sheets: object) -> None:
    assert isinstance(sheets, dict)
    text = io.StringIO()
    for rows in sheets.values():
        csv.writer(text, lineterminator="\n").writerows(rows)
        break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8")


def merged_workbook(folder: Path, kit: Path) -> None:
    """A workbook in which a subject's cells are merged downwards."""
    _tables("casme2", ".xlsx", folder, kit)
    (path,) = folder.rglob("*coding*.xlsx")
    book = openpyxl.load_workbook(path)
    book.worksheets[0].merge_cells("A3:A4")
    book.save(path)


def folders(name: str) -> Make:
    """Tables and folders, their images blank."""
    return partial(_folders, name)


def _folders(name: str, folder: Path, kit: Path) -> None:
    del kit
    write_synthetic(folder / "root", _some(name), images="blank")


def corrections(folder: Path, kit: Path) -> None:
    """A table of corrections and the annotations."""
    _tables("casme2", ".xlsx", folder / "root", kit)
    (folder / "corrections.csv").write_text(
        "dataset,clip,column,old,new,evidence\n"
        "casme2,sub01/EP01_01f,onset,40,41,seen in the images\n"
        "casme2,sub01/EP01_01f,emotion,disgust,others,the coding of 2019\n"
    )


def prepared(folder: Path, kit: Path) -> None:
    """A data set with five points of each face, and what prepare made of it."""
    for part in ("root", "prepared", "faces.csv"):
        source = kit / "prepare" / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        folder.mkdir(parents=True, exist_ok=True)
        copy(source, folder / part)


def kit(folder: Path) -> None:
    """A small data set, prepared once, and found action units to score tables with."""
    place = folder / "prepare"
    points = write_synthetic(place / "root", _some("casme2"))
    write_points(place / "faces.csv", points)
    words = ["datasets", "prepare", "casme2", str(place / "root"), "--flow", "farneback"]
    words += ["--no-progress", "--faces", str(place / "faces.csv")]
    succeed(*words, "-o", str(place / "prepared"))
    (folder / "found.csv").write_text("id,action_units\ncasme2/sub01/EP01_01f,4+12\n")


def _some(name: str) -> SyntheticDataSet:
    return SYNTHETIC_SETS[name]().first(_FEW)
