"""Exports and the report page of a hand-made analysis."""

import csv
import json
import re
import tracemalloc
from base64 import b64decode
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import cv2
import jsonschema
import numpy as np
import pytest

from hmrm.analysis import saved
from hmrm.analysis.record import Analysis
from hmrm.analysis.report import page as report
from hmrm.analysis.report import timeline, words
from hmrm.analysis.report.arrows import REACH_PX, arrows_svg, range_px
from hmrm.analysis.report.counts import per_minute
from hmrm.clip import (
    Event,
    EventImages,
    FaceFrame,
    FaceView,
    FlowMap,
    Notice,
    Pair,
    Reasons,
    RejectedCandidate,
)
from hmrm.errors import OutputError
from hmrm.spotting.expressions import Flag


def event(**changes: object) -> Event:
    values: dict[str, object] = {
        "face_id": 0,
        "onset_index": 10,
        "apex_index": 20,
        "offset_index": 40,
        "onset_s": 0.1,
        "apex_s": 0.2,
        "offset_s": 0.4,
        "region": "left_mouth",
        "peak_motion_px": 1.25,
        "salience": 0.75,
    }
    return Event(**(values | changes))  # type: ignore[arg-type]


def rendered(analysis: Analysis, **options: Any) -> str:
    return "".join(report.render(analysis, **options))


def images() -> EventImages:
    face = np.full((32, 32, 3), 128, np.uint8)
    flow = np.zeros((2, 32, 32), np.float32)
    flow[0, 8:16, 8:16] = 1
    values = np.zeros((3, 28, 28), np.float32)
    return EventImages(
        pair=Pair(onset=face, apex=face),
        flow=flow,
        flow_map=FlowMap(values=values, crop="hmrm-1", scale_px=1.0),
    )


@pytest.fixture
def analysis() -> Analysis:
    frames = [
        FaceFrame(
            index=i,
            time_s=i / 100,
            face_id=0,
            box_xyxy_px=(10.0, 20.0, 110.0, 140.0),
            detection_confidence=0.99,
            success=True,
            motion_px={"left_mouth": float(i == 20), "chin": 0.1},
        )
        for i in range(50)
    ]
    return Analysis(
        source="a <clip>.mp4",
        frame_count=50,
        duration_s=0.5,
        frames_per_s=100.0,
        size_wh_px=(640, 480),
        events=(event(), event(onset_s=0.3, apex_s=0.35, offset_s=0.45, label="positive",
                               probabilities={"negative": 0.1, "positive": 0.9})),
        frames=frames,
        images=(images(), None),
        notices=(Notice(code="unclassified", message="Nothing <named>."),),
        provenance={"hmrm": "0", "config_hash": "c", "data_hash": "d"},
        rejected=(RejectedCandidate(
            face_id=0, onset_index=1, apex_index=2, offset_index=5, onset_s=0.01, apex_s=0.02,
            offset_s=0.05, region="chin", salience=0.41234, reason="too_weak",
        ),),
    )  # fmt: skip


def test_events_table(analysis: Analysis, tmp_path: Path) -> None:
    saved.write_events(tmp_path / "events.csv", analysis.events)
    with (tmp_path / "events.csv").open(newline="") as file:
        first, second = list(csv.DictReader(file))
    assert first["class"] == "" and first["p_positive"] == ""
    assert (second["class"], second["p_positive"], second["p_surprise"]) == ("positive", "0.9", "")
    assert first["salience"] == "0.75"
    assert first["onset_frame"] == "10" and float(first["duration_s"]) == pytest.approx(0.3)


def test_frames_table_counts_from_0(analysis: Analysis, tmp_path: Path) -> None:
    lost = replace(analysis.frames[0], box_xyxy_px=None, success=False, motion_px={})
    saved.save(tmp_path, replace(analysis, frames=[*analysis.frames, lost]))
    with (tmp_path / "frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["frame_index"] == "0" and rows[20]["motion_left_mouth"] == "1.0"
    assert (rows[0]["face_w"], rows[0]["face_h"]) == ("100.0", "120.0")
    assert rows[-1]["face_x"] == "" and rows[-1]["success"] == "0"
    assert rows[-1]["motion_chin"] == ""


def test_json_fits_its_schema(analysis: Analysis, tmp_path: Path) -> None:
    saved.save(tmp_path, analysis)
    content = json.loads((tmp_path / "analysis.json").read_text())
    schema = json.loads(Path(saved.__file__).with_name("analysis.schema.json").read_text())
    jsonschema.validate(content, schema)
    assert [(one["reason"], one["salience"]) for one in content["rejected"]] == [
        ("too_weak", 0.41234)
    ]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content | {"events": [{}]}, schema)


def test_unwritable_folder(analysis: Analysis, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        saved.save(tmp_path / "file" / "out", analysis)


class Page(HTMLParser):
    """Collects what a page would load and which anchors it has."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {k: v or "" for k, v in attrs}
        if "src" in values:
            self.loads.append(values["src"])
        if tag == "link":
            self.loads.append(values["href"].replace("data:,", "data:image/none"))
        if "id" in values:
            self.ids.add(values["id"])
        if values.get("href", "").startswith("#"):
            self.links.add(values["href"][1:])


def test_report_is_self_contained_and_its_links_lead_somewhere(analysis: Analysis) -> None:
    page = Page()
    text = rendered(analysis)
    page.feed(text)
    assert page.loads and all(load.startswith("data:image/") for load in page.loads)
    assert "http" not in text.replace("http://www.w3.org", "")
    assert page.links == {"event-0", "event-1"} <= page.ids
    assert rendered(analysis) == text


def test_report_escapes_names_and_says_what_matters(analysis: Analysis) -> None:
    text = rendered(analysis)
    assert "<clip>" not in text and "a &lt;clip&gt;.mp4" in text
    assert "<named>" not in text
    assert words.RELIABILITY in text and words.FORBIDDEN in text
    assert "2 movements found: 1 positive." in text


def test_report_without_events(analysis: Analysis) -> None:
    empty = replace(analysis, events=(), images=(), frames=[])
    text = rendered(empty)
    assert "No facial movement" in text and words.UNCLASSIFIED not in text


def test_unnamed_events_are_said_to_be_unnamed(analysis: Analysis) -> None:
    unclassified = replace(analysis, events=(event(), event()))
    assert words.UNCLASSIFIED in rendered(unclassified)


def test_one_account_of_the_decisive_regions_is_given(analysis: Analysis) -> None:
    """Gradient and occlusion can name different parts of the face."""
    classified = {"label": "positive", "decisive_region": "nose"}
    plain = event(probabilities={"positive": 0.9}, **classified)
    told = replace(plain, reasons=Reasons(regions={"left_cheek": 1.0, "chin": 0.5}))
    first, second = (rendered(replace(analysis, events=(one, one))) for one in (plain, told))
    assert "nose contributed most" in first and "loses most of its lead" not in first
    assert "nose contributed most" not in second and "loses most of its lead" in second


def test_the_last_number_of_the_time_axis_keeps_its_unit(analysis: Analysis) -> None:
    """A number centred on the right border would be cut off there."""
    text = rendered(analysis)
    width = timeline.WIDTH
    ticks = re.findall(r'<text x="([\d.]+)"[^>]*text-anchor="(\w+)">[\d.]+ s</text>', text)
    assert len(ticks) >= 2 and float(ticks[-1][0]) > width - 20
    assert [anchor for _, anchor in ticks] == ["middle"] * (len(ticks) - 1) + ["end"]


def test_truth_is_shown_alongside_what_was_found(analysis: Analysis) -> None:
    smile = timeline.Span(start_s=0.1, end_s=0.4, title="smile")
    late = timeline.Span(start_s=0.48, end_s=0.5, title="frown")
    text = rendered(analysis, truth=(smile, late))
    assert "overlap 1.00 of 1" in text and "Found: nothing there." in text


def test_timeline_keeps_the_peak_of_a_long_video(analysis: Analysis) -> None:
    quiet = {"chin": 0.0}
    base = analysis.frames[0]
    frames = [
        replace(base, index=i, time_s=i / 100, motion_px={"chin": 3.5} if i == 7777 else quiet)
        for i in range(20000)
    ]
    (drawing,) = timeline.timelines(
        replace(analysis, frames=frames, duration_s=200.0, events=(), images=())
    )
    change = drawing.svg[drawing.svg.index('class="motion"') :]
    points = re.search(r'points="([^"]+)"', change)
    assert points
    heights = [float(p.split(",")[1]) for p in points[1].split()]
    assert len(heights) <= timeline.MAX_POINTS
    panel = timeline.CHANGE
    top = panel.top + (panel.bottom - panel.top) * (1 - 3.5 / 4)
    assert min(heights) == pytest.approx(top, abs=0.1)


class _Frames(Sequence[FaceFrame]):
    """As of a long video: a record is made when it is asked for."""

    def __init__(self, base: FaceFrame, count: int) -> None:
        self._base, self._count = base, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index):
        if not 0 <= index < self._count:
            raise IndexError(index)
        motion = {f"region_{i}": index + i / 7 for i in range(8)}
        record = copy(self._base)  # not checked: types are checked slowly, and there are many
        record.__dict__.update(index=index, time_s=index / 100, motion_px=motion)
        return record


def test_the_files_of_a_long_video_need_little_more_memory(
    analysis: Analysis, tmp_path: Path
) -> None:
    def peak_bytes(count: int) -> int:
        frames = _Frames(analysis.frames[0], count)
        tracemalloc.start()
        try:
            saved.save(tmp_path / str(count), replace(analysis, frames=frames))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak_bytes(100)  # what is made once
    more = peak_bytes(1600) - peak_bytes(1100)
    # 24 bytes a frame for the drawings, twice while they are made; a record has 1,500.
    assert more < 500 * 200, f"{more / 500:.0f} bytes a frame"
    with (tmp_path / "1600" / "frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame_index"]) for row in rows] == list(range(1600))


def test_gaps_are_drawn_where_nothing_was_measured(analysis: Analysis) -> None:
    kept = [f for f in analysis.frames if not 20 <= f.index < 35]
    unmeasured = [replace(f, motion_px={}) if f.index < 10 else f for f in kept]
    (drawing,) = timeline.timelines(replace(analysis, frames=unmeasured, events=(), images=()))
    gaps = re.findall(r"not measured: ([\d.]+)–([\d.]+) s", drawing.svg)
    assert gaps == [("0.00", "0.10"), ("0.19", "0.35")]
    assert drawing.svg.count('class="motion"') == 2
    assert drawing.measured_s == pytest.approx(0.5 - 0.1 - 0.16, abs=0.011)


def test_rejected_candidates_stand_in_the_report_with_their_reason(analysis: Analysis) -> None:
    blink = RejectedCandidate(
        face_id=0, onset_index=1, apex_index=2, offset_index=4, onset_s=0.01, apex_s=0.02,
        offset_s=0.04, region="left_brow", salience=0.6, reason="blink",
    )  # fmt: skip
    text = rendered(replace(analysis, rejected=(blink,)))
    assert "rejected by a blink: 0.01–0.04 s, left brow" in text
    assert "1 rejected candidates" in text


def test_every_flag_that_spotting_gives_is_put_in_words() -> None:
    source = Path(words.__file__).parents[2]
    given = set(get_args(Flag)) | {"offset_unknown"}
    code = (source / "spotting" / "events.py").read_text()
    given |= set(re.findall(r'^        "(\w+)": ', code, re.MULTILINE))
    assert len(given) > 10 and given == set(words.FLAGS)


def test_blurred_report_shows_no_face(analysis: Analysis) -> None:
    rng = np.random.default_rng(0)
    face = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    flow = np.zeros((2, 64, 64), dtype=np.float32)
    kept = replace(images(), pair=Pair(onset=face, apex=face), flow=flow)
    view = FaceView(face_id=0, index=0, time_s=0.0, image=face, box_xyxy_px=(8.0, 8.0, 40.0, 40.0))
    one = replace(analysis, images=(kept, None), faces=(view,))
    shown, hidden = (rendered(one, blur_faces=flag) for flag in (False, True))
    for text, most in ((shown, 4096), (hidden, 8 * 8)):
        colours = r'<img src="[^"]+" alt="motion from onset to apex as colours">'
        jpegs = re.findall(r"data:image/jpeg;base64,([^)\"]+)", re.sub(colours, "", text))
        pictures = [cv2.imdecode(np.frombuffer(b64decode(j), np.uint8), 1) for j in jpegs]
        faces = [p for p in pictures if p.shape[:2] == (64, 64)]
        assert len(faces) == 4  # onset, apex, magnified, and the followed face
        for picture in faces:
            cells = picture.reshape(8, 8, 8, 8, 3).astype(float)
            spread = cells.std(axis=(1, 3)).max()
            assert (spread < 6) == (most == 64)
    assert "Faces are blurred" in hidden


def test_range_of_flow_fits_the_event_and_never_shows_noise_as_motion() -> None:
    flow = np.zeros((2, 100, 100), np.float32)
    assert range_px(flow) == 0.5
    flow[0] = 3.21
    assert range_px(flow) == 3.3
    flow[0, 0, 0] = np.nan
    assert range_px(flow) == 3.3
    flow[:] = np.nan
    assert range_px(flow) == 0.5


def test_arrows_are_as_long_as_their_scale_says() -> None:
    flow = np.zeros((2, 64, 64), np.float32)
    flow[0, :16, :16] = 2.0
    svg = arrows_svg(flow, max_px=2.0)
    assert svg.count("L") == 3  # one arrow: its shaft and its head
    start, tip = re.findall(r"M([\d.]+) [\d.]+L([\d.]+) ", svg)[0]
    assert float(tip) - float(start) == pytest.approx(REACH_PX)


def test_events_are_counted_by_face_and_minute() -> None:
    events = [
        event(onset_s=s, apex_s=s + 0.1, offset_s=s + d, face_id=f, label=name)
        for s, d, f, name in (
            (1.0, 0.3, 0, "positive"),
            (61.0, 0.3, 0, "negative"),
            (65.0, 2.0, 0, "positive"),
            (70.0, 0.2, 1, None),
        )
    ]
    rows = per_minute(events, [0, 1, 2])
    assert [(r.face_id, r.minute, r.micro, r.macro) for r in rows] == [
        (0, None, 2, 1), (0, 0, 1, 0), (0, 1, 1, 1), (1, None, 1, 0), (2, None, 0, 0),
    ]  # fmt: skip
    assert rows[0].classes == (("positive", 2), ("negative", 1)) and rows[3].classes == (("", 1),)
