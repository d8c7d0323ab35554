"""Which files in folders are the onset and the apex of one pair."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hmrm.errors import InputError
from hmrm.video.images import IMAGE_SUFFIXES, natural_key

PAIR_SUFFIXES = IMAGE_SUFFIXES | {".ppm", ".pgm"}

NAME_ENDINGS = (("onset", "apex"), ("img0", "img1"), ("img_0", "img_1"), ("img1", "img2"))
"""How the two images of a pair end, before the suffix, after ``_`` or ``-``; all but the first are
FlyingChairs' ways. Of two that share an ending the first that is there is taken."""
_KITTI = re.compile(r"(\d{6})_1([01])")
_MIDDLEBURY = re.compile(r"frame(\d{2})")
_SINTEL = re.compile(r"frame_(\d{4})")


@dataclass(frozen=True, kw_only=True)
class NamedPair:
    """The two files of a pair, and the name its results get.

    ``truth_names`` are those under which its data set has the true flow, before the suffix.
    """

    name: str
    onset: Path
    apex: Path
    truth_names: tuple[str, ...] = ()


def find_pairs(sources: Sequence[Path]) -> list[NamedPair]:
    """Pairs in what a user named, in natural order of their names.

    - Two files are one pair, named after both.
    - One folder: ``NAME_onset.png`` belongs to ``NAME_apex.png``; the suffixes may differ, and
      other files are passed over. So are pairs of public data sets: FlyingChairs
      (``NAME_img1.ppm`` to ``NAME_img2.ppm``, ``NAME-img0`` to ``NAME-img1``), KITTI
      (``000000_10`` to ``000000_11``), Middlebury (``frame10`` to ``frame11``), Sintel
      (``frame_0001`` to ``frame_0002`` to …).
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
    pairs: list[NamedPair] = []
    taken: set[str] = set()
    for first, second in NAME_ENDINGS:
        onsets = {_name(s, first): p for s, p in images.items() if _is(s, first, taken)}
        apexes = {_name(s, second): p for s, p in images.items() if _is(s, second, taken)}
        if onsets or (second not in ("img1", "img_1") and apexes):
            taken |= {first, second}
            pairs += _matched(onsets, apexes, where=f"{folder}: *{first}, *{second}")
    pairs = pairs or _numbered(images, folder)
    if not pairs:
        raise InputError(
            f"{folder}: no pair found; name images NAME_onset and NAME_apex, or as FlyingChairs, "
            "KITTI, Middlebury or Sintel do; or give two folders. Frames of one video: give "
            "--onset and --apex"
        )
    names = [pair.name for pair in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{folder}: the pair {twice!r} is there in two namings; remove one")
    return pairs


def _numbered(images: dict[str, Path], folder: Path) -> list[NamedPair]:
    """Pairs by number, as KITTI, Middlebury and Sintel name them."""
    kitti = {stem: found for stem in images if (found := _KITTI.fullmatch(stem))}
    if kitti:
        sides = [
            {found[1]: images[stem] for stem, found in kitti.items() if found[2] == side}
            for side in "01"
        ]
        pairs = _matched(*sides, where=f"{folder}: *_10, *_11")
        return [replace(one, truth_names=(f"{one.name}_10",)) for one in pairs]
    for form, name in ((_SINTEL, "frame_{:04d}"), (_MIDDLEBURY, "frame{:02d}")):
        numbers = [int(found[1]) for stem in images if (found := form.fullmatch(stem))]
        if numbers and len(numbers) == len(images):
            # Middlebury has true flow for the middle pair of its eight frames.
            first = [10] if form is _MIDDLEBURY and {10, 11} <= set(numbers) else numbers
            return [
                NamedPair(
                    name=name.format(n),
                    onset=images[name.format(n)],
                    apex=images[name.format(n + 1)],
                    truth_names=(f"flow{n:02d}",) if form is _MIDDLEBURY else (),
                )
                for n in first
                if n + 1 in numbers
            ]
    return []


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


def _is(stem: str, ending: str, taken: set[str]) -> bool:
    return ending not in taken and (stem == ending or stem.endswith((f"_{ending}", f"-{ending}")))


def _name(stem: str, ending: str) -> str:
    return stem.removesuffix(ending).rstrip("_-") or "flow"
