"""What all commands share on a terminal: the progress bar and where words go."""

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


@contextmanager
def progress_bar(*, enabled: bool) -> Iterator[progress_module.Progress]:
    """Yield a progress callback that draws one bar per stage on standard error."""
    if not enabled:
        yield progress_module.silent
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
