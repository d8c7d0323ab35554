"""Damage to folders: what lies where something else belongs, under names that nobody expects."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzz.mutators import hostile, tensors

Renamed = tuple[Path, Path]
FolderMutator = Callable[[Path, Random], Renamed | None]
"""Changes a folder; what it renamed comes back, so that commands can follow."""


def file_for_folder(root: Path, rng: Random) -> Renamed | None:
    """A file instead of a folder."""
    folder = _pick(root, rng, Path.is_dir)
    if folder is not None:
        shutil.rmtree(folder)
        folder.write_bytes(rng.choice((b"", b"text\n", b"\x89PNG\r\n\x1a\n")))
    return None


def folder_for_file(root: Path, rng: Random) -> Renamed | None:
    """A folder instead of a file."""
    file = _pick(root, rng, Path.is_file)
    if file is not None:
        file.unlink()
        file.mkdir()
        if rng.random() < 0.3:
            (file / "inside.txt").write_text("text\n")
    return None


def link_for_file(root: Path, rng: Random) -> Renamed | None:
    """A link instead of a file: to nothing, to itself, to another, to an endless one."""
    file = _pick(root, rng, Path.is_file)
    if file is None:
        return None
    other = _pick(root, rng, Path.is_file) or file
    file.unlink()
    file.symlink_to(rng.choice((file.with_name("absent"), file, other, Path("/dev/zero"))))
    return None


def link_for_folder(root: Path, rng: Random) -> Renamed | None:
    """A link instead of a folder: to nothing, or up to where it lies in."""
    folder = _pick(root, rng, Path.is_dir)
    if folder is not None:
        shutil.rmtree(folder)
        folder.symlink_to(rng.choice((folder.with_name("absent"), folder.parent, folder)))
    return None


def missing(root: Path, rng: Random) -> Renamed | None:
    """A file or a folder that is not there."""
    path = _pick(root, rng, _anything)
    if path is not None and path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path is not None:
        path.unlink()
    return None


def emptied(root: Path, rng: Random) -> Renamed | None:
    """A folder without content."""
    folder = _pick(root, rng, Path.is_dir)
    if folder is not None:
        shutil.rmtree(folder)
        folder.mkdir()
    return None


def renamed(root: Path, rng: Random) -> Renamed | None:
    """Another name, often one that means something to a terminal, a page or a shell."""
    path = _pick(root, rng, _anything)
    if path is None:
        return None
    name = rng.choice(hostile.NAMES)
    if rng.random() < 0.6:
        name = name[:150] + os.fsencode(path.suffix)
    return _moved(path, name)


def hostile_stem(root: Path, rng: Random) -> Renamed | None:
    """A name that keeps its beginning and its suffix, with something hostile between."""
    path = _pick(root, rng, _anything)
    if path is None:
        return None
    middle = rng.choice(hostile.NAMES)[:100].replace(b"/", b"")
    return _moved(path, os.fsencode(path.stem) + middle + os.fsencode(path.suffix))


def foreign(root: Path, rng: Random) -> Renamed | None:
    """A file that does not belong there."""
    folder = _pick(root, rng, Path.is_dir) or root
    names = (
        *(b".DS_Store", b"Thumbs.db", b"desktop.ini", b"notes.txt", b"x.csv", b"x.png", b"x.npz"),
        *(b"x.json", b"x.xlsx", b"x.mp4", b"._x.png", b"0", b"x .png"),
        *hostile.NAMES,
    )
    path = folder / os.fsdecode(rng.choice(names))
    if not os.path.lexists(path):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(rng.choice((b"", b"text\n", rng.randbytes(100))))
    return None


def copied(root: Path, rng: Random) -> Renamed | None:
    """A file twice, under a name that another reader takes for the same."""
    file = _pick(root, rng, Path.is_file)
    if file is not None:
        suffix = rng.choice((file.suffix, file.suffix.upper(), ".png", ".jpg", ".csv", ""))
        target = file.with_name(f"{rng.choice((file.stem, file.stem.upper(), 'a'))}{suffix}")
        if not target.exists():
            shutil.copy(file, target)
    return None


def swapped(root: Path, rng: Random) -> Renamed | None:
    """Two files with each other's names."""
    one, other = _pick(root, rng, Path.is_file), _pick(root, rng, Path.is_file)
    if one is not None and other is not None and one != other:
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
    return None


def signed_tensors(root: Path, rng: Random) -> Renamed | None:
    """Tensors that were changed, with a card that states their digest."""
    cards = [p for p in _paths(root) if p.suffix == ".json" and p.with_suffix(_TENSORS).is_file()]
    if not cards:
        return swapped(root, rng)
    card = rng.choice(sorted(cards))
    path = card.with_suffix(_TENSORS)
    path.write_bytes(rng.choice(tensors.MUTATORS)(path.read_bytes(), rng))
    try:
        table = json.loads(card.read_bytes())
        table["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        card.write_text(json.dumps(table))
    except (ValueError, TypeError, RecursionError):
        card.write_bytes(b"{}")
    return None


_TENSORS = ".safetensors"


def _paths(root: Path) -> list[Path]:
    """Everything below ``root``, links not followed, in order."""
    found: list[Path] = []
    for folder, folders, files in os.walk(root):
        folders.sort()
        found += [Path(folder) / name for name in (*folders, *sorted(files))]
    return found


def pick_file(root: Path, rng: Random) -> Path | None:
    """A regular file below ``root``, each kind as often as any other."""
    return _pick(root, rng, Path.is_file)


def _pick(root: Path, rng: Random, accepted: Callable[[Path], bool]) -> Path | None:
    found = [path for path in _paths(root) if not path.is_symlink() and accepted(path)]
    if not found:
        return None
    # Each kind of file as often as any other: a folder of images holds one table.
    kinds = sorted({path.suffix for path in found})
    kind = rng.choice(kinds)
    return rng.choice([path for path in found if path.suffix == kind])


def _anything(path: Path) -> bool:
    return path.name != ""


def _moved(path: Path, name: bytes) -> Renamed | None:
    # Names that are no UTF-8 travel as surrogates, as they do in sys.argv.
    target = path.parent / os.fsdecode(name[:240])
    if os.path.lexists(target):
        return None
    # A closing tag in a path takes a folder whose name ends in a bracket.
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    return path, target


MUTATORS: tuple[FolderMutator, ...] = (
    file_for_folder,
    folder_for_file,
    link_for_file,
    link_for_file,
    link_for_folder,
    missing,
    missing,
    emptied,
    renamed,
    renamed,
    hostile_stem,
    foreign,
    foreign,
    copied,
    swapped,
    signed_tensors,
)
