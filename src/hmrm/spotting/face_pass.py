"""One pass over a video: every face by its mesh, its fine motion by registration, small looks.

Memory: numbers, and 50 kB a second of looks for each face; one frame at a time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import UInt8

from hmrm.clip import Frame
from hmrm.faces.mesh_track import MeshFace, MeshTracker
from hmrm.progress import Progress, silent
from hmrm.spotting.cover import AppearanceRecorder, FaceAppearances
from hmrm.spotting.crop_points import CropPoints
from hmrm.spotting.fusion import FaceEvents, FusionConfig, find_events
from hmrm.spotting.measures import FaceMeasures, MeshRecorder
from hmrm.spotting.motion import MotionConfig, MotionMeter, MotionSignal
from hmrm.video.cuts import CutDetector

STAGE = "finding faces and motion"
_SAME_FACE = 0.6  # correlation of two looks at one face in one scene


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenFace:
    """One face and what was measured of it.

    Attributes:
        measures: from the mesh, in every frame in which it was seen.
        motion: from registration, where the face is large enough.
        looks: small pictures of it.
    """

    face_id: int
    measures: FaceMeasures
    motion: MotionSignal
    appearances: FaceAppearances

    def events(self, config: FusionConfig | None = None) -> FaceEvents:
        """What is found in this face; it depends on no other face."""
        return find_events(self.measures, self.motion, config, appearances=self.appearances)


@dataclass(frozen=True, kw_only=True, eq=False)
class FacePass:
    """What one pass over a video gives.

    Attributes:
        frame_count: frames decoded.
        end_s: time of the last one.
        faces: by id; those seen in only a few frames are left out and counted in ``glimpses``.
        cuts_s: times at which a new scene begins.
        black: black frames, not looked at.
    """

    frame_count: int
    end_s: float
    faces: tuple[SeenFace, ...]
    glimpses: int
    cuts_s: tuple[float, ...]
    black: int

    @property
    def largest(self) -> SeenFace | None:
        """The face that filled most of the video; None if there is none."""
        if not self.faces:
            return None
        return max(self.faces, key=lambda face: float(face.measures.eye_distance_px.sum()))


@dataclass(kw_only=True)
class _Recorder:
    mesh: MeshRecorder = field(default_factory=MeshRecorder)
    points: CropPoints = field(default_factory=CropPoints)
    appearances: AppearanceRecorder = field(default_factory=AppearanceRecorder)
    meter: MotionMeter

    def add(
        self, face: MeshFace, frame: Frame, grey: UInt8[np.ndarray, "h w"], least_px: float
    ) -> None:
        index, time_s = frame.index, frame.time_s
        self.mesh.add(index, time_s, face)
        five = self.points.update(face.mesh.points_xyz_px, jump=face.jump)
        self.appearances.add(index, time_s, frame.image, five)
        if face.eye_distance_px >= least_px:
            self.meter.update(index, time_s, grey, five, jump=face.jump)


def pass_over(
    frames: Iterable[Frame],
    tracker: MeshTracker | None = None,
    motion: MotionConfig | None = None,
    *,
    least_eye_distance_px: float = 24.0,
    least_frames: int = 3,
    stride: int = 1,
    frame_count: int | None = None,
    progress: Progress = silent,
) -> FacePass:
    """Follow and measure every face.

    Args:
        least_eye_distance_px: smaller faces have no fine motion, only a mesh.
        least_frames: a face seen in fewer is a false detection.
        stride: look at every so-manieth frame.
        frame_count: for ``progress`` alone.

    Raises:
        WeightsError: the weights of mesh or detector cannot be read.
    """
    tracker = tracker or MeshTracker()
    cutter, recorders, cuts_s = CutDetector(), dict[int, _Recorder](), list[float]()
    black, count, end_s = 0, 0, 0.0
    for frame in frames:
        count, end_s = frame.index + 1, frame.time_s
        progress(STAGE, count, frame_count)
        if frame.index % stride:
            continue
        flags = cutter.update(frame.image)
        black += flags.black
        if flags.black:
            continue
        found = tracker.update(frame)
        # A hand-held camera shakes the structure of a picture; a face that is still there, and
        # looks as before, says that the scene is the same.
        if flags.cut and not any(_goes_on(face, frame, recorders) for face in found):
            cuts_s.append(frame.time_s)
            found = tracker.update(frame, cut=True)
        grey = _grey(frame)
        for face in found:
            if face.face_id not in recorders:
                recorders[face.face_id] = _Recorder(meter=MotionMeter(motion))
            recorders[face.face_id].add(face, frame, grey, least_eye_distance_px)
    seen = [_seen(face_id, recorders[face_id]) for face_id in sorted(recorders)]
    kept = tuple(face for face in seen if len(face.measures) >= min(least_frames, count))
    return FacePass(
        frame_count=count,
        end_s=end_s,
        faces=kept,
        glimpses=len(seen) - len(kept),
        cuts_s=tuple(cuts_s),
        black=black * stride,
    )


def _goes_on(face: MeshFace, frame: Frame, recorders: Mapping[int, _Recorder]) -> bool:
    """Whether a face is followed into this frame and looks as it did a moment ago."""
    if face.jump or face.face_id not in recorders:
        return False
    recorder = recorders[face.face_id]
    five = recorder.points.update(face.mesh.points_xyz_px, jump=False)
    return recorder.appearances.cosine_similarity(frame.image, five) >= _SAME_FACE


def _seen(face_id: int, recorder: _Recorder) -> SeenFace:
    return SeenFace(
        face_id=face_id,
        measures=recorder.mesh.measures(),
        motion=recorder.meter.signal(),
        appearances=recorder.appearances.appearances(),
    )


def _grey(frame: Frame) -> UInt8[np.ndarray, "h w"]:
    if frame.image.ndim == 2:
        return frame.image
    return cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
