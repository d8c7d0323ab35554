"""Annotation tables that are not as expected: an error or a note that names file, sheet, cell."""

import datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hmrm.datasets.annotations.description import Findings
from hmrm.datasets.annotations.read_rows import read_rows
from hmrm.datasets.annotations.records import Annotations
from hmrm.datasets.annotations.spreadsheets import Sheet, column_letters, read_workbook
from hmrm.datasets.annotations.workbook import Column, Notes, Row, find_table
from hmrm.datasets.load import LoadOptions, load_dataset
from hmrm.errors import DataError
from hmrm.synthetic.datasets.composite import synthetic_casme2, synthetic_samm
from hmrm.synthetic.datasets.writer import write_synthetic, write_table

HEADER = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None]
HEADER += ["Action Units", "Estimated Emotion"]
ROW = ["01", "EP02_01f", None, 46, 59, 86, None, "12", "happiness"]
NAME = "CASME2-coding-20140508.xlsx"


def load(folder: Path, rows: list[list[object]], sheet: str = "Sheet1") -> Annotations:
    write_table(folder / NAME, {sheet: rows})
    return load_dataset("casme2", folder, LoadOptions(table_only=True)).annotations


def changed(column: int, value: object) -> list[object]:
    return [*ROW[:column], value, *ROW[column + 1 :]]


def one(value: object) -> Row:
    sheet = Sheet(file=Path("a.xlsx"), name="S", rows=((value,),))
    return Row(sheet=sheet, index=0, columns={"key": 0}, notes=Notes())


def test_a_missing_column_is_named_with_file_sheet_and_row(tmp_path: Path) -> None:
    rows = [[*HEADER[:3], "Start", *HEADER[4:]], ROW]
    with pytest.raises(DataError, match="'OnsetFrame' or 'OnsetF'") as error:
        load(tmp_path, rows)
    assert f"{NAME} sheet 'Sheet1' row 1" in str(error.value)


def test_other_spellings_of_a_header_are_read(tmp_path: Path) -> None:
    rows = [[*(" subject", "FILE NAME", None, "Onset Frame", "apexf", "Offset_Frame ", None), "AU"]]
    rows[0].append("emotion")
    assert load(tmp_path, [*rows, ROW]).records[0].units_text == "12"


def test_a_heading_above_the_header_is_passed_over(tmp_path: Path) -> None:
    found = load(tmp_path, [["CASME II coding"], [], HEADER, ROW])
    assert found.records[0].where == f"{NAME} sheet 'Sheet1' cell B4"


def test_a_renamed_sheet_is_read_and_noted(tmp_path: Path) -> None:
    synthetic = synthetic_samm()
    sheets = dict(synthetic.tables(synthetic.clips)[0].sheets)
    sheets["Micro only (2)"] = sheets.pop("MICRO_ONLY")
    write_table(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", sheets)
    found = load_dataset("samm", tmp_path, LoadOptions(table_only=True)).annotations
    note = next(o for o in found.issues if o.code == "sheet_renamed")
    assert note.where == "SAMM_Micro_FACS_Codes_v2.xlsx sheet 'Micro only (2)'"
    assert found.records == synthetic.records


def test_two_sheets_that_could_be_it_are_an_error(tmp_path: Path) -> None:
    synthetic = synthetic_samm()
    rows = synthetic.tables(synthetic.clips)[0].sheets["MICRO_ONLY"]
    write_table(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", {"a": rows, "b": rows})
    with pytest.raises(DataError, match="'MICRO_ONLY', and several could be it"):
        load_dataset("samm", tmp_path, LoadOptions(table_only=True))


def test_a_second_sheet_with_the_columns_is_named(tmp_path: Path) -> None:
    write_table(tmp_path / NAME, {"Sheet1": [HEADER, ROW], "old": [HEADER, changed(3, 1)]})
    found = load_dataset("casme2", tmp_path, LoadOptions(table_only=True)).annotations
    assert found.records[0].onset_frame == 46
    note = next(o for o in found.issues if o.code == "sheet_not_read")
    assert note.where == f"{NAME} sheet 'old'" and "'Sheet1' was read" in note.message


def test_a_header_that_stands_twice_is_named(tmp_path: Path) -> None:
    found = load(tmp_path, [[*HEADER, "Onset Frame"], [*ROW, 7]])
    assert found.records[0].onset_frame == 46
    note = next(o for o in found.issues if o.code == "column_twice")
    assert note.where == f"{NAME} sheet 'Sheet1' cell J1" and "column D already" in note.message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030", "latin-1"])
def test_text_tables_of_any_usual_encoding_are_read(encoding: str, tmp_path: Path) -> None:
    header = [cell or "" for cell in HEADER]
    for quality_flag in (
        "é",
        "éé",
    ):  # of odd and of even length: pairs of bytes may look like UTF-16
        row = [str(cell or "") for cell in changed(7, "12")]
        quality_flags = quality_flag if encoding != "gb18030" else "微表情"[: len(quality_flag)]
        text = "\n".join([";".join(header), ";".join(row), f";;;;;;;;{quality_flags}"])
        (tmp_path / "CASME2-coding-20140508.csv").write_bytes(text.encode(encoding))
        found = load_dataset("casme2", tmp_path, LoadOptions(table_only=True)).annotations
        assert [record.onset_frame for record in found.records] == [46]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (3, "soon", "cell D3: onset is 'soon' (str); expected a frame number"),
        (3, 46.5, "cell D3: onset is 46.5 (float)"),
        (3, None, "cell D3: onset is None; expected a frame"),
        (3, True, "cell D3: onset is True (bool)"),
        (4, datetime.datetime(2014, 5, 8), "cell E3: apex is datetime"),
        (5, -7, "cell F3: offset is -7"),
        (0, "Anna", "cell A3: subject is 'Anna'; expected a number, as sub01"),
        (0, None, "cell A3: subject is empty"),
        (8, datetime.datetime(2014, 5, 8), "cell I3: emotion is datetime"),
    ],
)
def test_a_wrong_cell_skips_its_row_and_is_named(
    column: int, value: object, words: str, tmp_path: Path
) -> None:
    found = load(tmp_path, [HEADER, ROW, changed(column, value), changed(1, "EP03")])
    assert [record.clip for record in found.records] == ["EP02_01f", "EP03"]
    skip = found.skipped[0]
    cell = f"{NAME} sheet 'Sheet1' cell A3"
    assert skip.what == (cell if column == 0 else "casme2/sub01/EP02_01f_e2")
    assert words in f"{skip.what}: {skip.reason}" and not skip.reason.startswith(skip.what)


@pytest.mark.parametrize(
    ("code", "column", "value", "cell"),
    [
        ("apex_outside", 4, 999, "E3"),
        ("apex_is_onset", 4, 46, "E3"),
        ("no_apex", 4, "/", "E3"),
        ("offset_before_onset", 5, 1, "F3"),
        ("no_offset", 5, "/", "F3"),
    ],
)
def test_what_is_odd_about_a_frame_names_the_frames_own_cell(
    code: str, column: int, value: object, cell: str, tmp_path: Path
) -> None:
    row = changed(column, value)
    found = load(tmp_path, [HEADER, ROW, [row[0], "EP03", *row[2:]]])
    where = {issue.code: issue.where for issue in found.issues}
    assert where[code].endswith(f"cell {cell}")


def test_a_table_that_is_mostly_wrong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 rows cannot be read and only 1 can"):
        load(tmp_path, [HEADER, ROW, changed(3, "x1"), changed(3, "x2")])


@pytest.mark.parametrize("value", ["/", "", " ", None, -1, -1.0, "-1", "NaN", "-", "?"])
def test_no_apex_is_no_apex_however_it_is_written(value: object, tmp_path: Path) -> None:
    found = load(tmp_path, [HEADER, changed(4, value)])
    assert found.records[0].apex_frame is None
    assert [o.code for o in found.issues if o.code == "no_apex"] == ["no_apex"]


@pytest.mark.parametrize(
    ("value", "frame", "code"),
    [
        ("59", 59, None),
        (59.0, 59, None),
        ("59.0", 59, None),
        (" 59 ", 59, None),
        ("59?", 59, "doubtful_frame"),
        ("55-63", 59, "frame_range"),
        ("55 ~ 63", 59, "frame_range"),
        ("５９", 59, None),
    ],
)
def test_frames_are_read_from_what_people_type(value: object, frame: int, code: str | None) -> None:
    row = one(value)
    assert row.frame("key") == frame
    assert [o.code for o in row.notes.found] == ([code] if code else [])


@example(float("inf"))
@example(10**400)
@example(f"{'9' * 5000}-{'9' * 5000}")
@given(st.text() | st.floats() | st.integers() | st.booleans() | st.none() | st.dates())
def test_no_cell_gives_another_exception(value: object) -> None:
    row = one(value)
    for read in (row.frame, row.text):
        try:
            read("key")
        except DataError as error:
            assert "cell A1" in str(error)


@given(st.integers(0, 18_277))
def test_column_letters_count_like_a_spreadsheet(column: int) -> None:
    from openpyxl.utils import get_column_letter

    assert column_letters(column) == get_column_letter(column + 1)


def test_subjects_are_text_with_zeros_whatever_the_cell_holds(tmp_path: Path) -> None:
    cells = ["01", 2, 3.0, "sub04", " 5 ", "Sub06"]
    rows = [changed(0, cell) for cell in cells]
    found = load(tmp_path, [HEADER, *rows])
    assert [r.subject for r in found.records] == [f"sub0{n}" for n in range(1, 7)]


def test_emotions_lose_case_and_blanks_and_unknown_ones_are_noted(tmp_path: Path) -> None:
    rows = [changed(8, " Happiness "), [*changed(1, "EP09")[:8], "boredom"]]
    found = load(tmp_path, [HEADER, *rows])
    assert [r.emotion for r in found.records] == ["happiness", "boredom"]
    note = next(o for o in found.issues if o.code == "emotion_unknown")
    assert note.where == f"{NAME} sheet 'Sheet1' cell I3"


def test_an_unreadable_code_keeps_the_row_and_its_text(tmp_path: Path) -> None:
    found = load(tmp_path, [HEADER, changed(7, "smiles a bit")])
    record = found.records[0]
    assert (record.units, record.units_text) == (None, "smiles a bit")
    note = next(o for o in found.issues if o.code == "units_unreadable")
    assert note.where.endswith("cell H2")


def test_text_below_the_table_is_noted_and_rows_said_twice_are_dropped(tmp_path: Path) -> None:
    found = load(tmp_path, [HEADER, ROW, ROW, ["Note: thanks to all"], []])
    assert len(found.records) == 1
    assert {"remark", "row_twice"} <= {o.code for o in found.issues}


def test_one_name_with_two_sets_of_frames_becomes_two_clips(tmp_path: Path) -> None:
    found = load(tmp_path, [HEADER, ROW, changed(3, 47)])
    assert [r.clip for r in found.records] == ["EP02_01f", "EP02_01f_e2"]
    assert "clip_twice" in {o.code for o in found.issues}


def test_a_person_written_once_over_merged_cells_counts_for_every_row(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for cells in (HEADER, ROW, [None, "EP03", *ROW[2:]], ["02", "EP03", *ROW[2:]]):
        book.active.append(cells)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / NAME)
    found = load_dataset("casme2", tmp_path, LoadOptions(table_only=True)).annotations
    assert [r.subject for r in found.records] == ["sub01", "sub01", "sub02"]


def test_objective_classes_are_taken_from_their_own_workbook(tmp_path: Path) -> None:
    rows = [["Subject", "Filename", "Objective Class"], [1, "ep02_01F", 3]]
    write_table(tmp_path / "CASME2-ObjectiveClasses.xlsx", {"Sheet1": rows})
    found = load(tmp_path, [HEADER, ROW, changed(1, "EP03")])
    assert [r.objective_class for r in found.records] == [3, None]


def test_text_tables_and_old_workbooks_are_read_alike(tmp_path: Path) -> None:
    synthetic = synthetic_casme2().first(40)
    write_synthetic(tmp_path / "new", synthetic, images="none")
    sheet = read_workbook(tmp_path / "new/CASME2/CASME2-coding-20140508.xlsx")[0]
    write_table(tmp_path / "text/CASME2-coding-20140508.csv", {"": sheet.rows})
    xlwt = pytest.importorskip("xlwt", reason="writes the old format; only needed here")
    book = xlwt.Workbook()
    old = book.add_sheet("Sheet1")
    for row, cells in enumerate(sheet.rows):
        for column, cell in enumerate(cells):
            old.write(row, column, cell)
    (tmp_path / "old").mkdir()
    book.save(str(tmp_path / "old/CASME2-coding-20140508.xls"))
    for kind in ("new", "text", "old"):
        options = LoadOptions(table_only=True)
        assert (
            load_dataset("casme2", tmp_path / kind, options).annotations.records
            == synthetic.records
        )


def test_a_table_may_be_given_alone_and_by_any_name(tmp_path: Path) -> None:
    write_table(tmp_path / "my copy.xlsx", {"Sheet1": [HEADER, ROW]})
    options = LoadOptions(table_only=True)
    assert len(load_dataset("casme2", tmp_path / "my copy.xlsx", options).annotations.records) == 1


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0 broken", b"\0\1\2\xff" * 9]
)
def test_files_that_are_no_tables_are_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(content)
    with pytest.raises(DataError, match="CASME2-coding"):
        load_dataset("casme2", tmp_path, LoadOptions(table_only=True))


def test_rows_are_refused_one_by_one() -> None:
    sheet = Sheet(file=Path("a.csv"), name="", rows=(("n",), ("1",), ("x",), ("3",)))
    findings = Findings()
    table = find_table([sheet], [Column(key="n", names=("n",))], findings.notes)
    assert read_rows(table, lambda row: row.frame("n"), findings) == [1, 3]
    assert findings.skipped[0].what == "a.csv cell A3"
