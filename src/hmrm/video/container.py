"""Video files through PyAV: exact timestamps, rotation, every pixel format, damage tolerated."""

import math
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from hmrm import limits, provenance
from hmrm.clip import Image, MediaClock
from hmrm.errors import InputError, VideoError
from hmrm.video import pixels
from hmrm.video.kinds import VIDEO_SUFFIXES, raw_stream
from hmrm.video.source import TimedImage, VideoSource, checked_rate

# Playlists and scripts can name other files and addresses, and text files "decode" to images of
# text; only containers that hold video are let in, and only local files are opened.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,gif,mpeg,mpegts,asf,flv,ogg"
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}

_SCANNED_PACKETS = 1_000
ImagesFrom = Callable[[int], Generator[tuple[int | None, Callable[[], Image]]]]
_FAULTS = (av.FFmpegError, ValueError, OverflowError, EOFError, MemoryError)


@dataclass(frozen=True, kw_only=True)
class _Properties:
    """What a file states about itself before its frames are read."""

    frames_per_s: float
    own_frames_per_s: float
    start_s: float
    frame_count: int | None
    end_s: float | None
    counts_time: bool
    pixel_aspect: Fraction


class VideoFile(VideoSource):
    """One video stream of one file.

    Args:
        frames_per_s: overrides the file's own times, for high-speed recordings that are stored
            at playback speed; a notice says so.

    Raises:
        InputError: no such file, or it may not be read.
        VideoError: not a video, no frame in it, or nothing can be decoded.
    """

    def __init__(
        self, path: Path, *, frames_per_s: float | None = None, max_frames: int | None = None
    ) -> None:
        super().__init__(name=path.stem, path=path, max_frames=max_frames)
        check_readable(path)
        override = checked_rate(frames_per_s, path=path)
        with _opened(path) as container:
            properties = _properties_of(
                container, _video_stream(container, path=path), path=path, override=override
            )
        self._rate_overridden = override is not None
        self._properties = properties
        self.frames_per_s = properties.frames_per_s
        self.frame_count = self._capped(properties.frame_count)
        with closing(self._decoded()) as frames:
            first = next(frames, None)
        if first is None:
            raise VideoError(
                f"{path}: not one frame can be decoded; the file is damaged or cut off: "
                "copy or export it again"
            )
        self._orientations = dict[int, pixels.Orientation]()
        self._note_properties(first)
        self.clock = self._clock(first)

    def content_hash(self) -> str:
        """Hex sha256 of the file."""
        return provenance.sha256(self.path)

    def _clock(self, first: av.VideoFrame) -> MediaClock:
        """Players begin with the first thing in the file, be it sound."""
        stamp = _stamp_s(first)
        start_s = 0.0 if stamp is None else max(float(stamp) - self._properties.start_s, 0.0)
        own = self._properties.own_frames_per_s
        overridden = self._rate_overridden and own > 0
        return MediaClock(
            first_frame_s=start_s, rate=self.frames_per_s / own if overridden else 1.0
        )

    def _note_properties(self, first: av.VideoFrame) -> None:
        self.size_wh_px = _size_wh(first, self._orientation(first))
        self._is_grey = pixels.is_grey(first)
        if self._rate_overridden:
            self._note(
                "frame_rate_given",
                f"times follow the given {self.frames_per_s:g} frames per second, not the file",
            )
        aspect = self._properties.pixel_aspect
        if aspect != 1:
            self._note(
                "pixels_not_square",
                f"pixels are {aspect} as wide as high and were not resampled: "
                "widths and sideways motion are off by that factor",
            )
        if first.interlaced_frame:
            self._note(
                "interlaced",
                "the video is interlaced: combed edges look like motion; deinterlace it first",
            )

    def _images(self) -> Iterator[TimedImage]:
        first_s: Fraction | None = None
        count = 0
        last_s = Fraction(0)
        for count, frame in enumerate(self._decoded(), start=1):
            stamp = _stamp_s(frame)
            if stamp is not None and first_s is None:
                first_s = stamp
            time_s = float(stamp - first_s) if stamp is not None and first_s is not None else None
            if self._rate_overridden or self._properties.counts_time:
                time_s = (count - 1) / self.frames_per_s
            last_s = stamp if stamp is not None else last_s
            orientation = self._orientation(frame)
            yield TimedImage(
                time_s=time_s,
                size_wh_px=_size_wh(frame, orientation),
                load=partial(self._load, frame, orientation),
                stamp=frame.pts,
                is_key=bool(frame.key_frame),
            )
        self._check_end(count, float(last_s))

    @contextmanager
    def held_open(self) -> Iterator["ImagesFrom"]:
        """The file for reading from place to place; opening it each time costs memory.

        Gives a function of a stamp: stamps, and what loads the image, from the last key frame at
        or before it on. Nothing is repaired or noted: the caller compares with what a whole
        pass gave.

        Raises:
            VideoError: the file cannot be opened any more.
        """
        with _opened(self.path) as container:
            stream = _video_stream(container, path=self.path)

            def images_from(stamp: int) -> Generator[tuple[int | None, Callable[[], Image]]]:
                try:
                    container.seek(stamp, stream=stream)
                    for frame in container.decode(stream):
                        yield frame.pts, partial(self._load, frame, self._orientation(frame))
                except _FAULTS:
                    return

            yield images_from

    def _orientation(self, frame: av.VideoFrame) -> pixels.Orientation:
        """How to turn a frame; looked up once for each rotation that the file states.

        A frame that was asked for its display matrix is kept until the garbage collector runs:
        hundreds of images in memory.
        """
        if frame.rotation not in self._orientations:
            self._orientations[frame.rotation] = pixels.orientation_of(frame)
        return self._orientations[frame.rotation]

    def _load(self, frame: av.VideoFrame, orientation: pixels.Orientation) -> Image:
        try:
            return pixels.from_frame(frame, orientation)
        except _FAULTS as error:
            raise VideoError(
                f"{self.path}: pixel format {frame.format.name} cannot be read ({error}); "
                "convert the video to H.264"
            ) from error

    def _decoded(self) -> Generator[av.VideoFrame]:
        """Every frame that decodes; damage is noted and passed over."""
        with _opened(self.path) as container:
            stream = _video_stream(container, path=self.path)
            index = 0
            for decode in self._steps(container, stream):
                try:
                    frames = decode()
                except _FAULTS:
                    self._note_damage(index)
                    continue
                for frame in frames:
                    if frame.is_corrupt:
                        self._note_damage(index)
                    yield frame
                    index += 1

    def _steps(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[Callable[[], Sequence[av.VideoFrame]]]:
        """What decodes each packet; the last also gives the frames the decoder held back."""
        try:
            for packet in container.demux(stream):
                yield packet.decode
        except _FAULTS:
            self._note(
                "truncated",
                "the file breaks off or is unreadable from some place on; frames are missing",
            )
            yield partial(stream.decode, None)

    def _note_damage(self, index: int) -> None:
        self._note(
            "damaged",
            f"parts of the file near frame {index} cannot be decoded; frames there are missing "
            "or wrong",
        )

    def _check_end(self, count: int, last_s: float) -> None:
        stated_count = self._properties.frame_count
        end_s = self._properties.end_s
        interval_s = 1 / self.frames_per_s
        short = end_s is not None and last_s + 2.5 * interval_s < end_s
        if self.path.suffix.lower() == ".avi":
            short = stated_count is not None and count < stated_count
        if short or _lacks_trailer(self.path):
            of = f" of {stated_count}" if stated_count is not None and stated_count > count else ""
            self._note(
                "truncated",
                f"the file is cut off: {count}{of} frames were found, the rest is missing",
            )


def check_readable(path: Path) -> None:
    """Raise unless ``path`` is a regular, non-empty file that may be read.

    Raises:
        InputError: no such file, not a file, or no permission.
        VideoError: the file is empty.
    """
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "no such file or folder"
            raise InputError(f"{path}: {what}; check the name")
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check your permissions"
        ) from error
    if empty:
        raise VideoError(f"{path}: the file is empty; copy or export it again")


def _opened(path: Path) -> InputContainer:
    try:
        # An absolute path is never read as an address or an option.
        return av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="replace")
    except _FAULTS as error:
        raise VideoError(f"{path}: {_why_not_opened(path)}") from error


def _why_not_opened(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in (b"ftyp", b"mdat", b"wide"):
        return (
            "the video is cut off or damaged: its index cannot be read, as after an interrupted "
            "copy or recording; copy it again"
        )
    if raw := raw_stream(path):
        return raw
    names = ", ".join(sorted(VIDEO_SUFFIXES)[:6])
    return f"not a video that can be read; give a video file (such as {names}) or an image folder"


def _video_stream(container: InputContainer, *, path: Path) -> VideoStream:
    # A song's cover is a video stream too.
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not len(container.streams):
        raise VideoError(f"{path}: {_why_not_opened(path)}")
    if not streams:
        kind = "only sound" if container.streams.audio else "no video stream"
        raise VideoError(f"{path}: the file holds {kind}; give a video")
    best = container.streams.best("video")
    stream = next((s for s in streams if best is not None and s.index == best.index), streams[0])
    context: VideoCodecContext | None = stream.codec_context
    if context is None:
        raise VideoError(f"{path}: its codec is unknown; convert the video to H.264")
    claimed = context.width * context.height
    if claimed > limits.current().pixels:
        raise VideoError(
            f"{path}: claims frames of {context.width} × {context.height} px; the file is damaged, "
            f"or {limits.how_to_raise('pixels', claimed)}"
        )
    # Frame threads hold several frames and, on damaged files, give other images on other runs.
    context.thread_type = "SLICE"
    return stream


def _properties_of(
    container: InputContainer, stream: VideoStream, *, path: Path, override: float | None
) -> _Properties:
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    scanned_rate, scanned_count = _scan(container, stream)
    # Matroska states a guess, and MP4 what its last frame's duration makes of it; MP4 and AVI
    # know better than a scan only where that had to stop early.
    indexed = any(name in container.format.name for name in ("mov", "avi"))
    if scanned_rate is not None and (scanned_count is not None or not indexed):
        rate = scanned_rate
    count = stream.frames or scanned_count
    own_rate = rate if math.isfinite(rate) else 0.0
    if override is not None:
        rate = override
    if not 0 < rate < math.inf:
        raise VideoError(f"{path}: states no frame rate and has no timestamps; give the frame rate")
    end_s = _stated_end_s(container, stream)
    if count is None and end_s is not None:
        count = round(end_s * rate)
    # AVI stores no presentation times: with reordered frames its stamps are those of decoding.
    counts_time = "avi" in container.format.name and bool(stream.codec_context.has_b_frames)
    return _Properties(
        frames_per_s=rate,
        own_frames_per_s=own_rate,
        start_s=(container.start_time or 0) / av.time_base,
        frame_count=count,
        end_s=end_s,
        counts_time=counts_time,
        pixel_aspect=stream.sample_aspect_ratio or Fraction(1),
    )


def _scan(container: InputContainer, stream: VideoStream) -> tuple[float | None, int | None]:
    """Average rate and number of frames from the packets' times, without decoding."""
    stamps = []
    complete = True
    try:
        for packet in container.demux(stream):
            if packet.pts is not None and packet.time_base is not None:
                stamps.append(packet.pts * packet.time_base)
            if len(stamps) == _SCANNED_PACKETS:
                complete = False
                break
    except _FAULTS:
        complete = False
    if len(stamps) < 2 or max(stamps) == min(stamps):
        return None, len(stamps) if complete and stamps else None
    rate = float((len(stamps) - 1) / (max(stamps) - min(stamps)))
    return rate, len(stamps) if complete else None


def _stated_end_s(container: InputContainer, stream: VideoStream) -> float | None:
    """When the stream ends by its own metadata, in s of the stream's clock."""
    start = stream.start_time or 0
    if "matroska" in container.format.name:
        tag = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
        if tag:
            return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    elif stream.duration and stream.time_base and "mov" in container.format.name:
        return float((start + stream.duration) * stream.time_base)
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def _lacks_trailer(path: Path) -> bool:
    """Whether a GIF does not end as it must; its header states no length."""
    if path.suffix.lower() != ".gif":
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return not file.read().rstrip(b"\0").endswith(b"\x3b")


def _stamp_s(frame: av.VideoFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base


def _size_wh(frame: av.VideoFrame, orientation: pixels.Orientation) -> tuple[int, int]:
    return (frame.height, frame.width) if orientation[0] else (frame.width, frame.height)
