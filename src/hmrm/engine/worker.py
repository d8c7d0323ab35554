"""What runs on a worker of a cluster: whether it may work for a run at all, and each task.

A worker that joins late is asked the same questions as the first ones, before its first task.
"""

import hashlib
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hmrm import parallel, provenance
from hmrm.engine.contract import Check
from hmrm.errors import EngineError, HmrmError

# As the process began: what is set later no longer reaches a library that is loaded.
_THREADS: Mapping[str, str | None] = {
    name: os.environ.get(name) for name in parallel.THREAD_VARIABLES
}
_PASSED: set[str] = set()
"""Runs that this process may work for."""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What must be the same everywhere for the same bytes.

    Attributes:
        code: sha256 over the source files of the package; a checkout has one version for long.
        packages: versions of the libraries that compute; those that one side lacks are not
            compared, for a task that needs one says so.
    """

    hmrm: str
    code: str
    machine: str
    packages: Mapping[str, str]

    def differences(self, other: "Installed") -> list[str]:
        """What ``other`` has instead, in words."""
        both = [name for name in self.packages if name in other.packages]
        pairs = [
            ("hmrm", self.hmrm, other.hmrm),
            ("code of hmrm", self.code[:12], other.code[:12]),
            ("machine", self.machine, other.machine),
            *((name, self.packages[name], other.packages[name]) for name in both),
        ]
        return [f"{name} {there}, here {here}" for name, here, there in pairs if here != there]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What all tasks of a run have in common.

    Attributes:
        run: a name of its own.
        installed: of the machine where the run was started.
    """

    run: str
    function: Callable[[Any], Any]
    installed: Installed
    check: Check | None


@cache
def installed() -> Installed:
    """What is installed here."""
    stamp = provenance.make_stamp()
    code = hashlib.sha256()
    package = Path(__file__).parents[1]
    for path in sorted(package.rglob("*.py")):
        code.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return Installed(
        hmrm=stamp.hmrm, code=code.hexdigest(), machine=stamp.machine, packages=stamp.packages
    )


def problem(job: Job, dask_worker: Any) -> str:
    """Why this worker must not work for a run; empty where it may.

    Args:
        dask_worker: the process that runs this; Dask passes it by this name.
    """
    found = job.installed.differences(installed())
    if not found:
        found = _thread_problems(dask_worker.state.nthreads)
    if not found and job.check is not None:
        try:
            job.check()
        except HmrmError as error:
            found = [str(error)]
    if not found:
        return ""
    return f"{named(dask_worker.address, socket.gethostname())}: {'; '.join(found)}"


def named(address: str, host: str) -> str:
    """A worker as messages name it."""
    return f"worker {address} on host {host}"


def work(job: Job, item: Any) -> Any:
    """Compute one task.

    Raises:
        EngineError: this worker must not work for the run.
    """
    if job.run not in _PASSED:
        from distributed import get_worker

        reason = problem(job, get_worker())
        if reason:
            raise EngineError(reason)
        _PASSED.add(job.run)
    parallel.single_thread()
    return job.function(item)


def same(job: Job) -> Job:
    """A job as a task of its own: it travels once to each worker, not with every item."""
    return job


def _thread_problems(nthreads: int) -> list[str]:
    advice = "start it with --nthreads 1 and, without a nanny, with OMP_NUM_THREADS=1 and the like"
    if nthreads != 1:
        return [f"computes {nthreads} tasks at a time, and hmrm one a process; {advice}"]
    many = [name for name, value in _THREADS.items() if value != "1"]
    return [f"{many[0]} is not 1, so that its results may differ; {advice}"] if many else []
