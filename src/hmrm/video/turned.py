"""A clip turned by quarter turns, for videos that were stored sideways without saying so."""

from collections.abc import Iterator
from functools import partial

from hmrm.clip import Image, Notice
from hmrm.video import pixels
from hmrm.video.source import TimedImage, VideoSource

_ORIENTATIONS: tuple[pixels.Orientation, ...] = (
    pixels.UPRIGHT,
    (True, True, False),
    (False, True, True),
    (True, False, True),
)
_WORDS = ("", "a quarter turn clockwise", "upside down", "a quarter turn anticlockwise")


class TurnedVideo(VideoSource):
    """Another clip, every frame turned; all else is that clip's. A notice says so.

    Args:
        quarter_turns: how far the frames are turned, clockwise; 1, 2 or 3.
    """

    def __init__(self, source: VideoSource, quarter_turns: int) -> None:
        super().__init__(name=source.name, path=source.path, max_frames=None)
        self._source = source
        self._orientation = _ORIENTATIONS[quarter_turns]
        self.is_pair = source.is_pair
        self.frames_per_s, self.frame_count = source.frames_per_s, source.frame_count
        self.size_wh_px = self._turned_size(source.size_wh_px)
        self._note(
            "turned",
            f"faces stand upright only when the frames are turned ({_WORDS[quarter_turns]}); they "
            "were turned, and px count in the turned frames",
        )

    @property
    def label(self) -> str:
        """The clip's own."""
        return self._source.label

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The clip's own, and that it was turned."""
        return (*self._source.notices, *super().notices)

    def content_hash(self) -> str:
        """The clip's own."""
        return self._source.content_hash()

    def _images(self) -> Iterator[TimedImage]:
        for _, time_s, stored in self._source.timed():
            yield TimedImage(
                time_s=time_s,
                size_wh_px=self._turned_size(stored.size_wh_px),
                load=partial(self._load, stored),
            )

    def _load(self, stored: TimedImage) -> Image:
        return pixels.turned(stored.load(), self._orientation)

    def _turned_size(self, size_wh_px: tuple[int, int]) -> tuple[int, int]:
        return size_wh_px[::-1] if self._orientation[0] else size_wh_px
