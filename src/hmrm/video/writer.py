"""Write frames to a video file: whole or not at all, the same bytes for the same frames."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count
from pathlib import Path

import av
import cv2
from av.container import OutputContainer
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from hmrm import atomic
from hmrm.clip import Image
from hmrm.errors import OutputError
from hmrm.video import pixels

_CLOCK = Fraction(1, 90_000)
"""Tick for times per frame: finer than any camera, and a divisor of the common rates."""


_SMPTE170M = 6  # ITU-T H.273: the BT.601 matrix, in which swscale writes


@dataclass(frozen=True, kw_only=True)
class _Encoding:
    codec: str
    colour: str
    grey: str
    options: tuple[tuple[str, str], ...] = ()


_AVX_512F = 13  # CV_CPU_AVX_512F of OpenCV's cvdef.h, which Python's cv2 does not name

# One thread and no version strings: the same frames give the same bytes. Not so with x264's code
# for AVX-512: 148 of 18,324 encodings of twelve small frames differed (AMD EPYC, x264 of PyAV 18),
# none of as many with its code for AVX2, whose bytes are those of the others.
_H264 = (
    ("preset", "medium"),
    ("threads", "1"),
    *((("x264-params", "asm=avx2"),) if cv2.checkHardwareSupport(_AVX_512F) else ()),
)
_LOSSY = {
    **dict.fromkeys(
        (".mp4", ".mov", ".mkv"),
        _Encoding(
            codec="libx264", colour="yuv420p", grey="yuv420p", options=(("crf", "18"), *_H264)
        ),
    ),
    ".avi": _Encoding(
        codec="mjpeg",
        colour="yuvj420p",
        grey="yuvj420p",
        options=(("qmin", "2"), ("qmax", "2"), ("threads", "1")),
    ),
    ".webm": _Encoding(
        codec="libvpx-vp9",
        colour="yuv420p",
        grey="yuv420p",
        options=(("crf", "24"), ("b", "0"), ("cpu-used", "4"), ("threads", "1")),
    ),
    ".gif": _Encoding(codec="gif", colour="rgb8", grey="gray"),
}
_LOSSLESS = {
    **dict.fromkeys(
        (".mkv", ".avi"),
        _Encoding(codec="ffv1", colour="bgr0", grey="gray", options=(("threads", "1"),)),
    ),
    **dict.fromkeys(
        (".mp4", ".mov"),
        _Encoding(codec="libx264rgb", colour="rgb24", grey="rgb24", options=(("qp", "0"), *_H264)),
    ),
}


def write_video(
    path: Path,
    frames: Iterable[Image],
    frames_per_s: float,
    *,
    times_s: Iterable[float] | None = None,
    lossless: bool = False,
    rotation_deg: int = 0,
) -> int:
    """Encode frames as they come and return how many there were.

    Args:
        path: the suffix chooses the container: mp4, mov, mkv, avi, webm, gif.
        frames: grey or RGB, all of one size and kind; odd sizes are kept.
        frames_per_s: constant rate; with ``times_s`` only a hint to players.
        times_s: increasing presentation times, one per frame, for a variable rate (not avi).
        lossless: every pixel comes back exactly: FFV1 in mkv and avi, H.264 RGB in mp4 and mov
            (grey comes back as RGB there). Few players show these; use it for measurement.
        rotation_deg: counter-clockwise turn that players apply (mp4 and mov).

    Raises:
        OutputError: no codec for the suffix, no or unlike frames, times missing or not
            increasing, or the file cannot be written.
    """
    encoding = _encoding(path, lossless=lossless)
    if not 0 < frames_per_s < math.inf:
        raise OutputError(f"{path}: frame rate {frames_per_s} per second; give a number above 0")
    if times_s is not None and path.suffix.lower() == ".avi":
        raise OutputError(f"{path}: avi holds no time per frame; write mp4 or mkv")
    incoming = iter(frames)
    first = next(incoming, None)
    if first is None:
        raise OutputError(f"{path}: there are no frames to write")
    with atomic.writing(path) as temporary:
        try:
            with av.open(str(temporary), "w", options={"fflags": "+bitexact"}) as container:
                stream = _stream(container, encoding, first, rate=_rate(frames_per_s))
                if rotation_deg:
                    stream.set_display_rotation(rotation_deg)
                clock = _CLOCK if times_s is not None else 1 / _rate(frames_per_s)
                stream.codec_context.time_base = clock
                ticks = count() if times_s is None else _ticks(times_s, path=path)
                images = _checked(chain((first,), incoming), first, path=path)
                return _encode(container, stream, images, ticks, path=path)
        except av.FFmpegError as error:
            raise OutputError(
                f"{path}: cannot be encoded with {encoding.codec} ({error})"
            ) from error


def _encoding(path: Path, *, lossless: bool) -> _Encoding:
    known = _LOSSLESS if lossless else _LOSSY
    encoding = known.get(path.suffix.lower())
    if encoding is None:
        kind = "lossless video" if lossless else "video"
        raise OutputError(
            f"{path}: no {kind} is written as {path.suffix or 'a name without suffix'!s}; "
            f"use {', '.join(known)}"
        )
    return encoding


def _rate(frames_per_s: float) -> Fraction:
    # 29.97 is meant as 30000/1001.
    return Fraction(frames_per_s).limit_denominator(1001)


def _stream(
    container: OutputContainer, encoding: _Encoding, first: Image, *, rate: Fraction
) -> VideoStream:
    stream = container.add_stream(encoding.codec, rate=rate)
    assert isinstance(stream, VideoStream)
    height, width = first.shape[:2]
    stream.height, stream.width = height, width
    pixel_format = encoding.grey if first.ndim == 2 else encoding.colour
    if pixel_format == "yuv420p" and (width % 2 or height % 2):
        pixel_format = "yuv444p"
    stream.pix_fmt = pixel_format
    stream.options = dict(encoding.options)
    if pixel_format in ("yuv420p", "yuv444p"):
        # Untagged, players take large images for BT.709 and show other colours.
        stream.codec_context.colorspace = _SMPTE170M
        stream.codec_context.color_range = ColorRange.MPEG
    return stream


def _encode(
    container: OutputContainer,
    stream: VideoStream,
    images: Iterator[Image],
    ticks: Iterator[int],
    *,
    path: Path,
) -> int:
    number = 0
    for image in images:
        tick = next(ticks, None)
        if tick is None:
            raise OutputError(f"{path}: {number} times for more frames; give one per frame")
        frame = pixels.to_frame(image, str(stream.pix_fmt))
        frame.pts, frame.time_base = tick, stream.codec_context.time_base
        container.mux(stream.encode(frame))
        number += 1
    container.mux(stream.encode(None))
    return number


def _ticks(times_s: Iterable[float], *, path: Path) -> Iterator[int]:
    last = None
    for time_s in times_s:
        tick = round(time_s / _CLOCK)
        if last is not None and tick <= last:
            raise OutputError(f"{path}: time {time_s} s does not come after the one before")
        last = tick
        yield tick


def _checked(images: Iterable[Image], first: Image, *, path: Path) -> Iterator[Image]:
    for index, image in enumerate(images):
        if image.shape != first.shape:
            raise OutputError(
                f"{path}: frame {index} has shape {image.shape}, the first {first.shape}; "
                "all must be alike"
            )
        yield image
