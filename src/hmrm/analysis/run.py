"""A run over several videos that can be stopped at any moment and resumes where it stopped.

Every finished video is kept as ``videos/NAME.json`` in the run's folder. A repeated run takes it
from there where the settings, the video's content and the files written for it are the same.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hmrm import atomic, provenance
from hmrm import config as configs
from hmrm.analysis.results import VideoResult, read_kept, write_kept
from hmrm.errors import FaceError, HmrmError, InputError, NumericalError
from hmrm.faces.landmarks import landmarker
from hmrm.progress import Progress, silent
from hmrm.spotting.settings import SpottingConfig
from hmrm.video.images import StillPair
from hmrm.video.reader import open_video

KEPT_FOLDER = "videos"

State = Literal["new", "resumed", "redone", "failed"]
"""Of a video in a run: analysed, taken from an earlier run, analysed again because settings,
content or files had changed since an earlier run, or failed."""

_FORMAT = 3
# Errors that concern one video; others, as a full disk or a missing extra, concern them all.
_OF_ONE_VIDEO = (InputError, FaceError, NumericalError)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One video to analyse and what it is called in the results."""

    subject: str = ""
    video: str
    source: Path | StillPair

    @property
    def name(self) -> str:
        """Subject and video, fit for a file's name."""
        return "_".join(part for part in (self.subject, self.video) if part)


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
    process: Callable[[Target], VideoResult],
    *,
    settings: str,
    frames_per_s: float | None = None,
    progress: Progress = silent,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> VideoRun:
    """Process those videos of which no current result is kept in the folder.

    A video that cannot be used does not stop the others.

    Args:
        process: makes the result of one video, and writes what belongs to it alone.
        settings: see `settings_digest`.
        frames_per_s: as it is given to `open_video`, without which some videos do not open.
        on_outcome: called after each video.

    Raises:
        OutputError: a result cannot be written.
        MissingExtraError: an optional dependency is not installed.
        WeightsError: weights cannot be used.
    """
    atomic.remove_partial(folder, below=False)
    atomic.remove_partial(folder / KEPT_FOLDER)
    outcomes = []
    for number, target in enumerate(targets, 1):
        outcomes.append(_outcome(target, folder, process, settings, frames_per_s))
        progress("videos", number, len(targets))
        if on_outcome is not None:
            on_outcome(outcomes[-1])
    return VideoRun(outcomes=tuple(outcomes))


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


def _outcome(
    target: Target,
    folder: Path,
    process: Callable[[Target], VideoResult],
    settings: str,
    frames_per_s: float | None,
) -> Outcome:
    path = folder / KEPT_FOLDER / f"{target.name}.json"
    try:
        kept = read_kept(path, settings)
        if kept is not None and _is_current(kept, target, folder, frames_per_s):
            return Outcome(target=target, state="resumed", result=kept)
        state: State = "redone" if path.exists() else "new"
        result = process(target)
    except _OF_ONE_VIDEO as error:
        return Outcome(target=target, state="failed", error=error)
    write_kept(path, settings, result)
    return Outcome(target=target, state=state, result=result)


def _is_current(
    kept: VideoResult, target: Target, folder: Path, frames_per_s: float | None
) -> bool:
    """Whether a kept result is this video's, its content and the files written for it the same."""
    if (kept.subject, kept.video) != (target.subject, target.video):
        return False
    for name, digest in kept.files.items():
        try:
            if provenance.sha256(folder / name) != digest:
                return False
        except OSError:
            return False
    return kept.data_hash == open_video(target.source, frames_per_s=frames_per_s).content_hash()
