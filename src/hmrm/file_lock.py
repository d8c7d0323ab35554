"""A lock on a file, which goes with the process that holds it."""

from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def lock(file: IO[str], *, wait: bool) -> None:
    """Lock an open file until it is closed; where the system has no such locks, do nothing.

    Args:
        wait: until the lock is free; otherwise that is an error.

    Raises:
        OSError: another process holds it, and ``wait`` is false.

    Example:
        >>> import tempfile
        >>> from hmrm.file_lock import lock
        >>> with tempfile.TemporaryFile("w") as file:
        ...     lock(file, wait=False)
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
