"""Apexes of spotted events by a rule of ``flow/apex.py``: frames are read again for them.

The first pass keeps numbers only, so its own apex is the largest displacement between onset and
offset (rule ``displacement``). Other rules look at the frames.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from hmrm import limits
from hmrm.clip import Event, Frame, Image
from hmrm.errors import VideoError
from hmrm.faces.align import apply, canonical_transform, invert
from hmrm.faces.crops import IMAGE_WH_PX
from hmrm.flow.apex import apex_index
from hmrm.flow.registration import RegistrationConfig
from hmrm.progress import Progress, silent
from hmrm.spotting.tracks import FaceTrack
from hmrm.video.source import VideoSource

DISPLACEMENT = "displacement"
"""The rule of the first pass itself."""

STAGE = "apexes of events"

_MARGIN = 0.3
"""Of the crop's longer side, on every side: registration follows a head beyond its tracked box."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Window:
    """The part of the frames in which a face stays from onset to offset, shrunk if it is large.

    Attributes:
        low_xy, high_xy: corners in px of the frame.
        factor: frame px for each px of the window.
        points_xy_px: the face at the onset, px of the window.
        frames: those read so far.
    """

    low_xy: tuple[int, int]
    high_xy: tuple[int, int]
    factor: int
    points_xy_px: Float[np.ndarray, "5 2"]
    frames: list[Frame] = field(default_factory=list)

    def pixels(self, count: int) -> int:
        """Of ``count`` frames, px."""
        (x1, y1), (x2, y2) = self.low_xy, self.high_xy
        return (x2 - x1) * (y2 - y1) // self.factor**2 * count

    def add(self, frame: Frame) -> None:
        """Keep this frame's part."""
        (x1, y1), (x2, y2) = self.low_xy, self.high_xy
        part = _grey(frame.image[y1:y2, x1:x2])
        if self.factor > 1:
            size = (x2 - x1) // self.factor, (y2 - y1) // self.factor
            part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        self.frames.append(Frame(index=frame.index, time_s=frame.time_s, image=part))


def apexes_by_rule(
    video: VideoSource,
    events: Sequence[Event],
    faces: Sequence[FaceTrack],
    rule: str,
    *,
    stride: int = 1,
    progress: Progress = silent,
) -> tuple[Event, ...]:
    """The events with the apexes that a rule finds; all else stays as it was measured.

    One pass over the video that holds the faces of the events under way, in grey.

    Args:
        rule: one of ``hmrm.flow.apex.APEX_RULES``.
        stride: every how many frames one is looked at, as in the first pass.

    Raises:
        ConfigError: there is no such rule.
        VideoError: the video cannot be decoded, or the frames to hold are beyond the limit.
    """
    tracks = {face.face_id: face for face in faces}
    begin: dict[int, list[int]] = {}
    for i, event in enumerate(events):
        begin.setdefault(_measured(event.onset_index, stride), []).append(i)
    found, windows = list(events), dict[int, _Window]()
    last = max((event.offset_index for event in events), default=-1)
    held = dict[int, int]()
    for frame in video.frames() if events else ():
        if frame.index % stride == 0:
            for i in begin.get(frame.index, ()):
                windows[i] = _window(events[i], tracks[events[i].face_id], frame.image)
                length = events[i].offset_index - events[i].onset_index
                held[i] = windows[i].pixels(length // stride + 1)
                _require_few(video, sum(held[j] for j in windows))
            for i in [*windows]:
                windows[i].add(frame)
                if frame.index == _measured(events[i].offset_index, stride):
                    found[i] = _with_apex(events[i], windows.pop(i), rule)
        progress(STAGE, frame.index + 1, last + 1)
        if frame.index >= last:
            break
    return tuple(found)


def _measured(index: int, stride: int) -> int:
    """The last frame up to this one that is looked at; a fitted onset lies between two."""
    return index - index % stride


def _require_few(video: VideoSource, pixels: int) -> None:
    if pixels > limits.current().held_pixels:
        raise VideoError(
            f"{video.path}: {pixels} px of frames would be held at once to find apexes; "
            f"{limits.how_to_raise('held_pixels', pixels)}, or use apex rule {DISPLACEMENT}"
        )


def _with_apex(event: Event, window: _Window, rule: str) -> Event:
    if len(window.frames) < 2:
        return event
    apex = apex_index(window.frames, window.points_xy_px, rule)
    times_s: Mapping[int, float] = {frame.index: frame.time_s for frame in window.frames}
    return replace(event, apex_index=apex, apex_s=times_s[apex])


def _window(event: Event, track: FaceTrack, image: Image) -> _Window:
    rows = slice(track.row_of(event.onset_index), track.row_of(event.offset_index) + 1)
    width_px, height_px = IMAGE_WH_PX
    corners = np.array(
        [[0, 0], [width_px, 0], [0, height_px], [width_px, height_px]], dtype=np.float64
    )
    to_frame = [invert(canonical_transform(points)) for points in track.points_xy_px[rows]]
    places = np.concatenate([apply(one, corners) for one in to_frame])
    margin = _MARGIN * float(np.ptp(apply(to_frame[0], corners), axis=0).max())
    limit = np.array(image.shape[1::-1])
    low = np.clip(np.floor(places.min(axis=0) - margin), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(places.max(axis=0) + margin) + 1, low + 1, limit).astype(int)
    # Registration works on a crop this wide; what is finer is averaged there, too.
    scale = np.hypot(*to_frame[0][:, 0]) * width_px / RegistrationConfig().crop_width_px
    factor = int(np.clip(scale, 1, (high - low).min()))
    high -= (high - low) % factor
    points = (track.points_xy_px[rows.start] - low + 0.5) / factor - 0.5
    return _Window(
        low_xy=(int(low[0]), int(low[1])),
        high_xy=(int(high[0]), int(high[1])),
        factor=factor,
        points_xy_px=points,
    )


def _grey(part: Image) -> UInt8[np.ndarray, "h w"]:
    grey = part if part.ndim == 2 else cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(grey)
