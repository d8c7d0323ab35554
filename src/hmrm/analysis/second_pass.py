"""Second pass: the onset and apex image of chosen events, the flow between, and its map."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from hmrm.analysis.settings import Classifier
from hmrm.clip import Event, EventImages, Image, Pair
from hmrm.faces.align import canonical_transform, warp
from hmrm.faces.boxes import Detection, Detector, overlaps
from hmrm.faces.crops import CANONICAL, Transform
from hmrm.faces.detector import build_detector
from hmrm.faces.landmarks import AlignedBy, alignment_points
from hmrm.faces.shape import five_points
from hmrm.flow.aligned import Aligned
from hmrm.flow.classical import FlowEstimator
from hmrm.flow.estimate import to_grey
from hmrm.flow.pair import flow_map
from hmrm.flow.rigid import remove_rigid
from hmrm.progress import Progress
from hmrm.spotting.first_pass import FaceTrack
from hmrm.video.source import VideoSource

STAGE = "images of events"


def collect(
    video: VideoSource,
    events: Sequence[Event],
    tracks: Sequence[FaceTrack],
    estimator: FlowEstimator,
    *,
    head_motion: bool,
    at_most: int,
    landmarks: AlignedBy = "mesh",
    progress: Progress,
) -> list[EventImages | None]:
    """Images of the most salient events, in one pass that holds one frame and the crops.

    Both crops of an event go through one transform, the onset's.

    Args:
        head_motion: take the head's motion out of the flow.
        landmarks: align by the five points of the mesh, or by 5 or 68 found in the onset's frame.

    Returns:
        One item per event; None beyond ``at_most``, the most salient first.
    """
    order = sorted(range(len(events)), key=lambda i: (-events[i].salience, i))
    chosen = order[:at_most]
    transforms: dict[int, Transform] = {}
    needed: dict[int, list[tuple[int, str]]] = {}
    for i in chosen:
        needed.setdefault(events[i].onset_index, []).append((i, "onset"))
        needed.setdefault(events[i].apex_index, []).append((i, "apex"))
    crops: dict[int, dict[str, Image]] = {i: {} for i in chosen}
    made: list[EventImages | None] = [None] * len(events)
    last = max(needed, default=-1)
    mtcnn = build_detector(5) if landmarks == 5 and needed else None
    for frame in video.frames() if needed else ():
        for i, which in needed.get(frame.index, ()):
            if which == "onset":
                transforms[i] = _transform(events[i], tracks, frame.image, landmarks, mtcnn)
            crops[i][which] = warp(frame.image, transforms[i])
            if len(crops[i]) == 2:
                pair = _pair(events[i], crops.pop(i))
                made[i] = images_of(pair, estimator, head_motion=head_motion)
        progress(STAGE, frame.index + 1, last + 1)
        if frame.index >= last:
            break
    return made


def _transform(
    event: Event,
    tracks: Sequence[FaceTrack],
    image: Image,
    landmarks: AlignedBy,
    mtcnn: Detector | None,
) -> Transform:
    track = next(t for t in tracks if t.face_id == event.face_id)
    row = track.row_of(event.onset_index)
    points = track.points_xy_px[row]
    if mtcnn is not None:
        found = mtcnn.detect(image)
        boxes = np.array([face.box_xyxy_px for face in found]).reshape(-1, 4)
        alike = overlaps(track.box_xyxy_px[row][None], boxes)[0]
        # A face that MTCNN does not see there keeps its mesh's points.
        if len(alike) and alike.max() > 0:
            points = found[int(alike.argmax())].points_xy_px
    if landmarks == 68:
        x1, y1, x2, y2 = track.box_xyxy_px[row].tolist()
        face = Detection(box_xyxy_px=(x1, y1, x2, y2), confidence=1.0, points_xy_px=points)
        points = five_points(alignment_points(image, face, 68))
    return canonical_transform(points)


def _pair(event: Event, crops: Mapping[str, Image]) -> Pair:
    return Pair(
        onset=crops["onset"],
        apex=crops["apex"],
        onset_index=event.onset_index,
        apex_index=event.apex_index,
    )


def images_of(pair: Pair, estimator: FlowEstimator, *, head_motion: bool) -> EventImages:
    """Flow from onset to apex, head motion removed if asked for, and its map.

    It is taken out of the apex before the flow is estimated, and its rest afterwards: estimators
    lose the skin's motion under a head that rolls by some degrees.
    """
    if head_motion:
        estimator = Aligned(estimator=estimator)
    flow = estimator(to_grey(pair.onset, name="onset"), to_grey(pair.apex, name="apex"))
    if head_motion:
        flow = remove_rigid(flow, model="similarity")
    return EventImages(pair=pair, flow=flow, flow_map=flow_map(flow, crop=CANONICAL.name))


def classified(
    events: Sequence[Event],
    images: Sequence[EventImages | None],
    classifier: Classifier | None,
) -> tuple[Event, ...]:
    """Events with class and probabilities, where images were kept and a classifier is there."""
    if classifier is None:
        return tuple(events)
    done = []
    for event, kept in zip(events, images, strict=True):
        if kept is None:
            done.append(event)
            continue
        found = classifier(kept.flow_map)
        done.append(
            dataclasses.replace(
                event,
                label=found.label,
                probabilities=found.probabilities,
                decisive_region=found.decisive_region,
            )
        )
    return tuple(done)
