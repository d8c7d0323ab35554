"""A run over several videos that can be stopped at any moment and resumes where it stopped.

Every finished video is kept as ``videos/NAME.json`` in the run's folder. A repeated run takes it
from there where the settings, the video's content and the files written for it are the same.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from hmrm import atomic, provenance
from hmrm import config as configs
from hmrm.analysis.results import VideoFiles, VideoResult, read_kept, write_kept
from hmrm.analysis.target import KEPT_FOLDER, Target
from hmrm.analysis.video_task import OF_ONE_VIDEO, VideosCheck, absolute, attempted, named_as
from hmrm.engine.contract import Check, Engine
from hmrm.engine.local import LocalEngine
from hmrm.errors import DataError, HmrmError
from hmrm.faces.landmarks import landmarker
from hmrm.progress import Progress, silent
from hmrm.shard import shard_folders, take
from hmrm.spotting.settings import SpottingConfig
from hmrm.video.reader import open_video

State = Literal["new", "resumed", "redone", "failed"]
"""Of a video in a run: analysed, taken from an earlier run, analysed again because settings,
content or files had changed since an earlier run, or failed."""

_FORMAT = 3


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one video: its result, or the error that it failed with."""

    target: Target
    state: State
    result: VideoResult | None = None
    error: HmrmError | None = None


@dataclass(frozen=True, kw_only=True)
class VideoRun:
    """The outcomes of a run, in the order of its targets."""

    outcomes: tuple[Outcome, ...]

    @property
    def results(self) -> tuple[VideoResult, ...]:
        """Of all videos that did not fail."""
        return tuple(one.result for one in self.outcomes if one.result is not None)

    @property
    def failures(self) -> dict[str, HmrmError]:
        """Name of a video → what went wrong."""
        return {one.target.name: one.error for one in self.outcomes if one.error is not None}

    def count(self, state: State) -> int:
        """How many videos are in a state."""
        return Counter(one.state for one in self.outcomes)[state]


def run_videos(
    targets: Sequence[Target],
    folder: Path,
    process: Callable[[Target], VideoFiles],
    *,
    settings: str,
    engine: Engine | None = None,
    check: Check | None = None,
    frames_per_s: float | None = None,
    progress: Progress = silent,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> VideoRun:
    """Process those videos of which no current result is kept in the folder, or in a part of it.

    A video that cannot be used does not stop the others.

    Args:
        process: makes the files of one video; they are written here.
        settings: see `settings_digest`.
        engine: computes; None is this process.
        check: see `hmrm.engine.contract.Engine.run_all`; the videos themselves are checked, too.
        frames_per_s: as it is given to `open_video`, without which some videos do not open.
        on_outcome: called after each video, in no fixed order.

    Raises:
        EngineError: see `hmrm.engine.contract.Engine`.
        OutputError: a result cannot be written.
        MissingExtraError: an optional dependency is not installed.
        WeightsError: weights cannot be used.
    """
    atomic.remove_partial(folder, below=False)
    atomic.remove_partial(folder / KEPT_FOLDER)
    run = _Run(folder=folder, settings=settings, frames_per_s=frames_per_s)
    outcomes: dict[Target, Outcome] = {}
    for outcome in _outcomes(targets, run, process, engine or LocalEngine(), check):
        outcomes[outcome.target] = outcome
        progress("videos", len(outcomes), len(targets))
        if on_outcome is not None:
            on_outcome(outcome)
    return VideoRun(outcomes=tuple(outcomes[target] for target in targets))


def settings_digest(command: str, config: SpottingConfig, extras: Mapping[str, str]) -> str:
    """Hex sha256 over everything but the video that decides a result.

    Args:
        extras: what is no part of the config, such as digests of weights.

    Raises:
        MissingExtraError: the config asks for 68 landmarks, and dlib or its model is not installed.
    """
    landmark_model = provenance.sha256(landmarker().model) if config.landmarks == 68 else ""
    facts = [
        _FORMAT,
        command,
        provenance.version(),
        landmark_model,
        configs.to_mapping(config),
        dict(extras),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def blurring(blur_faces: bool) -> dict[str, str]:
    """Blurring as `settings_digest` takes it; nothing where faces are shown, as ever."""
    return {"blur_faces": "yes"} if blur_faces else {}


@dataclass(frozen=True, kw_only=True)
class _Run:
    """Where results go, and what they are made with."""

    folder: Path
    settings: str
    frames_per_s: float | None

    def kept(self, target: Target, place: Path) -> VideoResult | None:
        """The current result of a video in a folder of results."""
        found = read_kept(place / _kept_name(target), self.settings)
        current = found is not None and self._is_current(found, target, place)
        return found if current else None

    def from_shards(self, target: Target) -> VideoResult | None:
        """The current result of a video in a part of this run; it is copied from there."""
        for place in shard_folders(self.folder):
            found = self.kept(target, place)
            if found is not None:
                for name in found.files:
                    take(place / name, self.folder / name)
                write_kept(self.folder / _kept_name(target), self.settings, found)
                return found
        return None

    def write(self, target: Target, made: VideoFiles) -> None:
        """Write a video's files; last what says that it is done."""
        atomic.remove_partial(self.folder / target.folder)
        for name, content in made.contents.items():
            atomic.write_bytes(self.folder / name, content)
        write_kept(self.folder / _kept_name(target), self.settings, made.result)

    def data_hash(self, target: Target) -> str:
        """Of a video as it lies here."""
        return open_video(target.source, frames_per_s=self.frames_per_s).content_hash()

    def _is_current(self, kept: VideoResult, target: Target, place: Path) -> bool:
        """Whether a kept result is this video's, its content and its files the same."""
        if (kept.subject, kept.video) != (target.subject, target.video):
            return False
        for name, digest in kept.files.items():
            try:
                if provenance.sha256(place / name) != digest:
                    return False
            except OSError:
                return False
        return kept.data_hash == self.data_hash(target)


def _kept_name(target: Target) -> str:
    return f"{KEPT_FOLDER}/{target.name}.json"


def _outcomes(
    targets: Sequence[Target],
    run: _Run,
    process: Callable[[Target], VideoFiles],
    engine: Engine,
    check: Check | None,
) -> Iterator[Outcome]:
    """First what is there already, then each video as it is done."""
    due: dict[str, tuple[Target, State]] = {}
    for target in targets:
        try:
            kept = run.kept(target, run.folder) or run.from_shards(target)
        except OF_ONE_VIDEO as error:
            yield Outcome(target=target, state="failed", error=error)
            continue
        if kept is not None:
            yield Outcome(target=target, state="resumed", result=kept)
        else:
            state: State = "redone" if (run.folder / _kept_name(target)).exists() else "new"
            due[target.name] = (target, state)
    sent = [target if engine.reads_here else absolute(target) for target, _ in due.values()]
    checks = None if engine.reads_here or not sent else VideosCheck.of(sent, check)
    attempt = partial(attempted, process)
    for there, made in engine.run_all(attempt, sent, check=checks):
        target, state = due[there.name]
        found = made if engine.reads_here else _compared(made, target, run)
        if isinstance(found, HmrmError):
            yield Outcome(target=target, state="failed", error=named_as(found, there, target))
        else:
            run.write(target, found)
            yield Outcome(target=target, state=state, result=found.result)


def _compared(made: VideoFiles | HmrmError, target: Target, run: _Run) -> VideoFiles | HmrmError:
    """What a worker made, unless it was made from another video than lies here."""
    if isinstance(made, HmrmError) or made.result.data_hash == run.data_hash(target):
        return made
    return DataError(
        f"{target.source}: a worker found another video there than lies here; copy it again"
    )
