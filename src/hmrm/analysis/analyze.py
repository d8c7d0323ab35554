"""The whole chain, from a video to classified events, on one page."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hmrm import config as configs
from hmrm import provenance
from hmrm.analysis import annotated, notices, second_pass
from hmrm.analysis.classify import DEFAULT_WEIGHTS, open_classifier, origin_of
from hmrm.analysis.record import Analysis
from hmrm.analysis.settings import AnalyzeConfig, Classifier
from hmrm.clip import Event, EventImages, FaceFrame, FaceView, Notice, RejectedCandidate
from hmrm.faces.boxes import Detector
from hmrm.faces.detector import build_detector
from hmrm.faces.landmarks import landmarker
from hmrm.flow.estimate import build_estimator
from hmrm.progress import Progress, silent
from hmrm.spotting.face_frames import FaceFrames
from hmrm.spotting.settings import Faces
from hmrm.spotting.spot import spot_video
from hmrm.spotting.upright import upright
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
    classifier: Classifier | str | Path | None = DEFAULT_WEIGHTS,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Find facial movements, show them, and classify them.

    Args:
        source: a video file, a folder of images, two paths or two images (onset, apex).
        onset: zero-based frame; with ``apex`` nothing is spotted, this one movement is shown.
        flow: instead of ``config.flow``; ``faces`` likewise.
        frames_per_s: rate of an image folder, or instead of a video's own.
        classifier: gives the classes: name or path of weights, or a callable; None leaves them
            empty, and a notice says so.
        detector: finds faces; None is the one that ``config`` names, for supplied frames MTCNN.

    Raises:
        InputError: a source that cannot be used; VideoError and FrameIndexError are below it.
        FaceNotFoundError: no face in any frame that was read.
        FaceTooSmallError: no face is large enough.
        MissingExtraError: torch, which weights without an ONNX file and gru-aofe need, or the
            landmarks' extra is not installed.
        WeightsError: the weights cannot be used.

    Example:
        The onset and apex image of a synthetic smile:

        >>> from hmrm import analyze
        >>> from hmrm.synthetic.demo import demo_clip
        >>> clip = demo_clip()
        >>> found = analyze([clip.frame(180).image, clip.frame(195).image])
        >>> [(event.region, event.label) for event in found.events]
        [('left_cheek', 'positive')]
    """
    config = config or AnalyzeConfig()
    config = dataclasses.replace(config, flow=flow or config.flow, faces=faces or config.faces)
    build_estimator(config.flow)  # an unknown name fails before the video is read
    if config.landmarks == 68:
        landmarker()  # likewise a missing model
    classify = open_classifier(classifier)
    video = upright(open_video(source, frames_per_s=frames_per_s))
    if video.is_pair and onset is None and apex is None:
        onset, apex = 0, 1
    if onset is None and apex is None:
        found = _spotted(video, config, classify, detector, progress)
    else:
        found = _annotated(video, onset, apex, config, classify, detector)
    unclassified = [notices.UNCLASSIFIED] if found.events and classify is None else []
    origin = origin_of(classify)
    stamp = provenance.stamp(config_hash=configs.digest(config), data_hash=video.content_hash())
    return Analysis(
        source=video.label,
        frame_count=found.frame_count,
        duration_s=found.duration_s,
        frames_per_s=found.frames_per_s,
        size_wh_px=video.size_wh_px,
        events=tuple(found.events),
        frames=found.frames,
        images=found.images,
        faces=found.faces,
        rejected=tuple(found.rejected),
        notices=(*video.notices, *found.notices, *unclassified),
        provenance={
            **stamp,
            "classified_by": dataclasses.asdict(origin) if origin else None,
            "config": configs.to_mapping(config),
        },
        clock=video.clock,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """What is known of a video."""

    frame_count: int
    duration_s: float
    frames_per_s: float
    events: Sequence[Event]
    images: Sequence[EventImages | None]
    frames: Sequence[FaceFrame] = ()
    faces: tuple[FaceView, ...] = ()
    notices: Sequence[Notice] = ()
    rejected: Sequence[RejectedCandidate] = ()


def _spotted(
    video: VideoSource,
    config: AnalyzeConfig,
    classifier: Classifier | None,
    detector: Detector | None,
    progress: Progress,
) -> _Found:
    spotted = spot_video(video, config, detector=detector, progress=progress)
    collected = second_pass.collect(
        video,
        spotted.events,
        spotted.faces,
        build_estimator(config.flow),
        classifier,
        head_motion=config.head_motion,
        at_most=config.kept_images,
        landmarks=config.landmarks,
        frame_index=spotted.first_pass.frame_index,
        progress=progress,
    )
    first = spotted.first_pass
    frames = FaceFrames(spotted.faces, config.fusion.fine, spotted.displacements)
    return _Found(
        frame_count=first.frame_count,
        duration_s=first.duration_s,
        frames_per_s=first.frames_per_s,
        events=collected.events,
        images=collected.images,
        faces=collected.faces,
        frames=frames,
        rejected=spotted.rejected,
        notices=(
            *notices.on_video(spotted, config.quality),
            *notices.on_events(spotted, config.kept_images),
        ),
    )


def _annotated(
    video: VideoSource,
    onset: int | None,
    apex: int | None,
    config: AnalyzeConfig,
    classifier: Classifier | None,
    detector: Detector | None,
) -> _Found:
    frames = annotated.read_annotated(video, onset, apex)
    faces = annotated.faces_at(
        frames.onset,
        build_detector(config.landmarks, detector),
        least_eye_distance_px=config.least_eye_distance_px,
        name=video.label,
    )
    registration, least_px = config.motion.registration, config.fusion.fine.floor_px
    movements = [
        annotated.annotated_movement(frames, face, registration, face_id=i, least_px=least_px)
        for i, face in enumerate(faces[:1] if config.faces == "largest" else faces)
    ]
    estimator = build_estimator(config.flow)
    events = [one.event for one in movements if one.event is not None]
    images = [
        second_pass.images_of(one.pair, estimator, head_motion=config.head_motion)
        for one in movements
        if one.event is not None
    ]
    largest_px = max(one.largest_px for one in movements)
    rate = 0.0 if video.is_pair else video.frames_per_s
    return _Found(
        frame_count=frames.frame_count,
        duration_s=frames.frame_count / rate if rate else 0.0,
        frames_per_s=rate,
        events=[
            second_pass.classified(event, kept, classifier)
            for event, kept in zip(events, images, strict=True)
        ],
        images=images,
        faces=tuple(
            second_pass.face_view(frames.onset, i, face.box_xyxy_px)
            for i, face in enumerate(faces[: len(movements)])
        ),
        notices=annotated.notices_of(events, len(faces), largest_px=largest_px, floor_px=least_px),
    )
