"""The timeline of a report: position and change of each face with its events, as inline SVG."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from jaxtyping import Float

from hmrm.analysis.notices import REASONS
from hmrm.analysis.record import Analysis
from hmrm.clip import Event, FaceFrame, RejectedCandidate

WIDTH = 1000
LEFT, RIGHT = 46, 10
MAX_POINTS = 1200
GAP = 2.5
"""Frames of a face further apart than so many usual steps have a gap between them."""

CLASS_COLOURS = {
    "negative": "#a62f60",
    "positive": "#22754a",
    "surprise": "#975606",
    "none": "#5b6675",
}
UNCLASSIFIED_COLOUR = "#3f669e"

Scale = Callable[[float], float]
"""From a value to a position in the drawing."""


def class_colour(label: str | None) -> str:
    """Colour of a class everywhere in a report; white text on it has a contrast above 4.5."""
    if label is not None and label.startswith("unclear"):
        return CLASS_COLOURS["none"]
    return CLASS_COLOURS.get(label or "", UNCLASSIFIED_COLOUR)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time to be marked, e.g. a known event of a synthetic clip."""

    start_s: float
    end_s: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The drawing of one face.

    Attributes:
        measured_s: time in which its motion was measured.
        rejected: how many candidates of this face stand in grey.
    """

    face_id: int
    svg: str
    measured_s: float
    rejected: int


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One curve with its axis: where it lies in the drawing, and what it is called."""

    top: int
    bottom: int
    title: str
    style: str
    least: float
    mark: float | None = None


POSITION = Panel(
    top=22,
    bottom=112,
    title="position: away from neutral, in thresholds (dashed: counts)",
    style="position",
    least=1.5,
    mark=1.0,
)
CHANGE = Panel(
    top=142,
    bottom=222,
    title="change: largest motion within a second, px of the crop",
    style="motion",
    least=0.25,
)
HEIGHT = 252


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Values over time, NaN where nothing was measured."""

    time_s: Float[np.ndarray, " n"]
    values: Float[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True)
class _Face:
    """What the drawing of one face shows; numbers alone, for long videos have many frames."""

    time_s: "array[float]" = field(default_factory=lambda: array("d"))
    position: "array[float]" = field(default_factory=lambda: array("d"))
    change: "array[float]" = field(default_factory=lambda: array("d"))
    events: list[tuple[int, Event]] = field(default_factory=list)
    rejected: list[RejectedCandidate] = field(default_factory=list)

    def add(self, frame: FaceFrame) -> None:
        """Take in the next frame, NaN where something was not measured."""
        self.time_s.append(frame.time_s)
        self.position.append(np.nan if frame.displacement is None else frame.displacement)
        self.change.append(max(frame.motion_px.values(), default=np.nan))

    def curve(self, values: "array[float]") -> Curve:
        """One of the numbers over time."""
        return Curve(time_s=np.array(self.time_s), values=np.array(values))


def timelines(analysis: Analysis, truth: Sequence[Span] = ()) -> list[Timeline]:
    """One drawing per face that was followed, in order of face_id.

    Of long videos the curves keep the largest value of every stretch, so that no peak disappears.
    """
    faces: dict[int, _Face] = {view.face_id: _Face() for view in analysis.faces}
    for frame in analysis.frames:
        faces.setdefault(frame.face_id, _Face()).add(frame)
    for index, event in enumerate(analysis.events):
        faces.setdefault(event.face_id, _Face()).events.append((index, event))
    for candidate in analysis.rejected:
        faces.setdefault(candidate.face_id, _Face()).rejected.append(candidate)
    end_s = max(analysis.duration_s, 1e-3)
    return [_timeline(face_id, faces[face_id], end_s, truth) for face_id in sorted(faces)]


def _timeline(face_id: int, face: _Face, end_s: float, truth: Sequence[Span]) -> Timeline:
    def x(time_s: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(time_s / end_s, 0.0), 1.0)

    change, position = face.curve(face.change), face.curve(face.position)
    parts = [
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" '
        f'aria-label="Timeline of face {face_id}">'
    ]
    parts += [_gap(start, stop, x) for start, stop in gaps(change, end_s)]
    parts += [_rejected_band(one, x) for one in face.rejected]
    parts += [_truth_band(span, x) for span in truth]
    parts += [_event_band(index, event, x) for index, event in face.events]
    parts += _panel(POSITION, position, x)
    parts += _panel(CHANGE, change, x)
    for tick in _ticks(end_s):
        # A number at the right border would lose its unit there.
        anchor = "end" if x(tick) > WIDTH - 2 * RIGHT else "middle"
        parts.append(
            f'<text x="{x(tick):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{tick:g} s</text>'
        )
    missing = sum(stop - start for start, stop in gaps(change, end_s))
    return Timeline(
        face_id=face_id,
        svg="".join([*parts, "</svg>"]),
        measured_s=max(end_s - missing, 0.0),
        rejected=len(face.rejected),
    )


def gaps(change: Curve, end_s: float) -> list[tuple[float, float]]:
    """Stretches of time, s, in which nothing was measured, also before and after the face."""
    known = change.time_s[np.isfinite(change.values)]
    if len(known) < 2:
        return [(0.0, end_s)]
    step_s = float(np.median(np.diff(change.time_s)))
    edges = np.concatenate([[-step_s], known, [end_s]])
    wide = np.flatnonzero(np.diff(edges) > GAP * step_s)
    return [(max(float(edges[i]), 0.0), float(edges[i + 1])) for i in wide]


def _panel(panel: Panel, shown: Curve, x: Scale) -> list[str]:
    known = shown.values[np.isfinite(shown.values)]
    top_value = _nice_top(max(float(known.max()) if known.size else 0.0, panel.least))

    def y(value: float) -> float:
        height = panel.bottom - panel.top
        return panel.top + height * (1 - min(value / top_value, 1.0))

    parts = [f'<text x="{LEFT}" y="{panel.top - 7}">{escape(panel.title)}</text>']
    for value in (0.0, top_value / 2, top_value):
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}"/><text x="{LEFT - 6}" y="{y(value) + 4:.1f}" '
            f'text-anchor="end">{value:g}</text>'
        )
    if panel.mark is not None:
        parts.append(
            f'<line class="mark" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(panel.mark):.1f}" '
            f'y2="{y(panel.mark):.1f}"/>'
        )
    for times, values in pieces(shown):
        points = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in zip(times, values, strict=True))
        parts.append(f'<polyline class="{panel.style}" points="{points}"/>')
    return parts


def pieces(shown: Curve) -> list[tuple[list[float], list[float]]]:
    """Times and values of every stretch without a gap, thinned out to its largest values."""
    known = np.isfinite(shown.values)
    times, values = shown.time_s[known], shown.values[known]
    if len(times) < 2:
        return []
    step_s = float(np.median(np.diff(shown.time_s)))
    breaks = np.flatnonzero(np.diff(times) > GAP * step_s) + 1
    per_point = max(int(np.ceil(len(times) / MAX_POINTS)), 1)
    found = []
    for rows in np.split(np.arange(len(times)), breaks):
        starts = np.arange(0, len(rows), per_point)
        largest = np.maximum.reduceat(values[rows], starts)
        found.append((times[rows][starts].tolist(), largest.tolist()))
    return found


def _event_band(index: int, event: Event, x: Scale) -> str:
    left, right = x(event.onset_s), max(x(event.offset_s), x(event.onset_s) + 2)
    apex = x(event.apex_s)
    label = event.label or "movement"
    title = (
        f"event {index + 1}, {label}: {event.onset_s:.2f}–{event.offset_s:.2f} s, "
        f"apex {event.apex_s:.2f} s"
    )
    colour = class_colour(event.label)
    return (
        f'<a href="#event-{index}" aria-label="{escape(title)}"><g><title>{escape(title)}</title>'
        f'<rect x="{left:.1f}" y="{POSITION.top}" width="{right - left:.1f}" '
        f'height="{CHANGE.bottom - POSITION.top}" fill="{colour}" fill-opacity="0.3"/>'
        f'<line x1="{apex:.1f}" x2="{apex:.1f}" y1="{POSITION.top}" y2="{CHANGE.bottom}" '
        f'stroke="{colour}" stroke-width="2"/></g></a>'
    )


def _rejected_band(one: RejectedCandidate, x: Scale) -> str:
    left, right = x(one.onset_s), max(x(one.offset_s), x(one.onset_s) + 2)
    title = (
        f"rejected {REASONS.get(one.reason, one.reason)}: "
        f"{one.onset_s:.2f}–{one.offset_s:.2f} s, {one.region.replace('_', ' ')}"
    )
    return (
        f'<g class="rejected"><title>{escape(title)}</title><rect x="{left:.1f}" '
        f'y="{POSITION.top}" width="{right - left:.1f}" height="{CHANGE.bottom - POSITION.top}"/>'
        "</g>"
    )


def _gap(start_s: float, stop_s: float, x: Scale) -> str:
    left, right = x(start_s), x(stop_s)
    return (
        f'<g class="gap"><title>not measured: {start_s:.2f}–{stop_s:.2f} s</title><rect '
        f'x="{left:.1f}" y="{POSITION.top}" width="{max(right - left, 1):.1f}" '
        f'height="{CHANGE.bottom - POSITION.top}"/></g>'
    )


def _truth_band(span: Span, x: Scale) -> str:
    left, right = x(span.start_s), x(span.end_s)
    return (
        f'<g><title>{escape(span.title)}</title><rect class="truth" x="{left:.1f}" '
        f'y="{CHANGE.bottom + 2}" width="{right - left:.1f}" height="6"/></g>'
    )


def _nice_top(value: float) -> float:
    for top in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
        if value <= top:
            return top
    return float(np.ceil(value / 10) * 10)


def _ticks(end_s: float) -> list[float]:
    step = next(
        (s for s in (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600) if end_s / s <= 10), 1800
    )
    return [float(round(i * step, 3)) for i in range(int(end_s / step) + 1)]
