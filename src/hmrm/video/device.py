"""Frames as a camera gives them, and a file played as if it were one."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av

from hmrm.clip import Frame
from hmrm.errors import VideoError
from hmrm.video.source import VideoSource

LATE_S = 0.3
"""A frame that is so late is skipped: what is announced must not lag behind the camera."""

_FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}


def is_device(name: str) -> bool:
    """Whether a name is no file or folder, or a camera's file (``/dev/video0``)."""
    path = Path(name)
    return path.is_char_device() or not path.exists()


def camera_frames(name: str) -> Iterator[Frame]:
    """Frames of a camera until it ends; times are those of their arrival, s from the first.

    Untested: no camera was there when this was written.

    Args:
        name: as the system's driver calls it: ``/dev/video0`` with Linux, ``0`` with macOS,
            ``video=NAME`` with Windows.

    Raises:
        VideoError: there is no such camera, or it gives no images.
    """
    kind = _FORMATS.get(sys.platform)
    if kind is None:
        raise VideoError(f"{name}: cameras are not read on {sys.platform}; record a file")
    try:
        with av.open(name, format=kind) as camera:
            start_s = time.monotonic()
            for index, frame in enumerate(camera.decode(video=0)):
                now_s = time.monotonic() - start_s
                yield Frame(index=index, time_s=now_s, image=frame.to_ndarray(format="rgb24"))
    except (OSError, ValueError) as error:
        raise VideoError(
            f"{name}: no file, and no camera that {kind} opens ({error}); with Linux cameras are "
            "/dev/video0, /dev/video1, ..."
        ) from error


def played(
    video: VideoSource,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Frame | None]:
    """Frames of a file at the times at which they were filmed; None for each that is skipped.

    Raises:
        VideoError: the video cannot be decoded.
    """
    start_s = None
    for frame in video.frames():
        start_s = now() - frame.time_s if start_s is None else start_s
        ahead_s = frame.time_s - (now() - start_s)
        if ahead_s > 0:
            sleep(ahead_s)
        yield frame if ahead_s > -LATE_S else None
