"""One self-contained HTML page about one video: nothing is loaded from elsewhere."""

import json
from collections.abc import Iterator, Sequence
from functools import cache

import jinja2
import numpy as np

from hmrm.analysis.explain.reasons import leading_text
from hmrm.analysis.notices import REASONS
from hmrm.analysis.record import Analysis
from hmrm.analysis.report import words
from hmrm.analysis.report.cards import data_url, event_cards, face_cards
from hmrm.analysis.report.counts import per_minute
from hmrm.analysis.report.timeline import Span, class_colour, timelines
from hmrm.clip import Event
from hmrm.flow.image import flow_image


def render(
    analysis: Analysis, *, truth: Sequence[Span] = (), blur_faces: bool = False
) -> Iterator[str]:
    """The report page in parts, to be joined: the whole holds the images of many events.

    The same analysis gives the same page.

    Args:
        truth: known events of a synthetic clip, shown alongside what was found.
        blur_faces: show every face as at most eight cells across and down.
    """
    cards = event_cards(analysis, blurred=blur_faces)
    unclassified = bool(cards) and all(card.event.label is None for card in cards)
    drawings = timelines(analysis, truth)
    return (
        environment()
        .get_template("page.html.j2")
        .generate(
            analysis=analysis,
            facts=_facts(analysis),
            summary=_summary(analysis),
            reliability=words.RELIABILITY,
            meaning=f"{words.UNCLASSIFIED} {words.MEANING}" if unclassified else words.MEANING,
            forbidden=words.FORBIDDEN,
            truth=truth,
            truth_lines=[truth_line(span, analysis.events) for span in truth],
            faces=face_cards(analysis.faces, blurred=blur_faces),
            timelines=drawings,
            cards=cards,
            classes=sorted({card.event.label or "not classified" for card in cards}),
            face_ids=sorted({drawing.face_id for drawing in drawings}),
            counts=per_minute(analysis.events, [drawing.face_id for drawing in drawings]),
            shared_flags=_shared_flags(analysis.events),
            rejected=analysis.rejected,
            reasons=REASONS,
            colour=class_colour,
            motion=motion_text,
            leading=leading_text,
            wheel=_wheel() if any(card.flow for card in cards) else "",
            blurred=blur_faces,
            provenance=json.dumps(analysis.provenance, indent=2),
        )
    )


def _shared_flags(events: Sequence[Event]) -> frozenset[str]:
    """Flags of the video rather than of an event: those that every event has."""
    if not events:
        return frozenset()
    return frozenset.intersection(*(frozenset(event.flags) for event in events))


@cache
def environment() -> jinja2.Environment:
    """Templates of this package; every value is escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("hmrm.analysis.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def motion_text(event: Event) -> str:
    """How far the strongest region moved; "mesh alone" where only the mesh saw it."""
    return "mesh alone" if event.peak_motion_px is None else f"{event.peak_motion_px:.2f} px"


def truth_line(span: Span, events: Sequence[Event]) -> str:
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


def overlap(span: Span, event: Event) -> float:
    """Intersection over union of two stretches of time, 0 to 1."""
    common = min(span.end_s, event.offset_s) - max(span.start_s, event.onset_s)
    union = max(span.end_s, event.offset_s) - min(span.start_s, event.onset_s)
    return max(common, 0.0) / union if union > 0 else 0.0


def _facts(analysis: Analysis) -> str:
    width, height = analysis.size_wh_px
    rate = f", {analysis.frames_per_s:.4g} frames per second" if analysis.frames_per_s else ""
    return (
        f"{analysis.frame_count} frames, {analysis.duration_s:.1f} s{rate}, {width} × {height} px. "
        "Frames count from 0."
    )


def _summary(analysis: Analysis) -> str:
    count = len(analysis.events)
    if count == 0:
        return "No facial movement was found."
    faces = len({event.face_id for event in analysis.events})
    labels = [event.label for event in analysis.events if event.label]
    sentence = f"{count} movement{'s' if count > 1 else ''} found"
    if faces > 1:
        sentence += f" on {faces} faces"
    if labels:
        counts = {name: labels.count(name) for name in sorted(set(labels))}
        sentence += ": " + ", ".join(f"{n} {name}" for name, n in counts.items())
    return sentence + "."


@cache
def _wheel() -> str:
    """Colours of all directions, at the rim as long as the stated range."""
    half = 48
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32) / half
    image = flow_image(np.stack([x, y]), max_px=1.0)
    image[np.hypot(x, y) > 1] = 255
    return data_url(image, ".png")
