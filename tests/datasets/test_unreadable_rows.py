"""A row that cannot be read changes no other row: not its id, not what a correction mends."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from hmrm.datasets.annotations.corrections import COLUMNS
from hmrm.datasets.annotations.records import Annotations
from hmrm.datasets.load import LoadOptions, load_dataset

SAMM_LV = "Filename,Onset,Apex,Offset,Type"
LABELS = "Subject,Filename,Onset,Apex,Offset,AU,Objective class,emotion"
LABELS_NAME = "cas(me)3_part_A_ME_label_JpgIndex_v2.csv"
BOTH = "Subject,Filename,Onset,Apex,Offset,Expression type"
SMIC_E = "Subject,Filename,OnsetF,OffsetF,Onset2F,Offset2F,Onset3F,Offset3F"


def load(folder: Path, name: str, tables: dict[str, Sequence[str]], *mend: str) -> Annotations:
    for file, lines in tables.items():
        (folder / file).write_text("\n".join(lines) + "\n")
    (folder / "mine.txt").write_text("\n".join([",".join(COLUMNS), *mend]) + "\n")
    options = LoadOptions(table_only=True, corrections=folder / "mine.txt")
    return load_dataset(name, folder, options).annotations


def load_samm_lv(folder: Path, *rows: str, mend: Sequence[str] = ()) -> Annotations:
    table = {"SAMM_LongVideos_V3_Release.csv": [SAMM_LV, *(f"006_1_1,{row}" for row in rows)]}
    return load(folder, "samm-lv", table, *mend)


def onsets(found: Annotations) -> dict[str, int | None]:
    return {record.id.split("/", 1)[1]: record.onset_frame for record in found.records}


def test_rows_keep_their_ids_below_one_that_cannot_be_read(tmp_path: Path) -> None:
    rows = "5,6,abc,Micro", "15,16,17,Macro", "25,26,27,Macro"
    found = load_samm_lv(tmp_path, *rows)
    assert onsets(found) == {"006/006_1_1_e2": 15, "006/006_1_1_e3": 25}
    assert [skip.what for skip in found.skipped] == ["samm-lv/006/006_1_1"]
    found = load_samm_lv(tmp_path, rows[1], rows[0], rows[2])
    assert onsets(found) == {"006/006_1_1": 15, "006/006_1_1_e3": 25}
    assert [skip.what for skip in found.skipped] == ["samm-lv/006/006_1_1_e2"]


def test_a_row_said_twice_counts_as_a_row(tmp_path: Path) -> None:
    found = load_samm_lv(tmp_path, *["15,16,17,Macro"] * 2, "25,26,27,Macro")
    assert onsets(found) == {"006/006_1_1": 15, "006/006_1_1_e3": 25}


def test_a_correction_of_an_unreadable_row_changes_no_other(tmp_path: Path) -> None:
    rows = "15,16,abc,Micro", "15,16,17,Macro", "25,26,27,Macro"
    found = load_samm_lv(tmp_path, *rows, mend=["samm-lv,006/006_1_1,onset,15,16,seen"])
    assert onsets(found) == {"006/006_1_1_e2": 15, "006/006_1_1_e3": 25}
    reported = [o.message for o in found.issues if o.code == "correction_not_applied"]
    assert len(reported) == 1 and "the row cannot be read" in reported[0]


def test_of_rows_with_the_same_text_each_is_mended_by_its_own_id(tmp_path: Path) -> None:
    rows = "abc,16,17,Macro", "abc,26,27,Macro", "35,36,37,Macro"
    mend = [
        f"samm-lv,006/006_1_1{end},onset,abc,{new},seen" for end, new in (("", 15), ("_e2", 25))
    ]
    found = load_samm_lv(tmp_path, *rows, mend=mend)
    assert onsets(found) == {"006/006_1_1": 15, "006/006_1_1_e2": 25, "006/006_1_1_e3": 35}
    assert not found.skipped


def test_labels_of_cas_me_3_keep_their_ids_and_macro_rows_theirs(tmp_path: Path) -> None:
    rows = ["spNO.1,a,5,6,x,4,I,anger", "spNO.1,a,15,16,17,4,I,anger", "spNO.1,b,5,6,7,4,I,fear"]
    # Micro-expressions of the other table are those of the labels, readable or not.
    both = ["spNO.1,a,5,x,7,micro", "spNO.1,a,25,26,27,macro", "spNO.1,b,35,36,37,macro"]
    tables = {LABELS_NAME: [LABELS, *rows], "CAS(ME)3_part_A_v2.csv": [BOTH, *both]}
    found = load(tmp_path, "cas-me-3", tables)
    expected = {"spNO.1/a_e2": 15, "spNO.1/b": 5, "spNO.1/a_e3": 25, "spNO.1/b_e2": 35}
    assert onsets(found) == expected
    assert [skip.what for skip in found.skipped] == ["cas-me-3/spNO.1/a"]


@pytest.mark.parametrize("at", [2, 4, 6])
def test_a_row_of_several_expressions_leaves_out_each(at: int, tmp_path: Path) -> None:
    cells = ["1", "s1_ne_01", "10", "12", "20", "22", "30", "32"]
    cells[at] = "x"
    rows = [",".join(cells), "1,s1_ne_02,40,42,0,0,0,0"]
    found = load(tmp_path, "smic-e-hs", {"SMIC-HS-E_annotation.csv": [SMIC_E, *rows]})
    assert [skip.what for skip in found.skipped] == [
        f"smic-e-hs/s01/s01_ne_01{end}" for end in ("", "_e2", "_e3")
    ]
    assert onsets(found) == {"s01/s01_ne_02": 40}


def test_a_second_expression_is_mended_by_its_own_id(tmp_path: Path) -> None:
    rows = ["1,s1_ne_01,x,12,x,22,30,32", "1,s1_ne_02,40,42,0,0,0,0"]
    mend = [
        f"smic-e-hs,s01/s01_ne_01{end},onset,x,{new},seen" for end, new in (("", 10), ("_e2", 20))
    ]
    found = load(tmp_path, "smic-e-hs", {"SMIC-HS-E_annotation.csv": [SMIC_E, *rows]}, *mend)
    assert list(onsets(found).values()) == [10, 20, 30, 40]
