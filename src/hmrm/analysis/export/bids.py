"""BIDS: a derivative data set with ``beh/*_events.tsv`` and a sidecar for its columns."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePath

import numpy as np

from hmrm import atomic, provenance
from hmrm.analysis.export import tiers
from hmrm.analysis.export.sidecar import Json, described, video_json, write_json
from hmrm.analysis.export.tables import Table, events_table
from hmrm.analysis.record import Analysis

VERSION = "1.10.0"
"""Of the standard."""

TASK = "video"

_RENAMED = {"onset": "onset_s", "duration": "duration_s", "trial_type": "class"}
"""Column of the standard → ours; it demands the first two in this order."""


def write(folder: Path, analyses: Sequence[Analysis]) -> tuple[Path, ...]:
    """Write a data set over one or several videos, each a subject.

    Raises:
        OutputError: a file cannot be written.
    """
    subjects = _subjects(analyses)
    written = [
        write_json(folder / "dataset_description.json", _description()),
        _text(folder / "README", _readme()),
        _participants(folder / "participants.tsv", subjects, analyses),
        write_json(
            folder / "participants.json",
            {"source": {"Description": "Name of the video's file or folder"}},
        ),
    ]
    for subject, analysis in zip(subjects, analyses, strict=True):
        stem = folder / subject / "beh" / f"{subject}_task-{TASK}"
        table = bids_table(analysis)
        written.append(_text(stem.with_name(f"{stem.name}_events.tsv"), _tsv(table)))
        written.append(
            write_json(stem.with_name(f"{stem.name}_events.json"), _sidecar(analysis, table))
        )
    return tuple(written)


def bids_table(analysis: Analysis) -> Table:
    """The events under the names of BIDS, by onset, as it demands."""
    table = events_table(analysis)
    order = np.argsort(table["onset_s"], kind="stable")
    others = [name for name in table if name not in _RENAMED.values()]
    return {name: table[_RENAMED.get(name, name)][order] for name in (*_RENAMED, *others)}


def _subjects(analyses: Sequence[Analysis]) -> list[str]:
    """Labels of letters and digits; a number where two become the same."""
    labels: list[str] = []
    for number, one in enumerate(analyses, 1):
        plain = re.sub(r"[^A-Za-z0-9]", "", PurePath(one.source).stem) or "video"
        label = f"sub-{plain}"
        taken = {other.lower() for other in labels}
        labels.append(label if label.lower() not in taken else f"{label}x{number}")
    return labels


def _sidecar(analysis: Analysis, table: Table) -> Json:
    """Descriptions of the columns, and the counting rule where readers of the standard look."""
    columns: dict[str, Json] = {}
    for name in table:
        text, unit = described(_RENAMED.get(name, name))
        columns[name] = {"Description": text, **({"Units": unit} if unit else {})}
    return {
        "TaskName": TASK,
        "TaskDescription": "a face in a video",
        "Counting": tiers.rule(analysis),
        "Video": video_json(analysis),
        **columns,
    }


def _text(path: Path, text: str) -> Path:
    atomic.write_text(path, text)
    return path


def _description() -> Json:
    return {
        "Name": "Facial movements found by hmrm",
        "BIDSVersion": VERSION,
        "DatasetType": "derivative",
        "License": "n/a",
        "GeneratedBy": [{"Name": "hmrm", "Version": provenance.version()}],
    }


def _readme() -> str:
    return (
        "Facial movements that hmrm found in videos: one events table per video, under the name\n"
        "of a subject made from the video's (participants.tsv has the original).\n\n"
        f"{tiers.RULE}, from the first frame. Most spotted movements may be false; look at each.\n"
    )


def _participants(path: Path, subjects: Sequence[str], analyses: Sequence[Analysis]) -> Path:
    rows = [
        f"{subject}\t{_cell(one.source)}\n" for subject, one in zip(subjects, analyses, strict=True)
    ]
    return _text(path, "participant_id\tsource\n" + "".join(rows))


def _tsv(table: Table) -> str:
    rows = zip(*(values.tolist() for values in table.values()), strict=True)
    lines = ["\t".join(table), *("\t".join(map(_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if value is None or value == "" or value != value:
        return "n/a"
    if isinstance(value, float):
        return f"{round(value, 6):.15g}"
    return tiers.line(str(value))
