"""The whole chain, from a video to named events, on one page."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from hmrm import config as configs
from hmrm import provenance
from hmrm.analysis import given, pictures, remarks, sources
from hmrm.analysis.motion import MotionConfig
from hmrm.analysis.remarks import RemarkConfig
from hmrm.analysis.spot import SpotConfig, spot
from hmrm.analysis.watch import FaceFrames, FaceTrack, Watched, watch
from hmrm.clip import Analysis, Event, EventPictures, FlowMap, Notice
from hmrm.errors import FaceNotFoundError, FaceTooSmallError
from hmrm.faces.track import Detector, FaceTracker, TrackConfig
from hmrm.flow.estimate import build_estimator
from hmrm.progress import Progress, silent
from hmrm.video.source import VideoSource


class Namer(Protocol):
    """Names a movement from its flow map; where a recogniser drops in."""

    def __call__(self, flow_map: FlowMap) -> Mapping[str, float]:
        """Probability of every class; they add up to one."""


@dataclass(frozen=True, kw_only=True)
class AnalyzeConfig:
    """Everything that decides a result.

    Attributes:
        flow: estimator between onset and apex (``hmrm.flow.estimate.ESTIMATORS``).
        faces: analyse all faces, or the one that filled most of the video.
        most_frames_per_s: faster videos are looked at every second, third … frame.
        least_eye_distance_px: smaller faces are refused.
        kept_pictures: events whose pictures are kept and which are named, the clearest first.
    """

    flow: str = "deepflow"
    faces: Literal["all", "largest"] = "all"
    most_frames_per_s: float = 100.0
    least_eye_distance_px: float = 24.0
    kept_pictures: int = 24
    track: TrackConfig = field(default_factory=TrackConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    spot: SpotConfig = field(default_factory=SpotConfig)
    remarks: RemarkConfig = field(default_factory=RemarkConfig)


def analyze(
    source: sources.Source,
    *,
    onset: int | None = None,
    apex: int | None = None,
    flow: str | None = None,
    faces: Literal["all", "largest"] | None = None,
    frames_per_s: float | None = None,
    config: AnalyzeConfig | None = None,
    namer: Namer | None = None,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Find facial movements of micro-expression length, show them, and name them.

    Args:
        source: a video file, a folder of images, two paths or two pictures (onset, apex).
        onset: zero-based frame; with ``apex`` nothing is spotted and this one movement is shown.
        apex: zero-based frame.
        flow: in place of ``config.flow``.
        faces: in place of ``config.faces``.
        frames_per_s: rate of an image folder, or in place of a video's own.
        namer: gives the classes; None leaves them empty, and a notice says so.
        detector: finds faces; None is MTCNN.

    Raises:
        InputError: a source that cannot be used; ``VideoError``, ``FrameIndexError`` below it.
        FaceNotFoundError: no face in any frame looked at.
        FaceTooSmallError: no face is large enough.
        MissingExtraError: no detector is given and torch is not installed.
    """
    config = config or AnalyzeConfig()
    config = dataclasses.replace(config, flow=flow or config.flow, faces=faces or config.faces)
    build_estimator(config.flow)  # an unknown name fails before the video is read
    video = sources.open_source(source, frames_per_s=frames_per_s)
    if sources.is_pair(video) and onset is None and apex is None:
        onset, apex = 0, 1
    if onset is None and apex is None:
        return _spotted(video, config, namer, detector, progress)
    return _given(video, onset, apex, config, namer, detector)


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
    tracks = _chosen(watched, video, config)
    rate = (watched.frame_count - 1) / watched.end_s if watched.end_s > 0 else video.frames_per_s
    events = [
        remarks.event_of(
            movement, track, watched, config.remarks, frames_per_s=rate, size_wh_px=video.size_wh_px
        )
        for track in tracks
        for movement in spot(track.signal, config.spot)
    ]
    events.sort(key=lambda event: (event.onset_index, event.face_id))
    shown = pictures.collect(
        video,
        events,
        tracks,
        build_estimator(config.flow),
        at_most=config.kept_pictures,
        progress=progress,
    )
    frames = FaceFrames(tracks, config.spot)
    notices = remarks.notices_of(
        watched,
        tracks,
        events,
        config.remarks,
        frames_per_s=rate,
        largest_px=frames.largest_px,
        floor_px=config.spot.least_px,
        kept_pictures=config.kept_pictures,
    )
    return Analysis(
        source=sources.label(video),
        frame_count=watched.frame_count,
        duration_s=watched.end_s + 1 / rate,
        frames_per_s=rate,
        size_wh_px=video.size_wh_px,
        events=_named(events, shown, namer),
        frames=frames,
        pictures=tuple(shown),
        notices=_all_notices(video, notices, events, namer),
        provenance=_stamp(video, config),
    )


def _given(
    video: VideoSource,
    onset: int | None,
    apex: int | None,
    config: AnalyzeConfig,
    namer: Namer | None,
    detector: Detector | None,
) -> Analysis:
    first, second, count = given.read_given(video, onset, apex)
    pair, rate = sources.is_pair(video), video.frames_per_s
    faces = given.faces_at(
        first,
        detector or _default_detector(),
        least_eye_distance_px=config.least_eye_distance_px,
        name=sources.label(video),
    )
    found = [
        given.given_event(
            first,
            second,
            face,
            config.motion.registration,
            face_id=i,
            least_px=config.spot.least_px,
        )
        for i, face in enumerate(faces[:1] if config.faces == "largest" else faces)
    ]
    estimator = build_estimator(config.flow)
    moved = [(event, crops) for event, _, crops in found if event is not None]
    events = [event for event, _ in moved]
    shown = [pictures.pictures_of(crops, estimator) for _, crops in moved]
    notices = given.notices_of(
        events, len(faces), largest_px=max(px for _, px, _ in found), floor_px=config.spot.least_px
    )
    return Analysis(
        source=sources.label(video),
        frame_count=count,
        duration_s=0.0 if pair else count / rate,
        frames_per_s=0.0 if pair else rate,
        size_wh_px=video.size_wh_px,
        events=_named(events, shown, namer),
        frames=(),
        pictures=tuple(shown),
        notices=_all_notices(video, notices, events, namer),
        provenance=_stamp(video, config),
    )


def _chosen(watched: Watched, video: VideoSource, config: AnalyzeConfig) -> list[FaceTrack]:
    """The faces to analyse, by id."""
    if not watched.tracks:
        raise FaceNotFoundError(
            f"{sources.label(video)}: no face in any of {watched.frame_count} frames; faces must "
            "look at the camera, be lit, and be at least 20 px wide"
        )
    usable = [track for track in watched.tracks if len(track.signal.index)]
    if not usable:
        largest = max(float(track.eye_distance_px.max()) for track in watched.tracks)
        raise FaceTooSmallError(
            f"{sources.label(video)}: no face could be measured: the eyes are at most "
            f"{largest:.0f} px apart ({config.least_eye_distance_px:.0f} are needed), or the face "
            "is turned aside throughout; film from nearer, from the front"
        )
    if config.faces == "largest":
        return [max(usable, key=lambda track: float(track.eye_distance_px.sum()))]
    return usable


def _named(
    events: Sequence[Event], shown: Sequence[EventPictures | None], namer: Namer | None
) -> tuple[Event, ...]:
    """Events with class and probabilities, where pictures were kept and a namer is there."""
    if namer is None:
        return tuple(events)
    named = []
    for event, seen in zip(events, shown, strict=True):
        if seen is None:
            named.append(event)
            continue
        probabilities = namer(seen.flow_map)
        label = max(probabilities, key=lambda name: probabilities[name])
        named.append(dataclasses.replace(event, label=label, probabilities=probabilities))
    return tuple(named)


def _all_notices(
    video: VideoSource, notices: Sequence[Notice], events: Sequence[Event], namer: Namer | None
) -> tuple[Notice, ...]:
    # Two still images have no times that an assumed rate could make wrong.
    silent_on = {"frame_rate_assumed"} if sources.is_pair(video) else set()
    unnamed = [remarks.UNNAMED] if events and namer is None else []
    of_video = [notice for notice in video.notices if notice.code not in silent_on]
    return (*of_video, *notices, *unnamed)


def _stamp(video: VideoSource, config: AnalyzeConfig) -> Mapping[str, Any]:
    return {
        **provenance.stamp(
            config_hash=configs.digest(config), data_hash=sources.content_hash(video)
        ),
        "config": configs.to_mapping(config),
    }


def _default_detector() -> Detector:
    # Here, since all else works without torch.
    from hmrm.faces.mtcnn import MTCNN

    return MTCNN()
