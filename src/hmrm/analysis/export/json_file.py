"""JSON: all that is known of a video in one file, with a versioned schema that has an ``$id``."""

from importlib import resources
from pathlib import Path
from typing import cast

import numpy as np

from hmrm import atomic, provenance
from hmrm.analysis.export import tiers
from hmrm.analysis.export.sidecar import Json, video_json, write_json
from hmrm.analysis.export.tables import Table, Value, digits_of, events_table, frames_table
from hmrm.analysis.record import Analysis

VERSION = "1.1"
"""The second number rises where keys are added, the first where any changes its meaning."""

SCHEMA = "export.schema.json"
SCHEMA_ID = "urn:hmrm:schema:export:1"
SCHEMA_FILE = "hmrm-export-1.schema.json"
"""Written next to every export, so that it can be checked without a network."""


def write(path: Path, analysis: Analysis) -> tuple[Path, ...]:
    """Write the file, and its schema next to it.

    Raises:
        OutputError: a file cannot be written.
    """
    schema = path.with_name(SCHEMA_FILE)
    write_json(path, content_of(analysis))
    text = resources.files("hmrm.analysis.export").joinpath(SCHEMA).read_text(encoding="utf-8")
    atomic.write_text(schema, text)
    return path, schema


def content_of(analysis: Analysis) -> Json:
    """Plain values: the video, an object per event, the frames column by column."""
    events, frames = events_table(analysis), frames_table(analysis)
    return {
        "$schema": SCHEMA_ID,
        "version": VERSION,
        "counting": tiers.rule(analysis),
        "video": video_json(analysis),
        "events": [{"number": i + 1, **_row(events, i)} for i in range(len(analysis.events))],
        "frames": {
            name: [_plain(name, v) for v in column.tolist()] for name, column in frames.items()
        },
        "notices": [{"code": one.code, "message": one.message} for one in analysis.notices],
        "hmrm": provenance.version(),
        "provenance": cast(Json, dict(analysis.provenance)),
    }


def _row(table: Table, place: int) -> dict[str, Json]:
    row: dict[str, Json] = {
        name: _plain(
            name, column[place].item() if isinstance(column[place], np.generic) else column[place]
        )
        for name, column in table.items()
        if not name.startswith(("p_", "probability_"))
    }
    row["probabilities"] = _by_class(table, place, "p_")
    row["calibrated"] = _by_class(table, place, "probability_")
    row["set"] = [name for name in str(row["set"] or "").split(";") if name]
    unlike = row["unlike_training"]
    row["unlike_training"] = None if unlike is None else unlike == "yes"
    row["flags"] = [flag for flag in str(row["flags"]).split(";") if flag]
    return row


def _by_class(table: Table, place: int, prefix: str) -> dict[str, Json]:
    return {
        name.removeprefix(prefix): _plain(name, float(column[place]))
        for name, column in table.items()
        if name.startswith(prefix) and np.isfinite(column[place])
    }


def _plain(name: str, value: Value) -> Json:
    """A cell: null where it was not measured."""
    if isinstance(value, float):
        return None if value != value else round(value, max(digits_of(name), 4))
    return value
