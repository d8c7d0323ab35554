"""Corrections change what they say they change, once, and only where the old value stands."""

from dataclasses import replace
from pathlib import Path

import pytest

from hmrm.datasets.annotations.corrections import COLUMNS, read_corrections
from hmrm.datasets.annotations.records import Annotations
from hmrm.datasets.load import LoadOptions, load_dataset
from hmrm.errors import DataError
from hmrm.synthetic.datasets.composite import synthetic_casme2
from hmrm.synthetic.datasets.writer import write_synthetic

HEADER = ",".join(COLUMNS)


def load(folder: Path, *lines: str):
    write_synthetic(folder, synthetic_casme2().first(5), images="none")
    path = folder / "mine.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    options = LoadOptions(table_only=True, corrections=path)
    found = load_dataset("casme2", folder, options).annotations
    return found.records, {o.code: o for o in found.issues}


def test_a_correction_is_applied_and_told(tmp_path: Path) -> None:
    records, notes = load(tmp_path, "casme2,sub01/EP01_01f,offset,48,47,the last frame is 47")
    assert records[0].offset_frame == 47
    assert "48 → 47 (the last frame is 47)" in notes["corrected"].message
    assert records[1:] == synthetic_casme2().first(5).records[1:]


def test_another_old_value_leaves_everything_and_is_told(tmp_path: Path) -> None:
    records, notes = load(tmp_path, "casme2,sub01/EP01_01f,offset,50,47,a frame count")
    assert records == synthetic_casme2().first(5).records
    assert "offset is '48', not '50'" in notes["correction_not_applied"].message


def test_a_value_that_is_right_already_needs_no_word(tmp_path: Path) -> None:
    _, notes = load(tmp_path, "casme2,sub01/EP01_01f,offset,50,48,mended by the authors")
    assert not {"corrected", "correction_not_applied"} & set(notes)


def test_an_apex_may_be_given_and_taken_away(tmp_path: Path) -> None:
    records, _ = load(tmp_path, "casme2,sub01/EP01_01f,apex,44,,the apex is another movement")
    assert records[0].apex_frame is None


def test_a_clip_that_is_not_there_is_told(tmp_path: Path) -> None:
    _, notes = load(tmp_path, "casme2,sub99/EP01,apex,1,2,x", "samm,006/006_1_2,apex,1,2,x")
    assert notes["correction_without_clip"].where.endswith("mine.csv line 2")
    assert "casme2/sub99/EP01 is no clip" in notes["correction_without_clip"].message


@pytest.mark.parametrize(
    "names", ["casme2,sub01/EP01_01f", "casme2,casme2/sub01/EP01_01f", "CASME II,sub01/EP01_01f"]
)
def test_a_clip_may_be_named_as_messages_name_it(names: str, tmp_path: Path) -> None:
    records, notes = load(tmp_path, f"{names},offset,48,47,the last frame is 47")
    assert records[0].offset_frame == 47
    assert notes["corrected"].where.endswith("cell F2")


def test_an_unknown_data_set_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"mine\.csv line 2: data set 'foo' is unknown; choose one of casme,"
    ):
        load(tmp_path, "foo,sub01/EP01_01f,offset,48,47,x")


def load_with_bad_onset(folder: Path, *lines: str) -> Annotations:
    """As ``load``, from a table whose first onset is ``abc``; the clip's folder is there."""
    synthetic = synthetic_casme2().first(5)
    bad = (*synthetic.clips[0].row[:3], "abc", *synthetic.clips[0].row[4:])
    broken = replace(synthetic, clips=(replace(synthetic.clips[0], row=bad), *synthetic.clips[1:]))
    write_synthetic(folder, broken, images="blank")
    (folder / "mine.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    options = LoadOptions(corrections=folder / "mine.csv")
    return load_dataset("casme2", folder, options).annotations


def test_a_cell_that_cannot_be_read_is_mended_by_its_text(tmp_path: Path) -> None:
    found = load_with_bad_onset(tmp_path, "casme2,sub01/EP01_01f,onset,abc,40,first frame is 40")
    assert found.records == synthetic_casme2().first(5).records and not found.skipped
    reported = [o for o in found.issues if o.code.startswith("correct")]
    assert [o.code for o in reported] == ["corrected"]
    assert reported[0].where.endswith("cell D2") and "abc → 40" in reported[0].message


def test_another_text_leaves_the_row_out_and_is_told(tmp_path: Path) -> None:
    found = load_with_bad_onset(tmp_path, "casme2,sub01/EP01_01f,onset,,40,first frame is 40")
    assert [s.what for s in found.skipped] == ["casme2/sub01/EP01_01f"]
    notes = {o.code: o for o in found.issues}
    assert notes["correction_not_applied"].where.endswith("cell D2")
    # Its folder has a row, though not one that could be read.
    assert "clip_not_in_table" not in notes and "correction_without_clip" not in notes


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("casme2,a/b,blink,1,2,x", "expected one of onset"),
        ("casme2,a/b,apex,1,2,", "evidence is empty"),
        ("casme2,a/b,apex,1,soon,x", "expected a frame"),
    ],
)
def test_bad_rows_are_refused_with_their_line(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f"{HEADER}\n{line}\n")
    with pytest.raises(DataError, match=words) as error:
        read_corrections(path)
    assert "c.csv line 2" in str(error.value)


def test_our_own_table_is_well_formed() -> None:
    assert all(c.dataset and "/" in c.clip for c in read_corrections())
    with pytest.raises(DataError, match="cannot be read"):
        read_corrections(Path("absent.csv"))
