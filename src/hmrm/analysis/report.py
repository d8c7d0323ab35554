"""One self-contained HTML page about one video: nothing is loaded from elsewhere."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import jinja2
import numpy as np

from hmrm import atomic
from hmrm.analysis import timeline
from hmrm.clip import Analysis, Event, EventImages
from hmrm.flow.image import flow_image, legend_image, map_image

MAX_PX = 2.0
"""Length at which flow colours saturate: fixed, so that noise never looks like motion."""

RELIABILITY = (
    "Spotting micro-expressions in long videos is an unsolved problem: published methods reach an "
    "F1 of 0.1 to 0.2 for micro-expressions on the public long-video data sets. Most spotted "
    "events may be false, and some real ones are missed. Look at every event yourself."
)
MEANING = (
    "A movement of the face is not a feeling. What is shown is motion of the skin; the same "
    "motion can come from speech, a swallow, a twitch or habit, and nothing here shows intent, "
    "honesty or state of mind."
)
UNCLASSIFIED = (
    "The movements are found, not classified: no recognition weights were used, so class is empty."
)
FORBIDDEN = (
    "Not for lie detection, hiring, policing, border control, medical diagnosis, or any decision "
    "about a person. In the European Union, inferring emotions at work and in education is "
    "prohibited (AI Act, Article 5), and elsewhere emotion recognition carries duties of its own. "
    "Record and analyse only people who have agreed to it."
)


@dataclass(frozen=True, kw_only=True)
class EmbeddedImages:
    """The images of one event as data URLs."""

    onset: str
    apex: str
    flow: str
    legend: str
    map: str


@dataclass(frozen=True, kw_only=True)
class EventCard:
    """What the page shows of one event; no images where none were kept."""

    event: Event
    images: EmbeddedImages | None


def write_report(path: Path, analysis: Analysis, *, truth: Sequence[timeline.Span] = ()) -> None:
    """Write the report page of an analysis.

    Args:
        path: the HTML file to write.
        analysis: what was found.
        truth: known events of a synthetic clip, shown alongside what was found.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_text(path, render(analysis, truth=truth))


def render(analysis: Analysis, *, truth: Sequence[timeline.Span] = ()) -> str:
    """The report page as text; the same analysis gives the same page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hmrm.analysis", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    unclassified = bool(analysis.events) and all(e.label is None for e in analysis.events)
    return environment.get_template("report.html.j2").render(
        analysis=analysis,
        facts=_facts(analysis),
        summary=_summary(analysis),
        reliability=RELIABILITY,
        meaning=f"{UNCLASSIFIED} {MEANING}" if unclassified else MEANING,
        forbidden=FORBIDDEN,
        truth=truth,
        truth_lines=[truth_line(span, analysis.events) for span in truth],
        timelines=timeline.timelines(analysis, truth),
        cards=_cards(analysis),
        colour=timeline.class_colour,
        motion=motion_text,
        max_px=f"{MAX_PX:g}",
        provenance=json.dumps(analysis.provenance, indent=2),
    )


def motion_text(event: Event) -> str:
    """How far the strongest region moved; "not measured" where only the mesh saw it."""
    return "not measured" if event.peak_motion_px is None else f"{event.peak_motion_px:.2f} px"


def truth_line(span: timeline.Span, events: Sequence[Event]) -> str:
    """One sentence: what was put in, and which event covers it best."""
    put_in = f"Put in: {span.title}, {span.start_s:.2f}–{span.end_s:.2f} s."
    if not events:
        return f"{put_in} Found: nothing."
    overlaps = [overlap(span, event) for event in events]
    best = int(np.argmax(overlaps))
    if overlaps[best] == 0:
        return f"{put_in} Found: nothing there."
    event = events[best]
    name = event.label or "a movement, not classified"
    return (
        f"{put_in} Found: {name}, {event.onset_s:.2f}–{event.offset_s:.2f} s, "
        f"apex {event.apex_s:.2f} s, {event.region.replace('_', ' ')} "
        f"(overlap {overlaps[best]:.2f} of 1)."
    )


def overlap(span: timeline.Span, event: Event) -> float:
    """Intersection over union of two stretches of time, 0 to 1."""
    common = min(span.end_s, event.offset_s) - max(span.start_s, event.onset_s)
    union = max(span.end_s, event.offset_s) - min(span.start_s, event.onset_s)
    return max(common, 0.0) / union if union > 0 else 0.0


def _facts(analysis: Analysis) -> str:
    width, height = analysis.size_wh_px
    rate = f", {analysis.frames_per_s:.4g} frames per second" if analysis.frames_per_s else ""
    return (
        f"{analysis.frame_count} frames, {analysis.duration_s:.1f} s{rate}, {width} × {height} px"
    )


def _summary(analysis: Analysis) -> str:
    count = len(analysis.events)
    if count == 0:
        return "No facial movement was found."
    faces = len({event.face_id for event in analysis.events})
    named = [event.label for event in analysis.events if event.label]
    words = f"{count} movement{'s' if count > 1 else ''} found"
    if faces > 1:
        words += f" on {faces} faces"
    if named:
        counts = {name: named.count(name) for name in sorted(set(named))}
        words += ": " + ", ".join(f"{n} {name}" for name, n in counts.items())
    return words + "."


def _cards(analysis: Analysis) -> list[EventCard]:
    return [
        EventCard(event=event, images=None if kept is None else _images(kept))
        for event, kept in zip(analysis.events, analysis.images, strict=True)
    ]


def _images(images: EventImages) -> EmbeddedImages:
    return EmbeddedImages(
        onset=_data_url(images.pair.onset, ".jpg"),
        apex=_data_url(images.pair.apex, ".jpg"),
        flow=_data_url(flow_image(images.flow, max_px=MAX_PX), ".png"),
        legend=_data_url(legend_image(max_px=MAX_PX), ".png"),
        map=_data_url(map_image(images.flow_map), ".png"),
    )


def _data_url(image: np.ndarray, suffix: str) -> str:
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(suffix, bgr)
    assert done, "OpenCV encodes every uint8 image"
    kind = "jpeg" if suffix == ".jpg" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(encoded.tobytes()).decode()}"
