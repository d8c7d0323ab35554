"""Two tables of one data set: the consistent reading is taken, each difference named by cells."""

from pathlib import Path

from test_real_tables import CASME2, CASME2_ROW, LABELS, SMIC_E, Rows, codes, load, write
from typer.testing import CliRunner

from hmrm.cli.main import app

LABEL_FILE = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
BOTH_FILE = "CAS(ME)3_part_A_v2.xlsx"
BOTH = [*LABELS[:6], "Expression type", "Objective class"]


def part_a(folder: Path, labels: Rows, others: Rows) -> Path:
    write(folder / LABEL_FILE, {"label": [LABELS, *labels]})
    write(folder / BOTH_FILE, {"AU+Emotion": [BOTH, *others]})
    return folder


def label(video: str, onset: object, apex: object, offset: object) -> list[object]:
    return ["spNO.1", video, onset, apex, offset, "4", "VII", "others"]


def both(
    video: str, onset: object, apex: object, offset: object, kind: str = "Micro-expression"
) -> list[object]:
    return ["spNO.1", video, onset, apex, offset, "4", kind, "VII"]


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["datasets", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_the_consistent_reading_is_taken_and_each_difference_named(tmp_path: Path) -> None:
    labels = [
        label("e", "1812", "1824", "0"),
        label("d", "112", "83", "358"),
        label("d", "3647", "2668", "2694"),
        label("f", "10", "20", "30"),
        label("f", "10", "25", "31"),
        label("g", "50", "60", "70"),
        label("h", "1", "2", "3"),
    ]
    others = [
        both("d", "2647", "2668", "2694"),
        both("d", "112", "160", "358"),
        both("e", "1812", "1824", "1845"),
        both("f", "10", "20", "30"),
        both("f", "10", "25", "32"),
        both("g", "50", "45", "70"),
        both("i", "500", "510", "520"),
        both("e", "5000", "5100", "5200", "Macro-expression"),
    ]
    found = load("cas-me-3", part_a(tmp_path, labels, others))
    frames = {r.id: (r.onset_frame, r.apex_frame, r.offset_frame) for r in found.records}
    assert frames == {
        "cas-me-3/spNO.1/e": (1812, 1824, 1845),
        "cas-me-3/spNO.1/d": (112, 160, 358),
        "cas-me-3/spNO.1/d_e2": (2647, 2668, 2694),
        "cas-me-3/spNO.1/f": (10, 20, 30),
        "cas-me-3/spNO.1/f_e2": (10, 25, 31),
        "cas-me-3/spNO.1/g": (50, 60, 70),
        "cas-me-3/spNO.1/h": (1, 2, 3),
        "cas-me-3/spNO.1/e_e2": (5000, 5100, 5200),
    }
    stated = [i for i in found.issues if i.code == "tables_differ"]
    assert [(i.where, i.message) for i in stated[:1]] == [
        (
            f"{LABEL_FILE} sheet 'label' cell E2",
            f"cas-me-3/spNO.1/e: offset none here, 1845 in {BOTH_FILE} sheet 'AU+Emotion' cell E4; "
            "1845 is taken, with which onset, apex and offset make sense",
        )
    ]
    ends = [i.message.rpartition("; ")[2] for i in stated]
    assert ends == [
        "1845 is taken, with which onset, apex and offset make sense",
        "160 is taken, with which onset, apex and offset make sense",
        "2647 is taken, with which onset, apex and offset make sense",
        "31 is taken, as both readings make sense",
        "60 is taken, as both readings make sense",
    ]
    alone = [(i.where[-2:], i.message) for i in found.issues if i.code == "table_lacks"]
    assert alone == [
        ("B8", f"cas-me-3/spNO.1/h, frames 1 to 3: not in {BOTH_FILE}"),
        ("B8", f"cas-me-3/spNO.1/i, frames 500 to 520: not in {LABEL_FILE}"),
    ]
    assert codes(found)["no_offset"] == codes(found)["apex_outside"] == 0


def test_commands_name_each_difference(tmp_path: Path) -> None:
    labels = [label("e", 10, 20, 0), label("f", 10, 5, 30), label("g", 1, 2, 3)]
    others = [both("e", 10, 20, 40), both("f", 10, 20, 30), both("g", 1, 2, 3)]
    root = part_a(tmp_path / "root", labels, others)
    table = tmp_path / "out.csv"
    for words in (
        call("intervals", "cas-me-3", root, "--table-only", "-o", table),
        call("check", "cas-me-3", root, "--table-only"),
    ):
        assert "2 × two tables of the data set state different frames" in words
        assert "offset none here, 40 in" in words and "apex 5 here, 20 in" in words
    rows = table.read_text().splitlines()
    assert rows[1:] == [
        f"spNO.1,{n},{a},{b},{c},micro,others"
        for n, a, b, c in (("e", 10, 20, 40), ("f", 10, 20, 30), ("g", 1, 2, 3))
    ]


def test_editions_of_a_table_are_compared(tmp_path: Path) -> None:
    newer: Rows = [CASME2, [*CASME2_ROW[:4], 35, *CASME2_ROW[5:]], ["02", "EP02", *CASME2_ROW[2:]]]
    write(tmp_path / "CASME2-coding-20140508.xlsx", {"Sheet1": [CASME2, CASME2_ROW]})
    write(tmp_path / "CASME2-coding-20190701.xlsx", {"Sheet1": newer})
    found = load("casme2", tmp_path)
    assert [r.apex_frame for r in found.records] == [20]
    messages = {i.code: i.message for i in found.issues}
    assert "apex 20 here, 35 in CASME2-coding-20190701.xlsx" in messages["tables_differ"]
    assert "casme2/sub02/EP02, frames 10 to 30: not in" in messages["table_lacks"]
    assert "was compared with it" in messages["table_not_read"]


def test_part_c_has_both_kinds_and_the_labels_of_the_micro_ones(tmp_path: Path) -> None:
    intervals: Rows = [
        ["Subject", "Onset", "Offset", "diff", "Exp_type", "risk"],
        [1, 100, 110, 10, 1, 0],
        [1, 200, 260, 60, 0, 0],
        [1, 300, 312, 12, 1, 0],
        [2, 400, 409, 9, 1, 1],
    ]
    labels: Rows = [
        ["sub", "count", "onset", "offset", "au", "emotion"],
        [1, 1, 100, 110, "4", "neg"],
        [1, 2, 301, 312, "6，12", "pos"],
        [3, 1, 50, 60, "4", "sur"],
    ]
    both_tables = tmp_path / "both"
    write(both_tables / "CAS(ME)3_part_C.xlsx", {"Sheet1": intervals})
    write(both_tables / "CAS(ME)3_part_C_ME.xlsx", {"Sheet1": labels})
    found = load("cas-me-3-c", both_tables)
    rows = [
        (r.id.partition("/")[2], r.onset_frame, r.offset_frame, r.kind, r.emotion)
        for r in found.records
    ]
    assert rows == [
        ("01/1", 100, 110, "micro", "negative"),
        ("01/f200", 200, 260, "macro", ""),
        ("01/2", 300, 312, "micro", "positive"),
        ("02/f400", 400, 409, "micro", ""),
    ]
    messages = {i.code: i.message for i in found.issues}
    assert "onset 300 here, 301 in CAS(ME)3_part_C_ME.xlsx" in messages["tables_differ"]
    assert messages["table_lacks"] == "cas-me-3-c/03/1, frames 50 to 60: in this table alone"
    words = call("check", "cas-me-3-c", both_tables, "--table-only")
    assert "clips: 4, published are 463" in words and "macro: 1, published are 303" in words
    only = load("cas-me-3-c", both_tables / "CAS(ME)3_part_C.xlsx")
    assert [r.kind for r in only.records] == ["micro", "macro", "micro", "micro"]
    assert len(load("cas-me-3-c", both_tables / "CAS(ME)3_part_C_ME.xlsx").records) == 3


def test_a_table_of_the_extended_smic_is_recognised(tmp_path: Path) -> None:
    row: list[object] = [
        1,
        "s01_ne_01",
        None,
        110,
        120,
        *[None] * 5,
        100,
        199,
        11,
        None,
        100,
        "negative",
    ]
    path = write(tmp_path / "SMIC-HS-E_annotation.xlsx", {"HS": [SMIC_E, row]})
    words = call("check", "smic", path)
    assert "a table of SMIC-E" in words and "smic-e-hs reads them" in words
    assert "a table of SMIC-E" not in call("check", "smic-e-hs", path)


def test_a_check_names_what_was_compared_and_what_was_not(tmp_path: Path) -> None:
    rows = [
        [i, f"s{i:02d}_ne_01", None, 110, 120, *[None] * 5, 100, 199, 11, None, 100, "negative"]
        for i in range(1, 17)
    ]
    path = write(tmp_path / "SMIC-HS-E_annotation.xlsx", {"HS": [SMIC_E, *rows]})
    words = call("check", "smic-e-hs", path)
    assert "as published: subjects 16\n" in words
    assert "compared with no published count: clips, negative\n" in words
    assert "all counts" not in words
