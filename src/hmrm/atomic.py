"""Files that are either wholly there or not there: written to a temporary name, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hmrm.errors import OutputError


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


def remove_partial(folder: Path) -> None:
    """Delete what killed processes left under temporary names, anywhere below a folder."""
    for path in folder.rglob(".*.partial*"):
        path.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` as a whole.

    Raises:
        OutputError: the file cannot be written.
    """
    with writing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text with plain newlines to ``path`` as a whole.

    Raises:
        OutputError: the file cannot be written.
    """
    write_bytes(path, content.encode("utf-8"))
