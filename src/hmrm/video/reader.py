"""One door to every kind of clip: video file, image folder, two still images."""

from pathlib import Path

from hmrm.errors import InputError, VideoError
from hmrm.video.container import VideoFile
from hmrm.video.images import StillPair, is_image, open_folder, open_pair
from hmrm.video.source import VideoSource

__all__ = ["StillPair", "VideoSource", "open_video"]


def open_video(
    source: Path | StillPair,
    *,
    frames_per_s: float | None = None,
    max_frames: int | None = None,
) -> VideoSource:
    """Open a clip for reading; the first frame is decoded here, so that bad files fail early.

    Args:
        source: a video file, a folder that directly holds images, or two still images.
        frames_per_s: for images their rate (None: 200 is assumed and a notice says so); for a
            video an override of its own times.
        max_frames: read no further than this many frames.

    Raises:
        InputError: no such file, no permission, or an argument out of range.
        VideoError: not a video, audio only, empty, cut off before its first frame, unreadable.
    """
    if isinstance(source, StillPair):
        return open_pair(source, frames_per_s=frames_per_s, max_frames=max_frames)
    try:
        is_folder = source.is_dir()
    except OSError as error:
        raise InputError(f"{source}: cannot be looked at ({error.strerror or error})") from error
    if is_folder:
        return open_folder(source, frames_per_s=frames_per_s, max_frames=max_frames)
    if is_image(source) and source.is_file():
        raise VideoError(
            f"{source}: one still image has no motion; give two (onset and apex), a folder of "
            "images, or a video"
        )
    return VideoFile(source, frames_per_s=frames_per_s, max_frames=max_frames)
