"""The engine that sends tasks to the workers of a running Dask scheduler."""

import logging
import queue
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Any, TypeVar

from hmrm import provenance
from hmrm.engine.contract import Check
from hmrm.engine.worker import Job, installed, named, problem, same, work
from hmrm.errors import EngineError, MissingExtraError

T = TypeVar("T")
R = TypeVar("R")

CONNECT_S = 10.0
"""How long to look for a scheduler."""

CLOSE_S = 2.0
"""How long a farewell may take."""

WITHOUT_WORKERS_S = 300
"""How long to wait for a worker when all are gone."""


@contextmanager
def cluster(address: str) -> Iterator["ClusterEngine"]:
    """Connect to a scheduler for a block.

    Args:
        address: ``tcp://HOST:PORT``.

    Raises:
        EngineError: nobody answers there.
        MissingExtraError: Dask is not installed.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"engine {address}: needs {error.name}: pip install 'hmrm[cluster]'"
        ) from error
    with _quiet_log():
        try:
            client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise EngineError(
                f"{address}: no Dask scheduler answers there ({error}); start one with: "
                "dask scheduler"
            ) from error
        try:
            yield ClusterEngine(client, address)
        finally:
            with suppress(OSError):  # of a lost scheduler, which takes no farewell
                client.close(timeout=CLOSE_S)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """What goes wrong is named by our own errors, once and without a trace of Dask's threads."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


class ClusterEngine:
    """See `hmrm.engine.contract.Engine`; a worker's loss costs the task it was at."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address

    @property
    def name(self) -> str:
        """See `hmrm.engine.contract.Engine`."""
        workers = self._workers()
        places = len(set(workers.values()))
        return f"{self._address}: {len(workers)} workers at {places} network addresses"

    @property
    def here(self) -> bool:
        """See `hmrm.engine.contract.Engine`."""
        return False

    @property
    def reads_here(self) -> bool:
        """See `hmrm.engine.contract.Engine`."""
        return False

    def run_all(
        self, function: Callable[[T], R], items: Iterable[T], *, check: Check | None = None
    ) -> Iterator[tuple[T, R]]:
        """See `hmrm.engine.contract.Engine`."""
        todo = list(items)
        if not todo:
            return
        job = Job(
            run=f"hmrm-{uuid.uuid4().hex}", function=function, installed=installed(), check=check
        )
        self._ask_workers(job)
        shared = self._client.submit(same, job, pure=False)
        futures = {
            self._client.submit(work, shared, item, key=(job.run, number)): item
            for number, item in enumerate(todo)
        }
        try:
            for number, future in enumerate(self._as_they_end(list(futures))):
                result = self._result(future, number, len(todo))
                future.release()  # frees the worker's memory
                yield futures.pop(future), result
        finally:
            if self._client.status == "running":
                self._client.cancel([shared, *futures], force=True)

    def _ask_workers(self, job: Job) -> None:
        """Refuse to begin where a worker is of another version, or lacks what the run needs.

        The first question asks for nothing of ours: an old version may have none of this.
        """
        workers = self._workers()
        if not workers:
            raise EngineError(
                f"{self._address}: no worker is connected; start some with: "
                f"dask worker {self._address} --nthreads 1 --nworkers 4"
            )
        versions = self._client.run(metadata.version, "hmrm", on_error="return")
        other = {
            address: f"hmrm {found}, here {provenance.version()}"
            if isinstance(found, str)
            else f"hmrm is not installed ({found})"
            for address, found in versions.items()
            if found != provenance.version() and not isinstance(found, OSError)
        }
        if other:
            self._refuse(
                [f"{named(one, workers.get(one, 'unknown'))}: {why}" for one, why in other.items()]
            )
        answers = self._client.run(problem, job, on_error="return")
        faults = [
            answer
            if isinstance(answer, str)
            else f"{named(address, workers.get(address, 'unknown'))}: {answer!r}"
            for address, answer in answers.items()
            # One that was lost meanwhile is not asked again.
            if answer and not isinstance(answer, OSError)
        ]
        if faults:
            self._refuse(faults)

    def _refuse(self, faults: Sequence[str]) -> None:
        more = f" (and {len(faults) - 1} more workers)" if len(faults) > 1 else ""
        raise EngineError(f"{faults[0]}{more}; nothing was computed")

    def _workers(self) -> dict[str, str]:
        """Address of each worker → its host's."""
        try:
            found = self._client.scheduler_info(n_workers=-1)["workers"]
        except OSError as error:
            raise EngineError(f"{self._address}: the scheduler is gone ({error})") from error
        return {address: one["host"] for address, one in found.items()}

    def _as_they_end(self, futures: Sequence[Any]) -> Iterator[Any]:
        """Futures in the order in which they end.

        Raises:
            EngineError: there has been no worker for too long.
        """
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for future in futures:
            future.add_done_callback(ended.put)
        waited_s = 0
        for _ in futures:
            while True:
                try:
                    yield ended.get(timeout=1)
                    break
                except queue.Empty:
                    connected = self._client.status == "running"
                    waited_s = waited_s + 1 if connected and not self._workers() else 0
                    if waited_s > WITHOUT_WORKERS_S:
                        raise EngineError(
                            f"{self._address}: all workers are gone; start some and give the same "
                            "command again: finished results are kept"
                        ) from None

    def _result(self, future: Any, done: int, total: int) -> Any:
        from distributed import KilledWorker

        kept = f"{done} of {total} results came back and are kept; give the same command again"
        try:
            return future.result()
        except KilledWorker as error:
            raise EngineError(
                f"{self._address}: one task ended several workers, perhaps for want of memory "
                f"({error}); {kept}"
            ) from error
        except (CancelledError, OSError) as error:
            if future.status == "error":  # the task's own
                raise
            raise EngineError(
                f"{self._address}: the scheduler was lost, or cancelled the tasks; {kept}"
            ) from error
