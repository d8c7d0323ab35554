"""What ``analyze`` accepts as a video, and what identifies it in a result."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from hmrm import provenance
from hmrm.clip import Notice
from hmrm.errors import InputError
from hmrm.video.images import ImageSequence
from hmrm.video.reader import StillPair, open_video
from hmrm.video.source import Picture, VideoSource

Source = str | Path | StillPair | VideoSource | Sequence[str | Path] | Sequence[np.ndarray]


class ArrayPair(VideoSource):
    """Onset and apex picture in memory, as a clip of two frames without a rate."""

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        super().__init__(name="pair", path=Path("pair"), max_frames=None)
        self._images = tuple(images)
        self.frames_per_s, self.frame_count = 1.0, len(self._images)
        self.size_wh_px = _size_wh(self._images[0])

    def _pictures(self) -> Iterator[Picture]:
        for index, image in enumerate(self._images):
            yield Picture(
                time_s=float(index), size_wh_px=_size_wh(image), load=partial(np.asarray, image)
            )


def open_source(source: Source, *, frames_per_s: float | None = None) -> VideoSource:
    """Open a path, a pair of paths or pictures, or pass on an open video.

    Raises:
        InputError: neither a path nor a pair, or pictures that are not uint8 grey or RGB.
        VideoError: as ``open_video``.
    """
    if isinstance(source, VideoSource):
        return source
    if isinstance(source, str | Path):
        return open_video(Path(source), frames_per_s=frames_per_s)
    if isinstance(source, StillPair):
        return open_video(source, frames_per_s=frames_per_s)
    items = list(source)
    if len(items) == 2 and all(isinstance(item, str | Path) for item in items):
        onset, apex = (Path(str(item)) for item in items)
        return open_video(StillPair(onset=onset, apex=apex), frames_per_s=frames_per_s)
    if len(items) == 2 and all(isinstance(item, np.ndarray) for item in items):
        return ArrayPair([_checked(np.asarray(item)) for item in items])
    raise InputError(
        f"source: got {len(items)} items of type {type(items[0]).__name__ if items else 'nothing'};"
        " give a path, or two paths or two pictures: onset, then apex"
    )


def is_pair(video: VideoSource) -> bool:
    """Whether the clip is two still images rather than something that was filmed."""
    if isinstance(video, ImageSequence):
        return len(video.paths) == 2
    return isinstance(video, ArrayPair)


def label(video: VideoSource) -> str:
    """Name of the clip in results: file names, no folders of this machine."""
    if isinstance(video, ImageSequence) and is_pair(video):
        return " + ".join(path.name for path in video.paths)
    return video.path.absolute().name


def notices_of(video: VideoSource) -> tuple[Notice, ...]:
    """What the source says of itself; two still images have no rate that could be wrong."""
    unwanted = {"frame_rate_assumed"} if is_pair(video) else set()
    return tuple(notice for notice in video.notices if notice.code not in unwanted)


def content_hash(video: VideoSource) -> str:
    """Hex sha256 of what was analysed: the file, or the names and contents of the images."""
    if isinstance(video, ArrayPair):
        return hashlib.sha256(b"".join(f.image.tobytes() for f in video.frames())).hexdigest()
    if isinstance(video, ImageSequence):
        total = hashlib.sha256()
        for path in video.paths:
            total.update(f"{path.name}\0{provenance.sha256(path)}\n".encode())
        return total.hexdigest()
    return provenance.sha256(video.path)


def _checked(image: np.ndarray) -> np.ndarray:
    shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not shaped or image.dtype != np.uint8 or image.size == 0:
        raise InputError(
            f"picture: got {image.dtype} of shape {image.shape}; give uint8, (h, w) grey or "
            "(h, w, 3) RGB"
        )
    return image


def _size_wh(image: np.ndarray) -> tuple[int, int]:
    return image.shape[1], image.shape[0]
