"""The page of the onset benchmark, from its results alone."""

from collections.abc import Mapping
from typing import Any

_HEAD = """# Onset and offset in fast videos

One rendered expression in each of {clips} clips of 5 s at 200 frames a second (`python -m \
benchmarks.onsets`, seeds 6000 to 6059, looked at twice; the fit was made with other seeds). Every \
third frame is measured. *Thresholds alone* takes onset and offset where the \
motion passes a threshold; *fitted flanks* is the default from 50 measured frames a second on \
(`spotting/flanks.py`). The renderer's flanks are half a cosine wave, as are the fitted ones; \
minimum jerk is another form. Error: median of the absolute value; late: median (offsets that are \
found too early are negative).

| flanks of the truth | ends from | found | others | onset: error | late | within 10 ms | 20 ms | \
offset: error | late | within 10 ms | 20 ms |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""

_FOOT = """
Filmed faces are annotated by eye, to one or two frames of 25 to 30 a second; there the fit, tried \
on ten clips, was further from the annotation (2 frames for 1), and such videos keep the thresholds.
"""


def as_page(result: Mapping[str, Any]) -> str:
    """Markdown."""
    rows = [
        f"| {course} | {name} | {_row(row)} |"
        for course, settings in result["table"].items()
        for name, row in settings.items()
    ]
    return _HEAD.format(clips=result["clips"]) + "\n".join(rows) + "\n" + _FOOT


def _row(row: Mapping[str, float]) -> str:
    cells = [f"{row['found']:.0f}", f"{row['others']:.0f}"]
    for end in ("onset_s", "offset_s"):
        cells += [f"{1000 * row[f'{end}_median_{what}']:.0f} ms" for what in ("error", "late")]
        cells += [f"{100 * row[f'{end}_within_{ms}_ms']:.0f} %" for ms in (10, 20)]
    return " | ".join(cells)
