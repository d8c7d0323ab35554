"""WebVTT: subtitles that name each movement while it lasts; every player shows them."""

from html import escape
from pathlib import Path

from hmrm import atomic
from hmrm.analysis.export import tiers
from hmrm.analysis.record import Analysis


def write(path: Path, analysis: Analysis) -> tuple[Path, ...]:
    """Write a WebVTT file; a cue per event, numbered as in the report.

    Raises:
        OutputError: the file cannot be written.
    """
    source = _plain(analysis.source)
    blocks = [f"WEBVTT - hmrm: movements of {source}", f"NOTE\n{_plain(tiers.rule(analysis))}"]
    for entry in tiers.entries(analysis):
        event = entry.event
        blocks.append(
            f"event-{entry.number}\n"
            f"{_clock(entry.start_ms)} --> {_clock(entry.end_ms)}\n"
            f"face {event.face_id}: {_plain(tiers.class_text(event))}, "
            f"{_plain(event.region.replace('_', ' '))}\n"
            f"frames: {tiers.frames_text(event)}\n"
            f"seconds: onset {event.onset_s:.4f}, apex {event.apex_s:.4f}, "
            f"offset {event.offset_s:.4f}"
        )
    atomic.write_text(path, "\n\n".join(blocks) + "\n")
    return (path,)


def _plain(text: str) -> str:
    """Text that is neither a tag nor an arrow."""
    return escape(tiers.line(text), quote=False)


def _clock(time_ms: int) -> str:
    seconds, ms = divmod(time_ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"
