"""Faces of a video, one frame after another: detected now and then, followed in between.

Points between detections come from one similarity per frame (``follow``), so their noise is that
of some eighty corners together, far below the detector's. A later detection does not set them: a
difference inside ``slack`` is detector noise and is ignored, the rest is worked in slowly over
``blend_s``. A face at rest therefore has points at rest. They still drift with the head, by
intention: hold *one* transform, the onset's, over the movement that is measured.
"""

import math
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from hmrm.clip import Frame, Image
from hmrm.faces.align import apply
from hmrm.faces.boxes import Detection, match
from hmrm.faces.crops import Transform
from hmrm.faces.follow import FollowConfig, Grey, corners_in, follow

Box = tuple[float, float, float, float]


@runtime_checkable
class Detector(Protocol):
    """Anything that finds faces in one picture, best first; ``mtcnn.MTCNN`` does."""

    def detect(self, image: Image) -> list[Detection]:
        """Faces of one picture."""


@dataclass(frozen=True, kw_only=True)
class TrackConfig:
    """How faces are followed; all times in s of the video, so the frame rate does not matter.

    Attributes:
        detect_every_s: a detection confirms the faces, and finds new ones, this often.
        search_every_s: the same while no face is followed, or one is in doubt.
        drop_after_s: a face that detections miss, though it can be followed, goes after this.
        remember_s: a face found again this long after it was lost, near where it was, keeps its
            id. Nobody is recognised: a stranger in the same place gets the id too.
        overlap: smallest intersection over union of a detection with the face it confirms.
        slack: difference to a detection that is taken for its noise, in eye distances.
        blend_s: time over which a larger difference is worked in.
        snap: a difference above this, in eye distances, means that following went wrong: the
            points are set anew, and ``jump`` says so.
        min_eye_distance_px: below it, one px of the canonical crop is under 0.4 px of the image,
            and movement below that cannot be told from noise.
        max_turn: how far the nose tip may lie beside the middle of the eyes, in eye distances,
            before the face counts as turned (about 35 degrees).
        max_faces: the largest ones are followed.
        max_side_px: pictures are shrunk to this longer side for following.
    """

    detect_every_s: float = 1.0
    search_every_s: float = 0.2
    drop_after_s: float = 1.0
    remember_s: float = 10.0
    overlap: float = 0.3
    slack: float = 0.03
    blend_s: float = 1.0
    snap: float = 0.35
    min_eye_distance_px: float = 48.0
    max_turn: float = 0.3
    max_faces: int = 8
    max_side_px: int = 640
    follow: FollowConfig = field(default_factory=FollowConfig)

    def __post_init__(self) -> None:
        for name in ("detect_every_s", "search_every_s", "blend_s", "max_faces", "max_side_px"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: expected more than 0, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackedFace:
    """One face in one frame.

    Attributes:
        face_id: from 0, in the order in which faces first appear.
        box_xyxy_px, points_xy_px, confidence: as in ``Detection``; the confidence is the last
            detection's.
        success: the face was confirmed at the last look; False while it is only followed, for
            example turned too far.
        jump: the points do not continue the previous frame's (new, returned, or set anew after a
            cut); no motion may be read across it.
        too_small: the eyes are nearer to each other than ``min_eye_distance_px``.
        turned: the face looks aside.
    """

    face_id: int
    box_xyxy_px: Box
    points_xy_px: Float[np.ndarray, "5 2"]
    confidence: float
    success: bool
    jump: bool
    too_small: bool
    turned: bool

    @property
    def eye_distance_px(self) -> float:
        """Distance between the two eye centres."""
        return float(np.linalg.norm(self.points_xy_px[1] - self.points_xy_px[0]))


@dataclass(kw_only=True)
class _Face:
    """What the tracker knows of one face; px of the working picture."""

    face_id: int
    box: Box
    points: Float[np.ndarray, "5 2"]
    confidence: float
    time_s: float
    corners: Float32[np.ndarray, "n 2"] = field(
        default_factory=lambda: np.empty((0, 2), dtype=np.float32)
    )
    evaluations: int = 1
    missed_s: float | None = None
    jump: bool = True
    owed: Float[np.ndarray, "5 2"] = field(default_factory=lambda: np.zeros((5, 2)))
    owed_s: float = 0.0

    def follow(self, before: Grey, after: Grey, time_s: float, config: TrackConfig) -> bool:
        """Move with the picture; False if the face is lost."""
        moved = follow(before, after, self.corners, config.follow)
        if moved is None:
            return False
        transform, self.corners = moved
        step_s = time_s - self.time_s
        fraction = min(1.0, step_s / self.owed_s) if self.owed_s > 0 else 1.0
        owed = self.owed @ transform[:, :2].T
        self.points = apply(transform, self.points) + fraction * owed
        self.owed, self.owed_s = (1 - fraction) * owed, max(0.0, self.owed_s - step_s)
        self.box = _moved(self.box, transform)
        self.time_s = time_s
        height, width = after.shape
        x, y = (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2
        return 0 <= x < width and 0 <= y < height

    def confirm(self, detection: Detection | None, config: TrackConfig) -> None:
        """Take in what the detector says of this face; None: it does not see it."""
        if detection is None:
            self.missed_s = self.time_s if self.missed_s is None else self.missed_s
            return
        self.evaluations, self.missed_s = self.evaluations + 1, None
        self.box, self.confidence = detection.box_xyxy_px, detection.confidence
        difference = detection.points_xy_px - self.points
        length = np.linalg.norm(difference, axis=1, keepdims=True)
        eyes_px = float(np.linalg.norm(detection.points_xy_px[1] - detection.points_xy_px[0]))
        if length.max() > config.snap * eyes_px:
            self.points, self.jump = detection.points_xy_px, True
            self.owed, self.owed_s = np.zeros((5, 2)), 0.0
            return
        excess = np.maximum(0.0, length - config.slack * eyes_px)
        self.owed = difference * (excess / np.maximum(length, 1e-9))
        self.owed_s = config.blend_s

    def is_gone(self, config: TrackConfig) -> bool:
        """Missed for long, or seen once and never again, as false detections are."""
        if self.missed_s is None:
            return False
        return self.evaluations == 1 or self.time_s - self.missed_s >= config.drop_after_s

    def report(self, ratio: Float[np.ndarray, "2"], config: TrackConfig) -> TrackedFace:
        """The public record, in px of the frame."""
        points = _placed(self.points, ratio)
        x1, y1, x2, y2 = _placed(np.reshape(self.box, (2, 2)), ratio).ravel().tolist()
        eyes = points[1] - points[0]
        eyes_px = float(np.linalg.norm(eyes))
        # How far the nose tip lies beside the middle of the eyes, along them.
        aside = (
            abs(float((points[2] - (points[0] + points[1]) / 2) @ eyes)) / max(eyes_px, 1e-9) ** 2
        )
        return TrackedFace(
            face_id=self.face_id,
            box_xyxy_px=(x1, y1, x2, y2),
            points_xy_px=points,
            confidence=self.confidence,
            success=self.missed_s is None,
            jump=self.jump,
            too_small=eyes_px < config.min_eye_distance_px,
            turned=aside > config.max_turn,
        )


def _moved(box: Box, transform: Transform) -> Box:
    """The upright box of the same shape, its centre and size moved by a similarity."""
    centre = apply(transform, np.array([[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]]))[0]
    scale = math.hypot(*transform[:, 0])
    half_w, half_h = scale * (box[2] - box[0]) / 2, scale * (box[3] - box[1]) / 2
    x, y = float(centre[0]), float(centre[1])
    return x - half_w, y - half_h, x + half_w, y + half_h


class FaceTracker:
    """Follows all faces of one video; feed it the frames in order, one tracker per video.

    Memory and time per frame do not grow with the video. ``excluded`` counts detections beyond
    ``max_faces``.
    """

    def __init__(
        self, config: TrackConfig | None = None, *, detector: Detector | None = None
    ) -> None:
        """A tracker with MTCNN, or with a detector of one's own.

        Raises:
            MissingExtraError: no detector is given and torch is not installed.
        """
        self.config = config or TrackConfig()
        if detector is None:
            # Here, since everything else of this file works without torch.
            from hmrm.faces.mtcnn import MTCNN

            detector = MTCNN()
        self.excluded = 0
        self._detector = detector
        self._faces: list[_Face] = []
        self._lost: list[_Face] = []
        self._next_id = 0
        self._before: Grey | None = None
        self._look_due_s = -math.inf

    def update(self, frame: Frame) -> list[TrackedFace]:
        """The faces of the next frame, by id; empty where there are none."""
        grey = (
            cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY) if frame.image.ndim == 3 else frame.image
        )
        grey = _shrunk(np.ascontiguousarray(grey), self.config.max_side_px)
        # Everything inside happens in px of this working picture.
        ratio = np.array(grey.shape[::-1]) / np.array(frame.image.shape[1::-1])
        self._advance(grey, frame.time_s)
        # Frame times are rounded sums; without the slack one more frame would pass now and then.
        if frame.time_s >= self._look_due_s - 1e-6:
            detections = [_rescaled(d, ratio) for d in self._detector.detect(frame.image)]
            self._look(detections, grey, frame.time_s)
        self._before = grey
        found = [face.report(1 / ratio, self.config) for face in self._faces]
        for face in self._faces:
            face.jump = False
        return found

    def _advance(self, grey: Grey, time_s: float) -> None:
        """Move every face from the frame before to this one; those that are lost go."""
        before, kept = self._before, []
        if before is not None and before.shape != grey.shape:
            before = None
        for face in self._faces:
            if before is not None and face.follow(before, grey, time_s, self.config):
                kept.append(face)
            else:
                self._lost.append(face)
                self._look_due_s = time_s
        self._faces = kept
        self._lost = [f for f in self._lost if time_s - f.time_s <= self.config.remember_s]

    def _look(self, detections: list[Detection], grey: Grey, time_s: float) -> None:
        """Confirm the faces that are there, drop those long missed, start new ones."""
        pairs = match(
            _boxes([face.box for face in self._faces]),
            _boxes([detection.box_xyxy_px for detection in detections]),
            at_least=self.config.overlap,
        )
        seen = {i: detections[j] for i, j in pairs}
        for i, face in enumerate(self._faces):
            face.confirm(seen.get(i), self.config)
        gone = [face for face in self._faces if face.is_gone(self.config)]
        kept = [face for face in self._faces if not face.is_gone(self.config)]
        self._lost += gone
        matched = {j for _, j in pairs}
        new = [d for j, d in enumerate(detections) if j not in matched]
        new.sort(key=lambda d: -_width(d.box_xyxy_px))
        room = max(0, self.config.max_faces - len(kept))
        self.excluded += len(new[room:])
        kept += [self._start(detection, time_s) for detection in new[:room]]
        self._faces = sorted(kept, key=lambda face: face.face_id)
        for face in self._faces:
            face.corners = corners_in(grey, face.box)
        doubt = not self._faces or any(
            f.missed_s is not None or f.evaluations == 1 for f in self._faces
        )
        wait = self.config.search_every_s if doubt else self.config.detect_every_s
        self._look_due_s = time_s + wait

    def _start(self, detection: Detection, time_s: float) -> _Face:
        """A new face, with the id of a lost one if that was near."""
        near = [face for face in self._lost if _near(face.box, detection.box_xyxy_px)]
        if near:
            # Identity, not equality: records that hold arrays have none.
            latest = max(near, key=lambda face: face.time_s)
            self._lost = [face for face in self._lost if face is not latest]
            face_id = latest.face_id
        else:
            face_id, self._next_id = self._next_id, self._next_id + 1
        return _Face(
            face_id=face_id,
            box=detection.box_xyxy_px,
            points=detection.points_xy_px,
            confidence=detection.confidence,
            time_s=time_s,
        )


def _shrunk(grey: Grey, max_side_px: int) -> UInt8[np.ndarray, "h2 w2"]:
    scale = max_side_px / max(grey.shape)
    if scale >= 1:
        return grey
    width, height = (max(1, round(side * scale)) for side in grey.shape[::-1])
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)


def _rescaled(detection: Detection, ratio: Float[np.ndarray, "2"]) -> Detection:
    x1, y1, x2, y2 = _placed(np.reshape(detection.box_xyxy_px, (2, 2)), ratio).ravel().tolist()
    return Detection(
        box_xyxy_px=(x1, y1, x2, y2),
        confidence=detection.confidence,
        points_xy_px=_placed(detection.points_xy_px, ratio),
    )


def _placed(
    points: Float[np.ndarray, "n 2"], ratio: Float[np.ndarray, "2"]
) -> Float[np.ndarray, "n 2"]:
    """Points in a picture resized by ``ratio``; pixel centres lie at whole numbers in both."""
    return (points + 0.5) * ratio - 0.5


def _boxes(boxes: list[Box]) -> Float[np.ndarray, "n 4"]:
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _width(box: Box) -> float:
    return box[2] - box[0]


def _near(a: Box, b: Box) -> bool:
    """Whether the same face may have gone from one box to the other: a width away, half as big."""
    width = max(_width(a), _width(b))
    apart = math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2
    return apart <= width and 2 * min(_width(a), _width(b)) >= width
