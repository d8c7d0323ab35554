"""Frames of a video by number without decoding from the start, exact for every file.

One whole pass notes of every frame its time, its place in the file and a digest of its image.
Later a frame is decoded from the key frame before it and compared with that digest; where they
differ (as in damaged files, and where stamps are those of decoding) the frame is read in order.
"""

import io
import zlib
from array import array
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from hmrm import arrays, atomic
from hmrm.clip import Frame, Image
from hmrm.errors import DataError, FrameIndexError
from hmrm.progress import Progress, silent
from hmrm.reading import DamagedError
from hmrm.video.container import ImagesFrom, VideoFile
from hmrm.video.source import TimedImage, VideoSource

STAGE = "reading the frames"

FARTHEST = 32
"""So many frames are decoded on from the last one before the file is entered again."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameIndex:
    """What a whole pass noted of every frame.

    Attributes:
        times_s: presentation time from the first frame, s.
        stamps: place in the file, ticks of the stream; -1 with ``is_key`` False where unknown.
        is_key: decoding can begin here.
        digests: CRC-32 of the image's bytes, or of some of its rows; -1 where it was not looked at.
    """

    times_s: Float[np.ndarray, " n"]
    stamps: Int[np.ndarray, " n"]
    is_key: Bool[np.ndarray, " n"]
    digests: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.times_s)

    def save(self, path: Path) -> None:
        """Write the index as ``.npz``.

        Raises:
            OutputError: the file cannot be written.
        """
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            times_s=self.times_s,
            stamps=self.stamps,
            is_key=self.is_key,
            digests=self.digests,
        )
        atomic.write_bytes(path, buffer.getvalue())


def build_index(video: VideoSource, progress: Progress = silent) -> FrameIndex:
    """Decode every frame once.

    Raises:
        VideoError: nothing can be decoded.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from hmrm.video.frame_index import FrameFinder, build_index
        >>> from hmrm.video.reader import open_video
        >>> from hmrm.video.writer import write_video
        >>> images = [np.full((48, 64, 3), 10 * i, np.uint8) for i in range(20)]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     count = write_video(Path(folder) / "grey.mp4", images, 25.0)
        ...     video = open_video(Path(folder) / "grey.mp4")
        ...     index = build_index(video)
        ...     with FrameFinder(video, index) as finder:
        ...         frame = finder.frame(12)
        >>> len(index), frame.index, frame.time_s
        (20, 12, 0.48)
    """
    noted = IndexRecorder(digest_of)
    for time_s, stored, frame in video.chosen(lambda _: True):
        noted.add(time_s, stored, frame)
        progress(STAGE, len(noted), video.frame_count)
    return noted.index()


class IndexRecorder:
    """Notes of every frame of a pass what an index holds; 25 bytes each."""

    def __init__(self, digest: Callable[[Image], int]) -> None:
        self._digest = digest
        self._times, self._stamps = array("d"), array("q")
        self._keys, self._digests = array("b"), array("q")

    def __len__(self) -> int:
        return len(self._times)

    def add(self, time_s: float, stored: TimedImage, frame: Frame | None) -> None:
        """Note the next frame; None where its image was not looked at."""
        known = stored.stamp is not None
        self._times.append(time_s)
        self._stamps.append(stored.stamp if stored.stamp is not None else -1)
        self._keys.append(stored.is_key and known)
        self._digests.append(-1 if frame is None else self._digest(frame.image))

    def index(self) -> FrameIndex:
        """What was noted."""
        return FrameIndex(
            times_s=np.array(self._times),
            stamps=np.array(self._stamps, dtype=np.int64),
            is_key=np.array(self._keys, dtype=bool),
            digests=np.array(self._digests, dtype=np.int64),
        )


def read_index(path: Path) -> FrameIndex:
    """What `FrameIndex.save` wrote.

    Raises:
        DataError: absent or damaged.
    """
    kinds = {"times_s": "f", "stamps": "i", "is_key": "b", "digests": "i"}
    try:
        found = arrays.read_arrays(path, kinds)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except DamagedError as error:
        raise DataError(f"{path}: damaged ({error}); analyse the video again") from error
    if len({one.shape for one in found.values()}) != 1 or found["times_s"].ndim != 1:
        raise DataError(f"{path}: damaged (columns differ in length); analyse the video again")
    return FrameIndex(**found)


def digest_of(image: Image) -> int:
    """CRC-32 of an image's bytes."""
    return zlib.crc32(np.ascontiguousarray(image).data)


def digest_of_rows(image: Image) -> int:
    """CRC-32 of every sixteenth row: enough to tell two frames of a video apart."""
    return digest_of(image[::16])


def read_frames(
    video: VideoSource, index: FrameIndex | None, numbers: Iterable[int]
) -> Generator[Frame]:
    """Frames by zero-based number, in order, each once; the file is entered near them if it can be.

    Args:
        index: of a pass with ``digest_of_rows``; None reads the video from its start.

    Raises:
        FrameIndexError: the video has no such frame.
        VideoError: it cannot be read.
    """
    chosen = sorted(set(numbers))
    done = 0
    if index is not None:
        with FrameFinder(video, index, digest=digest_of_rows) as finder:
            for number in chosen:
                frame = finder.sought(number)
                if frame is None:
                    break
                done += 1
                yield frame
    left = set(chosen[done:])
    if not left:
        return
    for _, _, frame in video.chosen(left.__contains__):
        if frame is not None:
            left.discard(frame.index)
            yield frame
            if not left:
                return
    raise FrameIndexError(f"{video.path}: the clip has no frame {min(left)}; it has changed")


class FrameFinder:
    """Frames of one video by number; holds the file open between neighbouring ones."""

    def __init__(
        self,
        video: VideoSource,
        index: FrameIndex,
        *,
        digest: Callable[[Image], int] = digest_of,
    ) -> None:
        """``digest`` is the one that the index was noted with."""
        self._video, self._index, self._digest = video, index, digest
        self._file = ExitStack()
        self._images_from: ImagesFrom | None = None
        self._decoding: Generator[tuple[int | None, Callable[[], Image]]] | None = None
        self._next = 0

    def __enter__(self) -> "FrameFinder":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stop()
        self._file.close()
        self._images_from = None

    def _stop(self) -> None:
        if self._decoding is not None:
            self._decoding.close()
            self._decoding = None

    def frame(self, number: int) -> Frame:
        """The frame that sequential reading gives at a zero-based number.

        Raises:
            FrameIndexError: the video has no such frame.
            VideoError: the file cannot be read any more.
        """
        if not 0 <= number < len(self._index):
            raise FrameIndexError(
                f"{self._video.path}: frame {number} asked for, but the clip has "
                f"{len(self._index)} frames; give an index from 0 to {len(self._index) - 1}"
            )
        return self.sought(number) or self._video.frame(number)

    def sought(self, number: int) -> Frame | None:
        """The frame by seeking; None where that does not lead to it for certain."""
        if not isinstance(self._video, VideoFile):
            return None
        if self._index.digests[number] < 0:
            return self._behind_a_known_one(number)
        keys = np.flatnonzero(self._index.is_key[: number + 1])
        image = None
        if self._decoding is not None and number >= self._next:
            near = number - self._next < FARTHEST or (len(keys) > 0 and keys[-1] < self._next)
            image = self._advanced(number) if near else None
        if image is None and len(keys):
            image = self._entered(number, int(keys[-1]))
        return None if image is None else self._as_frame(number, image)

    def _behind_a_known_one(self, number: int) -> Frame | None:
        """A frame whose image was not looked at, from the last one before it that was."""
        known = np.flatnonzero(self._index.digests[:number] >= 0)
        if not len(known) or self._index.stamps[number] < 0:
            return None
        under_way = self._decoding is not None and known[-1] < self._next <= number
        if not under_way and self.sought(int(known[-1])) is None:
            return None
        image = self._advanced(number)
        return None if image is None else self._as_frame(number, image)

    def _as_frame(self, number: int, image: Image) -> Frame:
        return Frame(index=number, time_s=float(self._index.times_s[number]), image=image)

    def _entered(self, number: int, key: int) -> Image | None:
        """The image by decoding from a key frame on."""
        assert isinstance(self._video, VideoFile)
        self._stop()
        if self._images_from is None:
            self._images_from = self._file.enter_context(self._video.held_open())
        self._decoding = self._images_from(int(self._index.stamps[key]))
        return self._advanced(number)

    def _advanced(self, number: int) -> Image | None:
        """Decode on to the frame's stamp; None where it does not come, or not as it was."""
        assert self._decoding is not None
        expected = int(self._index.stamps[number])
        for stamp, load in self._decoding:
            if stamp == expected:
                self._next = number + 1
                image = self._video.as_kind(load())
                noted = int(self._index.digests[number])
                return image if noted in (-1, self._digest(image)) else None
            if stamp is not None and stamp > expected:
                break
        self._stop()
        return None
