"""An Analysis as files: events.csv, frames.csv, analysis.json (with a schema), report.html."""

import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hmrm import atomic
from hmrm.analysis.report import write_report
from hmrm.analysis.timeline import Span
from hmrm.clip import CLASSES, Analysis, Event, FaceFrame, RejectedCandidate
from hmrm.csv_cells import Writer

SCHEMA_VERSION = "2"

FILES = ("events.csv", "frames.csv", "analysis.json", "report.html")
"""What is written of every analysis."""

Cell = str | int | float
"""One cell of a CSV table."""

EVENT_COLUMNS = (
    "face_id",
    "onset_frame",
    "apex_frame",
    "offset_frame",
    "onset_s",
    "apex_s",
    "offset_s",
    "duration_s",
    "class",
    *(f"p_{name}" for name in CLASSES),
    "p_none",
    "decisive_region",
    "region",
    "peak_motion_px",
    "salience",
    "flags",
)


def save(folder: Path, analysis: Analysis, *, truth: Sequence[Span] = ()) -> Path:
    """Write events.csv, frames.csv, analysis.json and report.html; return the report's path.

    Args:
        folder: made where it does not exist; files of the same names are replaced.
        analysis: what was found.
        truth: known events of a synthetic clip, shown in the report.

    Raises:
        OutputError: a file cannot be written.
    """
    events, frames, content, page = (folder / name for name in FILES)
    write_events(events, analysis.events)
    write_frames(frames, analysis.frames)
    write_json(content, analysis)
    write_report(page, analysis, truth=truth)
    return page


def write_events(path: Path, events: Sequence[Event]) -> None:
    """Write one row per event; frames are zero-based, times in s, unknown classes empty.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_text(path, _csv(EVENT_COLUMNS, (_event_row(event) for event in events)))


def write_frames(path: Path, frames: Sequence[FaceFrame]) -> None:
    """Write one row per face and frame, with OpenFace's column names where they exist.

    ``frame`` counts from 1 as OpenFace does; ``motion_<region>`` is the regional displacement
    away from rest, px in the canonical crop; empty where it was not measured.

    Raises:
        OutputError: the file cannot be written.
    """
    regions = sorted({region for frame in frames for region in frame.motion_px})
    columns = (
        "frame",
        "face_id",
        "timestamp",
        "confidence",
        "success",
        "face_x",
        "face_y",
        "face_w",
        "face_h",
        *(f"motion_{region}" for region in regions),
    )
    atomic.write_text(path, _csv(columns, (_frame_row(frame, regions) for frame in frames)))


def write_json(path: Path, analysis: Analysis) -> None:
    """Write all but the images and the per-frame table; ``analysis.schema.json`` describes it.

    Raises:
        OutputError: the file cannot be written.
    """
    text = json.dumps(to_mapping(analysis), indent=2, allow_nan=False)
    atomic.write_text(path, text + "\n")


def to_mapping(analysis: Analysis) -> dict[str, Any]:
    """Plain values of an analysis, as ``analysis.json`` holds them."""
    return {
        "schema": SCHEMA_VERSION,
        "source": analysis.source,
        "frame_count": analysis.frame_count,
        "duration_s": _rounded(analysis.duration_s),
        "frames_per_s": _rounded(analysis.frames_per_s),
        "size_wh_px": list(analysis.size_wh_px),
        "events": [_event_mapping(event) for event in analysis.events],
        "rejected": [_rejected_mapping(one) for one in analysis.rejected],
        "notices": [{"code": n.code, "message": n.message} for n in analysis.notices],
        "provenance": dict(analysis.provenance),
    }


def _event_mapping(event: Event) -> dict[str, Any]:
    return {
        "face_id": event.face_id,
        "onset_frame": event.onset_index,
        "apex_frame": event.apex_index,
        "offset_frame": event.offset_index,
        "onset_s": _rounded(event.onset_s),
        "apex_s": _rounded(event.apex_s),
        "offset_s": _rounded(event.offset_s),
        "duration_s": _rounded(event.duration_s),
        "class": event.label,
        "probabilities": {k: _rounded(v) for k, v in event.probabilities.items()},
        "decisive_region": event.decisive_region,
        "region": event.region,
        "peak_motion_px": None if event.peak_motion_px is None else _rounded(event.peak_motion_px),
        "salience": _rounded(event.salience),
        "flags": list(event.flags),
    }


def _rejected_mapping(one: RejectedCandidate) -> dict[str, Any]:
    return {
        "face_id": one.face_id,
        "onset_frame": one.onset_index,
        "apex_frame": one.apex_index,
        "offset_frame": one.offset_index,
        "onset_s": _rounded(one.onset_s),
        "apex_s": _rounded(one.apex_s),
        "offset_s": _rounded(one.offset_s),
        "region": one.region,
        "salience": _rounded(one.salience),
        "reason": one.reason,
    }


def _event_row(event: Event) -> list[Cell]:
    """Cells in the order of ``EVENT_COLUMNS``."""
    probabilities = {name: _rounded(p) for name, p in event.probabilities.items()}
    times_s = (event.onset_s, event.apex_s, event.offset_s, event.duration_s)
    return [
        event.face_id,
        event.onset_index,
        event.apex_index,
        event.offset_index,
        *(_rounded(time_s) for time_s in times_s),
        event.label or "",
        *(probabilities.get(name, "") for name in (*CLASSES, "none")),
        event.decisive_region or "",
        event.region,
        "" if event.peak_motion_px is None else _rounded(event.peak_motion_px),
        _rounded(event.salience),
        ";".join(event.flags),
    ]


def _frame_row(frame: FaceFrame, regions: Sequence[str]) -> list[Cell]:
    box: tuple[Cell, ...] = ("", "", "", "")
    if frame.box_xyxy_px is not None:
        left, top, right, bottom = frame.box_xyxy_px
        box = tuple(_rounded(v, 2) for v in (left, top, right - left, bottom - top))
    return [
        frame.index + 1,
        frame.face_id,
        _rounded(frame.time_s),
        _rounded(frame.detection_confidence),
        int(frame.success),
        *box,
        *(_rounded(frame.motion_px[r]) if r in frame.motion_px else "" for r in regions),
    ]


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = Writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _rounded(value: float, digits: int = 4) -> float:
    return round(float(value), digits)
