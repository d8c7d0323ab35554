"""First pass over a video: who is in it, where, and how each face moved.

Memory: numbers, and one frame at a time; points and small images of long videos lie on disk.
"""

import bisect
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

from hmrm.clip import Frame
from hmrm.faces.blazeface import BlazeFace
from hmrm.faces.boxes import Detector
from hmrm.faces.landmarks import AlignedBy
from hmrm.faces.mesh_track import MeshFace, MeshTrackConfig, MeshTracker
from hmrm.faces.mtcnn import MTCNN
from hmrm.progress import Progress, silent
from hmrm.spotting.cover import AppearanceRecorder
from hmrm.spotting.crop_points import CropPoints
from hmrm.spotting.disk_rows import DiskRows
from hmrm.spotting.measures import MeshRecorder
from hmrm.spotting.motion import MotionConfig, MotionMeter
from hmrm.spotting.tracks import FaceTrack, FirstPass
from hmrm.video.cuts import CutDetector, FrameFlags
from hmrm.video.frame_index import IndexRecorder, digest_of_rows
from hmrm.video.source import VideoSource

STAGE = "finding faces and motion"
_SAME_FACE = 0.6  # correlation of two looks at one face in one scene

DetectorName = Literal["blazeface", "mtcnn"]


@dataclass(frozen=True, kw_only=True)
class FirstPassConfig:
    """What decides how faces are followed and measured.

    Attributes:
        detector: finds faces for the mesh to start from.
        most_frames_per_s: no more than this are needed. Of videos with twice as many or more every
            second, third … frame is measured, so that at least so many a second remain. With 50,
            two of twenty weak expressions at 100 frames/s are lost.
        thinned_from_s: of shorter videos every frame is measured.
        mesh_every_s: in thinned videos and in streams the mesh is fitted this often, and
            registration follows the face between.
        least_eye_distance_px: smaller faces have no fine motion, only a mesh.
        least_frames: a face seen in fewer is a false detection.
        landmarks: points that the crops of events are aligned by (``faces/landmarks.py``); faces
            are followed by their mesh in any case.
    """

    detector: DetectorName = "blazeface"
    most_frames_per_s: float = 66.0
    thinned_from_s: float = 3.0
    mesh_every_s: float = 0.03
    least_eye_distance_px: float = 24.0
    least_frames: int = 3
    landmarks: AlignedBy = "mesh"
    track: MeshTrackConfig = field(default_factory=MeshTrackConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)

    def stride(self, frames_per_s: float, duration_s: float | None) -> int:
        """Every how many frames of a video one is measured."""
        if duration_s is not None and duration_s < self.thinned_from_s:
            return 1
        return max(1, int(frames_per_s / self.most_frames_per_s))


@dataclass(kw_only=True)
class _Recorder:
    """Numbers of one face, appended frame by frame."""

    meter: MotionMeter
    mesh: MeshRecorder = field(default_factory=MeshRecorder)
    points: CropPoints = field(default_factory=CropPoints)
    appearances: AppearanceRecorder = field(default_factory=AppearanceRecorder)
    boxes: DiskRows = field(default_factory=lambda: DiskRows((4,), np.float32))
    five: DiskRows = field(default_factory=lambda: DiskRows((5, 2), np.float32))
    detection_confidence: "array[float]" = field(default_factory=lambda: array("f"))
    index: "array[int]" = field(default_factory=lambda: array("q"))
    large: bool = False

    def __len__(self) -> int:
        return len(self.index)

    def add(
        self, face: MeshFace, frame: Frame, grey: UInt8[np.ndarray, "h w"], least_px: float
    ) -> None:
        """Measure the face in the next frame."""
        index, time_s = frame.index, frame.time_s
        self.index.append(index)
        self.mesh.add(index, time_s, face)
        five = self.points.update(face.mesh.points_xyz_px, jump=face.jump)
        self.boxes.append(np.array(face.box_xyxy_px))
        self.five.append(five)
        self.detection_confidence.append(face.detection_confidence)
        self.appearances.add(index, time_s, frame.image, five)
        self.large = face.eye_distance_px >= least_px
        if self.large:
            self.meter.update(index, time_s, grey, five, jump=face.jump)

    def follow(self, frame: Frame, grey: UInt8[np.ndarray, "h w"]) -> None:
        """Measure the face in a frame for which there is no mesh."""
        if self.large:
            self.meter.update(frame.index, frame.time_s, grey, None)

    def forget(self, before: int) -> None:
        """Drop what was measured in earlier frames."""
        rows = bisect.bisect_left(self.index, before)
        del self.index[:rows], self.detection_confidence[:rows]
        self.boxes.forget(rows)
        self.five.forget(rows)
        self.mesh.forget(rows)
        self.meter.forget(before)
        self.appearances.forget(before)

    def track(self, face_id: int) -> FaceTrack:
        """The face in all frames so far."""
        measures, signal = self.mesh.measures(), self.meter.signal()
        if np.array_equal(measures.index, signal.index):  # one copy of the long columns
            signal = replace(signal, index=measures.index, time_s=measures.time_s)
        return FaceTrack(
            face_id=face_id,
            detection_confidence=np.array(self.detection_confidence, dtype=np.float32),
            box_xyxy_px=self.boxes,
            points_xy_px=self.five,
            measures=measures,
            signal=signal,
            appearances=self.appearances.appearances(),
        )


@dataclass(kw_only=True)
class _Scenes:
    """Where scenes begin, and the faces of each frame."""

    tracker: MeshTracker
    mesh_every_s: float
    found: list[MeshFace] = field(default_factory=list)
    due_s: float = -np.inf
    recorders: dict[int, _Recorder] = field(default_factory=dict)
    cutter: CutDetector = field(default_factory=CutDetector)
    cuts_s: list[float] = field(default_factory=list)
    black: int = 0
    dark: bool = False

    def faces(self, frame: Frame) -> list[MeshFace] | None:
        """Faces of the next frame; none where it is black, None so soon after the last mesh."""
        flags = self.cutter.update(frame.image)
        self.black += flags.black
        after_dark, self.dark = self.dark, flags.black
        if self.found and frame.time_s < self.due_s - 1e-6 and not (flags.cut or flags.black):
            return None
        self.due_s = frame.time_s + self.mesh_every_s
        self.found = self._found(frame, flags, after_dark=after_dark)
        return self.found

    def _found(self, frame: Frame, flags: FrameFlags, *, after_dark: bool) -> list[MeshFace]:
        if flags.black:
            return []
        # Nothing is read across black frames.
        found = self.tracker.update(frame, cut=after_dark)
        # A hand-held camera shakes the structure of an image; a face that is still there, and
        # looks as before, says that the scene is the same.
        if flags.cut and not any(_goes_on(face, frame, self.recorders) for face in found):
            self.cuts_s.append(frame.time_s)
            found = self.tracker.update(frame, cut=True)
        return found


class FirstPassUnderWay:
    """A first pass whose frames come one by one; what it found so far can be had at any time.

    Args:
        source, size_wh_px, frames_per_s: as the video states them.
        stride: every how many frames one is given.
        mesh_every_s: the mesh is fitted this often; 0: in every frame that is given.
    """

    def __init__(
        self,
        config: FirstPassConfig | None = None,
        *,
        source: str,
        size_wh_px: tuple[int, int],
        frames_per_s: float,
        stride: int = 1,
        mesh_every_s: float = 0.0,
        detector: Detector | None = None,
    ) -> None:
        self._config = config or FirstPassConfig()
        self._source, self._size_wh_px, self._rate = source, size_wh_px, frames_per_s
        self._stride = stride
        found_by = detector or face_detector(self._config.detector)
        self._scenes = _Scenes(
            tracker=MeshTracker(self._config.track, detector=found_by),
            mesh_every_s=mesh_every_s,
        )

    def add(self, frame: Frame) -> list[MeshFace]:
        """Measure every face of the next frame; the faces, where the mesh last saw them."""
        grey = _grey(frame)
        recorders = self._scenes.recorders
        found = self._scenes.faces(frame)
        if found is None:
            for face in self._scenes.found:
                recorders[face.face_id].follow(frame, grey)
            return self._scenes.found
        for face in found:
            if face.face_id not in recorders:
                recorders[face.face_id] = _Recorder(meter=MotionMeter(self._config.motion))
            recorders[face.face_id].add(face, frame, grey, self._config.least_eye_distance_px)
        return found

    def forget(self, before: int) -> None:
        """Drop what was measured in frames before that one, and faces not seen since."""
        recorders = self._scenes.recorders
        for face_id in list(recorders):
            recorders[face_id].forget(before)
            if not len(recorders[face_id]):
                del recorders[face_id]

    def so_far(self, frame_count: int, end_s: float) -> FirstPass:
        """What was found.

        Args:
            frame_count: frames up to now, whether they were given or not.
            end_s: time of the last.
        """
        scenes = self._scenes
        least = min(self._config.least_frames, frame_count)
        kept = [i for i in sorted(scenes.recorders) if len(scenes.recorders[i]) >= least]
        return FirstPass(
            source=self._source,
            size_wh_px=self._size_wh_px,
            frame_count=frame_count,
            stride=self._stride,
            end_s=end_s,
            tracks=tuple(scenes.recorders[face_id].track(face_id) for face_id in kept),
            cuts_s=tuple(scenes.cuts_s),
            black=scenes.black * self._stride,
            excluded_faces=scenes.tracker.excluded,
            stated_frames_per_s=self._rate,
        )


def first_pass(
    video: VideoSource,
    config: FirstPassConfig | None = None,
    *,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> FirstPass:
    """Follow every face through the video and measure it; one frame in memory at a time.

    Args:
        detector: finds faces; None is the one that ``config`` names.

    Raises:
        VideoError: the video cannot be decoded.
        WeightsError: the weights of mesh or detector cannot be read.
    """
    config = config or FirstPassConfig()
    stride = config.stride(video.frames_per_s, video.duration_s)
    under_way = FirstPassUnderWay(
        config,
        source=video.label,
        size_wh_px=video.size_wh_px,
        frames_per_s=video.frames_per_s,
        stride=stride,
        mesh_every_s=config.mesh_every_s if stride > 1 else 0.0,
        detector=detector,
    )
    noted = IndexRecorder(digest_of_rows)
    for time_s, stored, frame in video.chosen(lambda index: index % stride == 0):
        noted.add(time_s, stored, frame)
        progress(STAGE, len(noted), video.frame_count)
        if frame is not None:
            under_way.add(frame)
    index = noted.index()
    end_s = float(index.times_s[-1]) if len(index) else 0.0
    return replace(under_way.so_far(len(index), end_s), frame_index=index)


def face_detector(name: DetectorName) -> Detector:
    """The detector of that name.

    Raises:
        WeightsError: its weights cannot be read.
    """
    if name == "blazeface":
        return BlazeFace()
    return MTCNN()


def _goes_on(face: MeshFace, frame: Frame, recorders: Mapping[int, _Recorder]) -> bool:
    """Whether a face is followed into this frame and looks as it did a moment ago."""
    if face.jump or face.face_id not in recorders:
        return False
    recorder = recorders[face.face_id]
    five = recorder.points.update(face.mesh.points_xyz_px, jump=False)
    return recorder.appearances.cosine_similarity(frame.image, five) >= _SAME_FACE


def _grey(frame: Frame) -> UInt8[np.ndarray, "h w"]:
    if frame.image.ndim == 2:
        return frame.image
    return cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
