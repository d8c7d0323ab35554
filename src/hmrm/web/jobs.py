"""Jobs: one video each, from the upload to its deletion."""

import secrets
import sqlite3
import time
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, cast

from hmrm.errors import InputError
from hmrm.web.database import Database

State = Literal["queued", "running", "done", "failed", "cancelled"]

MOST_ATTEMPTS = 3
"""A video on which so many workers ended is not tried again."""

_LONGEST_NAME = 200
_ID_BYTES = 8


class UnknownJobError(InputError):
    """There is no job of that id."""


class JobStateError(InputError):
    """The job's state does not allow what was asked."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One video and how far it is.

    Attributes:
        name: what its owner calls it; never a name on disk.
        file: the video or folder of images that is read.
        size_bytes: of an upload; 0 where the video stays where it is.
        stage, done, total: progress; ``total`` is None where it is not known.
        error: why it failed.
        worker: who analyses it.
        created_at, started_at, finished_at: seconds since 1970.
    """

    id: str
    name: str
    file: Path
    size_bytes: int
    state: State
    stage: str
    done: int
    total: int | None
    error: str
    worker: str
    attempts: int
    created_at: float
    started_at: float | None
    finished_at: float | None


def new_id() -> str:
    """A name that nobody can guess."""
    return secrets.token_hex(_ID_BYTES)


def shown_name(name: str) -> str:
    """A user's file name, fit to be shown: no folders, no control characters, not too long."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in last).strip(" .")
    return plain[:_LONGEST_NAME] or "video"


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        name=row["name"],
        file=Path(row["file"]),
        size_bytes=row["bytes"],
        state=cast(State, row["state"]),
        stage=row["stage"],
        done=row["done"],
        total=row["total"],
        error=row["error"],
        worker=row["worker"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )


class Jobs:
    """The queue, oldest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job_id: str, name: str, file: Path, size_bytes: int) -> Job:
        """Queue a video."""
        with self._database.changing() as connection:
            connection.execute(
                "INSERT INTO jobs (id, name, file, bytes, state, created_at)"
                " VALUES (?, ?, ?, ?, 'queued', ?)",
                (job_id, shown_name(name), str(file), size_bytes, time.time()),
            )
        return self.get(job_id)

    def all(self) -> tuple[Job, ...]:
        """Every job, latest first."""
        with self._database.connected() as connection:
            rows = connection.execute("SELECT * FROM jobs ORDER BY created_at DESC, id").fetchall()
        return tuple(map(_job, rows))

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            UnknownJobError: there is none.
        """
        with self._database.connected() as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise UnknownJobError(f"job {job_id[:40]!r}: there is none, or it was deleted")
        return _job(row)

    def claim(self, worker: str) -> Job | None:
        """Give the oldest queued job to a worker; None where nothing waits."""
        oldest = "SELECT id FROM jobs WHERE state = 'queued' ORDER BY created_at, id LIMIT 1"
        with self._database.connected() as connection:
            if connection.execute(oldest).fetchone() is None:
                return None  # idle workers do not hold up those who write
        with self._database.changing() as connection:
            row = connection.execute(oldest).fetchone()
            if row is None:
                return None
            now = time.time()
            connection.execute(
                "UPDATE jobs SET state = 'running', worker = ?, attempts = attempts + 1,"
                " stage = '', done = 0, total = NULL, error = '', started_at = ?, beat_at = ?"
                " WHERE id = ?",
                (worker, now, now, row["id"]),
            )
        return self.get(row["id"])

    def beat(self, job_id: str, worker: str, stage: str, done: int, total: int | None) -> bool:
        """Note progress; False where the job is no longer this worker's."""
        with self._database.connected() as connection:
            changed = connection.execute(
                "UPDATE jobs SET stage = ?, done = ?, total = ?, beat_at = ?"
                " WHERE id = ? AND worker = ? AND state = 'running'",
                (stage, done, total, time.time(), job_id, worker),
            )
        return changed.rowcount == 1

    def finish(self, job_id: str, worker: str, error: str = "") -> bool:
        """Mark a worker's job done or failed; False where it is no longer this worker's."""
        with self._database.connected() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = ?, error = ?, stage = '', worker = '', finished_at = ?"
                " WHERE id = ? AND worker = ? AND state = 'running'",
                ("failed" if error else "done", error, time.time(), job_id, worker),
            )
        return changed.rowcount == 1

    def cancel(self, job_id: str) -> Job:
        """Take a job out of the queue, or from its worker, which notices.

        Raises:
            UnknownJobError: there is none.
            JobStateError: it is over.
        """
        with self._database.connected() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = 'cancelled', worker = '', stage = '', finished_at = ?"
                " WHERE id = ? AND state IN ('queued', 'running')",
                (time.time(), job_id),
            )
        job = self.get(job_id)
        if not changed.rowcount:
            raise JobStateError(f"job {job_id}: is {job.state}; only what waits or runs can stop")
        return job

    def retry(self, job_id: str) -> Job:
        """Queue a job again that failed or was cancelled.

        Raises:
            UnknownJobError: there is none.
            JobStateError: it is neither.
        """
        with self._database.connected() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = 'queued', attempts = 0, error = '', finished_at = NULL"
                " WHERE id = ? AND state IN ('failed', 'cancelled')",
                (job_id,),
            )
        job = self.get(job_id)
        if not changed.rowcount:
            raise JobStateError(f"job {job_id}: is {job.state}; only failed ones are tried again")
        return job

    def requeue(self, alive: Collection[str]) -> None:
        """Queue again what belonged to workers that have ended; give up after `MOST_ATTEMPTS`."""
        running = "SELECT id, worker, attempts FROM jobs WHERE state = 'running'"
        with self._database.connected() as connection:
            rows = connection.execute(running).fetchall()
        if all(row["worker"] in alive for row in rows):
            return
        with self._database.changing() as connection:
            for row in connection.execute(running).fetchall():
                if row["worker"] in alive:
                    continue
                if row["attempts"] < MOST_ATTEMPTS:
                    connection.execute(
                        "UPDATE jobs SET state = 'queued', worker = '' WHERE id = ?", (row["id"],)
                    )
                    continue
                error = (
                    f"{row['attempts']} processes ended while they analysed it: it may need more "
                    "memory than it is allowed (HMRM_LIMITS=worker_bytes=…), or be damaged"
                )
                connection.execute(
                    "UPDATE jobs SET state = 'failed', worker = '', error = ?, finished_at = ?"
                    " WHERE id = ?",
                    (error, time.time(), row["id"]),
                )

    def silent_since(self, worker: str) -> float | None:
        """Seconds since a worker's last sign; None where it has no job."""
        with self._database.connected() as connection:
            row = connection.execute(
                "SELECT beat_at FROM jobs WHERE worker = ? AND state = 'running'", (worker,)
            ).fetchone()
        return None if row is None else max(time.time() - row["beat_at"], 0.0)

    def over_since(self, before: float) -> tuple[Job, ...]:
        """Jobs that ended before a time, s since 1970."""
        return tuple(
            job
            for job in self.all()
            if job.finished_at is not None
            and job.finished_at < before
            and job.state not in ("queued", "running")
        )

    def delete(self, job_id: str) -> Job:
        """Delete a job and its edits from the database, so that they are gone from the disk.

        Raises:
            UnknownJobError: there is none.
        """
        job = self.get(job_id)
        with self._database.changing() as connection:
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
            connection.execute("DELETE FROM edits WHERE job = ?", (job_id,))
        self._database.forget()
        return job
