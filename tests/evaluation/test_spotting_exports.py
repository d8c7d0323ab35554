"""Interval files of annotation programs and challenge logs, with their quirks."""

import json
from collections import Counter
from pathlib import Path

import pytest

from hmrm.analysis.export.tiers import tiers
from hmrm.errors import DataError
from hmrm.evaluation.spotting.files import Role, read_intervals
from hmrm.evaluation.spotting.rows import ReadOptions
from hmrm.evaluation.spotting.score import SpottingScores, score_spotting
from hmrm.intervals import IntervalTable
from tests.analysis.analyses_to_export import CASES

ELAN = (
    "Tier\tBegin Time - hh:mm:ss.ms\tBegin Time - msec\tEnd Time - msec\tDuration - msec\t"
    "Annotation\tFile Path\n"
)
BORIS = (
    "Observation id,Observation date,Description,Media file,Total length,FPS,Subject,Behavior,"
    "Behavioral category,Modifiers,Behavior type,Start (s),Stop (s),Duration (s),Comment start\n"
)
EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
 <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
  <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/films/15_0101.mp4" MIME_TYPE="video/mp4"/>
 </HEADER>
 <TIME_ORDER>
  <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="100"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="400"/>
  <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="2000"/><TIME_SLOT TIME_SLOT_ID="ts4"/>
 </TIME_ORDER>
 <TIER TIER_ID="ME" LINGUISTIC_TYPE_REF="default-lt">
  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
   <ANNOTATION_VALUE>AU12</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
 </TIER>
 <TIER TIER_ID="blink" LINGUISTIC_TYPE_REF="default-lt">
  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
   <ANNOTATION_VALUE/></ALIGNABLE_ANNOTATION></ANNOTATION>
 </TIER>
</ANNOTATION_DOCUMENT>
"""


def read(
    folder: Path, text: str, name: str = "a.csv", role: Role = "truth", **options: object
) -> IntervalTable:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_intervals([path], role, ReadOptions(**options))  # type: ignore[arg-type]


def places(table: IntervalTable) -> list[tuple[str, int, int, str]]:
    return [(o.key, o.onset_index, o.offset_index, o.kind) for o in table.intervals]


def test_elans_text_by_tier_with_its_many_times(tmp_path: Path) -> None:
    text = ELAN + (
        "micro\t00:00:00.100\t100\t400\t300\tAU12\tfile:///C:/films/15_0101.eaf\n"
        "macro\t00:00:02.000\t2000\t3005\t1005\t\tfile:///C:/films/15_0101.eaf\n"
        "remarks\t00:00:05.000\t5000\t5100\t100\tlooks away\tfile:///C:/films/15_0101.eaf\n"
    )
    found = read(tmp_path, text, "elan.txt", frames_per_s=200.0)
    assert places(found) == [("15_0101", 20, 80, "micro"), ("15_0101", 400, 601, "macro")]
    assert not found.in_ms
    assert found.warnings == (
        "elan.txt: 1 row(s) of tiers or behaviours that are neither micro nor macro skipped",
    )
    without_rate = read(tmp_path, text, "elan.txt")
    assert places(without_rate)[0] == ("15_0101", 100, 400, "micro") and without_rate.in_ms


def test_elans_text_without_a_file_is_named_after_itself(tmp_path: Path) -> None:
    text = "Tier\tBegin Time - ss.msec\tEnd Time - ss.msec\tAnnotation\nface\t0.1\t0.4\tmicro\n"
    (one,) = read(tmp_path, text, "15_0101.txt", frames_per_s=30.0).intervals
    assert (one.key, one.onset_index, one.offset_index, one.kind) == ("15_0101", 3, 12, "micro")
    clock = "Tier\tBegin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\nx\t00:01:00.100\t00:01:00.7\n"
    found = read(tmp_path, clock, "b.txt", frames_per_s=30.0)
    assert places(found) == [("b", 1803, 1821, "macro")]
    assert "1 row(s) without a type taken as micro up to 0.5 s" in found.warnings[0]
    with pytest.raises(DataError, match=r"b\.txt line 2: offset is 'x'; expected a time in hours"):
        read(tmp_path, clock.replace("00:01:00.7", "x"), "b.txt")


def test_elans_own_file(tmp_path: Path) -> None:
    found = read(tmp_path, EAF, "any.eaf", frames_per_s=30.0)
    assert places(found) == [("15_0101", 3, 12, "micro")]
    assert found.intervals[0].label == "AU12"
    with pytest.raises(DataError, match=r"tier 'ME' annotation a1: has no time"):
        read(tmp_path, EAF.replace('REF2="ts2"', 'REF2="ts4"'), "any.eaf")
    with pytest.raises(DataError, match="declares a document type"):
        read(tmp_path, EAF.replace("<ANNOTATION_D", "<!DOCTYPE a><ANNOTATION_D", 1), "any.eaf")
    for text in ("<a/>", EAF[:300]):
        with pytest.raises(DataError, match="is no ELAN file"):
            read(tmp_path, text, "any.eaf")


@pytest.mark.parametrize("name", CASES)
def test_our_own_elan_export_is_read_back(name: str, tmp_path: Path) -> None:
    one = CASES[name]
    one.export(tmp_path / "clip.eaf", "elan")
    found = read_intervals([tmp_path], "found", ReadOptions())
    expected = Counter(
        (entry.start_ms, entry.end_ms) for tier in tiers(one) for entry in tier.entries
    )
    assert {(o.onset_index, o.offset_index) for o in found.intervals} == set(expected)


def test_boris_aggregated_events_state_their_own_rate(tmp_path: Path) -> None:
    text = BORIS + (
        "obs1,2026-01-01,,C:/films/006_1.avi,35.1,200.0,No focal subject,micro,,,STATE,1.0,1.3,,\n"
        "obs1,2026-01-01,,C:/films/006_1.avi,35.1,200.0,No focal subject,Macro,,,STATE,5,6.5,1.5,\n"
    )
    expected = [("006_1", 200, 260, "micro"), ("006_1", 1000, 1300, "macro")]
    assert places(read(tmp_path, text)) == expected
    assert places(read(tmp_path, text.replace(",", "\t"), "b.tsv")) == expected


def test_boris_single_events_are_paired(tmp_path: Path) -> None:
    text = (
        "Observation id\tobs1\n\nMedia file(s)\n\n"
        "Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tComment\tStatus\n"
        "1.0\tfilms/006_1.avi\t35\t200\t\tmicro\t\tSTART\n"
        "1.1\tfilms/006_1.avi\t35\t200\t\tapex\t\tPOINT\n"
        "1.3\tfilms/006_1.avi\t35\t200\t\tmicro\t\tSTOP\n"
    )
    assert places(read(tmp_path, text, "b.tsv")) == [("006_1", 200, 260, "micro")]
    with pytest.raises(DataError, match=r"line 6: START without a STOP; fix unpaired"):
        read(tmp_path, text.replace("STOP", "POINT"), "b.tsv")
    with pytest.raises(DataError, match=r"line 8: STOP of 'micro' without its START"):
        read(tmp_path, text.replace("\tSTART", "\tPOINT"), "b.tsv")


def boris_project(events: list[object], **observations: object) -> str:
    one = {
        "file": {"1": ["C:/films/006_1.avi"], "2": []},
        "type": "MEDIA",
        "events": events,
        "media_info": {"fps": {"C:/films/006_1.avi": 200.0}},
    }
    behaviours = [("State event", "micro"), ("State event", "Macro"), ("Point event", "apex")]
    conf = {str(i): {"type": t, "code": c, "key": "m"} for i, (t, c) in enumerate(behaviours)}
    stored = {"behaviors_conf": conf, "observations": {"obs1": one} | observations}
    return json.dumps(stored | {"project_format_version": "7.0"})


def test_boris_projects_pair_states_by_time(tmp_path: Path) -> None:
    events: list[object] = [
        [5, "", "Macro", "brow", "", 1000],
        [1.3, "No focal subject", "micro", "", "stored before its start", 260],
        [1.0, "No focal subject", "micro", "", "", 200],
        [1.1, "", "apex", "", "", 220],
        [6.5, "", "Macro", "brow", "", 1300],
    ]
    quiet = {"file": [], "type": "LIVE", "events": []}
    table = read(tmp_path, boris_project(events, seen=quiet), "a.boris")
    assert places(table) == [("006_1", 200, 260, "micro"), ("006_1", 1000, 1300, "macro")]
    assert "seen" in table.videos


def test_boris_projects_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    pair: list[object] = [[1.0, "", "micro", "", ""], [1.3, "", "micro", "", ""]]
    row = {"file": {"1": ["a.mp4", "b.mp4"]}, "events": []}
    again = {"file": {"1": ["006_1.mp4"]}, "events": pair}
    for text, message in (
        (boris_project(pair[:1]), "obs1' at 1 s: 'micro' begins and never ends; fix unpaired"),
        (boris_project(pair, row=row), "row': plays 2 media in a row"),
        (boris_project(pair, again=again), "again': states 'micro' of video '006_1', as does"),
        (boris_project([["1", "", "micro", ""]]), "event 0: is .*, not time, subject"),
        ("{}", "no BORIS project"),
    ):
        with pytest.raises(DataError, match=message):
            read(tmp_path, text, "a.boris")


@pytest.mark.parametrize("name", CASES)
def test_our_own_boris_project_is_read_back(name: str, tmp_path: Path) -> None:
    one = CASES[name]
    one.export(tmp_path / "clip.boris", "boris")
    found = read_intervals([tmp_path], "found", ReadOptions())
    assert len(found.intervals) == sum(len(tier.entries) for tier in tiers(one))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Expression Type", "6,v,3,5,12,Micro"),
        ("sub;clip;start;apex;end;kind", "6;v;3;5;12;ME"),
        ("participant\tvideo_name\tbegin_frame\tApexF\tend_frame\tme type", "6\tv\t3\t5\t12\tme"),
        ("subject,video,onset_ms,offset (ms),type", "6,v,100,400,micro"),
        ("subject,video,Onset (s),Offset (sec),type", "6,v,0.1,0.4,micro"),
        ("Subject,Filename,Onset,Offset,Exp_type", "6,v,3,12,1"),
    ],
)
def test_headers_of_any_common_kind(tmp_path: Path, header: str, row: str) -> None:
    found = read(tmp_path, f"{header}\n{row}\n", frames_per_s=30.0)
    assert places(found) == [("6_v", 3, 12, "micro")]


def test_decimal_commas_are_read_unless_they_may_part_thousands(tmp_path: Path) -> None:
    ms = "subject;video;onset_ms;offset_ms;type\n6;v;100,5;400,0;micro\n;;;;\n"
    assert places(read(tmp_path, ms, frames_per_s=200.0)) == [("6_v", 20, 80, "micro")]
    s = "subject|video|onset_s|offset_s|type\n6|v|0,125|0,4|micro\n"
    assert places(read(tmp_path, s, frames_per_s=200.0)) == [("6_v", 25, 80, "micro")]
    with pytest.raises(DataError, match="onset is '1,250'; expected a time in milliseconds"):
        read(tmp_path, ms.replace("100,5", "1,250"))


def test_frames_win_over_times(tmp_path: Path) -> None:
    text = "subject,video,onset,offset,type,onset_s,offset_s\n6,v,3,12,micro,9.0,9.5\n"
    assert places(read(tmp_path, text)) == [("6_v", 3, 12, "micro")]


def test_an_unknown_form_shows_three_lines_of_a_right_one(tmp_path: Path) -> None:
    names = ",".join(f"column{i}" for i in range(700))
    for text in (f"video,onset,{names}\n", "what is this\nand that\n"):
        with pytest.raises(DataError) as caught:
            read(tmp_path, text)
        assert [line.strip() for line in str(caught.value).splitlines()[1:]] == [
            "subject,video,onset,offset,type",
            "006,006_1,3562,3632,micro",
            "006,006_2,,,",
        ]
        assert "column9" not in str(caught.value)


def score_log(folder: Path, text: str, **options: object) -> SpottingScores:
    sides = [read(folder, text, "log.txt", role, **options) for role in ("truth", "found")]
    return score_spotting(*sides)


def test_the_marks_of_a_log_decide_where_it_states_no_types(tmp_path: Path) -> None:
    text = (
        "1\n1_a   10  20  -   -   FN\n1_a   -   -   10  20  FP\n"
        "1_a   30  60  32  61  TP\n1_b   40  80  42  82  TP\n1_b   44  84  42  82  TP\n"
    )
    scores = score_log(tmp_path, text)
    counts = scores.counts["all"]
    assert set(scores.counts) == {"all"}
    found = (counts.true_positives, counts.false_positives, counts.false_negatives)
    assert found == (2, 1, 2)
    assert scores.dropped == {"all": ("1_b 44 to 84",)}
    assert "3 TP, 1 FP, 1 FN, F1 0.7500; they count the annotations" in scores.warnings[0]
    assert "1 pair(s) overlap by 0.5 or more and are not marked TP" in scores.warnings[1]


def test_marks_that_do_not_overlap_are_no_hits(tmp_path: Path) -> None:
    scores = score_log(tmp_path, "1\nv 10 20 18 40 TP\nv 50 60 50 60 TP\n")
    assert scores.counts["all"].true_positives == 1
    assert "2 TP, 0 FP, 0 FN, F1 1.0000; scored here: 1, 1, 1" in scores.warnings[0]
    assert (
        "1 row(s) are marked TP, but overlap by less than 0.5, e.g. v 10 to 20"
        in (scores.warnings[1])
    )


def test_marks_are_compared_where_lengths_give_types(tmp_path: Path) -> None:
    text = "1\n1_a 10 20 10 20 TP\n1_a - - 100 190 FP\n"
    scores = score_log(tmp_path, text, lengths={"micro": (1, 75)})
    assert scores.counts["micro"].true_positives == 1
    assert scores.counts["macro"].false_positives == 1
    assert "1 TP, 1 FP, 0 FN, F1 0.6667: the same as scored here" in scores.warnings[0]


def test_times_and_frames_do_not_meet_without_a_rate(tmp_path: Path) -> None:
    timed = read(tmp_path, "video,onset_ms,offset_ms,type\nv,100,400,micro\n", "t.csv")
    framed = read(tmp_path, "video,onset,offset,type\nv,3,12,micro\n")
    assert score_spotting(timed, timed).counts["micro"].f1 == 1.0
    with pytest.raises(DataError, match=r"t\.csv: holds times.*--frames-per-s"):
        score_spotting(timed, framed)


def test_one_type_for_all_is_an_option(tmp_path: Path) -> None:
    text = "video,onset,offset\nv,3,12\n"
    assert places(read(tmp_path, text, kind="micro")) == [("v", 3, 12, "micro")]
