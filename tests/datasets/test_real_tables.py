"""Workbooks written by hand as the published ones look, with the irregularities that were met.

The synthetic data sets come from the same hand as the loaders; these tables do not use them.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

from hmrm.datasets.annotations.records import Annotations
from hmrm.datasets.load import LoadOptions, load_dataset
from hmrm.datasets.sources.catalogue import DATASETS
from hmrm.errors import DataError

Rows = Sequence[Sequence[object]]

CASME2 = [
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
]
CASME2_ROW = ["01", "EP01_01", None, 10, 20, 30, None, "4", "others"]
LABELS = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"]
LABELS_ROW = ["spNO.1", "a", 28, 35, 42, "4", "I", "disgust"]
SMIC_E = [
    *("Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F"),
    *("Offset3F", None, "FirstF", "LastF", "TotalMF1", "TotalMF2", "TotalVL", "Emotion"),
]


def write(path: Path, sheets: dict[str, Rows]) -> Path:
    """A workbook by openpyxl alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def load(name: str, root: Path, **options: Path) -> Annotations:
    return load_dataset(name, root, LoadOptions(table_only=True, **options)).annotations


def codes(found: Annotations) -> Counter[str]:
    return Counter(issue.code for issue in found.issues)


def where(found: Annotations, code: str) -> str:
    return next(issue.where for issue in found.issues if issue.code == code)


def test_an_edition_that_is_not_read_is_named_and_not_listed_as_read(tmp_path: Path) -> None:
    old = write(tmp_path / "CASME2-coding-20140508.xlsx", {"Sheet1": [CASME2, CASME2_ROW]})
    new = write(tmp_path / "CASME2-coding-20190701.xlsx", {"Sheet1": [CASME2, CASME2_ROW]})
    found = load("casme2", tmp_path)
    assert [path for path, _ in found.files] == [old]
    assert where(found, "table_not_read") == str(new)
    assert [path for path, _ in load("casme2", tmp_path, table=new).files] == [new]


def test_a_missing_table_is_named_as_it_is_published(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a name like 'CASME2-coding-20140508\.xlsx'"):
        load("casme2", tmp_path)


def test_the_roman_two_is_casme_two(tmp_path: Path) -> None:
    write(tmp_path / "CASMEII_coding.xlsx", {"Sheet1": [CASME2, CASME2_ROW]})
    assert len(load("casme2", tmp_path).records) == 1
    with pytest.raises(DataError, match="no annotation table of CASME below it"):
        load("casme", tmp_path)


def test_an_offset_of_zero_or_none_is_told(tmp_path: Path) -> None:
    rows = [CASME2, CASME2_ROW]
    rows += [["01", f"EP02_0{i}", *CASME2_ROW[2:5], o, *CASME2_ROW[6:]] for i, o in enumerate("/0")]
    write(tmp_path / "CASME2-coding-20140508.xlsx", {"Sheet1": rows})
    found = load("casme2", tmp_path)
    assert [record.offset_frame for record in found.records] == [30, None, None]
    assert codes(found) == {"no_offset": 1, "offset_before_onset": 1}


def test_a_subject_saved_as_a_decimal_is_a_number(tmp_path: Path) -> None:
    lines = ["Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion"]
    lines += ["1.0,EP01_01,10.0,20.0,30.0,4,others"]
    (tmp_path / "CASME2-coding-20140508.csv").write_text("\n".join(lines))
    assert load("casme2", tmp_path).records[0].subject == "sub01"


def test_a_clip_without_an_objective_class_is_told(tmp_path: Path) -> None:
    write(tmp_path / "CASME2-coding-20140508.xlsx", {"Sheet1": [CASME2, CASME2_ROW]})
    rows = [["Subject", "Filename", "Objective Class"], ["02", "EP01_01", 1]]
    write(tmp_path / "CASME2-ObjectiveClasses.xlsx", {"Sheet1": rows})
    assert where(load("casme2", tmp_path), "no_objective_class").endswith("cell B2")


def test_a_second_apex_that_serves_is_told(tmp_path: Path) -> None:
    header = ["Emotion", "Subject", None, "Filename", "OnsetF", "ApexF1", "ApexF2", None]
    rows = [[*header, "OffsetF", "AU"]]
    rows += [
        ["tense", 1, None, f"EP01_{i}", 10, a, 20, None, 30, "4"] for i, a in enumerate([15, 0])
    ]
    write(tmp_path / "casme.xlsx", {"Sheet1": rows})
    found = load("casme", tmp_path)
    assert [record.apex_frame for record in found.records] == [15, 20]
    assert where(found, "second_apex") == "casme.xlsx sheet 'Sheet1' cell G3"


def test_the_workbook_of_blinks_is_not_taken_for_the_codes(tmp_path: Path) -> None:
    rows = [
        [1, "anger1_1", 557, 572, 608, "4", "negative", "macro-expression", "anger"],
        [2, "happy1_1", 100, 110, 0, 12, "positive", "micro-expression", "happy"],
    ]
    subjects, videos = [[1, "s15", 1], [2, "s16", 2], [None]], [["0401", "anger1"], [502, "happy1"]]
    sheets: dict[str, Rows] = {"code": rows, "rule2": subjects, "rule1": videos, "Sheet4": []}
    write(tmp_path / "CAS(ME)^2code_final(Updated).xlsx", sheets)
    blinks = [["subject", "video", "n", "onset", "offset"], [1, "0401", 1, 5, 9]]
    write(tmp_path / "CAS(ME)^2blink-code.xlsx", {"Sheet1": blinks})
    found = load("cas-me-2", tmp_path)
    assert [record.folder for record in found.records] == ["s15/0401", "s16/0502"]
    assert codes(found) == {"no_offset": 1}


def test_the_newer_labels_of_cas_me_3_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "annotation"
    for version in ("v1", "v2"):
        name = f"cas(me)3_part_A_ME_label_JpgIndex_{version}.xlsx"
        write(folder / name, {"label": [LABELS, LABELS_ROW]})
    wrong = "CAS(ME)3_part_A_wrongly_labeled_me_in_V1.xlsx"
    write(folder / wrong, {"Sheet1": [LABELS, LABELS_ROW]})
    found = load("cas-me-3", tmp_path)
    assert [path.name for path, _ in found.files] == ["cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"]
    assert where(found, "table_not_read").endswith("_v1.xlsx")


def test_a_table_of_cas_me_3_by_any_name_is_known_by_its_columns(tmp_path: Path) -> None:
    labels = write(tmp_path / "casme3_label.xlsx", {"label": [LABELS, LABELS_ROW]})
    (record,) = load("cas-me-3", labels).records
    assert (record.kind, record.emotion) == ("micro", "disgust")
    header, row = [*LABELS[:6], "Expression type"], [*LABELS_ROW[:6], "Macro-expression "]
    whole = write(tmp_path / "mine.xlsx", {"AU+Emotion": [header, row], "eye blink": [LABELS[:5]]})
    (record,) = load("cas-me-3", whole).records
    assert (record.kind, record.emotion) == ("macro", "")


def test_expressions_of_cas_me_3_cut_out_of_their_videos_are_found(tmp_path: Path) -> None:
    second = ["spNO.1", "a", 100, 105, 112, "L14", "VII", "Others"]
    name = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
    write(tmp_path / name, {"label": [LABELS, LABELS_ROW, second]})
    for kind, suffix in (("frame", "jpg"), ("depth", "png")):
        for first, last in ((28, 42), (100, 112)):
            folder = tmp_path / "Part_A_ME_clip" / kind / f"spNO.1_a_{first}"
            folder.mkdir(parents=True)
            for number in range(first, last + 1):
                (folder / f"{number}.{suffix}").write_bytes(b"")
    loaded = load_dataset("cas-me-3", tmp_path)
    folders = [loaded.folder_of(record) for record in loaded.annotations.records]
    assert [f.path.name for f in folders if f] == ["spNO.1_a_28", "spNO.1_a_100"]
    assert all(f and "frame" in f.parts for f in folders)
    assert [record.span_frames for record in loaded.annotations.records] == [(28, 42), (100, 112)]
    assert not codes(loaded.annotations)


def test_smic_e_keeps_clips_whose_files_are_said_to_be_missing(tmp_path: Path) -> None:
    def row(subject: int, clip: str, second: object, first: object, emotion: str) -> list[object]:
        ends = [None, None, None, first, 200, 21, None, 101, emotion]
        return [subject, clip, None, 100, 120, second, second and 170, *ends]

    rows = [
        row(1, "s1_ne_01", None, 80, "negative"),
        row(3, "s3_ne_03", 0, "missing", "negative"),
        row(9, "s9_sur_02", 150, 80, "positive"),
        row(8, "s9_sur_03", None, 80, "surprise"),
        [None, "Onset2F: onset of a second one"],
    ]
    write(tmp_path / "SMIC-HS-E_annotation.xlsx", {"HS": [SMIC_E, *rows], "VIS": [SMIC_E]})
    found = load("smic-e-hs", tmp_path)
    assert not found.skipped
    assert [r.clip for r in found.records] == [
        *("s01_ne_01", "s03_ne_03", "s09_sur_02", "s09_sur_02_e2", "s09_sur_03")
    ]
    assert {r.emotion for r in found.records[2:]} == {"surprise"}
    expected = {"span_unknown": 1, "emotion_differs": 1, "subject_differs": 1, "remark": 1}
    assert codes(found) == {**expected, "no_apex": 5}
    assert where(found, "span_unknown").endswith("sheet 'HS' cell K3")


def test_smic_e_needs_no_column_of_emotions(tmp_path: Path) -> None:
    rows = [[*SMIC_E[:5], "FirstF"], [11, "s11_po_01", None, 100, 110, 90]]
    write(tmp_path / "SMIC_VIS_E_annotation.xlsx", {"Sheet1": rows})
    assert load("smic-e-vis", tmp_path).records[0].emotion == "positive"


def test_one_camera_of_smic_is_never_read_as_another(tmp_path: Path) -> None:
    row = [1, "s1_ne_01", None, 100, 120]
    for sheet in ("HS", "Sheet1"):
        write(tmp_path / "SMIC-HS-E_annotation.xlsx", {sheet: [SMIC_E, row]})
        with pytest.raises(DataError, match=r"no clips of NIR .*SMIC-NIR-E_annotation\.xlsx"):
            load("smic-e-nir", tmp_path)
    write(tmp_path / "SMIC-NIR-E_annotation.xlsx", {"VIS": [SMIC_E, row]})
    assert codes(load("smic-e-nir", tmp_path))["sheet_renamed"] == 1


def test_4dme_reads_two_emotions_in_one_cell_and_compares_the_columns(tmp_path: Path) -> None:
    header = ["sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs", "Positive"]
    rows = [
        [*header, "Negative", "Surprise", "Repression", "Others"],
        ["S1", "a", "Surprise+Positive", 10, 20, 30, "AUR2+12(k)+45", 1, 0, 1, 0, 0],
        ["S1", "b", "Positive", 10, 20, 30, "AU6", 0, 1, 0, 0, 0],
        ["S1", "c", "Joy & wonder", 10, 20, 30, "AU6", 1, 0, 0, 0, 0],
        [*[None] * 6, "Total", 3, 1, 2, 0, 0],
    ]
    write(tmp_path / "4DME_Labelling_Micro_release v1.xlsx", {"Sheet1": rows})
    found = load("4dme", tmp_path)
    assert [r.emotion for r in found.records] == [
        *("positive and surprise", "positive", "joy & wonder")
    ]
    expected = {"several_emotions": 1, "emotion_differs": 1, "emotion_unknown": 1}
    assert codes(found) == {**expected, "units_doubtful": 1, "remark": 1}


def test_other_people_in_subject_and_clip_are_told(tmp_path: Path) -> None:
    header = ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame"]
    frames = [1, 12, 30]
    rows: Rows = [[*header, "Estimated Emotion"], ["S04", "S03-01-002", *frames, "happiness"]]
    write(tmp_path / "MMEW_Micro_Exp.xlsx", {"Sheet1": rows})
    assert codes(load("mmew", tmp_path)) == {"subject_differs": 1}
    rows = [[*header, "Emotion", "Fps", "AU"], ["sub0004", "sub0003_01", *frames, "Fear", 0, "4;7"]]
    write(tmp_path / "training_full_with_AU.xlsx", {"Sheet1": rows})
    assert codes(load("dfme", tmp_path)) == {"subject_differs": 1, "no_rate": 1}


def test_a_micro_expression_that_samm_does_not_know_is_told(tmp_path: Path) -> None:
    header = ["Subject", "Filename", "Onset", "Apex", "Offset", "Type", "Action Units"]
    rows = [[f"line {i}"] for i in range(9)]
    rows += [header, [6, "006_1_2", 10, 20, -1, "Micro - 1/2", "12"]]
    rows += [[6, "006_1_9", 50, -1, 90, "Micro - 1/2", "12"], [7, "006_1_3", 5, 6, 7, "Macro", "4"]]
    write(tmp_path / "SAMM_LongVideos_V3_Release.xlsx", {"Sheet1": rows})
    head = ["Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Estimated Emotion"]
    write(
        tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx",
        {"MICRO_ONLY": [["SAMM"], head, ["006", "006_1_2", 10, 20, 30, "Other"]], "ALL": [head]},
    )
    found = load("samm-lv", tmp_path)
    assert [record.emotion for record in found.records] == ["others", "", ""]
    assert codes(found) == {"no_apex": 1, "no_offset": 1, "no_emotion": 1, "subject_differs": 1}
    assert len(found.files) == 2


def test_a_table_of_another_data_set_is_told_by_its_clip_names(tmp_path: Path) -> None:
    table = write(tmp_path / "a.xlsx", {"Sheet1": [CASME2, CASME2_ROW]})
    assert codes(load("casme2", table)) == {}
    assert codes(load("samm", table))["clip_name"] == 1
    samm = [["006", "006_1_2", *CASME2_ROW[2:]]]
    assert codes(load("casme2", write(table, {"Sheet1": [CASME2, *samm]})))["clip_name"] == 1


def test_characters_that_show_nowhere_are_told_and_ignored(tmp_path: Path) -> None:
    row = ["01", "EP01_01\u200b", None, "10\ufeff", "20\xa0", 30, None, "4", "others\u200b"]
    write(tmp_path / "CASME2-coding.xlsx", {"Sheet1": [CASME2, row]})
    found = load("casme2", tmp_path)
    assert (found.records[0].folder, found.records[0].onset_frame) == ("sub01/ep01_01", 10)
    assert (found.records[0].apex_frame, found.records[0].emotion) == (20, "others")
    assert codes(found)["stray_blanks"] >= 2


def test_a_folder_named_like_a_table_is_none(tmp_path: Path) -> None:
    (tmp_path / "CASME2-coding-20140508.xlsx").mkdir()
    with pytest.raises(DataError, match="no annotation table"):
        load("casme2", tmp_path)


def test_cut_out_expressions_are_not_taken_for_whole_videos_of_cas_me_2() -> None:
    place = DATASETS["cas-me-2"].place
    assert place(("selectedpic", "s15", "15_0101disgustingteeth_1")) == ""
    assert place(("rawpic", "s15", "15_0101disgustingteeth")) == "s15/0101"


def test_a_table_of_smic_given_by_hand_is_read_though_folders_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "HS/s1/micro/negative/s1_ne_01"
    folder.mkdir(parents=True)
    for number in range(100, 106):
        (folder / f"image{number}.bmp").write_bytes(b"")
    header = [None, "subject", "emotion", "material", "onset", "offset"]
    table = write(
        tmp_path / "smic.xlsx", {"S": [header, [0, "s1", "negative", "s1_ne_01", 101, 104]]}
    )
    found = load_dataset("smic", tmp_path).annotations
    assert found.records[0].span_frames == (100, 105)
    assert codes(found)["table_not_read"] == 1 and not found.files
    found = load_dataset("smic", tmp_path, LoadOptions(table=table)).annotations
    assert found.records[0].span_frames == (101, 104)
    assert codes(found)["table_not_read"] == 0
