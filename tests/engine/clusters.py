"""A Dask scheduler and workers as processes of this machine, each worker in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path

ROOT = Path(__file__).parents[2]
WHY_NOT = "" if util.find_spec("distributed") else "Dask is not installed (extra cluster)"
_WAIT_S = 120.0
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}


def environment(*before: Path) -> dict[str, str]:
    """This checkout's code first, after ``before``."""
    paths = [*map(str, before), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@dataclass
class Cluster:
    """A scheduler that may be killed and started again at the same port, and its workers.

    Attributes:
        prefix: words before every command, such as those that enter a namespace.
    """

    folder: Path
    host: str = "127.0.0.1"
    prefix: Sequence[str] = ()
    port: int = 0
    scheduler: subprocess.Popen[bytes] | None = None
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"tcp://{self.host}:{self.port}"

    def start_scheduler(self) -> None:
        told = self.folder / "scheduler.json"
        told.unlink(missing_ok=True)
        options = ["--host", self.host, "--port", self.port, "--no-dashboard"]
        words = ["scheduler", *options, "--scheduler-file", told]
        self.scheduler = self._start("scheduler", words, self.prefix, {})
        wait_for(lambda: _address_in(told) is not None)
        self.port = int(str(_address_in(told)).rpartition(":")[2])

    def start_worker(
        self,
        name: str,
        *,
        prefix: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        nthreads: int = 1,
    ) -> None:
        """Start one and wait until it works."""
        options = ["--name", name, "--nthreads", nthreads, "--no-nanny", "--no-dashboard"]
        words = ["worker", self.address, *options, "--memory-limit", 0]
        words += ["--local-directory", self.folder / name / "scratch"]
        place = self.prefix if prefix is None else prefix
        self.workers[name] = self._start(name, words, place, env or {})
        log = self.folder / name / "log"
        wait_for(lambda: b"Registered to" in log.read_bytes())

    def kill(self, name: str) -> None:
        """``kill -9``."""
        process = self.scheduler if name == "scheduler" else self.workers.pop(name)
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait_for_workers(self, count: int) -> None:
        """Until the scheduler has noticed which workers are gone."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            wait_for(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == count)

    def tasks_after_a_while(self) -> int:
        """How many tasks the scheduler still knows, once those that run have ended."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            # A function without a name travels by its code: the scheduler cannot import this file.
            count = lambda dask_scheduler: len(dask_scheduler.tasks)  # noqa: E731
            wait_for(lambda: client.run_on_scheduler(count) == 0)
            return client.run_on_scheduler(count)

    def close(self) -> None:
        for process in (*self.workers.values(), self.scheduler):
            if process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _start(
        self, name: str, words: Sequence[object], prefix: Sequence[str], env: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        place = self.folder / name
        place.mkdir(parents=True, exist_ok=True)
        command = [*prefix, sys.executable, "-m", "dask", *map(str, words)]
        with (place / "log").open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=place,
                env={**environment(), **env},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _address_in(told: Path) -> str | None:
    """What a scheduler wrote; None while it is still writing, when the file is there but empty."""
    try:
        return json.loads(told.read_text())["address"]
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def wait_for(happened, *, while_running: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until something is so; fails where a process ends before it is, or after two minutes."""
    end = time.monotonic() + _WAIT_S
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        assert while_running is None or while_running.poll() is None, "ended before"
        time.sleep(0.05)


def hmrm(
    words: Sequence[object], folder: Path, *, prefix: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """Start a command in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "hmrm", *map(str, words), "--no-progress"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
