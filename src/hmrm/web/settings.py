"""How ``hmrm serve`` runs, and where it keeps what."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from hmrm.analysis.classify import DEFAULT_WEIGHTS

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

PORT = 8321


@dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """Settings of one server.

    Attributes:
        data: folder of all that is kept.
        host: address to listen on; anything but a loopback address needs a token.
        token: what every request must carry; "" asks for none.
        workers: videos that are analysed at once, each in a process of its own.
        retention_days: results are deleted so long after they were made; None keeps them.
        weights: those that give the classes; None leaves them empty.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = PORT
    token: str = ""
    workers: int = 1
    retention_days: float | None = None
    weights: str | None = DEFAULT_WEIGHTS

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can connect."""
        return self.host in LOOPBACK


def new_token() -> str:
    """A secret of 192 bits."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Names below the data folder: none of them comes from a user."""

    data: Path

    @property
    def database(self) -> Path:
        """Jobs and edits."""
        return self.data / "jobs.sqlite"

    @property
    def incoming(self) -> Path:
        """Uploads that are under way; emptied at every start."""
        return self.data / "incoming"

    @property
    def work(self) -> Path:
        """A folder for each worker; what it makes moves to the job when it is whole."""
        return self.data / "work"

    @property
    def jobs(self) -> Path:
        """A folder for each job."""
        return self.data / "jobs"

    def job(self, job_id: str) -> Path:
        """All that is kept of a job, except its rows in the database."""
        return self.jobs / job_id

    def results(self, job_id: str) -> Path:
        """What was found in a job's video."""
        return self.job(job_id) / "results"

    def index(self, job_id: str) -> Path:
        """Where each frame of a job's video lies in its file."""
        return self.job(job_id) / "frames.npz"

    def make(self) -> None:
        """Make the folders, for their owner alone."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.incoming, self.work, self.jobs):
            folder.mkdir(mode=0o700, exist_ok=True)
