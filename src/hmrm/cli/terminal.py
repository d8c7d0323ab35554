"""What all commands share on a terminal: the progress bar and where words go."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from hmrm import progress as progress_module

OUT = Console(soft_wrap=True, highlight=False)
"""Results go to standard output."""

ERR = Console(stderr=True, soft_wrap=True, highlight=False)
"""Progress, warnings and errors go to standard error, so that output can be piped."""

LINE_S = 30.0
"""Seconds between two lines of progress where no bar can be drawn, as in a log file."""


@contextmanager
def progress_bar(*, enabled: bool) -> Iterator[progress_module.Progress]:
    """Yield a progress callback that draws one bar per stage on standard error.

    Where that is no terminal, long stages print a line every `LINE_S` seconds instead.
    """
    if not enabled:
        yield progress_module.silent
        return
    if not ERR.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=ERR, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield advance


class _Lines:
    """A progress callback for log files."""

    def __init__(self) -> None:
        self._began: dict[str, tuple[float, int]] = {}
        self._last = time.monotonic()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        start, first = self._began.setdefault(stage, (now, done))
        if now - self._last < LINE_S:
            return
        self._last = now
        left = ""
        if total is not None and done > first:
            minutes = (now - start) / (done - first) * (total - done) / 60
            left = f", about {minutes:.0f} min to go"
        of = "" if total is None else f" of {total}"
        ERR.print(f"{stage}: {done}{of}{left}", markup=False)
