"""One door to every kind of clip: video file, image folder, two still images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hmrm.errors import InputError, VideoError
from hmrm.video.container import VideoFile
from hmrm.video.images import ArrayPair, StillPair, is_image, open_folder, open_pair
from hmrm.video.source import VideoSource

__all__ = ["Source", "StillPair", "VideoSource", "open_video"]

Source = str | Path | StillPair | VideoSource | Sequence[str | Path] | Sequence[np.ndarray]
"""What can be opened: a path, a pair of paths or images (onset, apex), or an open source."""


def open_video(
    source: Source,
    *,
    frames_per_s: float | None = None,
    max_frames: int | None = None,
) -> VideoSource:
    """Open a clip for reading; the first frame is decoded here, so that bad files fail early.

    Args:
        source: a video file, a folder that directly holds images, or two still images as paths
            or arrays. A source that is open already is passed on as it is.
        frames_per_s: for images their rate (None: 200 is assumed and a notice says so); for a
            video an override of its own times.
        max_frames: read no further than this many frames.

    Raises:
        InputError: no such file, no permission, an argument out of range, or neither a path nor
            a pair.
        VideoError: not a video, audio only, empty, cut off before its first frame, unreadable.
    """
    if isinstance(source, VideoSource):
        return source
    if isinstance(source, StillPair):
        return open_pair(source, frames_per_s=frames_per_s, max_frames=max_frames)
    if isinstance(source, str | Path):
        return _open_path(Path(source), frames_per_s=frames_per_s, max_frames=max_frames)
    items = list(source)
    if len(items) == 2 and all(isinstance(item, str | Path) for item in items):
        onset, apex = (Path(str(item)) for item in items)
        pair = StillPair(onset=onset, apex=apex)
        return open_pair(pair, frames_per_s=frames_per_s, max_frames=max_frames)
    if len(items) == 2 and all(isinstance(item, np.ndarray) for item in items):
        return ArrayPair([np.asarray(item) for item in items])
    raise InputError(
        f"source: got {len(items)} items of type {type(items[0]).__name__ if items else 'nothing'};"
        " give a path, or two paths or two images: onset, then apex"
    )


def _open_path(path: Path, *, frames_per_s: float | None, max_frames: int | None) -> VideoSource:
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise InputError(f"{path}: cannot be looked at ({error.strerror or error})") from error
    if is_folder:
        return open_folder(path, frames_per_s=frames_per_s, max_frames=max_frames)
    if is_image(path) and path.is_file():
        raise VideoError(
            f"{path}: one still image has no motion; give two (onset and apex), a folder of "
            "images, or a video"
        )
    return VideoFile(path, frames_per_s=frames_per_s, max_frames=max_frames)
