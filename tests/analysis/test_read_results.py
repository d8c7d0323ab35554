"""Results read back: what was written, older files, and damage by name."""

import json
import os
from pathlib import Path

import pytest

import hmrm
from hmrm.analysis.read import read_results
from hmrm.analysis.record import Analysis
from hmrm.analysis.saved import save
from hmrm.clip import FaceFrame
from hmrm.errors import DataError, InputError
from tests.analysis.analyses_to_export import CASES


def rounded(frame: FaceFrame) -> tuple[object, ...]:
    return (frame.index, frame.face_id, round(frame.time_s, 6), frame.success, frame.motion_px)


@pytest.mark.parametrize("analysis", CASES.values(), ids=CASES.keys())
def test_an_analysis_reads_back(analysis: Analysis, tmp_path: Path) -> None:
    save(tmp_path, analysis)
    again = hmrm.read_analysis(tmp_path)
    for name in ("source", "frame_count", "size_wh_px", "notices", "provenance", "clock"):
        assert getattr(again, name) == getattr(analysis, name)
    for found, event in zip(again.events, analysis.events, strict=True):
        assert found.onset_s == pytest.approx(event.onset_s, abs=1e-6)
        assert (found.label, found.flags) == (event.label, event.flags)
        assert found.probabilities == event.probabilities
        assert found.peak_motion_px == event.peak_motion_px
    assert [rounded(f) for f in again.frames] == [rounded(f) for f in analysis.frames]
    for found, frame in zip(again.frames, analysis.frames, strict=True):
        assert found.box_xyxy_px == frame.box_xyxy_px
        assert found.points_xy_px == frame.points_xy_px
    assert again.images == (None,) * len(analysis.events)


def test_older_results_are_read(tmp_path: Path) -> None:
    """``confidence`` instead of salience, no player's clock, frames from 1 without points."""
    save(tmp_path, CASES["two"])
    content = json.loads((tmp_path / "analysis.json").read_text())
    content["schema"] = "1"
    del content["player_clock"]
    for event in content["events"]:
        event["confidence"] = event.pop("salience")
    (tmp_path / "analysis.json").write_text(json.dumps(content))
    (tmp_path / "frames.csv").write_text(
        "frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h,motion_chin\n"
        "1,0,0.0,0.9,1,10.0,20.0,30.0,40.0,0.5\n3,0,0.08,0.9,0,,,,,\n"
    )
    found = hmrm.read_analysis(tmp_path)
    assert [event.salience for event in found.events] == [0.75, 0.75]
    first, second = found.frames
    assert (first.index, second.index) == (0, 2)
    assert first.box_xyxy_px == (10.0, 20.0, 40.0, 60.0) and second.box_xyxy_px is None
    assert (first.motion_px, second.motion_px, first.points_xy_px) == ({"chin": 0.5}, {}, None)


def test_frames_count_from_0(tmp_path: Path) -> None:
    save(tmp_path, CASES["two"])
    lines = (tmp_path / "frames.csv").read_text().splitlines()
    assert lines[0].startswith("frame_index,face_id,timestamp,confidence,success,face_x")
    assert lines[1].startswith("0,0,0.0,") and lines[8].startswith("8,0,0.32,")


def test_several_videos_are_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name, CASES["two"])
    assert list(read_results(tmp_path)) == ["a", "b"]
    with pytest.raises(InputError, match=r"several videos \(a, b\); give the folder of one"):
        hmrm.read_analysis(tmp_path)


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no results of hmrm analyze or hmrm spot"):
        hmrm.read_analysis(tmp_path)


def test_a_name_cannot_lead_elsewhere(tmp_path: Path) -> None:
    save(tmp_path, CASES["no-events"])
    content = json.loads((tmp_path / "analysis.json").read_text())
    for source, name in (("../../x.mp4", "x"), ("..\\x.mp4", "x"), ("", "video"), ("..", "video")):
        (tmp_path / "analysis.json").write_text(json.dumps(content | {"source": source}))
        assert list(read_results(tmp_path)) == [name]


def test_a_name_that_is_not_utf_8_is_read(tmp_path: Path) -> None:
    from dataclasses import replace

    save(tmp_path, replace(CASES["two"], source=os.fsdecode(b"a\xff.mp4")))
    assert hmrm.read_analysis(tmp_path).source == "a\\udcff.mp4"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"events": [{}]}, "events: has no 'face_id'"),
        ({"frame_count": "many"}, "frame_count: expected int"),
        ({"provenance": 3}, "provenance is no table"),
    ],
)
def test_damage_is_named(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    save(tmp_path, CASES["two"])
    content = json.loads((tmp_path / "analysis.json").read_text())
    (tmp_path / "analysis.json").write_text(json.dumps(content | changes))
    with pytest.raises(DataError, match=message) as raised:
        hmrm.read_analysis(tmp_path)
    assert "analysis.json" in str(raised.value)


@pytest.mark.parametrize(
    ("key", "value"), [("apex_frame", 99), ("offset_s", 0.0), ("onset_frame", -1)]
)
def test_events_out_of_order_are_refused(key: str, value: float, tmp_path: Path) -> None:
    save(tmp_path, CASES["two"])
    content = json.loads((tmp_path / "analysis.json").read_text())
    content["events"][0][key] = value
    (tmp_path / "analysis.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="in this order, from 0"):
        hmrm.read_analysis(tmp_path)


@pytest.mark.parametrize("cell", ["x", "nan", "", "1e30", "-1", "0.5"])
def test_a_damaged_table_of_frames_is_named(cell: str, tmp_path: Path) -> None:
    save(tmp_path, CASES["two"])
    path = tmp_path / "frames.csv"
    path.write_text(path.read_text().replace("\n1,0,0.04,", f"\n{cell},0,0.04,"))
    with pytest.raises(DataError, match=r"frames.csv line 3: .*frame_index"):
        hmrm.read_analysis(tmp_path)
