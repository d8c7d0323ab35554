"""Damaged flow maps: their archive, their arrays, their folders."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from damaged_files import Make

from fuzz.mutators import archives, images
from fuzz.seeds import evaluation


def maps_npz(change: Callable[[list[archives.Member]], list[archives.Member]]) -> Make:
    """Maps whose archive was changed."""

    def make(folder: Path, kit: Path) -> None:
        evaluation.maps(folder / "maps", "prepared")
        path = folder / "maps" / "maps.npz"
        path.write_bytes(archives.pack(change(archives.unpack(path.read_bytes()))))

    return make


def _array(name: str, content: bytes) -> Callable[[list[archives.Member]], list[archives.Member]]:
    new = archives.member(name.encode(), content)
    return lambda found: [new if one.name == new.name else one for one in found]


def header_of(name: str, header: str) -> Make:
    """Maps one of whose arrays has this header and little else."""
    return maps_npz(_array(name, archives.npy_header(header) + bytes(64)))


def array_of(name: str, values: np.ndarray) -> Make:
    """Maps one of whose arrays is another."""
    shape = f"({', '.join(map(str, values.shape))}{',' if values.ndim == 1 else ''})"
    header = f"{{'descr': '{values.dtype.str}', 'fortran_order': False, 'shape': {shape}}}"
    return maps_npz(_array(name, archives.npy_header(header) + values.tobytes()))


def pickled(folder: Path, kit: Path) -> None:
    """Maps that hold Python objects; reading them would run code."""
    header = archives.npy_header("{'descr': '|O', 'fortran_order': False, 'shape': (6,)}")
    payload = b"cos\nsystem\n(S'touch code-ran'\ntR."
    maps_npz(_array("ids.npy", header + payload))(folder, kit)


def broken_deflate(found: list[archives.Member]) -> list[archives.Member]:
    """The packed bytes of each member are noise, of the length that the headers state."""
    rng = Random(0)
    return [
        archives.Member(**{**vars(one), "packed": rng.randbytes(len(one.packed))}) for one in found
    ]


def bomb(found: list[archives.Member]) -> list[archives.Member]:
    """One member more, which unpacks to 1.5 GB."""
    count = 3 << 29
    header = archives.npy_header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count},)}}")
    return [*found, archives.filled(b"more.npy", count, header)]


def locked(found: list[archives.Member]) -> list[archives.Member]:
    """Members that ask for a password."""
    return [archives.Member(**{**vars(one), "flags": 1}) for one in found]


def other_method(found: list[archives.Member]) -> list[archives.Member]:
    """Members packed by a method that nobody knows."""
    return [archives.Member(**{**vars(one), "method": 99}) for one in found]


def folds(change: Callable[[Path], None]) -> Make:
    """Maps in folds, one training folder of which was changed."""

    def make(folder: Path, kit: Path) -> None:
        evaluation.maps(folder / "maps", "folds")
        change(sorted((folder / "maps").glob("*/*/u_train"))[0])

    return make


def file_for_class(train: Path) -> None:
    """A file instead of a class folder."""
    place = sorted(train.iterdir())[0]
    for path in sorted(place.iterdir()):
        path.unlink()
    place.rmdir()
    place.write_text("")


def _first_copy(train: Path) -> Path:
    return sorted(train.glob("*/*.png"))[0]


def dangling_copy(train: Path) -> None:
    """A link to nothing instead of a training copy."""
    path = _first_copy(train)
    path.unlink()
    path.symlink_to("absent.png")


def folder_for_copy(train: Path) -> None:
    """A folder instead of a training copy."""
    path = _first_copy(train)
    path.unlink()
    path.mkdir()


def files_for_subjects(folder: Path, kit: Path) -> None:
    """A file among the folders of subjects, and one instead of u_test."""
    evaluation.maps(folder / "maps", "folds")
    root = next((folder / "maps").iterdir())
    (root / "sub99").write_text("")
    test = sorted(root.glob("*/u_test"))[0]
    test.rename(test.with_name("kept"))
    test.write_text("")


def endless_image(folder: Path, kit: Path) -> None:
    """Flat maps, one of them a link to something endless."""
    path = _one_flat_image(folder)
    path.unlink()
    path.symlink_to("/dev/zero")


def large_image(folder: Path, kit: Path) -> None:
    """Flat maps, one of them of 30,000 × 30,000 px."""
    _one_flat_image(folder).write_bytes(images.png_large(b"", Random(0)))


def _one_flat_image(folder: Path) -> Path:
    evaluation.maps(folder / "maps", "flat")
    return sorted(p for p in (folder / "maps" / "maps").iterdir() if p.stem.count("_") == 2)[0]
