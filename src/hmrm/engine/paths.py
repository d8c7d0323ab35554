"""Whether the same files lie at the same paths on another machine, without reading them whole.

Videos and frames are too large to be read in full by every worker before work begins. Names, sizes
and both ends of files are compared then; each result carries the digest of the whole content,
which is compared where it is written.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hmrm.errors import DataError

_END_BYTES = 1 << 16


@dataclass(frozen=True)
class PathsCheck:
    """Paths with what was found there where the run was started."""

    expected: tuple[tuple[Path, str], ...]

    def __call__(self) -> None:
        """Compare with what lies here.

        Raises:
            DataError: names the first path that is missing or holds something else.
        """
        found = [(path, sketch(path), before) for path, before in self.expected]
        other = [(path, now) for path, now, before in found if now != before]
        if not other:
            return
        more = f" (and {len(other) - 1} more)" if len(other) > 1 else ""
        path, now = other[0]
        what = "holds other files than where the run was started" if now else "is not there"
        raise DataError(f"{path}: {what}{more}; every worker needs the data at the same path")


def paths_check(paths: Iterable[Path]) -> PathsCheck:
    """The check that these files and folders are the same elsewhere; paths become absolute."""
    return PathsCheck(tuple((path.absolute(), sketch(path)) for path in paths))


def sketch(path: Path) -> str:
    """Hex sha256 over size, first and last 64 KiB of a file, or names and sizes in a folder.

    Empty where there is nothing that can be read.
    """
    total = hashlib.sha256()
    try:
        if path.is_dir():
            for one in sorted(path.rglob("*")):
                size = one.stat().st_size if one.is_file() else -1
                total.update(
                    f"{one.relative_to(path)}\0{size}\n".encode("utf-8", "backslashreplace")
                )
            return total.hexdigest()
        size = path.stat().st_size
        with path.open("rb") as file:
            total.update(f"{size}\n".encode() + file.read(_END_BYTES))
            file.seek(max(size - _END_BYTES, 0))
            total.update(file.read(_END_BYTES))
    except OSError:
        return ""
    return total.hexdigest()
