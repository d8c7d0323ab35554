"""CASME II, SMIC and SAMM: synthetic copies load to the exact records, and the rule gives 442."""

from collections import Counter
from pathlib import Path

import pytest

from hmrm.datasets.annotations.issue_texts import FAULTS
from hmrm.datasets.composite_rule import composite_members
from hmrm.datasets.load import LoadOptions, load_composite, load_dataset
from hmrm.datasets.maps.composite import CLIPS, SUBJECTS
from hmrm.errors import DataError
from hmrm.synthetic.datasets.composite import (
    synthetic_casme2,
    synthetic_samm,
    synthetic_smic,
    synthetic_smic_extended,
)
from hmrm.synthetic.datasets.writer import SyntheticDataSet, write_synthetic

TABLE_ONLY = LoadOptions(table_only=True)


def codes(loaded) -> Counter[str]:
    return Counter(o.code for o in loaded.annotations.issues)


@pytest.mark.parametrize(
    "synthetic",
    [
        synthetic_casme2(),
        synthetic_casme2(2019),
        synthetic_samm(),
        synthetic_smic_extended("hs"),
        synthetic_smic_extended("vis"),
    ],
    ids=lambda synthetic: f"{synthetic.name}-{len(synthetic.clips)}",
)
def test_tables_load_to_the_exact_records(synthetic: SyntheticDataSet, tmp_path: Path) -> None:
    write_synthetic(tmp_path, synthetic, images="none")
    loaded = load_dataset(synthetic.name, tmp_path, TABLE_ONLY)
    assert loaded.annotations.records == synthetic.records
    assert not loaded.annotations.skipped
    found = codes(loaded)
    for code, count in synthetic.issues.items():
        if code != "no_apex" or synthetic.name == "casme2":
            assert found[code] == count, code


def test_counts_are_the_published_ones() -> None:
    casme2, samm, smic = (
        synthetic_casme2().records,
        synthetic_samm().records,
        synthetic_smic().records,
    )
    assert (len(casme2), len(samm), len(smic)) == (255, 159, 164)
    assert Counter(r.emotion for r in casme2)["others"] == 99
    assert Counter(r.objective_class for r in samm)[7] == 84
    assert len({r.id for r in (*casme2, *samm, *smic)}) == 255 + 159 + 164


@pytest.mark.parametrize("edition", [2014, 2019])
def test_the_rule_gives_442_from_complete_tables(edition: int, tmp_path: Path) -> None:
    write_synthetic(tmp_path, synthetic_casme2(edition), images="none")
    write_synthetic(tmp_path, synthetic_samm(), images="none")
    casme2 = load_dataset("casme2", tmp_path, TABLE_ONLY).annotations.records
    samm = load_dataset("samm", tmp_path, TABLE_ONLY).annotations.records
    records = (*casme2, *samm, *synthetic_smic().records)
    members = composite_members(records).members
    assert len(members) == 442
    assert Counter(label for _, label in members) == {0: 250, 1: 109, 2: 83}
    for name, counts in CLIPS.items():
        part = [(r, label) for r, label in members if r.dataset == name]
        assert tuple(Counter(label for _, label in part)[i] for i in range(3)) == counts
        assert len({r.subject for r, _ in part}) == SUBJECTS[name]
    assert len({f"{r.dataset}/{r.subject}" for r, _ in members}) == 68
    before = composite_members(records, exclusions=False).members
    assert len(before) == (444 if edition == 2014 else 445)


def test_left_out_clips_say_why() -> None:
    left = composite_members(synthetic_casme2().records).excluded
    reasons = {skip.what: skip.reason for skip in left}
    assert "'/'" in reasons["casme2/sub04/EP12_01f"]
    assert "onset" in reasons["casme2/sub05/EP09_05f"]
    assert len(left) == 255 - 145


@pytest.mark.parametrize("camera", ["hs", "vis", "nir"])
def test_smic_is_read_from_its_folders(camera: str, tmp_path: Path) -> None:
    synthetic = synthetic_smic(camera)
    few = SyntheticDataSet(
        name=synthetic.name,
        clips=(*synthetic.clips[:3], synthetic.clips[-1]),
        tables=synthetic.tables,
    )
    write_synthetic(tmp_path, few, images="blank")
    # The other cameras' clips lie beside them and carry the same names.
    other = synthetic_smic("vis" if camera == "hs" else "hs").first(2)
    write_synthetic(tmp_path, other, images="blank")
    loaded = load_dataset(synthetic.name, tmp_path)
    assert loaded.annotations.records == few.records
    assert len(loaded.folders) == 3


@pytest.mark.parametrize("wrong", ["s01/micro/positive", "s02/micro/negative"])
def test_a_clip_of_smic_under_another_emotion_or_subject_is_told(
    wrong: str, tmp_path: Path
) -> None:
    synthetic = synthetic_smic().first(3)
    write_synthetic(tmp_path, synthetic, images="blank")
    assert "folder_differs" not in codes(load_dataset("smic", tmp_path))
    clip = tmp_path / synthetic.clips[0].folder
    moved = clip.parents[3] / wrong / clip.name
    moved.parent.mkdir(parents=True, exist_ok=True)
    clip.rename(moved)
    loaded = load_dataset("smic", tmp_path)
    assert loaded.annotations.records == synthetic.records
    reported = [o for o in loaded.annotations.issues if o.code == "folder_differs"]
    assert [o.where for o in reported] == [str(moved)]
    assert "folder_differs" in FAULTS


def test_smic_published_counts() -> None:
    assert len(synthetic_smic("vis").records) == len(synthetic_smic("nir").records) == 71
    assert len({r.subject for r in synthetic_smic("nir").records}) == 8


def test_smic_has_a_table_that_others_made(tmp_path: Path) -> None:
    rows = "Unnamed: 0,subject,emotion,material,onset,offset\n0,1,negative,s1_ne_01,10,30\n"
    (tmp_path / "smic.csv").write_text(rows)
    record = load_dataset("smic", tmp_path, TABLE_ONLY).annotations.records[0]
    assert (record.id, record.onset_frame, record.offset_frame) == ("smic/s01/s01_ne_01", 10, 30)


def test_disk_and_table_are_compared_both_ways(tmp_path: Path) -> None:
    synthetic = synthetic_casme2().first(3)
    write_synthetic(tmp_path, synthetic, images="blank")
    raw = tmp_path / "CASME2/CASME2_RAW_selected"
    first = synthetic.clips[0]
    (tmp_path / first.folder).rename(raw / "sub01/EP77_77")
    loaded = load_dataset("casme2", tmp_path)
    found = {o.code: o for o in loaded.annotations.issues}
    missing, extra = found["clip_not_on_disk"], found["clip_not_in_table"]
    assert missing.where == "CASME2-coding-20140508.xlsx sheet 'Sheet1' cell B2"
    assert first.record is not None and first.record.id in missing.message
    assert extra.where.endswith("EP77_77") and "sub01/ep77_77" in extra.message


def test_raw_pictures_are_taken_before_cropped_ones(tmp_path: Path) -> None:
    synthetic = synthetic_casme2().first(2)
    write_synthetic(tmp_path, synthetic, images="blank")
    cropped = tmp_path / "CASME2/Cropped"
    cropped.mkdir(parents=True)
    source = tmp_path / synthetic.clips[0].folder
    target = cropped / synthetic.clips[0].folder.split("selected/")[1]
    target.mkdir(parents=True)
    for file in source.iterdir():
        (target / f"reg_{file.name}").write_bytes(file.read_bytes())
    (tmp_path / "CASME2/elsewhere").mkdir()
    (tmp_path / "CASME2/elsewhere/1.jpg").write_bytes(b"")
    loaded = load_dataset("casme2", tmp_path)
    assert all("RAW" in str(f.path) for f in loaded.folders.values())
    assert codes(loaded)["several_renditions"] == 1
    # All paths begin as the root was given.
    reported = {o.code: o for o in loaded.annotations.issues}
    assert reported["several_renditions"].where == str(source) and str(target) in str(reported)
    assert reported["folder_unknown"].where == str(tmp_path / "CASME2/elsewhere")
    # Given as root, the cropped ones are read.
    table = tmp_path / "CASME2/CASME2-coding-20140508.xlsx"
    loaded = load_dataset("casme2", cropped, LoadOptions(table=table))
    assert len(loaded.folders) == 1


def test_of_two_like_folders_for_one_clip_the_first_is_taken_and_noted(tmp_path: Path) -> None:
    synthetic = synthetic_casme2().first(1)
    write_synthetic(tmp_path / "a", synthetic, images="blank")
    write_synthetic(tmp_path / "b", synthetic, images="blank")
    loaded = load_dataset("casme2", tmp_path)
    assert str(loaded.folders["sub01/ep01_01f"].path).startswith(str(tmp_path / "a"))
    assert codes(loaded)["several_renditions"] == 1


def test_a_composite_without_one_part_tells_which(tmp_path: Path) -> None:
    write_synthetic(tmp_path, synthetic_casme2(), images="none")
    write_synthetic(tmp_path, synthetic_samm(), images="none")
    loaded = load_composite(tmp_path, TABLE_ONLY)
    assert [part.dataset.name for part in loaded.parts] == ["casme2", "samm"]
    assert [skip.what for skip in loaded.missing] == ["smic"]
    assert len(loaded.membership.members) == 145 + 133


def test_nothing_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of"):
        load_composite(tmp_path)
    with pytest.raises(DataError, match="no annotation table"):
        load_dataset("casme2", tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        load_dataset("samm", tmp_path / "absent")


def test_an_apex_that_others_added_to_the_extended_table_is_read(tmp_path: Path) -> None:
    header = "Subject,Filename,,OnsetF,ApexF,OffsetF,Onset2F,Offset2F,FirstF,LastF,Emotion"
    rows = ["3,s3_ne_03,,100,105,110,120,130,90,140,negative", "see the paper,,,,,,,,,,"]
    text = "\n".join([header, *rows])
    (tmp_path / "SMIC-HS-E_annotation_2019.csv").write_text(text + "\n")
    first, second = load_dataset("smic-e-hs", tmp_path, TABLE_ONLY).annotations.records
    assert (first.id, first.apex_frame) == ("smic-e-hs/s03/s03_ne_03", 105)
    assert (second.clip, second.onset_frame, second.apex_frame) == ("s03_ne_03_e2", 120, None)
