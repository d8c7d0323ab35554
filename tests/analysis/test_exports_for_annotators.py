"""Exports for annotation programs, read back by readers of their own: equal to the frame."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import av
import pympi
import pytest
from praatio import textgrid

from hmrm.analysis.export import boris, elan, tiers, webvtt
from hmrm.analysis.export import textgrid as praat
from hmrm.analysis.record import Analysis
from hmrm.clip import Event
from tests.analysis.analyses_to_export import CASES, frames_of

FRAMES = re.compile(r"onset (\d+), apex (\d+), offset (\d+)")

each = pytest.mark.parametrize("analysis", CASES.values(), ids=CASES.keys())


def player_ms(analysis: Analysis, event: Event) -> tuple[int, int]:
    """When a player shows the onset and the offset frame; an event has at least 1 ms."""
    start = round(1000 * analysis.clock.player_s(event.onset_s))
    return start, max(round(1000 * analysis.clock.player_s(event.offset_s)), start + 1)


def expected(analysis: Analysis) -> Counter[tuple[object, ...]]:
    """Face, ms, frames and class of every event."""
    return Counter(
        (
            event.face_id,
            *player_ms(analysis, event),
            *(event.onset_index, event.apex_index, event.offset_index),
            event.label or "not classified",
        )
        for event in analysis.events
    )


def face_of(tier: str) -> int:
    return int(tier.split()[1])


@each
def test_elan_reads_back(analysis: Analysis, tmp_path: Path) -> None:
    elan.write(tmp_path / "clip.eaf", analysis)
    eaf = pympi.Elan.Eaf(str(tmp_path / "clip.eaf"))
    found: Counter[tuple[object, ...]] = Counter()
    for tier in eaf.get_tier_names():
        if tier.endswith((" frames", " details")):
            continue
        texts = {(s, e): text for s, e, text in eaf.get_annotation_data_for_tier(tier)}
        for start, end, frames, parent in eaf.get_ref_annotation_data_for_tier(f"{tier} frames"):
            match = FRAMES.fullmatch(frames)
            assert match and texts[start, end] == parent
            found[face_of(tier), start, end, *map(int, match.groups()), parent] += 1
    assert found == expected(analysis)
    [media] = eaf.media_descriptors or [{}]
    assert media.get("RELATIVE_MEDIA_URL") == f"./{analysis.source}"
    properties = dict(eaf.properties)
    assert properties["hmrm:counting"].startswith(tiers.RULE)
    shown = f"shows {analysis.clock.first_frame_s:g} s at the first frame"
    assert shown in properties["hmrm:counting"]


@each
def test_elan_keeps_the_rules_of_its_schema(analysis: Analysis, tmp_path: Path) -> None:
    """What the EAF 3.0 schema demands of the parts that are used; it cannot be shipped here."""
    elan.write(tmp_path / "clip.eaf", analysis)
    root = ET.parse(tmp_path / "clip.eaf").getroot()
    assert root.tag == "ANNOTATION_DOCUMENT" and root.attrib["FORMAT"] == "3.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d", root.attrib["DATE"])
    order = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "CONSTRAINT"]
    tags = [child.tag for child in root]
    assert tags == sorted(tags, key=order.index) and set(tags) == set(order)
    times = [int(s.attrib["TIME_VALUE"]) for s in root.iter("TIME_SLOT")]
    assert times == sorted(times) and all(time >= 0 for time in times)
    ids = [s.attrib["TIME_SLOT_ID"] for s in root.iter("TIME_SLOT")]
    annotations = [a for n in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION") for a in root.iter(n)]
    names = [a.attrib["ANNOTATION_ID"] for a in annotations]
    assert len(set(names + ids)) == len(names + ids)
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", name) for name in names + ids)
    for one in root.iter("ALIGNABLE_ANNOTATION"):
        start, end = (times[ids.index(one.attrib[f"TIME_SLOT_REF{i}"])] for i in (1, 2))
        assert start < end
    for one in root.iter("REF_ANNOTATION"):
        assert one.attrib["ANNOTATION_REF"] in names
    tier_ids = [tier.attrib["TIER_ID"] for tier in root.iter("TIER")]
    assert len(set(tier_ids)) == len(tier_ids)
    types = {t.attrib["LINGUISTIC_TYPE_ID"]: t.attrib for t in root.iter("LINGUISTIC_TYPE")}
    stereotypes = {c.attrib["STEREOTYPE"] for c in root.iter("CONSTRAINT")}
    for tier in root.iter("TIER"):
        kind = types[tier.attrib["LINGUISTIC_TYPE_REF"]]
        dependent = "PARENT_REF" in tier.attrib
        assert dependent == ("CONSTRAINTS" in kind) == (kind["TIME_ALIGNABLE"] == "false")
        assert not dependent or kind["CONSTRAINTS"] in stereotypes
        assert not dependent or tier.attrib["PARENT_REF"] in tier_ids


@each
def test_praat_reads_back(analysis: Analysis, tmp_path: Path) -> None:
    praat.write(tmp_path / "clip.TextGrid", analysis)
    grid = textgrid.openTextgrid(
        str(tmp_path / "clip.TextGrid"), includeEmptyIntervals=False, reportingMode="error"
    )
    found: Counter[tuple[object, ...]] = Counter()
    for name in grid.tierNames:
        if not re.fullmatch(r"face \d+( \(\d+\))?", name):
            continue
        frames = grid.getTier(f"{name} {praat.FRAMES}").entries
        apexes = grid.getTier(f"{name} apex").entries
        for one, counted, apex in zip(grid.getTier(name).entries, frames, apexes, strict=True):
            match = FRAMES.fullmatch(counted.label)
            assert match and (one.start, one.end) == (counted.start, counted.end)
            assert apex.label == f"apex {match[2]}"
            ms = (round(1000 * one.start), round(1000 * one.end))
            found[face_of(name), *ms, *map(int, match.groups()), one.label] += 1
    assert found == expected(analysis)
    assert all(grid.getTier(name).maxTimestamp == grid.maxTimestamp for name in grid.tierNames)


@each
def test_webvtt_reads_back_in_ffmpeg(analysis: Analysis, tmp_path: Path) -> None:
    path = tmp_path / "clip.vtt"
    webvtt.write(path, analysis)
    found: Counter[tuple[object, ...]] = Counter()
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.subtitles[0]):
            if packet.pts is None or packet.time_base is None:
                continue
            text = bytes(packet).decode()
            face = re.match(r"face (\d+): (.*), [a-z ]+\n", text)
            frames = FRAMES.search(text)
            assert face and frames and packet.duration
            start, length = (
                round(1000 * t * packet.time_base) for t in (packet.pts, packet.duration)
            )
            label = face[2].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            numbers = map(int, frames.groups())
            found[int(face[1]), start, start + length, *numbers, label] += 1
    assert found == expected(analysis)
    head = path.read_text(encoding="utf-8").split("\n\n")[:2]
    assert head[0].startswith("WEBVTT - ") and "-->" not in head[0]
    assert head[1].startswith(f"NOTE\n{tiers.RULE}")


def boris_events(rows: list[list[str]]) -> Counter[tuple[object, ...]]:
    """Face, times and frames of every movement of a BORIS event list, paired as BORIS does."""
    found: Counter[tuple[object, ...]] = Counter()
    for time, subject, code, modifier, comment, frame, status in rows:
        if status != "START":
            continue
        after = [row for row in rows if row[1:5] == [subject, code, modifier, comment]]
        [stop] = [row for row in after if row[6] == "STOP"]
        [apex] = [row for row in rows if row[2] == "apex" and row[4] == comment]
        assert apex[1] == subject
        times = (float(time), float(stop[0]))
        found[face_of(subject), *times, int(frame), int(apex[5]), int(stop[5]), code] += 1
    return found


def expected_in_boris(analysis: Analysis) -> Counter[tuple[object, ...]]:
    return Counter(
        (
            event.face_id,
            *(round(analysis.clock.player_s(t), 3) for t in (event.onset_s, event.offset_s)),
            *(event.onset_index, event.apex_index, event.offset_index),
            (event.label or "not classified").replace("|", "/"),
        )
        for event in analysis.events
    )


def with_status(project: dict[str, object], rows: list[list[object]]) -> list[list[str]]:
    """START, STOP and POINT as BORIS decides: by how often a state was coded before."""
    behaviours = project["behaviors_conf"].values()  # type: ignore[attr-defined]
    kinds = {one["code"]: one["type"] for one in behaviours}
    seen: Counter[tuple[object, ...]] = Counter()
    done = []
    for row in rows:
        key = tuple(row[1:4])
        status = "POINT"
        if kinds[row[2]] == "State event":
            status = "STOP" if seen[key] % 2 else "START"
            seen[key] += 1
        time = f"{row[0]:.3f}"
        done.append([time, *map(str, row[1:]), status])
    return done


@each
def test_a_boris_project_has_what_boris_reads(analysis: Analysis, tmp_path: Path) -> None:
    path = tmp_path / "hmrm.boris"
    boris.write(path, [analysis])
    project = json.loads(path.read_bytes().decode("ascii"))
    assert project["project_format_version"] == "7.0"
    codes = {one["code"] for one in project["behaviors_conf"].values()}
    subjects = {one["name"] for one in project["subjects_conf"].values()}
    observation = project["observations"][analysis.source]
    assert observation["type"] == "MEDIA" and len(observation["file"]) == 8
    for media in observation["file"]["1"]:
        assert {media} == set(observation["media_info"]["length"])
    rows = observation["events"]
    assert {row[2] for row in rows} <= codes and {row[1] for row in rows} <= subjects
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert boris_events(with_status(project, rows)) == expected_in_boris(analysis)
    assert observation["description"].startswith(tiers.RULE)


def test_a_boris_project_holds_a_whole_run(tmp_path: Path) -> None:
    boris.write(tmp_path / "hmrm.boris", list(CASES.values()))
    project = json.loads((tmp_path / "hmrm.boris").read_text())
    assert len(project["observations"]) == len(CASES)
    found = [
        boris_events(with_status(project, one["events"]))
        for one in project["observations"].values()
    ]
    assert found == [expected_in_boris(one) for one in CASES.values()]


READ_BY_BORIS = """
import importlib.util, json, sys, types
# Its package starts the whole program, whose sound and player need libraries of a desktop.
package = types.ModuleType("boris")
package.__path__ = list(importlib.util.find_spec("boris").submodule_search_locations)
player = types.ModuleType("boris.mpv2")
player.sofile = "libmpv.so.2"
sys.modules |= {"boris": package, "boris.mpv2": player}
from boris import project_functions as read
_, changed, project, message = read.open_project_json(sys.argv[1])
observations = {
    name: [list(map(str, row)) for row in read.events_start_stop(
        project["behaviors_conf"], one["events"], one["type"])]
    for name, one in project["observations"].items()
}
found = read.check_project_integrity(project, "s", sys.argv[1], media_file_available=False)
print(json.dumps([changed, message, found, observations]))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    "HMRM_BORIS_PYTHON" not in os.environ,
    reason="make test-boris runs it: boris-behav-obs in an environment of its own",
)
def test_boris_itself_reads_a_project(tmp_path: Path) -> None:
    path = tmp_path / "hmrm.boris"
    boris.write(path, list(CASES.values()))
    done = subprocess.run(
        [os.environ["HMRM_BORIS_PYTHON"], "-c", READ_BY_BORIS, str(path)],
        capture_output=True,
        text=True,
        env={"QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C", "PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr
    changed, message, integrity, observations = json.loads(done.stdout)
    assert (changed, message, integrity) == (False, "", "")
    found = [boris_events(rows) for rows in observations.values()]
    assert found == [expected_in_boris(one) for one in CASES.values()]


def test_overlapping_events_stand_on_further_tiers() -> None:
    found = tiers.tiers(CASES["overlapping"])
    assert [(t.name, [e.number for e in t.entries]) for t in found] == [
        ("face 0", [1, 5]),
        ("face 0 (2)", [2]),
        ("face 0 (3)", [3, 4]),
    ]
    assert {number for tier in found for number in [e.number for e in tier.entries]} == {
        1,
        2,
        3,
        4,
        5,
    }
    assert len(frames_of(CASES["overlapping"])) == 5
