"""Spotting: micro- and macro-expressions of long videos as intervals, resumable."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from hmrm import atomic, provenance
from hmrm import config as configs
from hmrm.analysis import notices, second_pass
from hmrm.analysis.record import Analysis
from hmrm.analysis.report.index import write_index
from hmrm.analysis.results import VideoFiles, spotting_mapping
from hmrm.analysis.run import Outcome, VideoRun, blurring, run_videos, settings_digest
from hmrm.analysis.saved import files_of
from hmrm.analysis.settings import KEPT_IMAGES
from hmrm.analysis.target import Target
from hmrm.engine.contract import Engine
from hmrm.engine.local import LocalEngine
from hmrm.errors import InputError, WeightsError
from hmrm.faces.boxes import Detector
from hmrm.intervals import write_csv
from hmrm.progress import Progress, silent
from hmrm.spotting.face_frames import FaceFrames
from hmrm.spotting.first_pass import DetectorName, face_detector
from hmrm.spotting.settings import SpottingConfig
from hmrm.spotting.spot import spot_video
from hmrm.spotting.upright import upright
from hmrm.video.images import StillPair
from hmrm.video.reader import Source, open_video

SCHEMA_VERSION = "1"


def spot(
    source: Source,
    *,
    frames_per_s: float | None = None,
    config: SpottingConfig | None = None,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Find micro- and macro-expressions of one video; no images are kept, nothing is classified.

    Args:
        source: a video file or a folder of images.
        frames_per_s: rate of an image folder, or instead of a video's own.
        detector: finds faces; None is the one that ``config`` names.

    Raises:
        InputError: a source that cannot be used; two still images are none to spot in.
        FaceNotFoundError: no face in any frame that was read.
        FaceTooSmallError: no face is large enough.

    Example:
        A video in which a synthetic face keeps still:

        >>> import tempfile
        >>> from pathlib import Path
        >>> from hmrm.analysis.spot import spot
        >>> from hmrm.synthetic.demo import demo_clip
        >>> from hmrm.video.writer import write_video
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     video = Path(folder) / "still.mp4"
        ...     count = write_video(video, [demo_clip().frame(60).image] * 20, 25.0)
        ...     found = spot(video)
        >>> found.source, found.frame_count, found.events
        ('still.mp4', 20, ())
    """
    config = config or SpottingConfig()
    if isinstance(source, StillPair):
        raise InputError(
            f"{source.onset}: two still images have nothing to spot in; give a video or a folder "
            "of images, or analyse the pair"
        )
    video = upright(open_video(source, frames_per_s=frames_per_s))
    spotted = spot_video(video, config, detector=detector, progress=progress)
    collected = second_pass.collect(
        video,
        spotted.events,
        spotted.faces,
        None,
        head_motion=False,
        at_most=KEPT_IMAGES,
        frame_index=spotted.first_pass.frame_index,
        progress=progress,
    )
    first = spotted.first_pass
    data_hash = video.content_hash()
    stamp = provenance.stamp(config_hash=configs.digest(config), data_hash=data_hash)
    return Analysis(
        source=video.label,
        frame_count=first.frame_count,
        duration_s=first.duration_s,
        frames_per_s=first.frames_per_s,
        size_wh_px=video.size_wh_px,
        events=spotted.events,
        frames=FaceFrames(spotted.faces, config.fusion.fine, spotted.displacements),
        images=collected.images,
        faces=collected.faces,
        rejected=spotted.rejected,
        notices=(
            *video.notices,
            *notices.on_video(spotted, config.quality),
            *notices.on_length(spotted),
        ),
        provenance={**stamp, "classified_by": None, "config": configs.to_mapping(config)},
        clock=video.clock,
    )


@dataclass(frozen=True, kw_only=True)
class _Spotting:
    """Spots in one video at a time, wherever it is sent to.

    Attributes:
        progress: of the steps within a video; only where it runs in this process.
    """

    config: SpottingConfig
    frames_per_s: float | None
    blur_faces: bool
    detector: Detector | None
    progress: Progress = silent

    def __call__(self, target: Target) -> VideoFiles:
        found = spot(
            target.source,
            frames_per_s=self.frames_per_s,
            config=self.config,
            detector=self.detector or _detector(self.config.detector),
            progress=self.progress,
        )
        return files_of(target, found, blur_faces=self.blur_faces)

    def settings(self) -> str:
        """Digest of what decides a result, as it is on this machine."""
        extras = {"frames_per_s": f"{self.frames_per_s}", **blurring(self.blur_faces)}
        return settings_digest("spot", self.config, extras)


@lru_cache(maxsize=1)
def _detector(name: DetectorName) -> Detector:
    """Opened once in a process."""
    return face_detector(name)


@dataclass(frozen=True, kw_only=True)
class _SpotCheck:
    """Whether a machine would spot as the one where the run was started."""

    spotting: _Spotting
    settings: str

    def __call__(self) -> None:
        if self.spotting.settings() != self.settings:
            raise WeightsError("other version or landmark model than where the run was started")


def spot_videos(
    targets: Sequence[Target],
    folder: Path,
    config: SpottingConfig | None = None,
    *,
    frames_per_s: float | None = None,
    blur_faces: bool = False,
    detector: Detector | None = None,
    engine: Engine | None = None,
    progress: Progress = silent,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> VideoRun:
    """Find the intervals of several videos; write ``spotting.csv`` and ``spotting.json``.

    Each video's own folder holds what `hmrm.analysis.saved.save` writes; ``index.html`` leads to
    their reports.

    Videos whose current result is kept in the folder are not spotted again (``run.py``). Where no
    video could be used, no tables are written, but those of an earlier run are replaced.

    Args:
        blur_faces: no face can be recognised in the reports.
        engine: computes, several videos at a time; None is this process.

    Raises:
        EngineError: see `hmrm.engine.contract.Engine`.
        OutputError: a result cannot be written.
    """
    config, engine = config or SpottingConfig(), engine or LocalEngine()
    spotting = _Spotting(
        config=config, frames_per_s=frames_per_s, blur_faces=blur_faces, detector=detector
    )
    run = run_videos(
        targets,
        folder,
        replace(spotting, progress=progress) if engine.here else spotting,
        settings=spotting.settings(),
        engine=engine,
        check=_SpotCheck(spotting=spotting, settings=spotting.settings()),
        frames_per_s=frames_per_s,
        progress=progress,
        on_outcome=on_outcome,
    )
    if run.results or (folder / "spotting.json").exists():
        write_spotting(folder, run, config)
        write_index(folder, run, "Expressions found by hmrm spot")
    return run


def write_spotting(folder: Path, run: VideoRun, config: SpottingConfig) -> None:
    """Write the tables of a whole run: ``spotting.csv`` and ``spotting.json``.

    Raises:
        OutputError: a file cannot be written.
    """
    # A video too short to find anything in must not be scored as one without expressions.
    videos = [(result.subject, result.video) for result in run.results if result.measured]
    intervals = [interval for result in run.results for interval in result.intervals]
    write_csv(folder / "spotting.csv", intervals, videos)
    content = {
        "schema": SCHEMA_VERSION,
        "frames": "from 0; onset and offset inclusive",
        "videos": [spotting_mapping(result) for result in run.results],
        "failures": {name: str(error) for name, error in run.failures.items()},
        "config": configs.to_mapping(config),
        "provenance": provenance.stamp(config_hash=configs.digest(config)),
    }
    atomic.write_text(folder / "spotting.json", json.dumps(content, indent=1) + "\n")
