"""Spotting in long videos: micro- and macro-expressions of the face as intervals, resumable."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hmrm import atomic, provenance
from hmrm import config as configs
from hmrm.analysis import quality
from hmrm.analysis.quality import RemarkConfig
from hmrm.analysis.settings import Faces
from hmrm.clip import Event
from hmrm.errors import HmrmError, OutputError
from hmrm.faces.track import Detector, FaceTracker, TrackConfig
from hmrm.intervals import Interval, kind_of_duration, write_csv
from hmrm.progress import Progress, silent
from hmrm.spotting.distractors import DistractorConfig, without_distractors
from hmrm.spotting.first_pass import watch
from hmrm.spotting.motion import MotionConfig
from hmrm.spotting.movements import LONG_VIDEO, SpotConfig, spot
from hmrm.video.images import StillPair
from hmrm.video.reader import open_video

SCHEMA_VERSION = "1"


@dataclass(frozen=True, kw_only=True)
class SpottingConfig:
    """Everything that decides which intervals are found.

    Attributes:
        faces: look at the face that filled most of the video, or at all of them.
        most_frames_per_s: faster videos are looked at every second, third … frame.
        least_eye_distance_px: smaller faces are refused.
    """

    faces: Faces = "largest"
    most_frames_per_s: float = 100.0
    least_eye_distance_px: float = 24.0
    track: TrackConfig = field(default_factory=TrackConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    spot: SpotConfig = LONG_VIDEO
    distractors: DistractorConfig = field(default_factory=DistractorConfig)
    remarks: RemarkConfig = field(default_factory=RemarkConfig)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One video to look at and what it is called in the results."""

    subject: str
    video: str
    source: Path | StillPair


def spot_video(
    target: Target,
    config: SpottingConfig,
    *,
    frames_per_s: float | None = None,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Find the intervals of one video.

    Returns:
        Plain values, as ``spotting.json`` holds them for each video: intervals with frames from
        0, type, apex, score, face, region and flags; notices; length, rate and hash.

    Raises:
        InputError: a source that cannot be used; two still pictures are none to spot in.
        FaceNotFoundError: no face in any frame looked at.
        FaceTooSmallError: no face is large enough, or all are turned aside.
    """
    video = open_video(target.source, frames_per_s=frames_per_s)
    watched = watch(
        video,
        FaceTracker(config.track, detector=detector),
        config.motion,
        least_eye_distance_px=config.least_eye_distance_px,
        most_frames_per_s=config.most_frames_per_s,
        progress=progress,
    )
    name = video.label
    tracks = watched.chosen(largest=config.faces == "largest", name=name)
    events = [
        quality.event_of(movement, track, watched, config.remarks, size_wh_px=video.size_wh_px)
        for track in tracks
        for movement in without_distractors(
            spot(track.signal, config.spot), track.signal, config.distractors
        )
    ]
    events.sort(key=lambda event: (event.onset_index, event.face_id))
    notices = [*video.notices, *quality.on_video(watched, tracks, config.remarks)]
    return {
        "subject": target.subject,
        "video": target.video,
        "source": name,
        "data_hash": video.content_hash(),
        "frame_count": watched.frame_count,
        "frames_per_s": round(watched.frames_per_s, 4),
        "duration_s": round(watched.end_s + 1 / watched.frames_per_s, 4),
        "intervals": [_interval(event) for event in events],
        "notices": [{"code": n.code, "message": n.message} for n in notices],
    }


def _interval(event: Event) -> dict[str, Any]:
    return {
        "onset": event.onset_index,
        "offset": event.offset_index,
        "type": kind_of_duration(event.offset_s - event.onset_s),
        "apex": event.apex_index,
        "score": round(event.confidence, 6),
        "face_id": event.face_id,
        "region": event.region,
        "peak_motion_px": round(event.peak_motion_px, 4),
        "flags": [flag for flag in event.flags if flag != "longer_than_micro"],
    }


@dataclass(frozen=True, kw_only=True)
class SpottingRun:
    """What a run over several videos found.

    Attributes:
        videos: as ``spot_video`` gives them, in the order asked for; failed ones left out.
        failures: subject and video → what went wrong.
        resumed: how many videos were taken from an earlier run.
    """

    videos: tuple[Mapping[str, Any], ...]
    failures: Mapping[str, HmrmError]
    resumed: int


def spot_videos(
    targets: Sequence[Target],
    folder: Path,
    config: SpottingConfig | None = None,
    *,
    frames_per_s: float | None = None,
    detector: Detector | None = None,
    progress: Progress = silent,
    on_failure: Callable[[HmrmError], None] | None = None,
) -> SpottingRun:
    """Find the intervals of several videos; write ``spotting.csv`` and ``spotting.json``.

    Every finished video is kept in ``folder/videos``; a repeated run takes it from there where
    video and settings are the same. A video that fails does not stop the others.

    Raises:
        OutputError: a result cannot be written.
    """
    config = config or SpottingConfig()
    digest = configs.digest(config) + (f"/{frames_per_s:g}" if frames_per_s else "")
    videos, failures, resumed = [], dict[str, HmrmError](), 0
    for number, target in enumerate(targets, 1):
        kept = folder / "videos" / f"{_file_name(target)}.json"
        try:
            found = _kept(kept, target, digest)
            if found is not None:
                resumed += 1
            else:
                found = spot_video(
                    target, config, frames_per_s=frames_per_s, detector=detector, progress=progress
                )
                stored = {"config_hash": digest, **found}
                atomic.write_text(kept, json.dumps(stored, indent=1) + "\n")
            videos.append(found)
        except HmrmError as error:
            if isinstance(error, OutputError):
                raise
            failures[_file_name(target)] = error
            if on_failure is not None:
                on_failure(error)
        progress("videos", number, len(targets))
    run = SpottingRun(videos=tuple(videos), failures=failures, resumed=resumed)
    _write(folder, run, config)
    return run


def intervals_of(videos: Sequence[Mapping[str, Any]]) -> list[Interval]:
    """Rows of the plain table: what was found in all videos."""
    return [
        Interval(
            subject=video["subject"],
            video=video["video"],
            onset_index=one["onset"],
            offset_index=one["offset"],
            kind=one["type"],
            apex_index=one["apex"],
            score=one["score"],
        )
        for video in videos
        for one in video["intervals"]
    ]


def _kept(path: Path, target: Target, digest: str) -> dict[str, Any] | None:
    """The result of an earlier run, if settings and video are the same."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(stored, dict) or stored.pop("config_hash", None) != digest:
        return None
    video = open_video(target.source)
    names = (stored.get("subject"), stored.get("video"))
    same = names == (target.subject, target.video)
    return stored if same and stored.get("data_hash") == video.content_hash() else None


def _file_name(target: Target) -> str:
    return "_".join(part for part in (target.subject, target.video) if part)


def _write(folder: Path, run: SpottingRun, config: SpottingConfig) -> None:
    looked_at = [(video["subject"], video["video"]) for video in run.videos]
    write_csv(folder / "spotting.csv", intervals_of(run.videos), looked_at)
    result = {
        "schema": SCHEMA_VERSION,
        "frames": "from 0; onset and offset inclusive",
        "videos": run.videos,
        "failures": {name: str(error) for name, error in run.failures.items()},
        "config": configs.to_mapping(config),
        "provenance": provenance.stamp(config_hash=configs.digest(config)),
    }
    atomic.write_text(folder / "spotting.json", json.dumps(result, indent=1) + "\n")
