"""What every source of frames has in common: order, times, sizes, identity, notices."""

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from hmrm.clip import OWN_CLOCK, Frame, Image, MediaClock, Notice
from hmrm.errors import FrameIndexError, InputError, VideoError
from hmrm.video import pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class TimedImage:
    """One frame on its way: time in s (None: the file states none), size, and its pixels.

    ``load`` does the costly part, so that frames nobody looks at cost little. ``stamp`` is the
    frame's place in its file, in the stream's own ticks; None where there is none, and ``is_key``
    whether decoding can begin at it.
    """

    time_s: float | None
    size_wh_px: tuple[int, int]
    load: Callable[[], Image]
    stamp: int | None = None
    is_key: bool = False


class VideoSource(ABC):
    """A clip that can be read again and again, one frame at a time.

    Attributes:
        name: short name for titles and file names; not unique over several sources.
        path: the video file, the image folder, or the first of two still images.
        is_pair: whether the clip is two still images rather than something that was filmed.
        frames_per_s: average over the clip, from its timestamps or metadata.
        frame_count: an estimate from metadata, None without any. Decoding decides.
        size_wh_px: width and height of an upright frame.
        clock: how a player's clock runs next to that of the frames.
    """

    name: str
    path: Path
    is_pair: bool = False
    clock: MediaClock = OWN_CLOCK
    frames_per_s: float
    frame_count: int | None
    size_wh_px: tuple[int, int]

    def __init__(self, *, name: str, path: Path, max_frames: int | None) -> None:
        if max_frames is not None and max_frames < 1:
            raise InputError(f"{path}: max_frames must be at least 1, got {max_frames}")
        self.name = name
        self.path = path
        self._max_frames = max_frames
        self._is_grey: bool | None = None
        self._notices: dict[str, Notice] = {}

    @abstractmethod
    def _images(self) -> Iterator[TimedImage]:
        """All frames in presentation order, decoded as they are asked for."""

    @property
    def label(self) -> str:
        """Name of the clip in results: file or folder, without the folders above it."""
        return self.path.absolute().name

    def content_hash(self) -> str:
        """Hex sha256 of what is read; here of the decoded pixels, elsewhere of the files."""
        total = hashlib.sha256()
        for frame in self.frames():
            total.update(frame.image.tobytes())
        return total.hexdigest()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a reader of the result must know; complete after one pass over all frames."""
        return tuple(self._notices[code] for code in sorted(self._notices))

    @property
    def duration_s(self) -> float | None:
        """Estimate from ``frame_count``; None where that is unknown."""
        return None if self.frame_count is None else self.frame_count / self.frames_per_s

    def frames(self) -> Iterator[Frame]:
        """Every frame in order, decoded as it is asked for.

        ``time_s`` is the exact presentation time from the first frame; it always increases. A
        missing or backward timestamp is replaced by the one before plus an average interval,
        and a notice says so.

        Raises:
            VideoError: nothing can be decoded, a frame is unreadable, or sizes differ.
        """
        for index, time_s, image in self.timed():
            yield Frame(index=index, time_s=time_s, image=self._image(image))

    def chosen(
        self, taken: Callable[[int], bool]
    ) -> Iterator[tuple[float, TimedImage, Frame | None]]:
        """Time and what the file states of every frame; the frame where it is taken, else None.

        Frames that nobody looks at are decoded, as others need them, but not turned into an image.

        Raises:
            VideoError: as ``frames``.
        """
        for index, time_s, image in self.timed():
            frame = None
            if taken(index):
                frame = Frame(index=index, time_s=time_s, image=self._image(image))
            yield time_s, image, frame

    def frame(self, index: int) -> Frame:
        """The frame at a zero-based index, as sequential reading gives it.

        Raises:
            FrameIndexError: the clip has no such frame.
            VideoError: as ``frames``.
        """
        return self.frames_at((index,))[index]

    def frames_at(self, indices: Sequence[int]) -> dict[int, Frame]:
        """The frames at zero-based indices, from one pass that holds only these.

        Raises:
            FrameIndexError: the clip has no such frame.
            VideoError: as ``frames``.
        """
        requested = set(indices)
        if not requested:
            return {}
        if min(requested) < 0:
            raise FrameIndexError(f"{self.path}: frame {min(requested)} asked for; the first is 0")
        found: dict[int, Frame] = {}
        seen = 0
        for index, time_s, image in islice(self.timed(), max(requested) + 1):
            seen = index + 1
            if index in requested:
                found[index] = Frame(index=index, time_s=time_s, image=self._image(image))
        if len(found) < len(requested):
            missing = min(requested - set(found))
            raise FrameIndexError(
                f"{self.path}: frame {missing} asked for, but the clip has {seen} frames; "
                f"give an index from 0 to {seen - 1}"
            )
        return found

    def timed(self) -> Iterator[tuple[int, float, TimedImage]]:
        """Index, repaired time in s and still unloaded image of every frame.

        Raises:
            VideoError: as ``frames``, except for what only loading shows.
        """
        last_s = -math.inf
        for index, image in enumerate(self._images()):
            if index == self._max_frames:
                self._note("shortened", f"only the first {index} frames were read, as asked")
                return
            if image.size_wh_px != self.size_wh_px:
                raise VideoError(
                    f"{self.path} frame {index}: {_size(image.size_wh_px)} px, but the clip "
                    f"began with {_size(self.size_wh_px)}; bring all frames to one size"
                )
            time_s = self._repaired(image.time_s, last_s=last_s, index=index)
            last_s = time_s
            yield index, time_s, image

    def _repaired(self, time_s: float | None, *, last_s: float, index: int) -> float:
        if time_s is not None and time_s > last_s:
            return time_s
        if index == 0:
            return 0.0
        self._note(
            "timestamps_repaired",
            f"from frame {index} on, timestamps are missing or run backwards; the average frame "
            "rate was used there",
        )
        return last_s + 1 / self.frames_per_s

    def _image(self, stored: TimedImage) -> Image:
        return self.as_kind(stored.load())

    def as_kind(self, image: Image) -> Image:
        """An image grey or in colour, as the first of the clip was."""
        if self._is_grey is None:
            self._is_grey = image.ndim == 2
        return pixels.as_kind(image, grey=self._is_grey)

    def _note(self, code: str, message: str) -> None:
        # The first message stands: a second pass must not change what the first one reported.
        self._notices.setdefault(code, Notice(code=code, message=message))

    def _capped(self, count: int | None) -> int | None:
        if count is None or self._max_frames is None:
            return count
        return min(count, self._max_frames)


def checked_rate(frames_per_s: float | None, *, path: Path) -> float | None:
    """The rate a caller gave, or None.

    Raises:
        InputError: not a positive, finite number.
    """
    if frames_per_s is not None and not 0 < frames_per_s < math.inf:
        raise InputError(
            f"{path}: frame rate {frames_per_s} per second; give a number above 0, such as 200"
        )
    return frames_per_s


def _size(size_wh_px: tuple[int, int]) -> str:
    return f"{size_wh_px[0]} × {size_wh_px[1]}"
