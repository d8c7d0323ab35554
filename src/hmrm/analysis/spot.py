"""Spotting: micro- and macro-expressions of long videos as intervals, resumable."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from hmrm import atomic, provenance
from hmrm import config as configs
from hmrm.analysis import notices
from hmrm.analysis.results import VideoResult, spotting_mapping
from hmrm.analysis.run import Outcome, Target, VideoRun, run_videos, settings_digest
from hmrm.errors import InputError
from hmrm.faces.boxes import Detector
from hmrm.intervals import write_csv
from hmrm.progress import Progress, silent
from hmrm.spotting.first_pass import face_detector
from hmrm.spotting.settings import SpottingConfig
from hmrm.spotting.spot import spot_video
from hmrm.spotting.upright import upright
from hmrm.video.images import StillPair
from hmrm.video.reader import Source, open_video

SCHEMA_VERSION = "1"


def spot(
    source: Source,
    *,
    subject: str = "",
    name: str | None = None,
    frames_per_s: float | None = None,
    config: SpottingConfig | None = None,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> VideoResult:
    """Find micro- and macro-expressions of one video.

    Args:
        source: a video file or a folder of images.
        subject: what the subject is called in the result, and ``name`` the video; None is the
            source's own name.
        frames_per_s: rate of an image folder, or instead of a video's own.
        detector: finds faces; None is the one that ``config`` names.

    Raises:
        InputError: a source that cannot be used; two still images are none to spot in.
        FaceNotFoundError: no face in any frame that was read.
        FaceTooSmallError: no face is large enough.
        MissingExtraError: MTCNN is asked for and torch is not installed.

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
        >>> found.video, found.frame_count, found.intervals
        ('still', 20, ())
    """
    config = config or SpottingConfig()
    if isinstance(source, StillPair):
        raise InputError(
            f"{source.onset}: two still images have nothing to spot in; give a video or a folder "
            "of images, or analyse the pair"
        )
    video = upright(open_video(source, frames_per_s=frames_per_s))
    spotted = spot_video(video, config, detector=detector, progress=progress)
    first = spotted.first_pass
    return VideoResult(
        subject=subject,
        video=video.name if name is None else name,
        source=video.label,
        data_hash=video.content_hash(),
        frame_count=first.frame_count,
        frames_per_s=first.frames_per_s,
        duration_s=first.duration_s,
        events=spotted.events,
        notices=(
            *video.notices,
            *notices.on_video(spotted, config.quality),
            *notices.on_length(spotted),
        ),
        rejected=spotted.rejected,
    )


def spot_videos(
    targets: Sequence[Target],
    folder: Path,
    config: SpottingConfig | None = None,
    *,
    frames_per_s: float | None = None,
    detector: Detector | None = None,
    progress: Progress = silent,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> VideoRun:
    """Find the intervals of several videos; write ``spotting.csv`` and ``spotting.json``.

    Videos whose current result is kept in the folder are not spotted again (``run.py``).

    Raises:
        OutputError: a result cannot be written.
        MissingExtraError: as `spot`.
    """
    config = config or SpottingConfig()

    @cache
    def faces() -> Detector:
        return detector or face_detector(config.detector)

    def process(target: Target) -> VideoResult:
        return spot(
            target.source,
            subject=target.subject,
            name=target.video,
            frames_per_s=frames_per_s,
            config=config,
            detector=faces(),
            progress=progress,
        )

    run = run_videos(
        targets,
        folder,
        process,
        settings=settings_digest("spot", config, {"frames_per_s": f"{frames_per_s}"}),
        frames_per_s=frames_per_s,
        progress=progress,
        on_outcome=on_outcome,
    )
    write_spotting(folder, run, config)
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
