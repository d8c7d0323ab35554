"""Analyses as tables: dicts of arrays of one length, which ``pandas.DataFrame`` takes as they are.

Frames count from 0, the onset and the offset frame both belong to an event, times are s from the
first frame. What was not measured is NaN in columns of numbers and None in columns of text.
"""

import io
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TypeVar

import numpy as np

from hmrm.analysis.record import Analysis
from hmrm.clip import CLASSES, Event, FaceFrame, Reasons
from hmrm.csv_cells import Writer
from hmrm.intervals import kind_of_duration

R = TypeVar("R")

Table = dict[str, np.ndarray]
"""Column → array; all of one length."""

Value = str | int | float | bool | None
"""One cell."""

POINTS = ("left_eye", "right_eye", "nose", "left_mouth_corner", "right_mouth_corner")
"""Names of `FaceFrame.points_xy_px`, sides of the image."""

NAMED = (*CLASSES, "none")
"""Classes of the shipped weights; those of other weights follow them."""

TEXT = frozenset(
    {"type", "class", "decisive_region", "set", "unlike_training", "region", "flags"}
    | {"action_units", "reason", "leading_regions", "class_without_region"}
    | {"source", "scope"}
)
"""Columns of text; those of `WHOLE` hold whole numbers, all others measured ones."""

WHOLE = frozenset(
    {"face_id", "onset_frame", "apex_frame", "offset_frame", "frame_index", "success", "minute"}
    | {"first_frame", "last_frame", "followed_frames", "events", "micro", "macro"}
    | {*NAMED, "unclear", "other", "unclassified"}
)

MINUTE_S = 60.0

_ROWS_AT_A_TIME = 500


def events_table(analysis: Analysis) -> Table:
    """One row per event; ``type`` is micro up to 0.5 s, else macro; ``flags`` join by ``;``."""
    return as_table(event_columns(analysis.events), analysis.events)


def event_columns(events: Sequence[Event]) -> dict[str, Callable[[Event], Value]]:
    """Column → its value of an event."""
    others = {name for event in events for name in event.probabilities} - set(NAMED)

    def probability(name: str) -> Callable[[Event], Value]:
        return lambda event: event.probabilities.get(name, np.nan)

    def calibrated(name: str) -> Callable[[Event], Value]:
        return lambda event: event.calibrated.get(name, np.nan)

    return {
        "face_id": lambda event: event.face_id,
        "onset_frame": lambda event: event.onset_index,
        "apex_frame": lambda event: event.apex_index,
        "offset_frame": lambda event: event.offset_index,
        "onset_s": lambda event: event.onset_s,
        "apex_s": lambda event: event.apex_s,
        "offset_s": lambda event: event.offset_s,
        "duration_s": lambda event: event.duration_s,
        "type": lambda event: kind_of_duration(event.duration_s),
        "class": lambda event: event.label,
        **{f"p_{name}": probability(name) for name in (*NAMED, *sorted(others))},
        "decisive_region": lambda event: event.decisive_region,
        **{f"probability_{name}": calibrated(name) for name in (*NAMED, *sorted(others))},
        "set": lambda event: ";".join(event.class_set) or None,
        "set_coverage": lambda event: _number(event.set_coverage),
        "unlike_training": lambda event: _yes_or_no(event.unlike_training),
        "region": lambda event: event.region,
        "peak_motion_px": lambda event: _number(event.peak_motion_px),
        "salience": lambda event: event.salience,
        "expression_probability": lambda event: _number(event.expression_probability),
        "flags": lambda event: ";".join(event.flags),
        "action_units": lambda event: _units(event.reasons),
        "reason": lambda event: (event.reasons and event.reasons.sentence) or None,
        "leading_regions": lambda event: (event.reasons and _leading(event.reasons)) or None,
        "class_without_region": lambda event: _class_without(event.reasons),
    }


def frames_table(analysis: Analysis) -> Table:
    """One row per face and frame, by frame; columns with OpenFace's names where it has them."""
    return as_table(frame_columns(analysis.frames), analysis.frames)


def frame_columns(frames: Sequence[FaceFrame]) -> dict[str, Callable[[FaceFrame], Value]]:
    """Column → its value of a face in a frame."""

    def corner(place: int, other: int | None = None) -> Callable[[FaceFrame], Value]:
        def value(frame: FaceFrame) -> Value:
            box = frame.box_xyxy_px
            if box is None:
                return np.nan
            return box[place] if other is None else box[other] - box[place]

        return value

    def point(row: int, axis: int) -> Callable[[FaceFrame], Value]:
        return lambda f: np.nan if f.points_xy_px is None else f.points_xy_px[row][axis]

    def motion(region: str) -> Callable[[FaceFrame], Value]:
        return lambda frame: frame.motion_px.get(region, np.nan)

    regions = sorted({region for frame in frames for region in frame.motion_px})
    return {
        "frame_index": lambda frame: frame.index,
        "face_id": lambda frame: frame.face_id,
        "timestamp": lambda frame: frame.time_s,
        "confidence": lambda frame: frame.detection_confidence,
        "success": lambda frame: int(frame.success),
        "face_x": corner(0),
        "face_y": corner(1),
        "face_w": corner(0, 2),
        "face_h": corner(1, 3),
        **{
            f"{name}_{letter}": point(row, axis)
            for row, name in enumerate(POINTS)
            for axis, letter in enumerate("xy")
        },
        "displacement": lambda frame: _number(frame.displacement),
        **{f"motion_{region}": motion(region) for region in regions},
    }


def summary_table(analysis: Analysis) -> Table:
    """How much was found, per video, face and minute (``scope``).

    An event belongs to the minute of its onset. ``first_frame`` and ``last_frame`` of a face and
    of a minute are the first and last in which a face was followed, None where none was.
    """
    length_s = analysis.duration_s
    whole = _Part(scope="video", end_s=length_s)
    faces: dict[int, _Part] = {}
    minutes = {
        number: _Part(
            scope="minute",
            minute=number,
            start_s=number * MINUTE_S,
            end_s=min((number + 1) * MINUTE_S, length_s),
        )
        for number in range(max(math.ceil(length_s / MINUTE_S), 1))
    }

    def parts(face_id: int, time_s: float) -> tuple[_Part, ...]:
        face = faces.setdefault(face_id, _Part(scope="face", face_id=face_id, end_s=length_s))
        # Stills have times, but no length.
        number = min(int(time_s // MINUTE_S), len(minutes) - 1)
        return whole, face, minutes[number]

    for event in analysis.events:
        for part in parts(event.face_id, event.onset_s):
            part.events.append(event)
    for frame in analysis.frames:
        for part in parts(frame.face_id, frame.time_s):
            part.frames.add(frame.index)
    rows = [
        part.row(analysis)
        for part in (whole, *(faces[face] for face in sorted(faces)), *minutes.values())
    ]
    return {name: _column(name, [row[name] for row in rows]) for name in rows[0]}


@dataclass(kw_only=True)
class _Part:
    """What one row of a summary is about."""

    scope: str
    face_id: int | None = None
    minute: int | None = None
    start_s: float = 0.0
    end_s: float
    events: list[Event] = field(default_factory=list)
    frames: set[int] = field(default_factory=set)

    def row(self, analysis: Analysis) -> dict[str, Value]:
        kinds = Counter(kind_of_duration(event.duration_s) for event in self.events)
        labels = Counter(_class_of(event) for event in self.events)
        whole = self.scope == "video"
        length_s = self.end_s - self.start_s
        return {
            "source": analysis.source,
            "scope": self.scope,
            "face_id": self.face_id,
            "minute": self.minute,
            "start_s": self.start_s,
            "end_s": self.end_s,
            "first_frame": 0 if whole else min(self.frames, default=None),
            "last_frame": analysis.frame_count - 1 if whole else max(self.frames, default=None),
            "followed_frames": len(self.frames) if analysis.frames else None,
            "events": len(self.events),
            "micro": kinds["micro"],
            "macro": kinds["macro"],
            **{name: labels[name] for name in (*NAMED, "unclear", "other", "unclassified")},
            "events_per_min": len(self.events) / length_s * MINUTE_S if length_s > 0 else np.nan,
            "mean_duration_s": _mean([event.duration_s for event in self.events]),
            "mean_salience": _mean([e.salience for e in self.events if not np.isnan(e.salience)]),
        }


def _class_of(event: Event) -> str:
    if event.label is None:
        return "unclassified"
    if event.label.startswith("unclear: "):
        return "unclear"
    return event.label if event.label in NAMED else "other"


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else np.nan


def _units(reasons: Reasons | None) -> str | None:
    """``AU12 both 0.8``, joined by ``;``; None where nothing was read from the motion."""
    if reasons is None:
        return None
    return ";".join(f"AU{one.number} {one.side} {one.px:.2f}" for one in reasons.units) or None


def _leading(reasons: Reasons) -> str:
    return ";".join(list(reasons.regions)[:2])


def _class_without(reasons: Reasons | None) -> str | None:
    other = None if reasons is None else reasons.counterfactual
    return None if other is None else f"{other.region}: {other.label}"


def _yes_or_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def as_table(columns: dict[str, Callable[[R], Value]], rows: Iterable[R]) -> Table:
    """Rows of records as columns."""
    rows = list(rows)
    return {name: _column(name, [value(row) for row in rows]) for name, value in columns.items()}


def csv_text(table: Table) -> str:
    """A table as CSV; see `csv_of`."""
    names, columns = list(table), [values.tolist() for values in table.values()]
    rows = zip(*columns, strict=True)
    cells = ([_cell(n, v) for n, v in zip(names, row, strict=True)] for row in rows)
    return "".join(_csv(names, cells))


def csv_of(columns: dict[str, Callable[[R], Value]], rows: Iterable[R]) -> Iterator[str]:
    """Rows of records as CSV, in parts to be joined: long videos have many.

    What is unknown is empty, and no name is taken for a formula. Places in the image have 2
    decimals, seconds 6, other measures 4.
    """
    cells = ([_cell(name, value(row)) for name, value in columns.items()] for row in rows)
    return _csv(list(columns), cells)


def _csv(names: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[str]:
    rows = chain([names], rows)
    while some := list(islice(rows, _ROWS_AT_A_TIME)):
        text = io.StringIO()
        Writer(text).writerows(some)
        yield text.getvalue()


def _cell(name: str, value: Value) -> Value:
    if value is None or value != value:
        return ""
    return round(value, digits_of(name)) if isinstance(value, float) else value


def digits_of(name: str) -> int:
    """Decimals of a column in text."""
    if name.endswith("_s") or name == "timestamp":
        return 6
    return 2 if name.startswith(("face_", *POINTS)) else 4


def _column(name: str, values: Sequence[Value]) -> np.ndarray:
    """One column, of the same kind also where it has no rows."""
    if name in TEXT or any(value is None for value in values):
        return np.array(values, dtype=object)
    return np.array(values, dtype=np.int64 if name in WHOLE else np.float64)
