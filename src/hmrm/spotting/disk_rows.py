"""Rows of numbers that lie in a temporary file once they are many: long videos need little memory.

Not mapped into memory: pages that were read would count as the process's own.
"""

import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Int

from hmrm.errors import OutputError

IN_MEMORY_BYTES = 2 << 20
"""Fewer bytes stay in memory."""


class DiskRows:
    """Equal arrays, added one by one and read by slices or row numbers.

    Raises:
        OutputError: the temporary folder has no room, or cannot be written.

    Example:
        >>> import numpy as np
        >>> from hmrm.spotting.disk_rows import DiskRows
        >>> rows = DiskRows((2,), np.float32)
        >>> for i in range(5):
        ...     rows.append(np.array([i, i * i], dtype=np.float32))
        >>> rows.forget(1)
        >>> len(rows), rows[1:3].tolist(), rows[np.array([0, 3])].tolist()
        (4, [[2.0, 4.0], [3.0, 9.0]], [[1.0, 1.0], [4.0, 16.0]])
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self._row_shape, self._dtype = shape, np.dtype(dtype)
        self._row_bytes = int(np.prod(shape)) * self._dtype.itemsize
        self._file, self._close = temporary_file(self)
        self._forgotten = self._count = 0

    def __len__(self) -> int:
        return self._count - self._forgotten

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array of all rows."""
        return (len(self), *self._row_shape)

    def append(self, row: np.ndarray) -> None:
        """Add a row.

        Raises:
            ValueError: it has another shape.
        """
        if row.shape != self._row_shape:
            raise ValueError(f"row: expected shape {self._row_shape}, got {row.shape}")
        self.extend(row[None])

    def extend(self, rows: np.ndarray) -> None:
        """Add several.

        Raises:
            ValueError: they have another shape.
        """
        if rows.shape[1:] != self._row_shape:
            raise ValueError(f"rows: expected shape (n, *{self._row_shape}), got {rows.shape}")
        with writing_temporary():
            self._file.seek(self._count * self._row_bytes)
            self._file.write(np.ascontiguousarray(rows, dtype=self._dtype).tobytes())
        self._count += len(rows)

    def forget(self, rows: int) -> None:
        """Drop the first rows."""
        self._forgotten += min(rows, len(self))
        if self._forgotten > len(self):
            left = np.asarray(self)
            self._close()
            self._file, self._close = temporary_file(self)
            self._forgotten = self._count = 0
            self.extend(left)

    def __getitem__(self, which: int | slice | Int[np.ndarray, " m"]) -> np.ndarray:
        """One row, or some of them, as an array of their own.

        Raises:
            IndexError: there is no such row.
        """
        if isinstance(which, int):
            if not -len(self) <= which < len(self):
                raise IndexError(f"row {which} of {len(self)}")
            return self._read(which % len(self), 1)[0]
        if isinstance(which, slice):
            start, stop, step = which.indices(len(self))
            if step == 1:
                return self._read(start, max(stop - start, 0))
            numbers = list(range(start, stop, step))
        else:
            numbers = which.tolist()
        parts = [self._read(number, 1) for number in numbers]
        return np.concatenate(parts) if parts else self._read(0, 0)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        found = self._read(0, len(self))
        return found if dtype is None else found.astype(dtype)

    def __reduce__(self) -> "tuple[Callable[..., DiskRows], tuple[Any, ...]]":
        """Pickled as an array: results go from one process to another."""
        return _rows_of, (self._row_shape, self._dtype, np.asarray(self))

    def _read(self, start: int, rows: int) -> np.ndarray:
        with writing_temporary():  # what was written last may go to disk only now
            self._file.seek((self._forgotten + start) * self._row_bytes)
            found = np.frombuffer(self._file.read(rows * self._row_bytes), dtype=self._dtype)
        return found.reshape(rows, *self._row_shape)


def _rows_of(shape: tuple[int, ...], dtype: Any, rows: np.ndarray) -> DiskRows:
    made = DiskRows(shape, dtype)
    made.extend(rows)
    return made


def temporary_file(
    owner: object,
) -> "tuple[tempfile.SpooledTemporaryFile[bytes], Callable[[], object]]":
    """A file that is closed when its owner is no more, and how to close it sooner."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, prefix="hmrm-")  # noqa: SIM115
    return file, weakref.finalize(owner, file.close)


@contextmanager
def writing_temporary() -> Iterator[None]:
    """Raise an `OutputError` where a temporary file cannot be written."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{tempfile.gettempdir()}: no temporary file can be written "
            f"({error.strerror or error}); make room there, or set TMPDIR to another folder"
        ) from error
