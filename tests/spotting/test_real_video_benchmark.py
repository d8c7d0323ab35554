"""The benchmark's own arithmetic, on events and annotations that nobody filmed."""

import numpy as np
import pytest
from scripted import SMILE, course, face

from benchmarks.real_video.__main__ import variants
from benchmarks.real_video.annotation import Annotated, Folder, read_folder
from benchmarks.real_video.score import overlap, score
from hmrm.errors import DataError
from hmrm.spotting.face_events import FaceEvent

HEADER = "video,onset,apex,offset,type,class,what,certainty,class_certain,frames_per_s\n"


def event(onset, offset, apex=None, kind="macro"):
    return FaceEvent(
        onset_index=onset,
        apex_index=(onset + offset) // 2 if apex is None else apex,
        offset_index=offset,
        kind=kind,
        instrument="mesh",
        region="chin",
        salience=2.0,
        peak_px=None,
        flags=(),
    )


def row(onset, offset, *, sure=True, kind="macro", video="a"):
    return Annotated(video, onset, (onset + offset) // 2, offset, kind, "positive", sure)


def folder(*rows, empty=()):
    names = {one.video for one in rows} | set(empty)
    return Folder(dict.fromkeys(names), rows, frozenset(empty), {})


def test_hits_are_one_to_one_and_the_rest_is_false():
    marked = folder(row(10, 30), row(100, 110, kind="micro"))
    found = {"a": [event(11, 29), event(12, 28), event(101, 109, kind="micro"), event(200, 220)]}
    summary = score(marked, found, {}, {}).summary()
    assert summary["found"] == 2
    assert summary["micro_found"] == 1
    assert summary["type_right"] == 2
    assert summary["false"] == 2
    assert summary["onset_error_frames"] == 1


def test_what_lies_half_under_an_unsure_row_counts_neither_way():
    marked = folder(row(10, 30), row(100, 140, sure=False))
    assert score(marked, {"a": [event(120, 150)]}, {}, {}).summary()["false"] == 0
    assert score(marked, {"a": [event(135, 170)]}, {}, {}).summary()["false"] == 1


def test_events_where_nothing_is_are_counted_by_the_minute():
    marked = folder(row(10, 30), empty=("b",))
    summary = score(marked, {"b": [event(3, 20)]}, {}, {"b": 0.5}).summary()
    assert summary["on_empty"] == 1
    assert summary["false_a_minute_without"] == pytest.approx(2.0)


def test_overlap_counts_both_ends():
    assert overlap(event(0, 9), row(0, 9)) == 1
    assert overlap(event(0, 9), row(5, 14)) == pytest.approx(5 / 15)
    assert overlap(event(0, 9), row(10, 14)) == 0


def test_a_reversed_event_is_told_by_the_yardstick():
    measures = face(120, (SMILE, course(120, 40, 48, 70, 78)))
    marked = folder(row(40, 78))
    right = score(marked, {"a": [event(40, 78, 58)]}, {"a": measures}, {})
    assert right.backwards == ()
    wrong = score(marked, {"a": [event(60, 90, 85)]}, {"a": measures}, {})
    assert len(wrong.backwards) == 1


def test_a_folder_is_read_and_its_faults_are_named(tmp_path):
    table = tmp_path / "details.csv"
    with pytest.raises(DataError, match=r"details\.csv"):
        read_folder(tmp_path)
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mkv").touch()
    table.write_text(HEADER + "a,1,5,9,macro,positive,x,sure,yes,30\nb,,,,,,x,sure,,30\n")
    (tmp_path / "distractors.csv").write_text("video,kind,first,last,note\na,speech,20,24,\n")
    read = read_folder(tmp_path)
    assert read.empty == {"b"}
    assert read.at_rest("a", 30) == [0, 1, *range(9, 20), *range(25, 30)]
    table.write_text(HEADER + "a,1,five,9,macro,positive,x,sure,yes,30\n")
    with pytest.raises(DataError, match="line 2"):
        read_folder(tmp_path)
    table.write_text(HEADER + "c,1,5,9,macro,positive,x,sure,yes,30\n")
    with pytest.raises(DataError, match="no video"):
        read_folder(tmp_path)


def test_every_variant_differs_from_the_whole_in_something():
    named = variants()
    same = {"whole", "mesh alone", "registration alone"}
    assert all(config != named["whole"] for name, config in named.items() if name not in same)
    assert np.unique([str(c) for n, c in named.items() if n not in same]).size == len(named) - 3
