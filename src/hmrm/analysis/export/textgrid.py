"""Praat: one ``.TextGrid`` in long text form, UTF-8; frames and apexes are tiers of their own.

The format has no place for comments, so the counting rule stands in the frames tiers' names.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hmrm import atomic
from hmrm.analysis.export import tiers
from hmrm.analysis.record import Analysis

Interval = tuple[float, float, str]
"""Start and end, s, and the text between them."""

FRAMES = "frames (first frame 0, both ends count)"


def write(path: Path, analysis: Analysis) -> tuple[Path, ...]:
    """Write a TextGrid.

    Raises:
        OutputError: the file cannot be written.
    """
    found = tiers.tiers(analysis)
    last_ms = max((e.end_ms for tier in found for e in tier.entries), default=0)
    end_s = max(analysis.clock.player_s(analysis.duration_s), last_ms / 1000, 0.001)
    blocks = [block for tier in found for block in _blocks(analysis, tier, end_s)]
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {end_s:.6f}",
        "tiers? <exists>",
        f"size = {len(blocks)}",
        "item []:",
    ]
    for number, block in enumerate(blocks, 1):
        lines += [f"    item [{number}]:", *(f"        {one}" for one in block)]
    atomic.write_text(path, "\n".join(lines) + "\n")
    return (path,)


def _blocks(analysis: Analysis, tier: tiers.Tier, end_s: float) -> Iterator[list[str]]:
    def texts(of: Iterable[str]) -> list[Interval]:
        return [
            (entry.start_ms / 1000, entry.end_ms / 1000, text)
            for entry, text in zip(tier.entries, of, strict=True)
        ]

    events = [entry.event for entry in tier.entries]
    yield _intervals(tier.name, texts(map(tiers.class_text, events)), end_s)
    yield _intervals(f"{tier.name} {FRAMES}", texts(map(tiers.frames_text, events)), end_s)
    yield _intervals(f"{tier.name} details", texts(map(tiers.details_text, tier.entries)), end_s)
    apexes = [(analysis.clock.player_s(e.apex_s), f"apex {e.apex_index}") for e in events]
    yield _points(f"{tier.name} apex", apexes, end_s)


def _intervals(name: str, marked: Sequence[Interval], end_s: float) -> list[str]:
    """A tier that is filled from its beginning to its end, as Praat demands."""
    filled: list[Interval] = []
    at_s = 0.0
    for start_s, stop_s, text in marked:
        if start_s > at_s:
            filled.append((at_s, start_s, ""))
        filled.append((start_s, stop_s, text))
        at_s = stop_s
    if end_s > at_s:
        filled.append((at_s, end_s, ""))
    lines = _head("IntervalTier", name, end_s, f"intervals: size = {len(filled)}")
    for number, (start_s, stop_s, text) in enumerate(filled, 1):
        lines += [
            f"intervals [{number}]:",
            f"    xmin = {start_s:.6f}",
            f"    xmax = {stop_s:.6f}",
            f"    text = {_quoted(text)}",
        ]
    return lines


def _points(name: str, marked: Sequence[tuple[float, str]], end_s: float) -> list[str]:
    lines = _head("TextTier", name, end_s, f"points: size = {len(marked)}")
    for number, (time_s, text) in enumerate(marked, 1):
        lines += [
            f"points [{number}]:",
            f"    number = {time_s:.6f}",
            f"    mark = {_quoted(text)}",
        ]
    return lines


def _head(kind: str, name: str, end_s: float, size: str) -> list[str]:
    return [
        f'class = "{kind}"',
        f"name = {_quoted(name)}",
        "xmin = 0",
        f"xmax = {end_s:.6f}",
        size,
    ]


def _quoted(text: str) -> str:
    doubled = tiers.line(text).replace('"', '""')
    return f'"{doubled}"'
