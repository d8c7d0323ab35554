"""A server without workers, and finished jobs for it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from hmrm.analysis.record import Analysis
from hmrm.video.frame_index import build_index
from hmrm.video.reader import open_video
from hmrm.web.app import create_app
from hmrm.web.jobs import Job, new_id
from hmrm.web.settings import ServeConfig
from hmrm.web.site import Site
from hmrm.web.view import save_results

HERE = "http://127.0.0.1:8321"


@contextmanager
def served(data: Path, base_url: str = HERE, **settings: object) -> Iterator[TestClient]:
    config = ServeConfig(data=data, **{"workers": 0, **settings})
    with TestClient(create_app(config), base_url=base_url) as client:
        yield client


def site_of(client: TestClient) -> Site:
    app = client.app
    assert isinstance(app, Starlette)
    site = app.state.site
    assert isinstance(site, Site)
    return site


def make_results(folder: Path, analysis: Analysis, video: Path) -> Path:
    """What a worker leaves in a job's folder."""
    index = build_index(open_video(video))
    index.save(folder / "frames.npz")
    save_results(folder / "results", analysis, index)
    return folder


def add_finished(site: Site, made: Path, video: Path, name: str = "clip.mp4") -> Job:
    """A job as its worker leaves it; the video stays where it is."""
    job_id = new_id()
    shutil.copytree(made, site.layout.job(job_id))
    site.jobs.add(job_id, name, video, 0)
    # The supervisor, which knows no such worker, may queue the job again in between.
    while site.jobs.get(job_id).state != "done":
        site.jobs.claim("w")
        site.jobs.finish(job_id, "w")
    return site.jobs.get(job_id)


def put_finished(folder: Path, analysis: Analysis, video: Path, name: str = "clip.mp4") -> str:
    """A data folder ``folder/data`` with one finished job; its id."""
    made = make_results(folder / "made", analysis, video)
    with served(folder / "data") as client:
        return add_finished(site_of(client), made, video, name).id
