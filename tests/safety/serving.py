"""Commands run by a process that has imported the program and measures what each one takes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended, and what it took beyond a process at rest.

    ``exit_code`` is None where an exception came through, -9 where it had to be stopped.
    """

    exit_code: int | None
    printed: str
    report: str
    processor_s: float
    memory_mb: float


class Server:
    """Runs one command at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(
        self, words: list[str], folder: Path, *, most_s: float, most_mb: float, **more: Any
    ) -> Ended:
        """Run ``hmrm`` with these words in ``folder``; stop it beyond the limits."""
        request = {
            "words": words,
            "folder": str(folder),
            "most_s": most_s,
            "most_mb": most_mb,
            **more,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


@contextmanager
def serving() -> Iterator[Server]:
    """A server for as long as the block lasts."""
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-m", "fuzz.measured"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    try:
        yield Server(process)
    finally:
        process.terminate()
        process.communicate()
