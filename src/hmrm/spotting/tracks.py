"""What a first pass found: every face in every frame it was seen in."""

import bisect
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hmrm.errors import FaceNotFoundError, FaceTooSmallError
from hmrm.spotting.cover import FaceAppearances
from hmrm.spotting.disk_rows import DiskRows
from hmrm.spotting.measures import FaceMeasures
from hmrm.spotting.motion import MotionSignal
from hmrm.video.frame_index import FrameIndex


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceTrack:
    """One face in every frame it was seen in.

    Attributes:
        box_xyxy_px: extent of the mesh, in the frames in which it was fitted.
        points_xy_px: eyes, nose tip and mouth corners; they follow the skull. Both lie on disk if
            there are many frames.
        detection_confidence: the last detection's.
        measures: from the mesh, in the same frames.
        signal: its motion by registration, between these frames too, where it is large enough.
        appearances: small images of it.
    """

    face_id: int
    box_xyxy_px: "Float[np.ndarray, 'n 4'] | DiskRows"
    points_xy_px: "Float[np.ndarray, 'n 5 2'] | DiskRows"
    detection_confidence: Float[np.ndarray, " n"]
    measures: FaceMeasures
    signal: MotionSignal
    appearances: FaceAppearances

    @property
    def index(self) -> Int[np.ndarray, " n"]:
        """Zero-based frames in which it was seen, increasing."""
        return self.measures.index

    @property
    def time_s(self) -> Float[np.ndarray, " n"]:
        """Their times."""
        return self.measures.time_s

    @property
    def eye_distance_px(self) -> Float[np.ndarray, " n"]:
        """Distance between the eyes in every frame, px of the frame."""
        return self.measures.eye_distance_px

    def row_of(self, index: int) -> int:
        """Row of a frame in which the face was seen, or of the next one with a mesh."""
        return min(bisect.bisect_left(self.index, index), len(self.index) - 1)

    def time_of(self, index: int) -> float:
        """Time of a frame, s; of one that was not measured, by the frames around it."""
        measured = self.signal.index
        if len(measured) and measured[0] <= index <= measured[-1]:
            return float(np.interp(index, measured, self.signal.time_s))
        return float(np.interp(index, self.index, self.time_s))

    def points_of(self, index: int) -> Float[np.ndarray, "5 2"]:
        """The five points in a frame; in one without a mesh, by those around it."""
        after = self.row_of(index)
        before = max(after - (self.index[after] > index), 0)
        points = self.points_xy_px[before : after + 1].astype(np.float64)
        frames = self.index[before : after + 1]
        columns = points.reshape(len(frames), -1).T
        return np.array([np.interp(index, frames, one) for one in columns]).reshape(5, 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class FirstPass:
    """What one pass over a video found: every face with its signal, and what was in the way.

    Attributes:
        source: the video's label, for messages.
        size_wh_px: of an upright frame.
        frame_count: frames decoded.
        stride: every how many frames one was read.
        end_s: time of the last one.
        tracks: faces by id, without those seen in only a few frames.
        cuts_s: times at which a new scene begins.
        black: black frames.
        excluded_faces: detections of faces beyond the tracker's limit.
        stated_frames_per_s: the rate that the file states.
        frame_index: where each frame lies in its file; None for a stream.
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
    frame_index: FrameIndex | None = None

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

    @property
    def largest(self) -> FaceTrack | None:
        """The face that filled most of the video; None if there is none."""
        return max(self.tracks, key=lambda one: float(one.eye_distance_px.sum()), default=None)

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
                "apart; film from nearer or at higher resolution"
            )
        if largest:
            return (max(usable, key=lambda track: float(track.eye_distance_px.sum())),)
        return usable
