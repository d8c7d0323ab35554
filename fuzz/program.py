"""One command of the program, run in this process, with what it printed and how it ended."""

import importlib
import io
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmrm import parallel

CALL = "call:"
"""A command that begins so names a public function, ``call:module:function PATH``."""

NAMED_CODES = frozenset(range(2, 10))
"""Exit codes of errors that the program knows (``hmrm.errors``, and 2 for wrong usage)."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a command ended.

    Attributes:
        exit_code: None where an exception came through that nobody had named.
        fault: type and place of such an exception, alike for inputs with the same fault.
        report: its traceback.
        printed: what it wrote to standard output and standard error.
    """

    exit_code: int | None
    printed: str
    fault: str = ""
    report: str = ""


def run(words: Sequence[str], *, encoding: str = "utf-8") -> Ending:
    """Run ``hmrm`` with these words, as its console script does.

    Args:
        encoding: of both output streams; like a real one, standard output refuses what it cannot
            express.
    """
    printed = io.BytesIO()
    with _streams(printed, encoding):
        try:
            _action(words)()
            code: int | None = 0
            fault = report = ""
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else int(done.code is not None)
            fault = report = ""
        except BaseException as error:  # noqa: BLE001 - whatever comes through is what we look for
            code, fault = None, place_of(error)
            report = "".join(traceback.format_exception(error, limit=-30))
    return Ending(
        exit_code=code,
        printed=printed.getvalue().decode(encoding, "replace"),
        fault=fault,
        report=report,
    )


def import_everything() -> None:
    """Once, before processes are forked, so that no input pays for an import."""
    # Consoles are made at import and keep the width that they find then.
    os.environ["COLUMNS"] = "80"
    package = importlib.import_module("hmrm")
    for module in pkgutil.walk_packages(package.__path__, "hmrm."):
        # Parts for hardware that is not here cannot be imported.
        with suppress(ImportError):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    # torch makes an empty folder for a cache of its own in the temporary folder at this import.
    importlib.import_module("torch._dynamo")
    for name in ("openpyxl", "xlrd", "sklearn.svm", "matplotlib.pyplot", "jinja2"):
        importlib.import_module(name)
    # Before any thread is started: a forked child waits for ever for those of its parent.
    parallel.single_thread()


def place_of(error: BaseException) -> str:
    """``TypeError at hmrm/flow/mapset.py:_check``: the innermost place inside the program."""
    place = "outside of hmrm"
    for frame, _ in traceback.walk_tb(error.__traceback__):
        found = package_place(frame.f_code.co_filename)
        if found:
            place = f"{found}:{frame.f_code.co_name}"
    return f"{type(error).__name__} at {place}"


def package_place(file: str) -> str:
    """The file from ``hmrm/`` on; empty for files of other packages."""
    parts = Path(file).parts
    if "hmrm" not in parts or "fuzz" in parts:
        return ""
    return "/".join(parts[len(parts) - 1 - parts[::-1].index("hmrm") :])


def _action(words: Sequence[str]) -> Callable[[], object]:
    if words[0].startswith(CALL):
        _, module, name = words[0].split(":")
        return lambda: _called(module, name, Path(words[1]))
    sys.argv = ["hmrm", *words]
    main: Callable[[], object] = importlib.import_module("hmrm.cli.main").main
    return main


def _called(module: str, name: str, path: Path) -> None:
    """A public function that no command leads to; its named errors end as a command's would."""
    from hmrm.cli.terminal import harmless
    from hmrm.errors import HmrmError

    try:
        getattr(importlib.import_module(module), name)(path)
    except HmrmError as error:
        sys.stderr.write(f"error: {harmless(str(error))}\n")
        sys.exit(error.exit_code)


@contextmanager
def _streams(printed: io.BytesIO, encoding: str) -> Iterator[None]:
    kept = sys.stdout, sys.stderr, sys.argv
    sys.stdout = io.TextIOWrapper(_Kept(printed), encoding=encoding, write_through=True)
    sys.stderr = io.TextIOWrapper(
        _Kept(printed), encoding=encoding, errors="backslashreplace", write_through=True
    )
    try:
        yield
    finally:
        sys.stdout, sys.stderr, sys.argv = kept


class _Kept(io.RawIOBase):
    """Writes through to a buffer that stays open when the stream above it is dropped."""

    def __init__(self, buffer: io.BytesIO) -> None:
        self._buffer = buffer

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, content: Any) -> int:
        """Everything at once."""
        return self._buffer.write(content)
