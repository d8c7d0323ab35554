"""First pass over a video: who is in it, where, and how each face moved. Memory: numbers only."""

import bisect
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

import cv2
import numpy as np
from jaxtyping import Float, Int

from hmrm.clip import FaceFrame, Frame
from hmrm.errors import FaceNotFoundError, FaceTooSmallError
from hmrm.faces.track import FaceTracker, TrackedFace
from hmrm.progress import Progress
from hmrm.spotting.motion import MotionConfig, MotionMeter, MotionSignal
from hmrm.spotting.movements import SpotConfig, excursions_px
from hmrm.video.cuts import CutDetector
from hmrm.video.source import VideoSource

STAGE = "finding faces and motion"


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceTrack:
    """One face in every frame it was followed in.

    Attributes:
        index, time_s: of these frames.
        box_xyxy_px, points_xy_px, confidence: as the tracker reported them.
        success, turned: as the tracker reported them.
        eye_distance_px: px of the frame.
        signal: its motion, in those frames where it could be measured.
    """

    face_id: int
    index: Int[np.ndarray, " n"]
    time_s: Float[np.ndarray, " n"]
    box_xyxy_px: Float[np.ndarray, "n 4"]
    points_xy_px: Float[np.ndarray, "n 5 2"]
    confidence: Float[np.ndarray, " n"]
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
class Watched:
    """What the first pass found.

    Attributes:
        frame_count: frames decoded.
        end_s: time of the last one.
        cuts_s: times at which a new scene begins.
        cuts, black: how many.
        left_out: detections of faces beyond the tracker's limit.
        stated_frames_per_s: the rate that the file states.
    """

    frame_count: int
    end_s: float
    tracks: tuple[FaceTrack, ...]
    cuts_s: tuple[float, ...]
    black: int
    left_out: int
    stated_frames_per_s: float

    @property
    def frames_per_s(self) -> float:
        """Mean rate over the frames that were decoded."""
        if self.frame_count < 2 or self.end_s <= 0:
            return self.stated_frames_per_s
        return (self.frame_count - 1) / self.end_s

    def chosen(self, *, largest: bool, name: str) -> list[FaceTrack]:
        """Faces that could be measured, by id; or only the one that filled most of the video.

        Raises:
            FaceNotFoundError: no face was seen.
            FaceTooSmallError: none could be measured.
        """
        if not self.tracks:
            raise FaceNotFoundError(
                f"{name}: no face in any of {self.frame_count} frames; a face must look towards "
                "the camera, be lit, and be at least 20 px wide"
            )
        usable = [track for track in self.tracks if len(track.signal.index)]
        if not usable:
            widest = max(float(track.eye_distance_px.max()) for track in self.tracks)
            raise FaceTooSmallError(
                f"{name}: no face could be measured: the eyes are at most {widest:.0f} px apart, "
                "or the face is turned aside throughout; film from nearer, from the front"
            )
        if largest:
            return [max(usable, key=lambda track: float(track.eye_distance_px.sum()))]
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
            confidence=numbers[:, 1],
            box_xyxy_px=numbers[:, 2:6],
            points_xy_px=numbers[:, 6:].reshape(-1, 5, 2),
            success=flags[:, 0],
            turned=flags[:, 1],
            signal=self.meter.signal(),
        )


def watch(
    video: VideoSource,
    tracker: FaceTracker,
    motion: MotionConfig,
    *,
    least_eye_distance_px: float,
    most_frames_per_s: float,
    progress: Progress,
) -> Watched:
    """Follow every face through the video and measure its motion; one frame in memory at a time.

    Args:
        least_eye_distance_px: smaller faces are followed but not measured.
        most_frames_per_s: above it every second, third … frame is looked at.
    """
    stride = max(1, round(video.frames_per_s / most_frames_per_s))
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
        grey = _grey(frame)
        for face in tracker.update(frame):
            if face.face_id not in recorders:
                recorders[face.face_id] = _Recorder(meter=MotionMeter(motion))
            recorder = recorders[face.face_id]
            recorder.add(face, frame)
            if face.success and not face.turned and face.eye_distance_px >= least_eye_distance_px:
                recorder.meter.update(
                    frame.index,
                    frame.time_s,
                    grey,
                    face.points_xy_px,
                    jump=face.jump or broken,
                )
        broken = False
    return Watched(
        frame_count=count,
        end_s=end_s,
        tracks=tuple(recorders[face_id].track(face_id) for face_id in sorted(recorders)),
        cuts_s=tuple(cuts_s),
        black=black * stride,
        left_out=tracker.left_out,
        stated_frames_per_s=video.frames_per_s,
    )


class FaceFrames(Sequence[FaceFrame]):
    """Every face in every frame, by frame and face; a record is made when it is asked for."""

    def __init__(self, tracks: Sequence[FaceTrack], config: SpotConfig) -> None:
        self._tracks = tuple(tracks)
        self._motion = [excursions_px(track.signal, config) for track in tracks]
        which = [np.full(len(track.index), i) for i, track in enumerate(tracks)]
        rows = [np.arange(len(track.index)) for track in tracks]
        if not tracks:
            self._order = np.empty((0, 2), dtype=np.int64)
            return
        frames = np.concatenate([track.index for track in tracks])
        order = np.lexsort((np.concatenate(which), frames))
        self._order = np.stack([np.concatenate(which), np.concatenate(rows)], axis=1)[order]

    @property
    def largest_px(self) -> float:
        """The largest regional motion of any face, px of the canonical crop."""
        return max((float(v.max(initial=0.0)) for m in self._motion for v in m.values()), default=0)

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, position: int) -> FaceFrame: ...
    @overload
    def __getitem__(self, position: slice) -> list[FaceFrame]: ...
    def __getitem__(self, position: int | slice) -> FaceFrame | list[FaceFrame]:
        """The record at a position, or a list of them."""
        if isinstance(position, slice):
            return [self._record(*pair) for pair in self._order[position].tolist()]
        return self._record(*self._order[position].tolist())

    def __iter__(self) -> Iterator[FaceFrame]:
        for which, row in self._order.tolist():
            yield self._record(which, row)

    def _record(self, which: int, row: int) -> FaceFrame:
        track = self._tracks[which]
        left, top, right, bottom = track.box_xyxy_px[row].tolist()
        index = int(track.index[row])
        measured = bisect.bisect_left(track.signal.index, index)
        known = measured < len(track.signal.index) and track.signal.index[measured] == index
        motion = self._motion[which].items() if known else ()
        return FaceFrame(
            index=index,
            time_s=float(track.time_s[row]),
            face_id=track.face_id,
            box_xyxy_px=(left, top, right, bottom),
            detection_confidence=float(track.confidence[row]),
            success=bool(track.success[row]),
            motion_px={name: float(values[measured]) for name, values in motion},
        )


def _grey(frame: Frame) -> np.ndarray:
    if frame.image.ndim == 2:
        return frame.image
    return cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
