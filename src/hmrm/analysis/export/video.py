"""An annotated mp4: box and landmarks of each face, and a timeline burnt in below the image.

Encoded from decoded frames: no sound, and nothing of the source's metadata.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from hmrm.analysis.blur import HOLD_S, Box, TrackedBoxes, blur
from hmrm.analysis.export import tiers
from hmrm.analysis.export.sidecar import Json, video_json, write_json
from hmrm.analysis.export.timeline_strip import TimelineStrip
from hmrm.analysis.record import Analysis
from hmrm.clip import FaceFrame, Frame, Image
from hmrm.errors import InputError
from hmrm.faces.boxes import Detector
from hmrm.progress import Progress, silent
from hmrm.spotting.first_pass import face_detector
from hmrm.video.source import VideoSource
from hmrm.video.writer import write_video as encode

CODEC = (
    "H.264, encoded by x264 (GPL-2.0-or-later, part of PyAV's binary wheels); playing and sharing "
    "H.264 may need a patent licence in some countries"
)

_BOX_COLOUR = (40, 200, 255)
_POINT_COLOUR = (255, 220, 40)


@dataclass(frozen=True, kw_only=True)
class VideoExport:
    """What was written.

    Attributes:
        frames: how many.
        without_box: frames that no face's box reaches, in a blurred video: blurred whole.
        still_visible: further frames blurred whole since a face was found in them after blurring.
    """

    path: Path
    sidecar: Path
    frames: int
    without_box: int = 0
    still_visible: int = 0


def write_video(
    path: Path,
    analysis: Analysis,
    video: VideoSource,
    *,
    blur_faces: bool = False,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> VideoExport:
    """Write the video with what was found in it, and a sidecar.

    Args:
        video: the one that was analysed; opened with the rate that it was analysed with.
        blur_faces: tracked boxes, with a margin and over lost frames, become one flat colour, so
            do faces that the detector finds besides; frames without a box are filled whole.
            Landmarks are not shown then.
        detector: finds further faces in a blurred video; None is BlazeFace.

    Raises:
        InputError: another video, or two still images.
        OutputError: a file cannot be written.
    """
    require_same(analysis, video)
    hidden = _Hidden(analysis, detector or face_detector("blazeface")) if blur_faces else None
    drawing = _Drawing(analysis, landmarks=not blur_faces)
    times: deque[float] = deque()

    def images() -> Iterator[Image]:
        for frame in video.frames():
            times.append(frame.time_s)
            progress("annotated video", frame.index + 1, analysis.frame_count)
            shown = frame if hidden is None else replace(frame, image=hidden.image(frame))
            yield drawing.image(shown)

    rate = analysis.frames_per_s or video.frames_per_s
    count = encode(path, images(), rate, times_s=(times.popleft() for _ in iter(int, 1)))
    done = VideoExport(
        path=path,
        sidecar=path.with_suffix(".json"),
        frames=count,
        without_box=hidden.without_box if hidden else 0,
        still_visible=hidden.still_visible if hidden else 0,
    )
    write_json(done.sidecar, _sidecar(analysis, done, blur_faces=blur_faces))
    return done


def require_same(analysis: Analysis, video: VideoSource) -> None:
    """Refuse a video that is not the one that was analysed.

    Raises:
        InputError: another content, or two still images.
    """
    if video.is_pair:
        raise InputError(f"{video.path}: two still images are no video to annotate")
    if video.content_hash() != analysis.provenance.get("data_hash"):
        raise InputError(
            f"{video.path}: not the video that was analysed ({analysis.source}), its content "
            "differs; give the same file, or analyse this one"
        )


def _sidecar(analysis: Analysis, done: VideoExport, *, blur_faces: bool) -> Json:
    blurred: Json = None
    if blur_faces:
        blurred = {
            "frames_without_box": done.without_box,
            "frames_with_face_after_blurring": done.still_visible,
            "frames_blurred_whole": done.without_box + done.still_visible,
        }
    return {
        "counting": tiers.RULE + ", from the first frame of this video.",
        "codec": CODEC,
        "frames": done.frames,
        "faces_blurred": blurred,
        "video": video_json(analysis),
        "events": [
            {
                "number": entry.number,
                "face_id": entry.event.face_id,
                "class": entry.event.label,
                "onset_frame": entry.event.onset_index,
                "apex_frame": entry.event.apex_index,
                "offset_frame": entry.event.offset_index,
                "onset_s": round(entry.event.onset_s, 6),
                "apex_s": round(entry.event.apex_s, 6),
                "offset_s": round(entry.event.offset_s, 6),
            }
            for entry in tiers.entries(analysis)
        ],
    }


class _Hidden:
    """Frames without faces."""

    def __init__(self, analysis: Analysis, detector: Detector) -> None:
        self._tracked = TrackedBoxes(analysis.frames)
        self._detector = detector
        self._found: deque[tuple[float, Box]] = deque()
        self.without_box = 0
        self.still_visible = 0

    def image(self, frame: Frame) -> Image:
        """The frame with every face filled, or filled whole."""
        tracked = self._tracked.at(frame.index, frame.time_s)
        if not tracked:
            self.without_box += 1
            return blur(frame.image, None, cells=1)
        done = frame.image
        for box in (*tracked, *self._others(frame, tracked)):
            done = blur(done, box, cells=1)
        if self._detector.detect(done):
            self.still_visible += 1
            return blur(frame.image, None, cells=1)
        return done

    def _others(self, frame: Frame, tracked: Sequence[Box]) -> list[Box]:
        """Faces that nobody followed, held for a while like the others."""
        for face in self._detector.detect(frame.image):
            if not any(_holds(box, face.box_xyxy_px) for box in tracked):
                self._found.append((frame.time_s, face.box_xyxy_px))
        while self._found and frame.time_s - self._found[0][0] > HOLD_S:
            self._found.popleft()
        return [box for _, box in self._found]


def _holds(box: Box, other: Box) -> bool:
    """Whether the middle of another box lies in a box."""
    x, y = (other[0] + other[2]) / 2, (other[1] + other[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


class _Drawing:
    """Frames with what was found on them."""

    def __init__(self, analysis: Analysis, *, landmarks: bool) -> None:
        self._faces: dict[int, list[FaceFrame]] = {}
        for face in analysis.frames:
            self._faces.setdefault(face.index, []).append(face)
        self._strip = TimelineStrip(analysis)
        self._landmarks = landmarks

    def image(self, frame: Frame) -> Image:
        """The frame, RGB, with its strip below, of even width and height."""
        image = frame.image
        shown = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image.copy()
        for face in self._faces.get(frame.index, ()):
            self._draw(shown, face)
        width = shown.shape[1]
        strip = self._strip.at(frame.index, frame.time_s, width)
        whole = np.concatenate([shown, strip])
        # Odd sizes are played by few players.
        return np.pad(whole, ((0, whole.shape[0] % 2), (0, width % 2), (0, 0)), mode="edge")

    def _draw(self, image: Image, face: FaceFrame) -> None:
        thick = max(round(image.shape[0] / 400), 1)
        if face.box_xyxy_px is not None:
            left, top, right, bottom = (round(side) for side in face.box_xyxy_px)
            cv2.rectangle(image, (left, top), (right, bottom), _BOX_COLOUR, thick)
            cv2.putText(
                image, f"face {face.face_id}", (left, max(top - 4, 12)), cv2.FONT_HERSHEY_SIMPLEX,
                0.4 * thick, _BOX_COLOUR, thick, cv2.LINE_AA,
            )  # fmt: skip
        for x, y in face.points_xy_px or () if self._landmarks else ():
            cv2.circle(image, (round(x), round(y)), thick + 1, _POINT_COLOUR, -1, cv2.LINE_AA)
