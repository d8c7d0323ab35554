"""``python -m hmrm.web.worker``: waits for a job, analyses its video, and ends.

A process for each video: what a damaged or hostile file does to it ends with it, and memory that
a library does not give back is given back.
"""

import argparse
import dataclasses
import gc
import os
import shutil
import threading
import time
from pathlib import Path

from hmrm import limits, parallel
from hmrm.analysis.analyze import analyze
from hmrm.errors import HmrmError, InputError, VideoError
from hmrm.video.frame_index import build_index
from hmrm.video.reader import open_video
from hmrm.video.source import VideoSource
from hmrm.web import process
from hmrm.web.database import Database
from hmrm.web.jobs import Job, Jobs
from hmrm.web.settings import Layout
from hmrm.web.view import save_results

WAIT_S = 0.3
"""So often an idle worker asks for a job."""

GRACE_S = 10.0
"""A worker whose job was taken away ends by itself after so long at the latest."""


class _TakenAwayError(Exception):
    """The job was cancelled or deleted."""


class _Sign:
    """Signs of life of one job, and whether it is still this worker's."""

    def __init__(self, jobs: Jobs, job: Job, worker: str) -> None:
        self._jobs, self._job, self._worker = jobs, job, worker
        self._progress: tuple[str, int, int | None] = ("starting", 0, None)
        self._began = time.monotonic()
        self._lost_at: float | None = None
        self._lock = threading.Lock()

    def report(self, stage: str, done: int, total: int | None) -> None:
        """The analysis' progress.

        Raises:
            _TakenAwayError: the job is no longer this worker's.
        """
        if stage != self._progress[0]:
            # A pass over a video leaves its decoder in a circle of references: at 4K 200 MB.
            gc.collect()
        self._progress = (stage, done, total)
        if self._lost_at is not None:
            raise _TakenAwayError

    def check(self) -> None:
        """Called every second, from a thread of its own."""
        with self._lock:
            now = time.monotonic()
            if self._lost_at is not None:
                if now - self._lost_at > GRACE_S:
                    os._exit(1)
                return
            longest = limits.current().worker_s
            if now - self._began > longest:
                self._jobs.finish(
                    self._job.id,
                    self._worker,
                    f"not finished after {longest} s: give a shorter video, or raise "
                    "HMRM_LIMITS=worker_s=…",
                )
                os._exit(1)
            if not self._jobs.beat(self._job.id, self._worker, *self._progress):
                self._lost_at = now


def run_job(jobs: Jobs, layout: Layout, job: Job, worker: str, *, weights: str | None) -> None:
    """Analyse one job's video; its state shows how that ended.

    Raises:
        _TakenAwayError: it was cancelled or deleted meanwhile.
    """
    sign = _Sign(jobs, job, worker)
    process.every_second(sign.check, parent=os.getppid())
    work = layout.work / worker
    try:
        _make(layout, job, work, sign, weights=weights)
        error = ""
    except VideoError as fault:
        error = str(fault).replace(str(job.file), job.name)
        _drop_upload(layout, job)
    except (HmrmError, MemoryError) as fault:
        error = str(fault).replace(str(job.file), job.name) or "not enough memory"
    finally:
        shutil.rmtree(work, ignore_errors=True)
    jobs.finish(job.id, worker, error)


def _make(layout: Layout, job: Job, work: Path, sign: _Sign, *, weights: str | None) -> None:
    video = open_video(job.file)
    _require_length(video, job)
    index = build_index(video, sign.report)
    index.save(work / "frames.npz")
    _move(work / "frames.npz", layout.index(job.id))
    found = analyze(video, classifier=weights, progress=sign.report)
    sign.report("writing the results", 0, None)
    results = work / "results"
    save_results(results, dataclasses.replace(found, source=job.name), index)
    shutil.rmtree(layout.results(job.id), ignore_errors=True)
    _move(results, layout.results(job.id))


def _move(made: Path, place: Path) -> None:
    """Put what was made into the job's folder; where that is gone, the job was deleted."""
    try:
        made.replace(place)
    except FileNotFoundError as error:
        raise _TakenAwayError from error


def _require_length(video: VideoSource, job: Job) -> None:
    longest = limits.current().video_s
    if video.duration_s is not None and video.duration_s > longest:
        raise InputError(
            f"{job.name}: lasts {video.duration_s:.0f} s; "
            f"{limits.how_to_raise('video_s', int(video.duration_s) + 1)}"
        )


def _drop_upload(layout: Layout, job: Job) -> None:
    """What is no video is not kept; what lies elsewhere is not ours to delete."""
    if job.file.parent == layout.job(job.id):
        job.file.unlink(missing_ok=True)


def wait_for_job(jobs: Jobs, worker: str) -> Job:
    """Ask until there is a job."""
    while True:
        job = jobs.claim(worker)
        if job is not None:
            return job
        time.sleep(WAIT_S)


def main() -> None:
    """Analyse the next job of the queue."""
    parser = argparse.ArgumentParser(description="analyse the next video of hmrm serve")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--worker", required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--weights", default="")
    options = parser.parse_args()
    parallel.single_thread()
    process.limit_process(limits.current().worker_bytes)
    process.every_second(lambda: None, parent=options.parent)
    layout = Layout(data=options.data)
    jobs = Jobs(Database(layout.database))
    job = wait_for_job(jobs, options.worker)
    try:
        run_job(jobs, layout, job, options.worker, weights=options.weights or None)
    except _TakenAwayError:
        return


if __name__ == "__main__":
    main()
