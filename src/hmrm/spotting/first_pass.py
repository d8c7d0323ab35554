"""First pass over a video: who is in it, where, and how each face moved. Memory: numbers only."""

import bisect
from array import array
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float, Int

from hmrm.clip import Frame
from hmrm.errors import FaceNotFoundError, FaceTooSmallError
from hmrm.faces.detector import build_detector
from hmrm.faces.landmarks import Landmarks
from hmrm.faces.track import Detector, FaceTracker, TrackConfig, TrackedFace
from hmrm.progress import Progress, silent
from hmrm.spotting.motion import MotionConfig, MotionMeter, MotionSignal
from hmrm.video.cuts import CutDetector
from hmrm.video.source import VideoSource

STAGE = "finding faces and motion"


@dataclass(frozen=True, kw_only=True)
class FirstPassConfig:
    """What decides how faces are followed and measured.

    Attributes:
        most_frames_per_s: of faster videos every second, third … frame is read.
        least_eye_distance_px: smaller faces are followed but not measured.
        landmarks: points that detected faces are aligned by, 5 or 68 (``faces/landmarks.py``).
    """

    most_frames_per_s: float = 100.0
    least_eye_distance_px: float = 24.0
    landmarks: Landmarks = 5
    track: TrackConfig = field(default_factory=TrackConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceTrack:
    """One face in every frame it was followed in.

    Attributes:
        index, time_s: of these frames.
        box_xyxy_px, points_xy_px, detection_confidence: as the tracker reported them.
        success, turned: as the tracker reported them.
        eye_distance_px: px of the frame.
        signal: its motion, in those frames where it could be measured.
    """

    face_id: int
    index: Int[np.ndarray, " n"]
    time_s: Float[np.ndarray, " n"]
    box_xyxy_px: Float[np.ndarray, "n 4"]
    points_xy_px: Float[np.ndarray, "n 5 2"]
    detection_confidence: Float[np.ndarray, " n"]
    success: Int[np.ndarray, " n"]
    turned: Int[np.ndarray, " n"]
    signal: MotionSignal

    @property
    def eye_distance_px(self) -> Float[np.ndarray, " n"]:
        """Distance between the eyes in every frame, px of the frame."""
        return np.linalg.norm(self.points_xy_px[:, 1] - self.points_xy_px[:, 0], axis=1)

    def row_of(self, index: int) -> int:
        """Row of a frame in which the face was followed."""
        return bisect.bisect_left(self.index, index)


@dataclass(frozen=True, kw_only=True, eq=False)
class FirstPass:
    """What one pass over a video found: every face with its signal, and what was in the way.

    Attributes:
        source: the video's label, for messages.
        size_wh_px: of an upright frame.
        frame_count: frames decoded.
        stride: every how many frames one was read.
        end_s: time of the last one.
        tracks: faces by id.
        cuts_s: times at which a new scene begins.
        black: black frames.
        excluded_faces: detections of faces beyond the tracker's limit.
        stated_frames_per_s: the rate that the file states.
    """

    source: str
    size_wh_px: tuple[int, int]
    frame_count: int
    stride: int
    end_s: float
    tracks: tuple[FaceTrack, ...]
    cuts_s: tuple[float, ...]
    black: int
    excluded_faces: int
    stated_frames_per_s: float

    @property
    def frames_per_s(self) -> float:
        """Mean rate over the frames that were decoded."""
        if self.frame_count < 2 or self.end_s <= 0:
            return self.stated_frames_per_s
        return (self.frame_count - 1) / self.end_s

    @property
    def duration_s(self) -> float:
        """To the end of the last frame, s."""
        return self.end_s + 1 / self.frames_per_s

    def measured(self, *, largest: bool) -> tuple[FaceTrack, ...]:
        """Faces that could be measured, by id; or only the one that filled most of the video.

        Raises:
            FaceNotFoundError: no face was seen.
            FaceTooSmallError: none could be measured.
        """
        if not self.tracks:
            raise FaceNotFoundError(
                f"{self.source}: no face in any of {self.frame_count} frames; a face must look "
                "towards the camera, be lit, and be at least 20 px wide"
            )
        usable = tuple(track for track in self.tracks if len(track.signal.index))
        if not usable:
            widest = max(float(track.eye_distance_px.max()) for track in self.tracks)
            raise FaceTooSmallError(
                f"{self.source}: no face could be measured: the eyes are at most {widest:.0f} px "
                "apart, or the face is turned aside throughout; film from nearer, from the front"
            )
        if largest:
            return (max(usable, key=lambda track: float(track.eye_distance_px.sum())),)
        return usable


@dataclass(kw_only=True)
class _Recorder:
    """Numbers of one face, appended frame by frame."""

    meter: MotionMeter
    index: "array[int]" = field(default_factory=lambda: array("q"))
    flags: "array[int]" = field(default_factory=lambda: array("b"))
    numbers: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, face: TrackedFace, frame: Frame) -> None:
        self.index.append(frame.index)
        self.flags.extend([face.success, face.turned])
        points = face.points_xy_px.ravel()
        self.numbers.extend([frame.time_s, face.confidence, *face.box_xyxy_px, *points])

    def track(self, face_id: int) -> FaceTrack:
        numbers = np.array(self.numbers).reshape(-1, 16)
        flags = np.array(self.flags, dtype=np.int64).reshape(-1, 2)
        return FaceTrack(
            face_id=face_id,
            index=np.array(self.index, dtype=np.int64),
            time_s=numbers[:, 0],
            detection_confidence=numbers[:, 1],
            box_xyxy_px=numbers[:, 2:6],
            points_xy_px=numbers[:, 6:].reshape(-1, 5, 2),
            success=flags[:, 0],
            turned=flags[:, 1],
            signal=self.meter.signal(),
        )


def first_pass(
    video: VideoSource,
    config: FirstPassConfig | None = None,
    *,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> FirstPass:
    """Follow every face through the video and measure its motion; one frame in memory at a time.

    Args:
        detector: finds faces; None is MTCNN.

    Raises:
        VideoError: the video cannot be decoded.
        MissingExtraError: torch, which the default detector needs, or the landmarks' extra is
            not installed.
    """
    config = config or FirstPassConfig()
    tracker = FaceTracker(config.track, detector=build_detector(config.landmarks, detector))
    stride = max(1, round(video.frames_per_s / config.most_frames_per_s))
    cutter, recorders = CutDetector(), dict[int, _Recorder]()
    cuts_s: list[float] = []
    black, count, end_s = 0, 0, 0.0
    broken = False
    for frame in video.frames():
        count, end_s = frame.index + 1, frame.time_s
        progress(STAGE, count, video.frame_count)
        if frame.index % stride:
            continue
        flags = cutter.update(frame.image)
        if flags.cut:
            cuts_s.append(frame.time_s)
        black += flags.black
        broken = broken or flags.cut or flags.black
        if flags.black:
            continue
        _record(frame, tracker.update(frame), recorders, config, broken=broken)
        broken = False
    return FirstPass(
        source=video.label,
        size_wh_px=video.size_wh_px,
        frame_count=count,
        stride=stride,
        end_s=end_s,
        tracks=tuple(recorders[face_id].track(face_id) for face_id in sorted(recorders)),
        cuts_s=tuple(cuts_s),
        black=black * stride,
        excluded_faces=tracker.excluded,
        stated_frames_per_s=video.frames_per_s,
    )


def _record(
    frame: Frame,
    faces: list[TrackedFace],
    recorders: dict[int, _Recorder],
    config: FirstPassConfig,
    *,
    broken: bool,
) -> None:
    """Note the faces of one frame and measure those that can be measured."""
    grey = frame.image if frame.image.ndim == 2 else cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
    for face in faces:
        if face.face_id not in recorders:
            recorders[face.face_id] = _Recorder(meter=MotionMeter(config.motion))
        recorder = recorders[face.face_id]
        recorder.add(face, frame)
        large = face.eye_distance_px >= config.least_eye_distance_px
        if large and face.success and not face.turned:
            recorder.meter.update(
                frame.index,
                frame.time_s,
                grey,
                face.points_xy_px,
                jump=face.jump or broken,
            )
