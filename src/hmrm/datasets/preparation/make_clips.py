"""Clips that are due, prepared by an engine; what comes back is written here, clip by clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hmrm import atomic
from hmrm.datasets.preparation.output_folder import MadeFrom, require_same
from hmrm.datasets.preparation.prepare_clip import (
    Job,
    Outcome,
    images_sha256,
    is_current,
    landmark_model_sha256,
    prepare_clip,
)
from hmrm.engine.contract import Engine
from hmrm.engine.paths import PathsCheck, paths_check
from hmrm.errors import DataError, WeightsError
from hmrm.flow.estimate import weights_sha256
from hmrm.progress import Progress
from hmrm.shard import shard_folders, take

STAGE = "prepare"


def make_clips(
    jobs: Sequence[Job], engine: Engine, *, progress: Progress
) -> tuple[dict[str, Outcome], int]:
    """Prepare what is missing or changed; what became of each clip, and how many were made.

    Raises:
        DataError: a worker on another machine has other images than lie here.
    """
    outcomes = {job.record.id: Outcome() for job in jobs}
    due = [job for job in jobs if not is_current(job)]
    done = len(jobs) - len(due)
    progress(STAGE, done, len(jobs))
    if not engine.reads_here:
        due = [replace(job, folder=job.folder.absolute(), given=job.folder) for job in due]
    check = None if engine.reads_here or not due else _check_of(due)
    for job, outcome in engine.run_all(prepare_clip, due, check=check):
        if outcome.files and not engine.reads_here and outcome.images != images_sha256(job):
            raise DataError(
                f"{job.folder}: a worker has other images there than lie here; copy them again"
            )
        for name, content in outcome.files.items():
            atomic.write_bytes(job.output / name, content)
        outcomes[job.record.id] = replace(outcome, files={})
        done += 1
        progress(STAGE, done, len(jobs))
    return outcomes, sum(not outcomes[job.record.id].reason for job in due)


def take_clips(jobs: Sequence[Job], output: Path, made_from: MadeFrom) -> None:
    """Copy what parts of the run made and is not here; see `hmrm.shard`.

    Raises:
        ConfigError: a part was made from something else.
    """
    places = shard_folders(output)
    for place in places:
        require_same(place, made_from)
    for job in jobs if places else ():
        if is_current(job):
            continue
        for place in places:
            if is_current(replace(job, output=place)):
                for name in job.files:
                    take(place / name, output / name)
                break


@dataclass(frozen=True, kw_only=True)
class _ClipsCheck:
    """Whether a machine has the images, and the weights that decide the flow and the crop."""

    paths: PathsCheck
    flow: str
    flow_sha256: str
    landmark_sha256: str | None

    def __call__(self) -> None:
        self.paths()
        if weights_sha256(self.flow) != self.flow_sha256:
            raise WeightsError(
                f"{self.flow}: its weights are others than where the run was started"
            )
        expected = self.landmark_sha256
        if expected is not None and landmark_model_sha256() != expected:
            raise WeightsError("dlib: its model is another than where the run was started")


def _check_of(jobs: Sequence[Job]) -> _ClipsCheck:
    settings = jobs[0].settings
    return _ClipsCheck(
        paths=paths_check([job.folder for job in jobs]),
        flow=settings.flow,
        flow_sha256=weights_sha256(settings.flow),
        landmark_sha256=landmark_model_sha256() if settings.landmarks else None,
    )
