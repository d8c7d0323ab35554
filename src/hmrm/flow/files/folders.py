"""Which files in folders are the onset and the apex of one pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hmrm.errors import InputError
from hmrm.video.images import IMAGE_SUFFIXES, natural_key

PAIR_SUFFIXES = IMAGE_SUFFIXES | {".ppm", ".pgm"}

NAME_ENDINGS = (("onset", "apex"), ("img1", "img2"))
"""How the two images of a pair end, before the suffix; the second is FlyingChairs' way."""


@dataclass(frozen=True, kw_only=True)
class NamedPair:
    """The two files of a pair, and the name its results get."""

    name: str
    onset: Path
    apex: Path


def find_pairs(sources: Sequence[Path]) -> list[NamedPair]:
    """Pairs in what a user named, in natural order of their names.

    - Two files are one pair, named after both.
    - One folder: ``NAME_onset.png`` belongs to ``NAME_apex.png``, ``NAME_img1.ppm`` to
      ``NAME_img2.ppm``; the suffixes may differ, and other files are passed over.
    - Two folders: the onsets in the first, the apexes in the second, under the same names.

    Raises:
        InputError: none of these, no pair, or an image without its partner.
    """
    folders = [path.is_dir() for path in sources]
    if len(sources) == 1 and folders == [True]:
        return _within(sources[0])
    if len(sources) == 2 and all(folders):
        return _across(*sources)
    if len(sources) == 2 and not any(folders):
        onset, apex = sources
        return [NamedPair(name=f"{onset.stem}-{apex.stem}", onset=onset, apex=apex)]
    given = " ".join(map(str, sources)) or "nothing"
    raise InputError(
        f"flow: got {given}; give two images (onset, apex), one folder of pairs, two folders, "
        "or one video with the numbers of its onset and apex frame"
    )


def _within(folder: Path) -> list[NamedPair]:
    images = _images(folder)
    pairs = []
    for first, second in NAME_ENDINGS:
        onsets = {_name(stem, first): path for stem, path in images.items() if _is(stem, first)}
        apexes = {_name(stem, second): path for stem, path in images.items() if _is(stem, second)}
        pairs += _matched(onsets, apexes, where=f"{folder}: *{first}, *{second}")
    if not pairs:
        raise InputError(
            f"{folder}: no pair found; name images NAME_onset and NAME_apex, or give two folders"
        )
    names = [pair.name for pair in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{folder}: the pair {twice!r} is there in two namings; remove one")
    return pairs


def _across(onset_folder: Path, apex_folder: Path) -> list[NamedPair]:
    where = f"{onset_folder}, {apex_folder}"
    pairs = _matched(_images(onset_folder), _images(apex_folder), where=where)
    if not pairs:
        raise InputError(f"{where}: no images in them; give folders of images")
    return pairs


def _matched(onsets: dict[str, Path], apexes: dict[str, Path], *, where: str) -> list[NamedPair]:
    alone = sorted(set(onsets) ^ set(apexes))
    if alone:
        path = onsets.get(alone[0], apexes.get(alone[0]))
        raise InputError(
            f"{where}: {path} has no partner ({len(alone)} such); add it or remove the image"
        )
    return [NamedPair(name=name, onset=path, apex=apexes[name]) for name, path in onsets.items()]


def _images(folder: Path) -> dict[str, Path]:
    """Stem → file, in natural order."""
    try:
        paths = [p for p in folder.iterdir() if p.suffix.lower() in PAIR_SUFFIXES and p.is_file()]
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed ({error.strerror or error}); check your permissions"
        ) from error
    found: dict[str, Path] = {}
    for path in sorted((p for p in paths if not p.name.startswith(".")), key=natural_key):
        if path.stem in found:
            raise InputError(f"{path}: {found[path.stem].name} has the same name; remove one")
        found[path.stem] = path
    return found


def _is(stem: str, ending: str) -> bool:
    return stem == ending or stem.endswith(f"_{ending}")


def _name(stem: str, ending: str) -> str:
    return stem.removesuffix(ending).removesuffix("_") or "flow"
