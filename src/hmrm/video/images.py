"""Image folders and pairs of still images as clips."""

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from hmrm import image_size, provenance, reading
from hmrm.clip import Image
from hmrm.errors import InputError, VideoError
from hmrm.video import pixels
from hmrm.video.source import TimedImage, VideoSource, checked_rate

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})

ASSUMED_FRAMES_PER_S = 200.0
"""Image folders carry no rate; CASME II, SAMM and most high-speed recordings have 200."""


@dataclass(frozen=True, kw_only=True)
class StillPair:
    """Two still images: the onset and the apex of one movement."""

    onset: Path
    apex: Path


class ImageSequence(VideoSource):
    """Image files in the given order, read one at a time; two of them are an onset–apex pair.

    Args:
        paths: at least one file.
        frames_per_s: None assumes ``ASSUMED_FRAMES_PER_S`` and leaves a notice, except for a
            pair, which has no rate that could be wrong.

    Raises:
        VideoError: the first image cannot be read.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        name: str,
        path: Path,
        frames_per_s: float | None = None,
        max_frames: int | None = None,
    ) -> None:
        super().__init__(name=name, path=path, max_frames=max_frames)
        self._paths = tuple(paths)
        self.is_pair = len(self._paths) == 2
        self.frame_count = self._capped(len(paths))
        self.frames_per_s = checked_rate(frames_per_s, path=path) or ASSUMED_FRAMES_PER_S
        if frames_per_s is None and not self.is_pair:
            self._note(
                "frame_rate_assumed",
                f"images carry no frame rate; {ASSUMED_FRAMES_PER_S:g} per second was assumed, "
                "so times in seconds may be wrong: give the rate (--frames-per-s)",
            )
        first = read_image(self._paths[0])
        self.size_wh_px = _size_wh(first)
        self._is_grey = first.ndim == 2

    @property
    def label(self) -> str:
        """Name of the folder; of a pair, the names of both files."""
        return " + ".join(path.name for path in self._paths) if self.is_pair else super().label

    def content_hash(self) -> str:
        """Hex sha256 over the files' names and contents, in their order."""
        total = hashlib.sha256()
        for path in self._paths:
            total.update(f"{path.name}\0{provenance.sha256(path)}\n".encode())
        return total.hexdigest()

    def _images(self) -> Iterator[TimedImage]:
        for index, path in enumerate(self._paths):
            yield TimedImage(
                time_s=index / self.frames_per_s,
                size_wh_px=self.size_wh_px,
                load=partial(self._load, path),
            )

    def _load(self, path: Path) -> Image:
        image = read_image(path)
        width, height = _size_wh(image)
        if (width, height) != self.size_wh_px:
            raise VideoError(
                f"{path}: {width} × {height} px, but {self._paths[0].name} has "
                f"{self.size_wh_px[0]} × {self.size_wh_px[1]}; bring all images to one size"
            )
        if (image.ndim == 2) != self._is_grey:
            self._note(
                "mixed_colour",
                f"grey and colour images are mixed ({path.name} is not like the first); all were "
                "read like the first",
            )
        return image


class ArrayPair(VideoSource):
    """Onset and apex image in memory, as a clip of two frames without a rate.

    Raises:
        InputError: not two images, or images that are not uint8 grey or RGB.
    """

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        super().__init__(name="pair", path=Path("pair"), max_frames=None)
        if len(images) != 2:
            raise InputError(f"pair: got {len(images)} images; give two, onset and apex")
        self._pair = tuple(_checked(image) for image in images)
        self.is_pair = True
        self.frames_per_s, self.frame_count = 1.0, len(self._pair)
        self.size_wh_px = _size_wh(self._pair[0])

    def _images(self) -> Iterator[TimedImage]:
        for index, image in enumerate(self._pair):
            yield TimedImage(
                time_s=float(index), size_wh_px=_size_wh(image), load=partial(np.asarray, image)
            )


def open_folder(
    path: Path, *, frames_per_s: float | None = None, max_frames: int | None = None
) -> ImageSequence:
    """All images directly in a folder as one clip, in natural order (img2 before img10).

    Raises:
        InputError: the folder cannot be listed.
        VideoError: no image in it, the first is unreadable, or one frame is there twice.
    """
    paths = images_in(path)
    if not paths:
        raise VideoError(
            f"{path}: holds no image; a clip is a video file or a folder with "
            f"{', '.join(sorted(IMAGE_SUFFIXES))} files"
        )
    _check_unique(paths)
    source = ImageSequence(
        paths,
        name=path.absolute().name or "images",
        path=path,
        frames_per_s=frames_per_s,
        max_frames=max_frames,
    )
    missing = _missing_numbers(paths)
    if missing:
        source._note(
            "frames_missing",
            f"{len(missing)} numbers are missing among the file names, the first is {missing[0]}; "
            "the images were taken as following each other",
        )
    return source


def open_pair(
    pair: StillPair, *, frames_per_s: float | None = None, max_frames: int | None = None
) -> ImageSequence:
    """Onset and apex image as a clip of two frames.

    Raises:
        InputError: no such file.
        VideoError: the onset image is unreadable.
    """
    return ImageSequence(
        (pair.onset, pair.apex),
        name=f"{pair.onset.stem}-{pair.apex.stem}",
        path=pair.onset,
        frames_per_s=frames_per_s,
        max_frames=max_frames,
    )


def images_in(folder: Path) -> list[Path]:
    """The image files directly in a folder, hidden ones skipped, in natural order.

    Raises:
        InputError: the folder cannot be listed.
    """
    try:
        found = [p for p in folder.iterdir() if is_image(p) and p.is_file()]
    except OSError as error:
        raise InputError(
            f"{folder}: the folder cannot be read ({error.strerror or error}); check its name and "
            "your permissions"
        ) from error
    return sorted(found, key=natural_key)


def is_image(path: Path) -> bool:
    """Whether the name is that of a still image and not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def natural_key(path: Path) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key under which numbers inside names count as numbers."""
    parts = re.split(r"([0-9]+)", path.name.lower())
    key = tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p)
    return key, path.name


def read_image(path: Path) -> Image:
    """One image file as upright uint8, grey or RGB; EXIF orientation applied, alpha ignored.

    16-bit images are scaled over the full range of 16 bits, also where the camera used fewer.

    Raises:
        InputError: no such file, or no permission.
        VideoError: not an image, damaged, too large, or with pixels that are not 8 or 16 bit.
    """
    try:
        content = reading.read_bytes(path)
        image_size.require_small(content)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check the name and your "
            "permissions"
        ) from error
    except reading.DamagedError as error:
        raise VideoError(f"{path}: {error}") from error
    image = _decode(content, path=path)
    if image.dtype == np.uint16:
        image = pixels.from_16_bit(image)
    if image.dtype != np.uint8:
        raise VideoError(
            f"{path}: pixels are {image.dtype}; save the image with 8 or 16 bits per channel"
        )
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _decode(content: bytes, *, path: Path) -> np.ndarray:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
        whole = bool(content) and not _is_broken_png(content)
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if whole else None
    except cv2.error:
        image = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if image is None:
        what = "is empty" if not content else "is damaged, cut off or not an image"
        raise VideoError(f"{path}: the file {what}; export it again or take it out of the folder")
    return image


def _is_broken_png(content: bytes) -> bool:
    """Whether a PNG is cut off or a checksum is wrong; libpng would print it on the terminal."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return False
    view, at = memoryview(content), 8
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            return True
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4]):
            return True
        if kind == b"IEND":
            return False
        at = end + 4
    return True


def _checked(image: np.ndarray) -> Image:
    shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not shaped or image.dtype != np.uint8 or image.size == 0:
        raise InputError(
            f"pair: got an image of {image.dtype} and shape {image.shape}; give uint8, (h, w) "
            "grey or (h, w, 3) RGB"
        )
    return image


def _size_wh(image: Image) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _check_unique(paths: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in paths:
        other = seen.setdefault(path.stem, path)
        if other is not path:
            raise VideoError(
                f"{path.parent}: {other.name} and {path.name} are the same frame twice; keep one "
                "image format per folder"
            )


def _missing_numbers(paths: Sequence[Path]) -> list[int]:
    """Numbers absent between the first and last of names like img001, img002; [] for others."""
    matches = [re.fullmatch(r"(.*?)([0-9]+)", path.stem) for path in paths]
    if not all(matches) or len({m[1] for m in matches if m}) != 1:
        return []
    numbers = {int(m[2]) for m in matches if m}
    steps = np.diff(sorted(numbers))
    # Names in steps of 10, or numbered by time, are a way of counting and not a loss.
    if steps.size == 0 or (steps == 1).mean() < 0.5 or steps.max() > 10_000:
        return []
    return sorted(set(range(min(numbers), max(numbers))) - numbers)
