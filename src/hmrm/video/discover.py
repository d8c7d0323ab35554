"""Which clips the paths of a command stand for."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import Literal

from hmrm.errors import InputError
from hmrm.video.images import StillPair, is_image, natural_key
from hmrm.video.kinds import VIDEO_SUFFIXES, is_video, untaken_notes

Clips = list[Path | StillPair]


def discover(
    paths: Sequence[Path], *, skip: Sequence[str] = (), untaken: list[Path] | None = None
) -> Clips:
    """The clips behind files and folders, each once, for ``open_video``.

    A folder that directly holds images is one clip; any other folder stands for every video and
    image folder inside it, at any depth, in natural order, hidden names skipped. A single image
    alongside videos or folders counts as a preview, not a clip. Exactly two still images together
    are a pair: onset, then apex.

    Args:
        skip: names of folders and videos below the given folders that are skipped, and all that
            is in them; ``*`` and ``?`` stand for any letters.

    Raises:
        InputError: a path does not exist or may not be read, a folder holds no clip, there are
            one or more than two still images, or a name to skip is nowhere.
    """
    kinds = [_kind(path) for path in paths]
    stills = [p for p, kind in zip(paths, kinds, strict=True) if kind == "file" and is_image(p)]
    if len(stills) not in (0, 2):
        raise InputError(
            f"{stills[0]}: {len(stills)} still image(s) given; give two (onset, then apex), or a "
            "folder of images"
        )
    found: Clips = []
    skipped = {name for name in skip if any(fnmatchcase(p.name, name) for p in paths)}
    for path, kind in zip(paths, kinds, strict=True):
        if kind == "folder":
            found.extend(_clips_in(path, skip, skipped, [] if untaken is None else untaken))
        elif path in stills:
            found.append(StillPair(onset=stills[0], apex=stills[1]))
        else:
            found.append(path)
    for name in skip:
        if name not in skipped:
            raise InputError(
                f"skip {name}: no folder and no video of that name lies in "
                f"{', '.join(map(str, paths))}; check the name or leave it out"
            )
    return _without_duplicates(found)


def unique_names(clips: Sequence[Path | StillPair]) -> list[str]:
    """A short name per clip, made unique by as many parent folders as that takes.

    Names are fit for files: parts are joined by ``_``.
    """
    parts = [_name_parts(clip) for clip in clips]
    names = [_joined(p, 1) for p in parts]
    for depth in range(2, max((len(p) for p in parts), default=0) + 1):
        times = Counter(names)
        names = [
            _joined(p, depth) if times[n] > 1 else n for p, n in zip(parts, names, strict=True)
        ]
    times = Counter(names)
    used = {name for name in names if times[name] == 1}
    for index, name in enumerate(names):
        if times[name] > 1:  # the same clip twice
            free = next(n for k in count(1) if (n := f"{name}_{k}") not in used)
            names[index] = free
            used.add(free)
    return names


def _kind(path: Path) -> Literal["file", "folder"]:
    try:
        if path.is_dir():
            return "folder"
        if path.exists():
            return "file"
    except OSError as error:
        raise InputError(f"{path}: cannot be looked at ({error.strerror or error})") from error
    raise InputError(f"{path}: no such file or folder; check the name")


def _clips_in(folder: Path, skip: Sequence[str], skipped: set[str], untaken: list[Path]) -> Clips:
    others: list[Path] = []
    found: Clips = list(_walk(folder, skip, skipped, others, seen=set()))
    if not found:
        excluded = f" except for {', '.join(skip)}" if skip else ""
        raise InputError(
            "; ".join(
                [
                    f"{folder}: holds no video and no image folder{excluded}; known are "
                    f"{', '.join(sorted(VIDEO_SUFFIXES))} and folders of images",
                    *untaken_notes(others),
                ]
            )
        )
    untaken += others
    return found


def _walk(
    folder: Path,
    skip: Sequence[str],
    skipped: set[str],
    untaken: list[Path],
    *,
    seen: set[str],
) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in seen:  # a link that leads back up
        return
    seen.add(real)
    try:
        entries = sorted(
            (p for p in folder.iterdir() if not p.name.startswith((".", "__MACOSX"))),
            key=natural_key,
        )
    except OSError as error:
        raise InputError(
            f"{folder}: the folder cannot be read ({error.strerror or error}); check your "
            "permissions"
        ) from error
    images = [p for p in entries if is_image(p) and p.is_file()]
    others = [p for p in entries if p.is_dir() or is_video(p)]
    skipped_by = {p: [name for name in skip if fnmatchcase(p.name, name)] for p in others}
    skipped.update(*skipped_by.values())
    others = [p for p in others if not skipped_by[p]]
    if len(images) > 1 or (images and not others):
        untaken += [p for p in others if not p.is_dir()]
        yield folder
        return
    untaken += [p for p in entries if p.is_file() and not is_video(p)]
    for entry in others:
        if entry.is_dir():
            yield from _walk(entry, skip, skipped, untaken, seen=seen)
        else:
            yield entry


def _without_duplicates(clips: Iterable[Path | StillPair]) -> Clips:
    seen: dict[object, Path | StillPair] = {}
    for clip in clips:
        key = clip if isinstance(clip, StillPair) else os.path.realpath(clip)
        seen.setdefault(key, clip)
    return list(seen.values())


def _name_parts(clip: Path | StillPair) -> list[str]:
    if isinstance(clip, StillPair):
        return [*_parents(clip.onset), f"{clip.onset.stem}-{clip.apex.stem}"]
    last = clip.absolute().name if clip.is_dir() else clip.stem
    return [*_parents(clip), last]


def _parents(path: Path) -> list[str]:
    return [p for p in path.absolute().parent.parts if p != path.anchor]


def _joined(parts: Sequence[str], depth: int) -> str:
    return "_".join(parts[-depth:])
