"""Live analysis: frames one at a time in, events out as soon as they are certain.

The measures are those of a recorded video (``spotting/first_pass.py``), and so is the finder. It
searches the last seconds again and again, so the neutral face comes from what was seen so far, and
memory and processor time a second do not grow.
"""

import dataclasses
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from hmrm.analysis.classify import DEFAULT_WEIGHTS, open_classifier
from hmrm.analysis.second_pass import classified, images_of
from hmrm.analysis.settings import AnalyzeConfig, Classification, Classifier
from hmrm.clip import Event, EventImages, Frame, Image, Pair
from hmrm.errors import FaceNotFoundError, FaceTooSmallError, InputError
from hmrm.faces.align import canonical_transform, compose, warp
from hmrm.faces.crops import Transform
from hmrm.faces.mesh_points import as_detected
from hmrm.faces.mesh_track import MeshFace
from hmrm.flow.estimate import build_estimator
from hmrm.spotting.first_pass import FirstPassUnderWay
from hmrm.spotting.spot import find_events
from hmrm.spotting.tracks import FaceTrack

_MARGIN = 0.4
"""Of a face's box on every side: the crop of the classifiers, and room for the head to move."""

_SAME = 0.3
"""Two events of a face that share so much of the shorter one are one event, found twice."""


@dataclass(frozen=True, kw_only=True)
class StreamConfig:
    """How a stream is searched. Times in s.

    Attributes:
        window_s: the last seconds, in which events are found and the neutral face is estimated.
        every_s: from one search to the next, at most.
        settled_s: an event is announced when so much was seen after its offset: what follows can
            show that it was speech, or that it goes on. It is classified half-way there.
        latest_s: after so much it is not announced any more.
        kept_s: so long images are kept; an event whose onset lies before is not classified.
    """

    window_s: float = 20.0
    every_s: float = 0.3
    settled_s: float = 0.4
    latest_s: float = 2.0
    kept_s: float = 10.0


_Class = tuple[EventImages, Classification]


class Analyzer:
    """Finds and classifies movements while the frames come.

    Events are those of ``hmrm.analyze`` but for what only the future could tell: an expression
    that is held longer than the window passes for the neutral face, a word spoken later does not
    make speech of a movement before.

    Args:
        config: as for ``hmrm.analyze``; its ``landmarks`` must be ``mesh``.
        stream: how the stream is searched.
        classifier: weights or a callable, as for ``hmrm.analyze``; None leaves classes empty.

    Raises:
        MissingExtraError, WeightsError: the weights cannot be used.
        InputError: landmarks that live analysis does not have.

    Example:
        >>> from hmrm.analysis.stream import Analyzer
        >>> from hmrm.synthetic.demo import demo_clip
        >>> analyzer, announced = Analyzer(classifier=None), []
        >>> for frame in demo_clip().frames():
        ...     for event in analyzer.push(frame.image, frame.time_s):
        ...         announced.append(event.region)
        >>> announced += [event.region for event in analyzer.finish()]
        >>> announced
        ['left_mouth_corner']
    """

    def __init__(
        self,
        *,
        config: AnalyzeConfig | None = None,
        stream: StreamConfig | None = None,
        classifier: Classifier | str | Path | None = DEFAULT_WEIGHTS,
    ) -> None:
        self._config = config or AnalyzeConfig()
        if self._config.landmarks != "mesh":
            raise InputError("live analysis aligns crops by the mesh alone; leave landmarks out")
        self._stream = stream or StreamConfig()
        self._classifier = open_classifier(classifier)
        self._estimator = build_estimator(self._config.flow)
        self._under_way: FirstPassUnderWay | None = None
        self._size_wh_px = (0, 0)
        self._times_s: deque[tuple[int, float]] = deque()
        self._crops: dict[int, deque[_Crop]] = {}
        self._announced: deque[Event] = deque()
        self._classes: dict[tuple[int, int, int], _Class] = {}
        self._count = 0
        self._start_s = self._now_s = 0.0
        self._due_s = 0.0

    @property
    def frame_count(self) -> int:
        """Frames that were pushed."""
        return self._count

    def push(self, image: Image, seconds: float) -> tuple[Event, ...]:
        """Take in the next frame.

        Args:
            image: (h, w) grey or (h, w, 3) RGB, uint8, always of one size.
            seconds: when it was filmed, on any clock that runs forward.

        Returns:
            Events that have become certain, in order of their onset. Frames count from 0 as they
            were pushed, times are on the clock of ``seconds``.

        Raises:
            InputError: an image of another size, or a time that is not later than the last.
        """
        self._require(image, seconds)
        index, self._count = self._count, self._count + 1
        if index == 0:
            self._begin(image, seconds)
        self._now_s = seconds - self._start_s
        assert self._under_way is not None
        if index % self._stride(index):
            return ()
        frame = Frame(index=index, time_s=self._now_s, image=image)
        self._times_s.append((index, self._now_s))
        self._keep(frame, self._under_way.add(frame))
        if self._now_s < self._due_s - 1e-6:
            return ()
        self._due_s = self._now_s + self._stream.every_s
        return self._certain(ended=False)

    def finish(self) -> tuple[Event, ...]:
        """The events that were still open when the stream ended."""
        return self._certain(ended=True) if self._count else ()

    def _require(self, image: Image, seconds: float) -> None:
        if self._count == 0:
            return
        height, width = image.shape[:2]
        if (width, height) != self._size_wh_px:
            raise InputError(
                f"frame {self._count}: {width} × {height} px, the first had "
                f"{' × '.join(map(str, self._size_wh_px))}; begin a new Analyzer"
            )
        if not seconds > self._now_s + self._start_s:
            raise InputError(
                f"frame {self._count}: its time {seconds} s is not after "
                f"{self._now_s + self._start_s} s, that of the frame before"
            )

    def _stride(self, index: int) -> int:
        """Every how many frames one is measured, as of a video recorded at the rate so far."""
        return self._config.stride(index / self._now_s, None) if index else 1

    def _begin(self, image: Image, seconds: float) -> None:
        self._size_wh_px = image.shape[1], image.shape[0]
        self._start_s = seconds
        self._under_way = FirstPassUnderWay(
            self._config,
            source="live",
            size_wh_px=self._size_wh_px,
            frames_per_s=0.0,
            mesh_every_s=self._config.mesh_every_s,
        )

    def _keep(self, frame: Frame, faces: Sequence[MeshFace]) -> None:
        for face in faces:
            crops = self._crops.setdefault(face.face_id, deque())
            crops.append(_Crop.around(frame, face.box_xyxy_px))
        oldest_s = frame.time_s - self._stream.kept_s
        for face_id, crops in list(self._crops.items()):
            while crops and crops[0].time_s < oldest_s:
                crops.popleft()
            if not crops:
                del self._crops[face_id]

    def _certain(self, *, ended: bool) -> tuple[Event, ...]:
        """Events that are certain by now and were not announced before."""
        assert self._under_way is not None
        while self._times_s[0][1] < self._now_s - self._stream.window_s:
            self._times_s.popleft()
        self._under_way.forget(self._times_s[0][0])
        first = self._under_way.so_far(self._count, self._now_s)
        try:
            found = find_events(first, self._config)
        except (FaceNotFoundError, FaceTooSmallError):
            return ()
        tracks = {track.face_id: track for track in found.faces}
        announced = []
        for event in found.events:
            track = tracks[event.face_id]
            if self._is_known(event):
                continue
            if self._is_due(event, track, ended=ended):
                self._announced.append(event)
                announced.append(self._classified(event, track))
            elif not self._goes_on(event, track):
                self._prepare(event, track)
        while self._announced and self._announced[0].offset_s < self._times_s[0][1]:
            self._announced.popleft()
        return tuple(announced)

    def _prepare(self, event: Event, track: FaceTrack) -> None:
        """Classify an event that will soon be due, and search again in time for it."""
        half_s = event.offset_s + 0.5 * self._stream.settled_s
        if half_s <= self._now_s <= event.offset_s + self._stream.latest_s:
            self._class_of(event, track)
        for due_s in (half_s, event.offset_s + self._stream.settled_s):
            if due_s > self._now_s:
                self._due_s = min(self._due_s, due_s)

    def _is_due(self, event: Event, track: FaceTrack, *, ended: bool) -> bool:
        since_s = self._now_s - event.offset_s
        if since_s > self._stream.latest_s:
            return False
        if ended:
            return True
        return since_s >= self._stream.settled_s - 1e-6 and not self._goes_on(event, track)

    def _goes_on(self, event: Event, track: FaceTrack) -> bool:
        return "under_way_at_end" in event.flags and track.time_s[-1] >= self._now_s - 1e-6

    def _is_known(self, event: Event) -> bool:
        return any(
            one.face_id == event.face_id
            and min(one.offset_s, event.offset_s) - max(one.onset_s, event.onset_s)
            >= _SAME * max(min(one.duration_s, event.duration_s), 1e-9)
            for one in self._announced
        )

    def _classified(self, event: Event, track: FaceTrack) -> Event:
        """The event with its class where its images are still there, on the caller's clock."""
        known = self._class_of(event, track)
        if known is not None:
            images, found = known
            event = classified(event, images, lambda _: found)
        return dataclasses.replace(
            event,
            onset_s=event.onset_s + self._start_s,
            apex_s=event.apex_s + self._start_s,
            offset_s=event.offset_s + self._start_s,
        )

    def _class_of(self, event: Event, track: FaceTrack) -> "_Class | None":
        """Images and class of an event; None without a classifier, or if its images are gone."""
        key = (event.face_id, event.onset_index, event.apex_index)
        if self._classifier is None or key in self._classes:
            return self._classes.get(key)
        pair = self._pair(event, track)
        if pair is None:
            return None
        images = images_of(pair, self._estimator, head_motion=self._config.head_motion)
        assert images.flow_map is not None
        self._classes = {k: v for k, v in self._classes.items() if k[2] >= self._times_s[0][0]}
        self._classes[key] = images, self._classifier(images.flow_map)
        return self._classes[key]

    def _pair(self, event: Event, track: FaceTrack) -> Pair | None:
        kept = list(self._crops.get(event.face_id, ()))
        # A fitted onset may lie between two frames that were kept.
        before = [crop for crop in kept if crop.index <= event.onset_index]
        onset = before[-1] if before else None
        apex = next((crop for crop in kept if crop.index == event.apex_index), None)
        # After skipped frames a movement may begin at its apex: there is no motion to classify.
        if onset is None or apex is None or onset.index == apex.index:
            return None
        transform = canonical_transform(as_detected(track.points_of(onset.index)))
        return Pair(
            onset=onset.warped(transform),
            apex=apex.warped(transform),
            onset_index=onset.index,
            apex_index=event.apex_index,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Crop:
    """A face and what is around it, grey, and where in the frame it was."""

    index: int
    time_s: float
    corner_xy_px: tuple[int, int]
    grey: UInt8[np.ndarray, "h w"]

    @classmethod
    def around(cls, frame: Frame, box: tuple[float, float, float, float]) -> "_Crop":
        left, top, right, bottom = box
        aside, above = _MARGIN * (right - left), _MARGIN * (bottom - top)
        height, width = frame.image.shape[:2]
        x1, y1 = max(int(left - aside), 0), max(int(top - above), 0)
        x2, y2 = min(int(right + aside) + 1, width), min(int(bottom + above) + 1, height)
        part = frame.image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) if part.ndim == 3 else part.copy()
        return cls(index=frame.index, time_s=frame.time_s, corner_xy_px=(x1, y1), grey=grey)

    def warped(self, transform: Transform) -> Image:
        """Through a transform from the frame to a crop."""
        x, y = self.corner_xy_px
        return warp(self.grey, compose(transform, np.array([[1.0, 0, x], [0, 1.0, y]])))
