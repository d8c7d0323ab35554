"""The timeline of a report: motion of each face over time with its events, as inline SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from hmrm.analysis.record import Analysis
from hmrm.clip import Event, FaceFrame

WIDTH, HEIGHT = 1000, 170
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 30
MAX_POINTS = 1200
CLASS_COLOURS = {"negative": "#b8336a", "positive": "#2e8b57", "surprise": "#c77d0a"}
UNCLASSIFIED_COLOUR = "#4a6fa5"

Scale = Callable[[float], float]
"""From a value to a position in the drawing."""


def class_colour(label: str | None) -> str:
    """Colour of a class everywhere in a report."""
    return CLASS_COLOURS.get(label or "", UNCLASSIFIED_COLOUR)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time to be marked, e.g. a known event of a synthetic clip."""

    start_s: float
    end_s: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The drawing of one face."""

    face_id: int
    svg: str


def timelines(analysis: Analysis, truth: Sequence[Span] = ()) -> list[Timeline]:
    """One drawing per face that was followed, in order of face_id.

    The curve is the largest regional motion (px in the canonical crop) at each time; of long
    videos it keeps the largest value of every stretch, so that no peak disappears.
    """
    faces: dict[int, list[FaceFrame]] = {}
    for frame in analysis.frames:
        faces.setdefault(frame.face_id, []).append(frame)
    for event in analysis.events:
        faces.setdefault(event.face_id, [])
    return [
        Timeline(
            face_id=face_id,
            svg=_draw(analysis, faces[face_id], _events_of(analysis, face_id), truth),
        )
        for face_id in sorted(faces)
    ]


def _events_of(analysis: Analysis, face_id: int) -> list[tuple[int, Event]]:
    return [(i, e) for i, e in enumerate(analysis.events) if e.face_id == face_id]


def _draw(
    analysis: Analysis,
    frames: Sequence[FaceFrame],
    events: Sequence[tuple[int, Event]],
    truth: Sequence[Span],
) -> str:
    end_s = max(analysis.duration_s, 1e-3)
    times, values = _envelope(frames)
    top_px = _nice_top(float(values.max()) if values.size else 1.0)

    def x(time_s: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(time_s / end_s, 0.0), 1.0)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value / top_px, 1.0))

    parts = [f'<svg class="timeline" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    parts += [_truth_band(span, x) for span in truth]
    parts += [_event_band(index, event, x) for index, event in events]
    for value in (0.0, top_px / 2, top_px):
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}"/><text x="{LEFT - 6}" y="{y(value) + 4:.1f}" '
            f'text-anchor="end">{value:g}</text>'
        )
    for tick in _ticks(end_s):
        parts.append(
            f'<text x="{x(tick):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{tick:g} s</text>'
        )
    points = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in zip(times, values, strict=True))
    parts.append(f'<polyline class="motion" points="{points}"/>')
    parts.append(f'<text x="4" y="{TOP}">px</text></svg>')
    return "".join(parts)


def _event_band(index: int, event: Event, x: Scale) -> str:
    left, right = x(event.onset_s), max(x(event.offset_s), x(event.onset_s) + 2)
    apex = x(event.apex_s)
    label = event.label or "movement"
    title = f"{label}: {event.onset_s:.2f}–{event.offset_s:.2f} s, apex {event.apex_s:.2f} s"
    colour = class_colour(event.label)
    return (
        f'<a href="#event-{index}"><g><title>{escape(title)}</title>'
        f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" '
        f'height="{HEIGHT - TOP - BOTTOM}" fill="{colour}" fill-opacity="0.25"/>'
        f'<line x1="{apex:.1f}" x2="{apex:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
        f'stroke="{colour}" stroke-width="2"/></g></a>'
    )


def _truth_band(span: Span, x: Scale) -> str:
    left, right = x(span.start_s), x(span.end_s)
    return (
        f'<g><title>{escape(span.title)}</title><rect class="truth" x="{left:.1f}" '
        f'y="{HEIGHT - BOTTOM + 2}" width="{right - left:.1f}" height="6"/></g>'
    )


def _envelope(frames: Sequence[FaceFrame]) -> tuple[np.ndarray, np.ndarray]:
    followed = [f for f in frames if f.motion_px]
    times = np.array([f.time_s for f in followed])
    values = np.array([max(f.motion_px.values()) for f in followed])
    if len(followed) <= MAX_POINTS:
        return times, values
    starts = np.linspace(0, len(followed), MAX_POINTS, endpoint=False).astype(int)
    return times[starts], np.maximum.reduceat(values, starts)


def _nice_top(value: float) -> float:
    for top in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
        if value <= top:
            return top
    return float(np.ceil(value / 10) * 10)


def _ticks(end_s: float) -> list[float]:
    step = next((s for s in (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600) if end_s / s <= 10), 1800)
    return [float(round(i * step, 3)) for i in range(int(end_s / step) + 1)]
