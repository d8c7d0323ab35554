"""What all endpoints of one server need."""

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from hmrm import records
from hmrm.analysis.read import read_analysis
from hmrm.analysis.record import Analysis
from hmrm.video.frame_index import read_index
from hmrm.web.edits import EditLog, LoggedEdit, standing
from hmrm.web.frames import FrameDecoder
from hmrm.web.jobs import Job, Jobs, JobStateError
from hmrm.web.review import Review, review
from hmrm.web.settings import Layout, ServeConfig
from hmrm.web.supervisor import Supervisor
from hmrm.web.view import SUMMARY, Summary

_REMEMBERED = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What is read of a finished job: all but the frames' table."""

    analysis: Analysis
    times_s: tuple[float, ...]
    summary: Summary


class Site:
    """One server: its settings, its jobs, and what was read of them last.

    Attributes:
        editing: held from checking an edit to adding it, so that no other comes in between.
        live: held by the one live view that may be open.
    """

    def __init__(
        self, config: ServeConfig, jobs: Jobs, edits: EditLog, supervisor: Supervisor
    ) -> None:
        self.config, self.jobs, self.edits, self.supervisor = config, jobs, edits, supervisor
        self.layout = Layout(data=config.data)
        self.decoder = FrameDecoder()
        self.editing = threading.Lock()
        self.live = asyncio.Lock()
        self._remembered: dict[tuple[str, float | None], Found] = {}
        self._remembering = threading.Lock()

    def results(self, job: Job) -> Path:
        """The folder of a finished job's results.

        Raises:
            JobStateError: it is not finished.
        """
        if job.state != "done":
            raise JobStateError(f"job {job.id}: is {job.state}; there are results when it is done")
        return self.layout.results(job.id)

    def found(self, job: Job) -> Found:
        """What was found in a job's video.

        Raises:
            JobStateError: it is not finished.
            DataError: a file of it is damaged.
        """
        key = job.id, job.finished_at
        folder = self.results(job)
        with self._remembering:
            if key not in self._remembered:
                while len(self._remembered) >= _REMEMBERED:
                    self._remembered.pop(next(iter(self._remembered)))
                self._remembered[key] = Found(
                    analysis=read_analysis(folder, frames=False),
                    times_s=tuple(read_index(self.layout.index(job.id)).times_s.tolist()),
                    summary=records.read(Summary, folder / SUMMARY),
                )
            return self._remembered[key]

    def reviewed(self, job: Job, held: tuple[LoggedEdit, ...]) -> Review:
        """The events of a job under some edits.

        Raises:
            InputError: an edit does not fit.
        """
        found = self.found(job)
        return review(found.analysis, held, found.times_s, found.summary.faces)

    def held(self, job: Job, coder: str) -> tuple[LoggedEdit, ...]:
        """The edits of one coder that hold."""
        return standing(self.edits.of(job.id, coder)).held

    def forget(self, job: Job) -> None:
        """Keep nothing of a deleted job in memory, and none of its files open."""
        self.decoder.close()
        with self._remembering:
            for key in [key for key in self._remembered if key[0] == job.id]:
                del self._remembered[key]


def site_of(request: Request) -> Site:
    """The server that a request is for."""
    site = request.app.state.site
    assert isinstance(site, Site)
    return site


def job_of(request: Request) -> Job:
    """The job that a request's address names.

    Raises:
        UnknownJobError: there is none.
    """
    return site_of(request).jobs.get(request.path_params["job"])
