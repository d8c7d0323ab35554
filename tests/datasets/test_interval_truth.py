"""Annotated intervals as positions in the folders that hmrm spot looks at."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from hmrm.datasets.interval_truth import ApexEstimate, write_intervals
from hmrm.datasets.load import LoadOptions, load_dataset
from hmrm.errors import ConfigError
from hmrm.evaluation.spotting.files import read_intervals
from hmrm.evaluation.spotting.rows import ReadOptions
from hmrm.evaluation.spotting.score import score_spotting
from hmrm.intervals import build_table
from hmrm.synthetic.datasets.catalogue import SYNTHETIC_SETS
from hmrm.synthetic.datasets.writer import write_synthetic
from hmrm.video.discover import discover, unique_names
from hmrm.video.images import images_in

LONG = ("samm-lv", "cas-me-2", "cas-me-3", "cas-me-3-c", "smic-e-hs", "casme2", "casme", "samm")


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("name", LONG)
def test_positions_and_names_are_those_of_spot(name: str, tmp_path: Path) -> None:
    """Slow twin: every file that an annotator named is where the written position says."""
    write_synthetic(tmp_path, SYNTHETIC_SETS[name]().first(12), images="blank")
    loaded = load_dataset(name, tmp_path)
    done = write_intervals(tmp_path / "truth.csv", loaded)
    clips = discover([tmp_path])
    folders = dict(zip(unique_names(clips), clips, strict=True))
    rows = rows_of(tmp_path / "truth.csv")
    kept = [r for r in loaded.annotations.records if r.id not in {s.what for s in done.skipped}]
    assert len(kept) == done.count > 5
    for row, record in zip(rows[: done.count], kept, strict=True):
        folder = folders[row["video"]]
        assert isinstance(folder, Path)
        numbers = [int(re.findall(r"\d+", path.stem)[-1]) for path in images_in(folder)]
        assert numbers[int(row["onset_index"])] == max(record.onset_frame or 0, numbers[0])
        if record.offset_frame is None:
            assert row["offset_index"] == ""
        else:
            assert numbers[int(row["offset_index"])] == record.offset_frame


def test_a_frame_that_leads_nowhere_is_named_and_its_expression_skipped(tmp_path: Path) -> None:
    write_synthetic(tmp_path, SYNTHETIC_SETS["casme2"]().first(3), images="blank")
    loaded = load_dataset("casme2", tmp_path)
    record = loaded.annotations.records[0]
    folder = loaded.folder_of(record)
    assert folder is not None
    frames = images_in(folder.path)
    onset = next(p for p in frames if re.findall(r"\d+", p.stem)[-1] == str(record.onset_frame))
    onset.unlink()
    onset.symlink_to(tmp_path / "nowhere.jpg")
    done = write_intervals(tmp_path / "truth.csv", loaded)
    assert [skip.what for skip in done.skipped] == [record.id]
    assert str(onset) in done.skipped[0].reason and "copy the frame again" in done.skipped[0].reason


@pytest.mark.parametrize("name", LONG)
def test_whatever_spot_takes_for_subjects_the_videos_are_found_again(
    name: str, tmp_path: Path
) -> None:
    write_synthetic(tmp_path, SYNTHETIC_SETS[name]().first(12), images="blank")
    truth = tmp_path / "truth.csv"
    write_intervals(truth, load_dataset(name, tmp_path))
    options = ReadOptions(missing_offset="drop")
    annotated = read_intervals([truth], "truth", options)
    clips = [clip for clip in discover([tmp_path]) if isinstance(clip, Path)]
    names = {name: clip.parent.name for name, clip in zip(unique_names(clips), clips, strict=True)}
    # Of part C's 1/a/color, the folder that it lies in says nothing of the person.
    for subject_of in (dict.fromkeys(names, ""), names)[: 1 if name == "cas-me-3-c" else 2]:
        found = build_table(
            (
                replace(i, subject=subject_of[i.video])
                for i in read_intervals([truth], "found", options).intervals
            ),
            source="found",
            videos=[(subject_of[name], name) for name in names],
        )
        scores = score_spotting(annotated, found)
        assert scores.counts["all"].f1 == 1.0
        assert not any("names none of" in warning for warning in scores.warnings)


def test_intervals_are_cut_to_their_video_or_left_out(tmp_path: Path) -> None:
    write_synthetic(tmp_path, SYNTHETIC_SETS["cas-me-2"](), images="blank")
    loaded = load_dataset("cas-me-2", tmp_path)
    record = next(r for r in loaded.annotations.records if r.kind == "macro" and r.offset_frame)
    folder = loaded.folders[record.folder].path
    for path in images_in(folder)[(record.offset_frame or 0) - 3 :]:
        path.unlink()
    truth = tmp_path / "truth.csv"
    done = write_intervals(truth, loaded)
    (odd,) = (o for o in done.issues if o.code == "interval_cut")
    assert record.id in odd.message
    ends = {r["offset_index"] for r in rows_of(truth) if r["video"] == folder.name}
    assert str(len(images_in(folder)) - 1) in ends
    for path in images_in(folder)[3:]:
        path.unlink()
    done = write_intervals(truth, loaded)
    assert {record.id} <= {skip.what for skip in done.skipped}


@pytest.mark.parametrize("rule", ["difference", "middle", "registration"])
def test_apexes_that_nobody_annotated_are_estimated_from_frames(rule: str, tmp_path: Path) -> None:
    synthetic = replace(SYNTHETIC_SETS["smic"](), clips=SYNTHETIC_SETS["smic"]().clips[:3])
    points = write_synthetic(tmp_path, synthetic)
    loaded = load_dataset("smic", tmp_path)
    plain, reported = tmp_path / "plain.csv", tmp_path / "told.csv"
    write_intervals(plain, loaded)
    done = write_intervals(reported, loaded, estimate=ApexEstimate(rule=rule, faces=points))
    assert not done.issues
    rows = rows_of(reported)
    assert [row.pop("apex_rule") for row in rows] == [rule] * 3
    for row, before, clip in zip(rows, rows_of(plain), synthetic.clips, strict=True):
        assert abs(int(row["apex_index"]) - (clip.apex - clip.frames[0])) <= 1
        assert {**row, "apex_index": ""} == before


def test_annotated_apexes_stay_and_a_face_that_cannot_be_used_is_noted(tmp_path: Path) -> None:
    synthetic = SYNTHETIC_SETS["cas-me-3-c"]().first(6)
    points = write_synthetic(tmp_path, synthetic)
    known = write_synthetic(tmp_path / "known", SYNTHETIC_SETS["casme2"]().first(3))
    truth = tmp_path / "truth.csv"
    outside = dict.fromkeys((record.id for record in synthetic.records), (5000.0,) * 10)
    assert set(points) < set(outside)
    estimate = ApexEstimate(rule="difference", faces=outside)
    done = write_intervals(truth, load_dataset("cas-me-3-c", tmp_path), estimate=estimate)
    noted = [o.message for o in done.issues if o.code == "apex_not_estimated"]
    assert len(noted) == done.count > 0 and "outside the onset" in noted[0]
    assert {row["apex_index"] + row["apex_rule"] for row in rows_of(truth)} == {""}
    estimate = ApexEstimate(rule="difference", faces=known)
    write_intervals(truth, load_dataset("casme2", tmp_path / "known"), estimate=estimate)
    assert {row["apex_rule"] for row in rows_of(truth)} == {"annotated"}


def test_an_apex_is_not_estimated_without_frames_or_by_an_unknown_rule(tmp_path: Path) -> None:
    write_synthetic(tmp_path, SYNTHETIC_SETS["cas-me-3-c"](), images="none")
    loaded = load_dataset("cas-me-3-c", tmp_path, LoadOptions(table_only=True))
    estimate = ApexEstimate(rule="middle")
    with pytest.raises(ConfigError, match="estimated from frames"):
        write_intervals(tmp_path / "t.csv", loaded, as_in_table=True, estimate=estimate)
    with pytest.raises(ConfigError, match="choose one of"):
        write_intervals(tmp_path / "t.csv", loaded, estimate=ApexEstimate(rule="largest"))
