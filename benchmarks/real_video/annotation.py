"""The annotation of a folder of filmed clips: ``details.csv``, one row for each expression.

Columns: video, onset, apex, offset, type, class, certainty (``sure`` or ``unsure``); frames from 0,
both ends count. A clip without any expression has one row without frames. ``distractors.csv``
(video, kind, first, last) is optional: frames of speech, blinks and the like are no rest.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hmrm.errors import DataError
from hmrm.video.container import VIDEO_SUFFIXES

_NO_REST = frozenset({"speech", "blink", "hand", "nod", "head turn", "head roll", "head tilt"})


@dataclass(frozen=True)
class Annotated:
    """One annotated expression."""

    video: str
    onset: int
    apex: int
    offset: int
    kind: Literal["micro", "macro"]
    label: str
    sure: bool


@dataclass(frozen=True)
class Folder:
    """Everything annotated in a folder.

    Attributes:
        paths: video name → file.
        rows: expressions, sure and unsure.
        empty: videos in which there is none.
        disturbed: video → frames that are no rest for another reason.
    """

    paths: dict[str, Path]
    rows: tuple[Annotated, ...]
    empty: frozenset[str]
    disturbed: dict[str, frozenset[int]]

    def at_rest(self, video: str, frame_count: int) -> list[int]:
        """Frames in which nothing annotated happens."""
        busy = set(self.disturbed.get(video, ()))
        for row in self.rows:
            if row.video == video:
                busy |= set(range(row.onset + 1, row.offset))
        return [frame for frame in range(frame_count) if frame not in busy]


def read_folder(folder: Path) -> Folder:
    """Read a folder's annotation.

    Raises:
        DataError: no ``details.csv``, a column is missing, a row makes no sense, or a video is.
    """
    table = folder / "details.csv"
    if not table.is_file():
        raise DataError(f"{table}: no such file; see benchmarks/real_video for its columns")
    found, videos = [], list[str]()
    with table.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            try:
                videos.append(row["video"])
                if row["onset"]:
                    found.append(_annotated(row))
            except (KeyError, ValueError) as error:
                raise DataError(f"{table} line {number}: {error!r}; give {_COLUMNS}") from error
    with_events = {row.video for row in found}
    return Folder(
        paths={video: _path_of(folder, video) for video in dict.fromkeys(videos)},
        rows=tuple(found),
        empty=frozenset(videos) - with_events,
        disturbed=_disturbed(folder / "distractors.csv"),
    )


_COLUMNS = "video, onset, apex, offset, type, class, certainty"


def _annotated(row: dict[str, str]) -> Annotated:
    kind = row["type"]
    if kind not in ("micro", "macro"):
        raise ValueError(f"type {kind!r}")
    return Annotated(
        video=row["video"],
        onset=int(row["onset"]),
        apex=int(row["apex"]),
        offset=int(row["offset"]),
        kind="micro" if kind == "micro" else "macro",
        label=row["class"],
        sure=row["certainty"] == "sure",
    )


def _path_of(folder: Path, video: str) -> Path:
    found = sorted(p for p in folder.glob(f"{video}.*") if p.suffix.lower() in VIDEO_SUFFIXES)
    if not found:
        raise DataError(f"{folder / video}.*: no video of that name; it is in details.csv")
    return found[0]


def _disturbed(table: Path) -> dict[str, frozenset[int]]:
    frames: dict[str, set[int]] = {}
    if table.is_file():
        with table.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["kind"] in _NO_REST:
                    span = range(int(row["first"]), int(row["last"]) + 1)
                    frames.setdefault(row["video"], set()).update(span)
    return {video: frozenset(some) for video, some in frames.items()}
