"""Interval tables in every form that is read."""

import json
from pathlib import Path

_ROWS = (
    ("s15", "0101", 10, 22, "micro", 16, 0.5),
    ("s15", "0101", 60, 130, "macro", 90, 0.75),
    ("s16", "0102", 30, 44, "micro", 36, 1.0),
    ("s16", "0103", "", "", "", "", ""),
)
_HEADER = ("subject", "video", "onset", "offset", "type", "apex", "score")


def _lines(mark: str, *, header: bool = True) -> str:
    rows = [_HEADER, *_ROWS] if header else [*_ROWS]
    return "\n".join(mark.join(map(str, row)) for row in rows) + "\n"


def comma(folder: Path, kit: Path) -> None:
    """Our own table."""
    _truth_and(folder, kit)
    (folder / "found.csv").write_text(_lines(","))


def semicolon(folder: Path, kit: Path) -> None:
    """A spreadsheet program's table."""
    _truth_and(folder, kit)
    (folder / "found.csv").write_text(_lines(";"))


def bare(folder: Path, kit: Path) -> None:
    """Rows without a header, blanks between."""
    _truth_and(folder, kit)
    rows = [f"{s} {v} {k} {on} {apex} {off}" for s, v, on, off, k, apex, _ in _ROWS[:3]]
    (folder / "found.txt").write_text("\n".join(rows) + "\n")


def per_video(folder: Path, kit: Path) -> None:
    """A folder with a file for each video."""
    _truth_and(folder, kit)
    for kind in ("micro", "macro"):
        place = folder / "found" / kind
        place.mkdir(parents=True)
        (place / "s15_0101.txt").write_text("10 22 0.5\n40 52 0.25\n")
        (place / "s16_0102.txt").write_text("")


def log(folder: Path, kit: Path) -> None:
    """A log of the challenge."""
    del kit
    folder.mkdir(parents=True, exist_ok=True)
    rows = ("1", "s15_0101 10 22 11 21 TP", "s15_0101 60 130 - - FN", "s16_0102 - - 3 9 FP")
    (folder / "log.txt").write_text("\n".join(rows) + "\n")


def spotted(folder: Path, kit: Path) -> None:
    """What ``hmrm spot`` writes as JSON."""
    _truth_and(folder, kit)
    videos = [
        {
            "subject": subject,
            "video": video,
            "source": f"{video}.mp4",
            "frame_count": 200,
            "frames_per_s": 30.0,
            "intervals": [{"onset": on, "offset": off, "type": kind, "apex": apex, "score": sure}],
            "notices": [],
        }
        for subject, video, on, off, kind, apex, sure in _ROWS[:3]
    ]
    (folder / "found.json").write_text(json.dumps({"schema": 1, "videos": videos}))


def _truth_and(folder: Path, kit: Path) -> None:
    del kit
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "truth.csv").write_text(_lines(","))
