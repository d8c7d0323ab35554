"""One of several parts of a run, for array jobs without a scheduler, and where parts lie.

Part 3 of 8 of a run in ``runs/svm`` is a run of its own in ``runs/svm.shards/3-of-8``. Parts share
no file, so they may run at the same time on machines that see one disk. The same command without
``--shard`` takes over what they finished and computes what is missing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hmrm import atomic
from hmrm.errors import ConfigError

T = TypeVar("T")

_FOLDER = re.compile(r"[1-9]\d*-of-[1-9]\d*", re.ASCII)


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``of``, counted from 1.

    Example:
        >>> from hmrm.shard import Shard
        >>> [Shard(number, of=3).part(list("abcdefg")) for number in (1, 2, 3)]
        [['a', 'd', 'g'], ['b', 'e'], ['c', 'f']]
    """

    number: int
    of: int

    def part(self, items: Sequence[T]) -> list[T]:
        """Every ``of``-th item: neighbours, often alike in size, go to different parts."""
        return list(items[self.number - 1 :: self.of])

    def folder(self, output: Path) -> Path:
        """Where this part of the run in ``output`` lies."""
        return shards_of(output) / f"{self.number}-of-{self.of}"


def parse_shard(text: str) -> Shard:
    """``3/8`` as a `Shard`.

    Raises:
        ConfigError: no two numbers, or a part that is not there.
    """
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ConfigError(f"shard {text!r}: give a part and how many there are, from 1/8 to 8/8")
    return Shard(int(match[1]), of=int(match[2]))


def shards_of(output: Path) -> Path:
    """The folder next to a run's that holds its parts."""
    return output.absolute().with_name(f"{output.absolute().name}.shards")


def shard_folders(output: Path) -> list[Path]:
    """The parts of a run that are there."""
    place = shards_of(output)
    if not place.is_dir():
        return []
    return sorted(one for one in place.iterdir() if one.is_dir() and _FOLDER.fullmatch(one.name))


def take(source: Path, target: Path) -> None:
    """Copy a finished file of a part into the run, as a whole.

    Raises:
        OSError: it cannot be read.
        OutputError: it cannot be written.
    """
    atomic.write_bytes(target, source.read_bytes())
