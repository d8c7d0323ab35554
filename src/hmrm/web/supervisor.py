"""Keeps as many workers as it should, replaces those that ended, and deletes what is to go."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from hmrm import parallel
from hmrm.errors import OutputError
from hmrm.web.database import Database
from hmrm.web.jobs import Job, Jobs, new_id
from hmrm.web.settings import Layout, ServeConfig

SILENT_S = 60.0
"""A worker that gives no sign for so long hangs, and is ended."""

_STEP_S = 0.3

_GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
"""glibc: images go back to the system when they are freed; at 4K that is 0.6 GB of 1.6."""

_DAY_S = 86_400.0


class Supervisor:
    """The workers of one server."""

    def __init__(self, config: ServeConfig, jobs: Jobs) -> None:
        self._config, self._jobs = config, jobs
        self._layout = Layout(data=config.data)
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Clear what an earlier server left, and begin."""
        for left in (*self._layout.work.iterdir(), *self._layout.incoming.iterdir()):
            _remove(left)
        known = {job.id for job in self._jobs.all()}
        for folder in self._layout.jobs.iterdir():
            if folder.name not in known:
                _remove(folder)
        self._jobs.requeue(())
        self._thread.start()

    def stop(self) -> None:
        """End the workers; what they had begun is done again at the next start."""
        self._stopped.set()
        self._thread.join()
        with self._lock:
            for worker in list(self._workers):
                self._end(worker)

    def delete(self, job: Job) -> None:
        """End a job's worker and delete all that is kept of the job from the disk."""
        with self._lock:
            if job.worker in self._workers:
                self._end(job.worker)
        _remove(self._layout.job(job.id))

    def _run(self) -> None:
        while not self._stopped.wait(_STEP_S):
            self.step()

    def step(self) -> None:
        """Look after the workers once."""
        with self._lock:
            for worker, running in list(self._workers.items()):
                silent_s = self._jobs.silent_since(worker)
                if running.poll() is not None or (silent_s is not None and silent_s > SILENT_S):
                    self._end(worker)
            self._jobs.requeue(self._workers.keys())
            while len(self._workers) < self._config.workers:
                worker = new_id()
                self._workers[worker] = self._started(worker)
        days = self._config.retention_days
        if days is not None:
            for job in self._jobs.over_since(time.time() - days * _DAY_S):
                self._jobs.delete(job.id)
                self.delete(job)

    def _started(self, worker: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "hmrm.web.worker", "--data", str(self._config.data)]
        command += ["--worker", worker, "--parent", str(os.getpid())]
        command += ["--weights", self._config.weights or ""]
        threads = dict.fromkeys(parallel.THREAD_VARIABLES, "1")
        environment = {**os.environ, **threads, **_GIVE_BACK}
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the server's alone
        )

    def _end(self, worker: str) -> None:
        running = self._workers.pop(worker)
        running.kill()
        running.wait()
        _remove(self._layout.work / worker)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def open_database(config: ServeConfig) -> Database:
    """Make the data folder and its database.

    Raises:
        DataError: the database cannot be used.
        OutputError: the folder cannot be made.
    """
    layout = Layout(data=config.data)
    try:
        layout.make()
    except OSError as error:
        raise OutputError(
            f"{config.data}: cannot be made ({error.strerror or error}); give another --data"
        ) from error
    return Database(layout.database)
