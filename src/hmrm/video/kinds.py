"""Which files are videos, which only look like it, and what to do about those."""

from collections.abc import Sequence
from pathlib import Path

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".qt", ".avi", ".divx", ".webm", ".gif", ".mkv", ".mpg", ".mpeg"}
    | {".mpe", ".vob", ".wmv", ".asf", ".flv", ".f4v", ".ts", ".mts", ".m2ts", ".m2t", ".3gp"}
    | {".3g2", ".mj2", ".ogv", ".ogg", ".ogm"}
)
"""Containers that are read, whatever the codec inside."""

_RAW = {
    **dict.fromkeys((".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".m2v", ".m4e"), "copy"),
    **dict.fromkeys((".ivf", ".obu", ".dv", ".mpv", ".mjpeg", ".mjpg"), "copy"),
    **dict.fromkeys((".y4m", ".yuv", ".rgb", ".raw"), "ffv1"),
}
_LISTED = 5


def is_video(path: Path) -> bool:
    """Whether a file is a video by its suffix or, without one, by its first bytes."""
    suffix = path.suffix.lower()
    return suffix in VIDEO_SUFFIXES or (not suffix and path.is_file() and _begins_as_video(path))


def _begins_as_video(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(189)
    except OSError:
        return False
    return (
        head[4:8] == b"ftyp"
        or head[8:12] == b"AVI "
        or head.startswith((b"\x1aE\xdf\xa3", b"FLV", b"GIF8", b"OggS", b"0&\xb2u", b"\0\0\1\xba"))
        or (head[:1] == b"G" and head[188:189] == b"G")
    )


def raw_stream(path: Path) -> str:
    """What to do with a stream without a container, which states no times; else empty."""
    codec = _RAW.get(path.suffix.lower())
    if codec is None:
        return ""
    return (
        "a raw stream without a container, which states no frame times; put it into one, e.g. "
        f"ffmpeg -framerate 200 -i {path.name} -c:v {codec} {path.stem}.mkv"
    )


def untaken_notes(paths: Sequence[Path]) -> list[str]:
    """Sentences on files that lie in a folder and are not taken, each kind with its remedy."""
    raw = [path for path in paths if raw_stream(path)]
    among = [path for path in paths if path not in raw and is_video(path)]
    others = [path for path in paths if path not in raw and path not in among]
    notes = []
    if raw:
        more = f" and {len(raw) - 1} more" if len(raw) > 1 else ""
        notes.append(f"not taken: {raw[0]}{more}: {raw_stream(raw[0])}")
    if among:
        notes.append(
            f"not taken: {_names(among)}: in a folder of images, which is one clip; move them out, "
            "or name them"
        )
    if others:
        notes.append(f"not taken, as neither videos nor image folders: {_names(others)}")
    return notes


def _names(paths: Sequence[Path]) -> str:
    shown = ", ".join(path.name for path in paths[:_LISTED])
    more = len(paths) - _LISTED
    return f"{shown} and {more} more" if more > 0 else shown
