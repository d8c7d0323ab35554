"""From a number to a damaged input with its command: the same for ever."""

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from fuzz.mutators import folders
from fuzz.mutators.by_suffix import damage
from fuzz.readers import Reader, Seed

KIT = "kit"
INPUT, TEMPORARY, OUTPUTS = "in", "tmp", ("out", "out.csv")

_FOLDER_FRACTION = 0.2
_OUTPUT_FRACTION = 0.02
_ASCII_FRACTION = 0.02


@dataclass(frozen=True, kw_only=True)
class Case:
    """A damaged input.

    Attributes:
        folder: where the command is to run; holds ``in`` and an empty ``tmp``.
        words: of the command line.
        damage: what was done, in order.
        encoding: of the terminal.
    """

    number: int
    reader: str
    seed: str
    folder: Path
    words: tuple[str, ...]
    damage: tuple[str, ...]
    encoding: str = "utf-8"

    @property
    def command(self) -> str:
        """As a shell takes it."""
        return shlex.join(("hmrm", *self.words))


def write_seeds(root: Path, readers: Sequence[Reader], kit: Path) -> None:
    """Every seed in a folder of its own, once; copies of it are damaged."""
    for reader in readers:
        for seed in reader.seeds:
            seed.make(_place(root, reader, seed), kit)


def build_case(
    number: int, *, seed: int, readers: Sequence[Reader], seeds: Path, folder: Path
) -> Case:
    """Copy a seed into ``folder`` and damage it; number and seed decide how.

    Args:
        seeds: folder that `write_seeds` filled.
        folder: emptied first.
    """
    rng = Random(f"{seed}/{number}")
    reader = rng.choices(readers, [one.weight for one in readers])[0]
    chosen = rng.choice(reader.seeds)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_place(seeds, reader, chosen), folder / INPUT)
    (folder / TEMPORARY).mkdir()
    words = chosen.words(rng.randrange(len(chosen.commands)), seeds / KIT)
    case = Case(
        number=number,
        reader=reader.name,
        seed=chosen.name,
        folder=folder,
        words=tuple(words),
        damage=(),
        encoding="ascii" if rng.random() < _ASCII_FRACTION else "utf-8",
    )
    for _ in range(rng.choices((1, 2, 3), (7, 2, 1))[0]):
        case = _damaged(case, rng)
    return _with_output(case, rng) if rng.random() < _OUTPUT_FRACTION else case


def _place(seeds: Path, reader: Reader, seed: Seed) -> Path:
    return seeds / reader.name / seed.name


def _damaged(case: Case, rng: Random) -> Case:
    root = case.folder / INPUT
    if rng.random() < _FOLDER_FRACTION:
        mutator = rng.choice(folders.MUTATORS)
        renamed = mutator(root, rng)
        words = case.words if renamed is None else _following(case, renamed)
        note = f"folders.{mutator.__name__}"
        return replace(case, words=words, damage=(*case.damage, note))
    path = folders.pick_file(root, rng)
    if path is None:
        return case
    name = path.relative_to(root).as_posix()
    # Undecodable names would not travel as JSON.
    safe = name.encode("utf-8", "replace").decode()
    return replace(case, damage=(*case.damage, f"{safe}: {damage(path, rng)}"))


def _following(case: Case, renamed: tuple[Path, Path]) -> tuple[str, ...]:
    """The words with the new name of what was renamed: hostile names are to be named."""
    old, new = (str(path.relative_to(case.folder)) for path in renamed)
    return tuple(
        new + word[len(old) :] if word == old or word.startswith(f"{old}/") else word
        for word in case.words
    )


def _with_output(case: Case, rng: Random) -> Case:
    """A file where the output is to go, or in its way."""
    if rng.random() < 0.5:
        (case.folder / "out").write_text("somebody's file\n")
        return replace(case, damage=(*case.damage, "out is a file"))
    words = tuple(w.replace("out", "in/file/out", 1) if w in OUTPUTS else w for w in case.words)
    (case.folder / INPUT / "file").write_text("somebody's file\n")
    return replace(case, words=words, damage=(*case.damage, "out lies below a file"))
