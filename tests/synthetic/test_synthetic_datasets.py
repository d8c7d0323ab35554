"""Every synthetic data set loads to the exact records, from its tables and from its folders."""

from collections import Counter
from pathlib import Path

import pytest

from hmrm.datasets.annotations.labels import class_of
from hmrm.datasets.load import LoadOptions, load_dataset
from hmrm.datasets.sources.catalogue import DATASETS, dataset_named
from hmrm.errors import ConfigError
from hmrm.synthetic.datasets.catalogue import SYNTHETIC_SETS
from hmrm.synthetic.datasets.writer import write_synthetic

OTHERS = [name for name in SYNTHETIC_SETS if name not in ("casme2", "samm", "smic")]
WITH_TABLES = [name for name in SYNTHETIC_SETS if name not in ("smic", "smic-vis", "smic-nir")]


def test_every_data_set_has_a_synthetic_copy() -> None:
    assert set(SYNTHETIC_SETS) == set(DATASETS)


@pytest.mark.parametrize("name", WITH_TABLES)
def test_tables_load_to_the_exact_records(name: str, tmp_path: Path) -> None:
    synthetic = SYNTHETIC_SETS[name]()
    write_synthetic(tmp_path, synthetic, images="none")
    loaded = load_dataset(name, tmp_path, LoadOptions(table_only=True)).annotations
    assert loaded.records == synthetic.records
    assert not loaded.skipped
    found = Counter(o.code for o in loaded.issues)
    assert "no_emotions_read" not in found
    for code, count in synthetic.issues.items():
        if name != "samm" or code != "no_apex":
            assert found[code] == count, code
    assert all(record.where for record in loaded.records)


@pytest.mark.parametrize("name", WITH_TABLES)
def test_few_people_leave_no_table_empty(name: str) -> None:
    few = SYNTHETIC_SETS[name]().of_subjects(1)
    for table in few.tables(few.clips):
        written = {cell for rows in table.sheets.values() for row in rows for cell in row}
        assert any(str(clip.row[1]) in map(str, written) for clip in few.clips), table.path


def test_no_expression_of_a_long_video_is_synthesized_twice() -> None:
    for name in ("samm-lv", "cas-me-2", "cas-me-3", "cas-me-3-c", "smic-e-hs"):
        records = SYNTHETIC_SETS[name]().records
        places = {(r.folder, r.onset_frame, r.offset_frame) for r in records}
        assert len(places) == len(records), name
    assert len({r.folder for r in SYNTHETIC_SETS["samm-lv"]().records}) == 12


@pytest.mark.parametrize("name", OTHERS)
def test_folders_are_found_and_nothing_is_left_over(name: str, tmp_path: Path) -> None:
    synthetic = SYNTHETIC_SETS[name]().first(12)
    write_synthetic(tmp_path, synthetic, images="blank")
    loaded = load_dataset(name, tmp_path)
    assert loaded.annotations.records == synthetic.records
    written = {r.folder for c in synthetic.clips if c.folder and (r := c.record)}
    assert set(loaded.folders) == written
    codes = Counter(o.code for o in loaded.annotations.issues)
    assert not {"folder_unknown", "clip_not_in_table", "several_renditions"} & set(codes)
    missing = [r for r in synthetic.records if r.folder not in written]
    assert codes["clip_not_on_disk"] == len(missing)


@pytest.mark.parametrize("name", list(SYNTHETIC_SETS))
def test_synthetic_emotions_have_a_class_or_are_left_out_on_purpose(name: str) -> None:
    records = SYNTHETIC_SETS[name]().records
    classes = {class_of(r.dataset, r.emotion) for r in records}
    assert {"negative", "positive"} <= classes


def test_names_are_found_however_they_are_written() -> None:
    assert dataset_named("CAS(ME)²").name == "cas-me-2"
    assert dataset_named("CASME II").name == dataset_named("CASME2").name == "casme2"
    assert dataset_named("SAMM Long Videos").name == "samm-lv"
    with pytest.raises(ConfigError, match="choose one of"):
        dataset_named("casme9")


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("samm-lv", "SAMMLV/SAMM/SAMM_Micro_FACS_Codes_v2.xlsx"),
        ("cas-me-3", "CASME3/annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"),
    ],
)
def test_emotions_of_micro_expressions_need_their_table(
    name: str, labels: str, tmp_path: Path
) -> None:
    write_synthetic(tmp_path, SYNTHETIC_SETS[name](), images="none")
    (tmp_path / labels).unlink()
    found = load_dataset(name, tmp_path, LoadOptions(table_only=True)).annotations
    assert not any(record.emotion for record in found.records)
    reported = [o.message for o in found.issues if o.code == "no_emotions_read"]
    assert len(reported) == sum(record.kind == "micro" for record in found.records) > 0
    assert all(f"stands in {Path(labels).stem}" in message for message in reported)


def test_macro_expressions_need_the_second_workbook(tmp_path: Path) -> None:
    synthetic = SYNTHETIC_SETS["cas-me-3"]()
    write_synthetic(tmp_path, synthetic, images="none")
    (tmp_path / "CASME3/annotation/CAS(ME)3_part_A_v2.xls").unlink()
    records = load_dataset("cas-me-3", tmp_path, LoadOptions(table_only=True)).annotations.records
    assert {r.kind for r in records} == {"micro"}
    assert records == tuple(r for r in synthetic.records if r.kind == "micro")


def test_mmew_clips_may_be_named_otherwise(tmp_path: Path) -> None:
    header = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion"
    (tmp_path / "MMEW_Micro_Exp.csv").write_text(f"{header}\n3,c_7,1,4,9,12,happiness\n")
    folder = tmp_path / "Micro_Expression/happiness/c_7"
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(b"")
    loaded = load_dataset("mmew", tmp_path)
    assert loaded.annotations.records[0].id == "mmew/S03/c_7"
    assert loaded.folder_of(loaded.annotations.records[0]) is not None


def test_the_same_seed_draws_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_synthetic(tmp_path / folder, SYNTHETIC_SETS["mmew"]().first(1))
    files = [p for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert len(files) == 10
    for file in files:
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()
