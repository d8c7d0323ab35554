"""Files that are either wholly there or not there: written to a temporary name, then renamed."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hmrm.errors import OutputError

_TEMPORARY = re.compile(r"\..+\.\d+\.partial(\.[^.]+)?", re.DOTALL)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path``; rename it onto ``path`` when the block succeeds.

    The temporary name keeps the suffix, since writers choose their format by it.

    Raises:
        OutputError: the folder cannot be made, or the file cannot be written.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "choose a folder you may write to, with space left"
        ) from error
    finally:
        if temporary.exists():
            temporary.unlink()


def require_folder(path: Path) -> None:
    """Make sure, before any work, that files can be written into a folder; nothing is made.

    Raises:
        OutputError: there is a file of its name or of a folder's above it, or it, or the last
            folder above it that exists, cannot be written to.
    """
    place = path.absolute()
    try:
        while not _is_there(place):
            place = place.parent
        if not place.is_dir():
            raise NotADirectoryError(f"{place} is no folder")
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written to ({error.strerror or error}); "
            "choose a folder you may write to, with space left"
        ) from error


def _is_there(path: Path) -> bool:
    """Whether anything lies there, a dangling link as well; a name that cannot be raises."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def require_file(path: Path) -> None:
    """Make sure, before any work, that a file can be written; nothing is made.

    Raises:
        OutputError: there is a folder or something else of its name that is no file, or its folder
            cannot be written to.
    """
    if path.exists() and not path.is_file():
        raise OutputError(f"{path}: is no file and cannot be replaced by one; choose another name")
    require_folder(path.parent)


def remove_partial(folder: Path, *, below: bool = True) -> None:
    """Delete what killed processes left under temporary names in a folder.

    Args:
        below: in all folders below it, too.
    """
    for path in (folder.rglob if below else folder.glob)(".*.partial*"):
        if not _TEMPORARY.fullmatch(path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def temporary_folder(folder: Path, name: str) -> Iterator[Path]:
    """A folder in ``folder`` for as long as the block lasts; `remove_partial` clears it later.

    Raises:
        OutputError: it cannot be made.
    """
    place = folder / f".{name}.{os.getpid()}.partial"
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{place}: cannot be made ({error.strerror or error})") from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` as a whole.

    Raises:
        OutputError: the file cannot be written.
    """
    with writing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str | Iterable[str]) -> None:
    """Write UTF-8 text with plain newlines to ``path`` as a whole; see `encoded`.

    Args:
        content: the text, or its parts, of which one at a time is in memory.

    Raises:
        OutputError: the file cannot be written.
    """
    with writing(path) as temporary, temporary.open("wb") as file:
        for part in [content] if isinstance(content, str) else content:
            file.write(encoded(part))


def encoded(text: str) -> bytes:
    """Text as it is written: letters of names that are not UTF-8 on disk by their numbers."""
    return text.encode("utf-8", "backslashreplace")
