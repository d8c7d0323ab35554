"""What all commands share on a terminal: the progress bar, and where output and errors go."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, runtime_checkable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

OUT = Console(soft_wrap=True, highlight=False)
"""Results go to standard output."""

ERR = Console(stderr=True, soft_wrap=True, highlight=False)
"""Progress, warnings and errors go to standard error, so that output can be piped."""

LINE_S = 30.0
"""Seconds between two lines of progress where no bar can be shown, as in a log file."""


@runtime_checkable
class Display(Protocol):
    """A progress callback (``hmrm.progress.Progress``) that can be cleared for a while."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Show that a stage advanced."""

    def paused(self) -> AbstractContextManager[None]:
        """Clear the bars while results are printed."""


@contextmanager
def progress_bar(*, enabled: bool) -> Iterator[Display]:
    """Yield a progress callback that draws one bar per stage on standard error.

    Where that is no terminal, long stages print a line every `LINE_S` seconds instead.
    """
    if not enabled:
        yield _Silent()
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
        yield _Bars(bars)


def print_error(error: Exception) -> None:
    """Print an error that does not end the command."""
    ERR.print("error:", style="bold red", end=" ")
    ERR.print(str(error), markup=False)


class _Bars:
    """One bar per stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        if done < self._done.get(stage, 0):  # the next video
            self._bars.reset(self._tasks[stage])
        self._done[stage] = done
        self._bars.update(self._tasks[stage], completed=done, total=total)

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()


class _Silent:
    """No display."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        del stage, done, total

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()


class _Lines:
    """Lines for log files."""

    def __init__(self) -> None:
        self._started: dict[str, tuple[float, int]] = {}
        self._done: dict[str, int] = {}
        self._last = time.monotonic()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if done < self._done.get(stage, done + 1):  # new, or the next video
            self._started[stage] = (now, done)
        self._done[stage] = done
        start, first = self._started[stage]
        if now - self._last < LINE_S:
            return
        self._last = now
        left = ""
        if total is not None and done > first:
            minutes = (now - start) / (done - first) * (total - done) / 60
            left = f", about {minutes:.0f} min to go"
        of = "" if total is None else f" of {total}"
        ERR.print(f"{stage}: {done}{of}{left}", markup=False)

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()
