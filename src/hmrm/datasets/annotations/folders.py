"""Folders of frames below a data set's root: which clip each one is, and which frames it holds."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hmrm.datasets.annotations.workbook import Notes
from hmrm.errors import DataError
from hmrm.video.images import is_image

Parts = tuple[str, ...]
"""Folder names below the root, the clip's own last."""

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class ClipFolder:
    """One folder of frames.

    Attributes:
        key: which clip it is, see `hmrm.datasets.annotations.description.DataSet.place`.
        path: the folder.
        parts: its names below the root.
        images: how many images lie directly in it.
    """

    key: str
    path: Path
    parts: Parts
    images: int


def find_folders(
    root: Path, place: Callable[[Parts], str | None], rank: Callable[[Parts], int], notes: Notes
) -> dict[str, ClipFolder]:
    """Every folder of images that ``place`` knows, by key.

    A clip that is there twice, raw and cropped say, is taken from the folder that ranks lowest,
    first by name among equals; the choice is noted.

    Raises:
        DataError: the root is no folder.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give the folder that holds the data set")
    found: dict[str, list[ClipFolder]] = {}
    unknown: list[Path] = []
    for path, images in _image_folders(root):
        parts = path.relative_to(root).parts
        key = place((root.name, *parts))
        if key == "":
            continue
        if key is None:
            unknown.append(path)
            continue
        folder = ClipFolder(key=key, path=path, parts=(root.name, *parts), images=images)
        found.setdefault(key, []).append(folder)
    for path in unknown:
        notes.add("folder_unknown", str(path), "holds images, but is no clip of this data set")
    return {key: _best(key, folders, rank, notes) for key, folders in sorted(found.items())}


def _best(
    key: str, folders: Sequence[ClipFolder], rank: Callable[[Parts], int], notes: Notes
) -> ClipFolder:
    # The root's own name says nothing about one rendition against another.
    ordered = sorted(folders, key=lambda folder: (rank(folder.parts[1:]), folder.parts))
    best = ordered[0]
    if len(ordered) == 1:
        return best
    others = ", ".join(str(folder.path) for folder in ordered[1:])
    notes.add(
        "several_renditions",
        str(best.path),
        f"{key}: taken instead of {others}; give the folder of one rendition as root to choose",
    )
    return best


def _image_folders(root: Path) -> list[tuple[Path, int]]:
    """Folders that directly hold images, in order, hidden ones skipped."""
    found = []
    seen: set[str] = set()
    for folder, names, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back up
            names.clear()
            continue
        seen.add(real)
        names[:] = sorted(n for n in names if not n.startswith((".", "__MACOSX")))
        images = sum(is_image(Path(file)) for file in files)
        if images:
            found.append((Path(folder), images))
    return found


def numbered_frames(folder: Path) -> dict[int, Path]:
    """The images of a folder by their frame number, the last number in the name.

    Raises:
        DataError: an image without a number, or two with the same one.
    """
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if not is_image(path):
            continue
        digits = _NUMBER.findall(path.stem)
        if not digits:
            raise DataError(f"{path}: the name holds no frame number; rename it or take it out")
        number = int(digits[-1])
        if number in found:
            raise DataError(f"{path} and {found[number].name} are both frame {number}; keep one")
        found[number] = path
    return dict(sorted(found.items()))


def rank_by(words: Sequence[str]) -> Callable[[Parts], int]:
    """Rank of a folder by the first of ``words`` that one of its names holds; others come last."""

    def rank(parts: Parts) -> int:
        joined = "/".join(parts).lower()
        return next((i for i, word in enumerate(words) if word in joined), len(words))

    return rank


def frames_between(
    frames: Mapping[int, Path], first: int, last: int
) -> tuple[tuple[int, Path], ...]:
    """Frames with numbers from ``first`` to ``last``, both included."""
    return tuple((number, path) for number, path in frames.items() if first <= number <= last)
