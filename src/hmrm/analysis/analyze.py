"""The whole chain, from a video to named events, on one page."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from hmrm import config as configs
from hmrm import provenance
from hmrm.analysis import annotated, quality, second_pass
from hmrm.analysis.classify import DEFAULT_WEIGHTS, open_namer, origin
from hmrm.analysis.settings import AnalyzeConfig, Faces, Namer
from hmrm.clip import Analysis, Event, EventPictures, FaceFrame, Notice
from hmrm.faces.track import Detector, FaceTracker
from hmrm.flow.estimate import build_estimator
from hmrm.progress import Progress, silent
from hmrm.spotting.first_pass import FaceFrames, watch
from hmrm.spotting.movements import spot
from hmrm.video.reader import Source, open_video
from hmrm.video.source import VideoSource


def analyze(
    source: Source,
    *,
    onset: int | None = None,
    apex: int | None = None,
    flow: str | None = None,
    faces: Faces | None = None,
    frames_per_s: float | None = None,
    config: AnalyzeConfig | None = None,
    namer: Namer | str | Path | None = DEFAULT_WEIGHTS,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Find facial movements of micro-expression length, show them, and name them.

    Args:
        source: a video file, a folder of images, two paths or two pictures (onset, apex).
        onset: zero-based frame; with ``apex`` nothing is spotted, this one movement is shown.
        flow: in place of ``config.flow``; ``faces`` likewise.
        frames_per_s: rate of an image folder, or in place of a video's own.
        namer: gives the classes: name or path of weights, or a callable; None leaves them
            empty, and a notice says so.
        detector: finds faces; None is MTCNN.

    Raises:
        InputError: a source that cannot be used; VideoError and FrameIndexError are below it.
        FaceNotFoundError: no face in any frame looked at.
        FaceTooSmallError: no face is large enough, or all are turned aside.
        MissingExtraError: torch, which the default detector and namer need, is not installed.
        WeightsError: the weights cannot be used.
    """
    config = config or AnalyzeConfig()
    config = dataclasses.replace(config, flow=flow or config.flow, faces=faces or config.faces)
    build_estimator(config.flow)  # an unknown name fails before the video is read
    named_by = open_namer(namer)
    video = open_video(source, frames_per_s=frames_per_s)
    if video.is_pair and onset is None and apex is None:
        onset, apex = 0, 1
    if onset is None and apex is None:
        return _spotted(video, config, named_by, detector, progress)
    return _given(video, onset, apex, config, named_by, detector)


def _spotted(
    video: VideoSource,
    config: AnalyzeConfig,
    namer: Namer | None,
    detector: Detector | None,
    progress: Progress,
) -> Analysis:
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
        for movement in spot(track.signal, config.spot)
    ]
    events.sort(key=lambda event: (event.onset_index, event.face_id))
    estimator = build_estimator(config.flow)
    shown = second_pass.collect(
        video,
        events,
        tracks,
        estimator,
        head_motion=config.head_motion,
        at_most=config.kept_pictures,
        progress=progress,
    )
    frames = FaceFrames(tracks, config.spot)
    notices = [
        *quality.on_video(watched, tracks, config.remarks),
        *quality.on_events(events, frames.largest_px, config.spot.floor_px, config.kept_pictures),
    ]
    times = (watched.frame_count, watched.end_s + 1 / watched.frames_per_s, watched.frames_per_s)
    return _finished(video, config, namer, times, events, shown, frames, notices)


def _given(
    video: VideoSource,
    onset: int | None,
    apex: int | None,
    config: AnalyzeConfig,
    namer: Namer | None,
    detector: Detector | None,
) -> Analysis:
    first, second, count = annotated.read_given(video, onset, apex)
    faces = annotated.faces_at(
        first,
        detector or annotated.default_detector(),
        least_eye_distance_px=config.least_eye_distance_px,
        name=video.label,
    )
    chosen = faces[:1] if config.faces == "largest" else faces
    registration, least_px = config.motion.registration, config.spot.floor_px
    found = [
        annotated.given_event(first, second, face, registration, face_id=i, least_px=least_px)
        for i, face in enumerate(chosen)
    ]
    estimator = build_estimator(config.flow)
    moved = [(event, pair) for event, _, pair in found if event is not None]
    events = [event for event, _ in moved]
    shown = [
        second_pass.pictures_of(pair, estimator, head_motion=config.head_motion)
        for _, pair in moved
    ]
    largest_px = max(px for _, px, _ in found)
    notices = annotated.notices_of(events, len(faces), largest_px=largest_px, floor_px=least_px)
    rate = 0.0 if video.is_pair else video.frames_per_s
    times = (count, count / rate if rate else 0.0, rate)
    return _finished(video, config, namer, times, events, shown, (), notices)


def _finished(
    video: VideoSource,
    config: AnalyzeConfig,
    namer: Namer | None,
    times: tuple[int, float, float],
    events: Sequence[Event],
    shown: Sequence[EventPictures | None],
    frames: Sequence[FaceFrame],
    notices: Sequence[Notice],
) -> Analysis:
    unnamed = [quality.UNNAMED] if events and namer is None else []
    stamp = provenance.stamp(config_hash=configs.digest(config), data_hash=video.content_hash())
    return Analysis(
        source=video.label,
        frame_count=times[0],
        duration_s=times[1],
        frames_per_s=times[2],
        size_wh_px=video.size_wh_px,
        events=second_pass.named(events, shown, namer),
        frames=frames,
        pictures=tuple(shown),
        notices=(*video.notices, *notices, *unnamed),
        provenance={**stamp, "named_by": origin(namer), "config": configs.to_mapping(config)},
    )
