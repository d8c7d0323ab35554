"""Sidecars: what the columns of a table hold, their units, and how frames are counted."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hmrm import atomic, provenance
from hmrm.analysis.export import tiers
from hmrm.analysis.record import Analysis

if TYPE_CHECKING:
    Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
    """Plain values."""
else:
    Json = object  # a type that names itself is not followed by checkers at run time

COLUMNS: Mapping[str, tuple[str, str]] = {
    "onset_frame": ("first frame of the movement, from 0", ""),
    "apex_frame": ("frame of the largest displacement, from 0", ""),
    "offset_frame": ("last frame of the movement, from 0", ""),
    "onset_s": ("time of the onset frame, from the first frame", "s"),
    "apex_s": ("time of the apex frame, from the first frame", "s"),
    "offset_s": ("time of the offset frame, from the first frame", "s"),
    "duration_s": ("from the onset to the offset frame's time", "s"),
    "type": ("micro: up to 0.5 s; macro: longer", ""),
    "class": ("empty where nothing has classified the movement", ""),
    "face_id": ("face, from 0; nobody is recognised", ""),
    "region": ("part of the face that moved most; sides of the image", ""),
    "decisive_region": ("part of the face that contributed most to the class", ""),
    "set": (
        "classes of which one is the true one in set_coverage of laboratory clips, joined by ;",
        "",
    ),
    "set_coverage": ("shown for laboratory clips only; 0 to 1", ""),
    "unlike_training": ("yes where the motion is unlike all training maps; empty: not known", ""),
    "peak_motion_px": ("largest motion at the apex, in a crop of the face 224 px wide", "px"),
    "salience": ("0 to 1: how far the movement stands above the face's own noise", ""),
    "expression_probability": (
        "that the movement is an expression, from its salience; fitted on synthetic videos; empty "
        "where it was not spotted",
        "",
    ),
    "flags": ("quality flags", ""),
    "action_units": (
        "likely action units, read from the motion alone: unit, side of the image, px; joined by ;",
        "",
    ),
    "reason": ("the likely action units in words", ""),
    "leading_regions": ("regions whose motion adds most to the class, joined by ;", ""),
    "class_without_region": (
        "region, and the class that the movement would have without its motion; empty where no "
        "single region decides",
        "",
    ),
    "frame": ("frame, from 1 as in OpenFace", ""),
    "frame_index": ("frame, from 0", ""),
    "timestamp": ("time of the frame, from the first frame", "s"),
    "confidence": ("the face detector's own, 0 to 1", ""),
    "success": ("1 where the face was followed", ""),
    "events": ("numbers of the movements under way, from 1, as in the events table", ""),
    "face_x": ("left edge of the face's box", "px"),
    "face_y": ("top edge of the face's box", "px"),
    "face_w": ("width of the face's box", "px"),
    "face_h": ("height of the face's box", "px"),
    "source": ("name of the video's file or folder", ""),
    "scope": ("what a row is about: video, face or minute", ""),
    "minute": ("from 0; a movement belongs to the minute of its onset", ""),
    "start_s": ("where the row's time begins", "s"),
    "end_s": ("where the row's time ends", "s"),
    "first_frame": ("of the video: 0; else the first in which a face was followed", ""),
    "last_frame": ("of the video: its last; else the last in which a face was followed", ""),
    "followed_frames": ("frames in which a face was followed", ""),
    "events_per_min": ("movements per minute", "1/min"),
    "mean_duration_s": ("mean duration of the movements", "s"),
    "mean_salience": ("mean salience of the movements", ""),
}
"""Column → what it holds, and its unit."""


def described(name: str) -> tuple[str, str]:
    """What a column holds, and its unit."""
    if name in COLUMNS:
        return COLUMNS[name]
    if name.startswith("p_"):
        return f"probability of the class {name.removeprefix('p_')}, the network's own", ""
    if name.startswith("probability_"):
        one = name.removeprefix("probability_")
        return f"probability of the class {one}, calibrated on other subjects", ""
    if name.startswith("motion_"):
        return "displacement away from rest, in a crop of the face 224 px wide", "px"
    if name.endswith(("_x", "_y")):
        return "a point of the face in the frame; sides of the image", "px"
    return f"number of movements: {name}", ""


def write_sidecar(path: Path, analyses: Sequence[Analysis], columns: Iterable[str]) -> Path:
    """Write what a table's columns hold next to it, as ``NAME.json``.

    Raises:
        OutputError: the file cannot be written.
    """
    return write_json(
        path,
        {
            "counting": tiers.RULE + ".",
            "columns": {name: column_json(name) for name in columns},
            "videos": [video_json(one) for one in analyses],
            "hmrm": provenance.version(),
        },
    )


def column_json(name: str) -> Json:
    """A column's description as plain values."""
    text, unit = described(name)
    return {"description": text, **({"unit": unit} if unit else {})}


def video_json(analysis: Analysis) -> dict[str, Json]:
    """What a table does not state of its video."""
    return {
        "source": analysis.source,
        "frame_count": analysis.frame_count,
        "duration_s": round(analysis.duration_s, 6),
        "frames_per_s": round(analysis.frames_per_s, 6),
        "size_wh_px": list(analysis.size_wh_px),
        "player_first_frame_s": round(analysis.clock.first_frame_s, 6),
        "player_s_per_s": round(analysis.clock.rate, 9),
    }


def write_json(path: Path, content: Json) -> Path:
    """Write plain values as a JSON file, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    atomic.write_text(path, text + "\n")
    return path
