"""An Analysis as files: events.csv, frames.csv, analysis.json (with a schema), report.html."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hmrm import atomic
from hmrm.analysis.export.tables import csv_of, event_columns, frame_columns
from hmrm.analysis.record import Analysis
from hmrm.analysis.report.page import render
from hmrm.analysis.report.timeline import Span
from hmrm.analysis.results import VideoFiles, result_of
from hmrm.analysis.target import Target
from hmrm.clip import Event, Reasons, RejectedCandidate

SCHEMA_VERSION = "2"

FILES = ("events.csv", "frames.csv", "analysis.json", "report.html")
"""What is written of every analysis."""


def save(
    folder: Path, analysis: Analysis, *, truth: Sequence[Span] = (), blur_faces: bool = False
) -> Path:
    """Write events.csv, frames.csv, analysis.json and report.html; return the report's path.

    Args:
        folder: made where it does not exist; files of the same names are replaced.
        analysis: what was found.
        truth: known events of a synthetic clip, shown in the report.
        blur_faces: no face can be recognised in the report.

    Raises:
        OutputError: a file cannot be written.
    """
    for name, text in _texts(analysis, truth=truth, blur_faces=blur_faces):
        atomic.write_text(folder / name, text)
    return folder / FILES[-1]


def files_of(target: Target, analysis: Analysis, *, blur_faces: bool = False) -> VideoFiles:
    """One video of a run as it is saved there, in a folder of its own; nothing is written.

    Args:
        blur_faces: as `save`.
    """
    contents = {
        f"{target.folder}/{name}": b"".join(map(atomic.encoded, text))
        for name, text in _texts(analysis, blur_faces=blur_faces)
    }
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    result = result_of(analysis, target.subject, target.video, digests)
    return VideoFiles(result=result, contents=contents)


def write_events(path: Path, events: Sequence[Event]) -> None:
    """Write one row per event; frames are zero-based, times in s, unknown classes empty.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_text(path, _events_table(events))


def _events_table(events: Sequence[Event]) -> Iterator[str]:
    return csv_of(event_columns(events), events)


def _texts(
    analysis: Analysis, *, truth: Sequence[Span] = (), blur_faces: bool
) -> Iterator[tuple[str, Iterable[str]]]:
    """Name and content of each of `FILES`, in parts: tables of long videos are large."""
    events, frames, content, page = FILES
    yield events, _events_table(analysis.events)
    # One row per face and frame, with OpenFace's column names where they exist; motion is px in
    # the canonical crop away from rest, empty where it was not measured.
    yield frames, csv_of(frame_columns(analysis.frames), analysis.frames)
    # All but the images and the per-frame table; ``analysis.schema.json`` describes it.
    yield content, [json.dumps(to_mapping(analysis), indent=2, allow_nan=False) + "\n"]
    yield page, render(analysis, truth=truth, blur_faces=blur_faces)


def to_mapping(analysis: Analysis) -> dict[str, Any]:
    """Plain values of an analysis, as ``analysis.json`` holds them."""
    return {
        "schema": SCHEMA_VERSION,
        "source": analysis.source.encode("utf-8", "backslashreplace").decode(),
        "frame_count": analysis.frame_count,
        "duration_s": _rounded(analysis.duration_s),
        "frames_per_s": _rounded(analysis.frames_per_s),
        "size_wh_px": list(analysis.size_wh_px),
        "player_clock": {
            "first_frame_s": _rounded(analysis.clock.first_frame_s),
            "rate": _rounded(analysis.clock.rate, 9),
        },
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
        "calibrated": {k: _rounded(v) for k, v in event.calibrated.items()},
        "set": list(event.class_set),
        "set_coverage": event.set_coverage,
        "unlike_training": event.unlike_training,
        "region": event.region,
        "peak_motion_px": None if event.peak_motion_px is None else _rounded(event.peak_motion_px),
        "salience": _rounded(event.salience),
        "expression_probability": None
        if event.expression_probability is None
        else _rounded(event.expression_probability),
        "flags": list(event.flags),
        "reasons": None if event.reasons is None else _reasons_mapping(event.reasons),
    }


def _reasons_mapping(reasons: Reasons) -> dict[str, Any]:
    other = reasons.counterfactual
    return {
        "regions": {k: _rounded(v, 4) for k, v in reasons.regions.items()},
        "units": [
            {"number": unit.number, "side": unit.side, "px": _rounded(unit.px, 4)}
            for unit in reasons.units
        ],
        "sentence": reasons.sentence,
        "counterfactual": None if other is None else {"region": other.region, "label": other.label},
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


def _rounded(value: float, digits: int = 6) -> float:
    return round(float(value), digits)
