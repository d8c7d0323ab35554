"""What all commands share on a terminal: the progress bar, and where output and errors go.

Names of files, clips and subjects never act there: nothing printed is markup, and control
characters are shown as their numbers.
"""

import errno
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
)
from rich.text import Text

from hmrm import atomic, errors
from hmrm.errors import HmrmError, OutputError
from hmrm.progress import Pace, duration_text

_MOST_OF_AN_END = 1500
BROKEN_PIPE = 141
"""Exit code where the reader of a pipe has gone: what a shell gives for SIGPIPE."""

_ACTING = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
_PLAIN = str.maketrans({"±": "+-", "…": "...", "×": "x", "–": "-", "−": "-", "—": "-", "·": "|"})


def harmless(text: str) -> str:
    """Text whose control characters, but for tab and newline, are shown as their numbers."""
    return text.translate(_ACTING)


class Terminal(Console):
    """A console that prints strings as they are: no markup, no emoji names, no control codes."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, soft_wrap=True, markup=False, highlight=False, emoji=False)

    def print(self, *objects: Any, **how: Any) -> None:
        """As rich's, with `harmless` strings."""
        super().print(*(harmless(o) if isinstance(o, str) else o for o in objects), **how)

    def emphasise(
        self, word: str, text: str = "", *, style: str = "bold", before: str = ""
    ) -> None:
        """Print a line one word of which stands out."""
        self.print(Text.assemble(harmless(before), (harmless(word), style), harmless(text)))

    @property
    def file(self) -> Any:
        """The stream, which takes any text."""
        return _AnyText(super().file)

    @file.setter
    def file(self, new_file: Any) -> None:
        self._file = new_file


class _AnyText:
    """A stream that writes what its encoding lacks in plain letters.

    It names a full disk, and ends the program quietly where nobody reads what would follow.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            plain = text.translate(_PLAIN)
            text = plain.encode(encoding, "backslashreplace").decode(encoding)
        with self._named():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._named():
            self._stream.flush()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            _discard(self._stream)
            raise SystemExit(BROKEN_PIPE) from None
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            _discard(self._stream)
            raise OutputError("standard output: cannot be written (no space left)") from error


def _discard(stream: Any) -> None:
    """What is left to write goes nowhere, so that the interpreter ends without a word."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@dataclass
class Loudness:
    """What ``hmrm -v`` and ``hmrm -q`` ask for.

    Attributes:
        verbose: Python's trace of an error is shown, too.
        quiet: no progress; results, warnings and errors stay.
    """

    verbose: bool = False
    quiet: bool = False


LOUDNESS = Loudness()


def set_loudness(*, verbose: bool, quiet: bool) -> None:
    """Keep what this call of the program asks for."""
    LOUDNESS.verbose, LOUDNESS.quiet = verbose, quiet


OUT = Terminal()
"""Results go to standard output."""

ERR = Terminal(stderr=True)
"""Progress, warnings and errors go to standard error, so that output can be piped."""


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> None:
    """Print a table; where the terminal is too narrow for it, each row as a list of its values.

    No cell is ever cut. Into a pipe or a file the table goes as wide as it is.

    Args:
        left: so many columns are flush left, the others right.
    """
    cells = [[harmless(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    limited = OUT.is_terminal or "COLUMNS" in os.environ
    if limited and sum(widths) + 2 * (len(widths) - 1) > OUT.width:
        for name, *values in cells[1:]:
            OUT.print(Text(name, style="bold"))
            for title, value in zip(cells[0][1:], values, strict=True):
                OUT.print(Text(f"  {title:<{max(map(len, cells[0]))}}  {value}".rstrip()))
        return
    for number, row in enumerate(cells):
        line = "  ".join(
            f"{cell:<{w}}" if i < left else f"{cell:>{w}}"
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        OUT.print(Text(line.rstrip(), style="" if number else "bold"))


def print_warning(text: str) -> None:
    """Print what to beware of."""
    ERR.emphasise("warning:", f" {text}", style="bold yellow")


def output_folder(path: Path) -> Path:
    """Take the folder that ``-o`` names, or refuse it before any work.

    What a killed run left under temporary names is removed.
    """
    atomic.require_folder(path)
    atomic.remove_partial(path, below=False)
    return path


def output_file(path: Path | None) -> Path | None:
    """Take the file that ``-o`` names, or refuse it before any work; see `atomic`."""
    if path is not None:
        atomic.require_file(path)
    return path


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
    if not enabled or LOUDNESS.quiet:
        yield _Silent()
        return
    if not ERR.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=ERR, transient=True) as bars:
        yield _Bars(bars)


def print_error(error: Exception) -> None:
    """Print an error as one line with its place in the docs; of a very long one the middle is cut.

    A test compares docs/errors.md with the errors.
    """
    text = str(error)
    if len(text) > 2 * _MOST_OF_AN_END:
        text = f"{text[:_MOST_OF_AN_END]} … {text[-_MOST_OF_AN_END:]}"
    named = next((c for c in type(error).__mro__ if c.__module__ == errors.__name__), HmrmError)
    place = f" [docs/errors.md#{named.__name__.lower()}]"
    ERR.emphasise("error:", f" {text}{place}", style="bold red")


def _left(pace: Pace, done: int, total: int | None) -> str:
    """Note a step, and say how long the others take; nothing before that can be known."""
    now = time.monotonic()
    pace.add(now, done)
    left_s = pace.left_s(now, total)
    return "" if left_s is None or done == total else f"{duration_text(left_s)} to go"


class _Bars:
    """One bar per stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._paces: dict[str, Pace] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total, left="")
        left = _left(self._paces.setdefault(stage, Pace()), done, total)
        self._bars.update(self._tasks[stage], completed=done, total=total, left=left)

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
        self._paces: dict[str, Pace] = {}
        self._last = time.monotonic()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        left = _left(self._paces.setdefault(stage, Pace()), done, total)
        now = time.monotonic()
        if now - self._last < LINE_S:
            return
        self._last = now
        of = "" if total is None else f" of {total}"
        ERR.print(f"{stage}: {done}{of}{left and f', {left}'}")

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()
