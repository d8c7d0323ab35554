"""The folder that ``hmrm datasets prepare`` writes: what it is made from, what is left in it."""

import io
from collections.abc import Container, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from hmrm import atomic, config, reading, run_folder
from hmrm.csv_cells import Writer, unguarded

SUMMARY = "prepare.json"
"""Settings and counts; until the first run is through, the settings alone."""

CLIPS = "clips.csv"
"""What was made of each clip, as of the last run that came through."""

CLIP_COLUMNS = (
    "id",
    "label",
    "class",
    "emotion",
    "onset_frame",
    "apex_frame",
    "offset_frame",
    "apex_rule",
    "onset_file",
    "apex_file",
    "face",
    "motion_px",
    "scale_px",
)

Cell = str | int | float | None

_RESULTS = {
    "flow": (".npz",),
    "faces": ("_onset.png", "_apex.png"),
    "frames": (".npz",),
}


@dataclass(frozen=True, kw_only=True)
class MadeFrom:
    """What all clips of a folder have in common; frames, faces and corrections are each clip's.

    Attributes:
        dataset: name, or ``composite``.
        classes: scheme of classes.
        macro: with macro-expressions.
        flow, apex, head_motion, landmarks, frames, size: see `ClipSettings`.
    """

    dataset: str
    classes: str
    macro: bool
    flow: str
    apex: str
    head_motion: bool
    landmarks: int | None = None
    frames: bool | None = None
    size: int | None = None


def claimed(output: Path, made_from: MadeFrom) -> AbstractContextManager[bool]:
    """Write down what a folder is made from, for a block that makes the first clips.

    Returns:
        Whether an earlier run wrote down the same; what lies there is ours, then.

    Raises:
        ConfigError: results made from something else lie there.
        OutputError: the folder cannot be written.
    """
    return run_folder.claimed(
        output,
        SUMMARY,
        config.to_mapping(made_from),
        key="made_from",
        holds_results=lambda folder: any(folder.glob("flow/*/*/*.npz")),
        advice="give another folder with -o, or delete this one",
    )


def require_same(folder: Path, made_from: MadeFrom) -> None:
    """Refuse results of a part of the run that were made from something else.

    Raises:
        ConfigError: they were.
    """
    run_folder.require_same(folder, SUMMARY, config.to_mapping(made_from), key="made_from")


def faces_of(output: Path) -> dict[str, str]:
    """Where each clip's face was from in the last run that came through; empty if none did."""
    try:
        _, rows = reading.table(reading.read_text(output / CLIPS))
    except (OSError, reading.DamagedError):
        return {}
    return {unguarded(row.get("id") or ""): row.get("face") or "" for _, row in rows}


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write rows as CSV, their cells in the columns' order."""
    text = io.StringIO()
    writer = Writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    atomic.write_text(path, text.getvalue())


def remove_others(output: Path, ids: Container[str]) -> int:
    """Delete results of clips that are not among ``ids``; how many clips had some."""
    removed = set()
    for kind, endings in _RESULTS.items():
        for path in (output / kind).glob("*/*/*"):
            name = path.relative_to(output / kind).as_posix()
            for ending in endings:
                clip = name.removesuffix(ending)
                if clip != name and clip not in ids:
                    path.unlink()
                    removed.add(clip)
    return len(removed)
