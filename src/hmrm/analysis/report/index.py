"""The page that leads from a run over several videos to the report of each."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from hmrm import atomic
from hmrm.analysis.report import words
from hmrm.analysis.report.page import environment
from hmrm.analysis.run import Outcome, VideoRun

NAME = "index.html"


@dataclass(frozen=True, kw_only=True)
class IndexRow:
    """One video: its report's address below the index, and what it holds.

    Attributes:
        duration_s, micro, macro: None of a video that failed.
        classes: class → events, in order of the alphabet.
        note: why it failed, or what its reader must know first.
    """

    name: str
    report: str
    duration_s: float | None
    micro: int | None
    macro: int | None
    classes: tuple[tuple[str, int], ...]
    note: str

    @property
    def events(self) -> int:
        """Of both lengths."""
        return (self.micro or 0) + (self.macro or 0)


def write_index(folder: Path, run: VideoRun, title: str) -> None:
    """Write ``index.html`` into a run's folder.

    Raises:
        OutputError: the file cannot be written.
    """
    text = (
        environment()
        .get_template("index.html.j2")
        .render(
            title=title,
            rows=[_row(outcome) for outcome in run.outcomes],
            reliability=words.RELIABILITY,
            forbidden=words.FORBIDDEN,
        )
    )
    atomic.write_text(folder / NAME, text)


def _row(outcome: Outcome) -> IndexRow:
    target, result = outcome.target, outcome.result
    if result is None:
        return IndexRow(
            name=target.name,
            report="",
            duration_s=None,
            micro=None,
            macro=None,
            classes=(),
            note=f"failed: {outcome.error}",
        )
    kinds = [interval.kind for interval in result.intervals]
    labels = [event.label for event in result.events if event.label]
    return IndexRow(
        name=target.name,
        report=quote(os.fsencode(f"{target.folder}/report.html")),
        duration_s=result.duration_s,
        micro=kinds.count("micro") if result.measured else None,
        macro=kinds.count("macro") if result.measured else None,
        classes=tuple((name, labels.count(name)) for name in sorted(set(labels))),
        note="" if result.measured else result.notices[-1].message,
    )
