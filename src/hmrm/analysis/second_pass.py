"""Second pass: flow from onset to apex and class of every event, images of some, views of faces."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from hmrm import memory
from hmrm.analysis.explain.reasons import reasons
from hmrm.analysis.kept_images import KeptImages
from hmrm.analysis.settings import Classifier
from hmrm.clip import Event, EventImages, FaceView, Frame, Image, Pair, StripImage
from hmrm.faces.align import canonical_transform, warp
from hmrm.faces.boxes import Detection, Detector, overlaps
from hmrm.faces.crops import CANONICAL, Transform
from hmrm.faces.detector import build_detector
from hmrm.faces.landmarks import AlignedBy, alignment_points
from hmrm.faces.mesh_points import as_detected
from hmrm.faces.shape import five_points
from hmrm.flow.aligned import Aligned
from hmrm.flow.classical import FlowEstimator
from hmrm.flow.estimate import to_grey
from hmrm.flow.pair import flow_map
from hmrm.flow.rigid import remove_rigid
from hmrm.progress import Progress
from hmrm.spotting.tracks import FaceTrack
from hmrm.video.frame_index import FrameIndex, read_frames
from hmrm.video.source import VideoSource

STAGE = "images of events"

BETWEEN = 2
"""Images of a strip between onset and apex, and as many between apex and offset."""

STRIP_WH_PX = (112, 162)
VIEW_PX = 480

Task = Callable[[Frame], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Collected:
    """What the second pass found.

    Attributes:
        events: with class, probabilities and reasons.
        images: of every event, None where they were not kept.
        faces: a view of every face.
    """

    events: tuple[Event, ...]
    images: KeptImages
    faces: tuple[FaceView, ...]


def collect(
    video: VideoSource,
    events: Sequence[Event],
    tracks: Sequence[FaceTrack],
    estimator: FlowEstimator | None,
    classifier: Classifier | None = None,
    *,
    head_motion: bool,
    at_most: int,
    landmarks: AlignedBy = "mesh",
    frame_index: FrameIndex | None = None,
    progress: Progress,
) -> Collected:
    """Classes of all events and images of the most salient; one frame in memory at a time.

    Onset and apex of an event go through one transform, the onset's; images of its strip each
    through their own.

    Args:
        estimator: of the flow from onset to apex; None computes none, and classifies nothing.
        head_motion: take the head's motion out of the flow.
        at_most: events beyond keep no images, the most salient come first.
        landmarks: align by the five points of the mesh, or by 5 or 68 found in the onset's frame.
        frame_index: the first pass's; without it the video is read from its start.
    """
    order = sorted(range(len(events)), key=lambda i: (-events[i].salience, i))
    kept = set(order[:at_most])
    mtcnn = build_detector(5) if landmarks == 5 and order else None
    by_face = {track.face_id: track for track in tracks}
    views: dict[int, FaceView] = {}
    done = list(events)
    images = KeptImages(len(events))
    tasks: dict[int, list[Task]] = defaultdict(list)

    def finish(i: int, making: _Making) -> None:
        made = images_of(making.pair(), estimator, head_motion=head_motion)
        done[i] = classified(events[i], made, classifier)
        if i in kept:
            images.keep(i, dataclasses.replace(made, strip=tuple(making.strip)))

    for track in tracks:
        tasks[_best_seen(track)].append(_view_of(track, views))
    for i in order if estimator is not None else order[:at_most]:
        track = by_face[events[i].face_id]
        one = _Making(
            events[i], track, landmarks, mtcnn, finish=partial(finish, i), strip=i in kept
        )
        for index in one.indices:
            tasks[index].append(one.take)
    # A task goes with its frame, and with it the crops of an event that is done.
    count = len(tasks)
    for number, frame in enumerate(read_frames(video, frame_index, list(tasks)), start=1):
        for task in tasks.pop(frame.index):
            task(frame)
        progress(STAGE, number, count)
    faces = tuple(views[track.face_id] for track in tracks)
    memory.give_back()
    return Collected(events=tuple(done), images=images, faces=faces)


class _Making:
    """The images of one event, taken as the video passes by."""

    def __init__(
        self,
        event: Event,
        track: FaceTrack,
        landmarks: AlignedBy,
        mtcnn: Detector | None,
        *,
        finish: "Callable[[_Making], None]",
        strip: bool,
    ) -> None:
        """``finish`` is called after the last frame that is needed; ``strip``: one is made."""
        self._event, self._track = event, track
        self._landmarks, self._mtcnn = landmarks, mtcnn
        self._crops: dict[int, Image] = {}
        self._transform: Transform | None = None
        self._of_strip = strip_indices(event, track) if strip else ()
        self.strip: list[StripImage] = []
        self._finish, self._last = finish, max(self.indices)

    @property
    def indices(self) -> set[int]:
        """Frames that are needed."""
        return {self._event.onset_index, self._event.apex_index, *self._of_strip}

    def take(self, frame: Frame) -> None:
        event = self._event
        if frame.index == event.onset_index:
            self._transform = _transform(
                event, self._track, frame.image, self._landmarks, self._mtcnn
            )
        if frame.index in (event.onset_index, event.apex_index):
            assert self._transform is not None, "the onset comes first"
            self._crops[frame.index] = warp(frame.image, self._transform)
        if frame.index in self._of_strip:
            points = as_detected(self._track.points_of(frame.index))
            crop = warp(frame.image, canonical_transform(points))
            small = cv2.resize(crop, STRIP_WH_PX, interpolation=cv2.INTER_AREA)
            image = np.asarray(small, dtype=np.uint8)
            self.strip.append(StripImage(index=frame.index, time_s=frame.time_s, image=image))
        if frame.index == self._last:
            self._finish(self)

    def pair(self) -> Pair:
        """Onset and apex in the onset's crop."""
        event = self._event
        return Pair(
            onset=self._crops[event.onset_index],
            apex=self._crops[event.apex_index],
            onset_index=event.onset_index,
            apex_index=event.apex_index,
        )


def strip_indices(event: Event, track: FaceTrack) -> tuple[int, ...]:
    """Onset, apex and offset, and between them frames in which the face was seen, increasing."""
    frames = (event.onset_index, event.apex_index, event.offset_index)
    rows = [track.row_of(index) for index in frames]
    before = np.linspace(rows[0], rows[1], BETWEEN + 2)[1:-1]
    after = np.linspace(rows[1], rows[2], BETWEEN + 2)[1:-1]
    between = track.index[np.rint(np.concatenate([before, after])).astype(int)].tolist()
    within = {index for index in between if frames[0] < index < frames[2]}
    return tuple(sorted(within | set(frames)))


def _best_seen(track: FaceTrack) -> int:
    """The first frame, within two seconds, in which the detector was surest of the face."""
    early = track.time_s <= track.time_s[0] + 2.0
    return int(track.index[int(np.argmax(track.detection_confidence[early]))])


def _view_of(track: FaceTrack, views: dict[int, FaceView]) -> Task:
    def take(frame: Frame) -> None:
        box = track.box_xyxy_px[track.row_of(frame.index)]
        views[track.face_id] = face_view(frame, track.face_id, box)

    return take


def face_view(frame: Frame, face_id: int, box_xyxy_px: Sequence[float] | np.ndarray) -> FaceView:
    """A whole frame, its longer side at most ``VIEW_PX``, and the face's box in it."""
    height, width = frame.image.shape[:2]
    shrink = min(VIEW_PX / max(width, height), 1.0)
    size = max(round(width * shrink), 1), max(round(height * shrink), 1)
    small = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    left, top, right, bottom = (float(value) * shrink for value in box_xyxy_px)
    return FaceView(
        face_id=face_id,
        index=frame.index,
        time_s=frame.time_s,
        image=np.asarray(small, dtype=np.uint8),
        box_xyxy_px=(left, top, right, bottom),
    )


def _transform(
    event: Event,
    track: FaceTrack,
    image: Image,
    landmarks: AlignedBy,
    mtcnn: Detector | None,
) -> Transform:
    row = track.row_of(event.onset_index)
    points = as_detected(track.points_of(event.onset_index))
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


def images_of(pair: Pair, estimator: FlowEstimator | None, *, head_motion: bool) -> EventImages:
    """Flow from onset to apex, head motion removed if asked for, and its map.

    It is taken out of the apex before the flow is estimated, and its rest afterwards: estimators
    lose the skin's motion under a head that rolls by some degrees.
    """
    if estimator is None:
        return EventImages(pair=pair, flow=None, flow_map=None)
    if head_motion:
        estimator = Aligned(estimator=estimator)
    flow = estimator(to_grey(pair.onset, name="onset"), to_grey(pair.apex, name="apex"))
    if head_motion:
        flow = remove_rigid(flow, model="similarity")
    return EventImages(pair=pair, flow=flow, flow_map=flow_map(flow, crop=CANONICAL.name))


def classified(event: Event, images: EventImages | None, classifier: Classifier | None) -> Event:
    """The event with class, probabilities and reasons; as it is without its flow.

    Without a classifier the reasons are the likely action units alone.
    """
    if images is None or images.flow_map is None:
        return event
    if classifier is None:
        return dataclasses.replace(event, reasons=reasons(images.flow_map, None))
    found = classifier(images.flow_map)
    return dataclasses.replace(
        event,
        label=found.label,
        probabilities=found.probabilities,
        decisive_region=found.decisive_region,
        calibrated=found.calibrated,
        class_set=found.class_set,
        set_coverage=found.set_coverage,
        unlike_training=found.unlike_training,
        reasons=reasons(images.flow_map, found),
    )
