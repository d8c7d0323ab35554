"""The one way to read arrays from an ``.npz`` file: every claim is checked before memory is taken.

Headers are matched, never evaluated; nothing is unpickled.
"""

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import cast

import numpy as np

from hmrm import limits
from hmrm.reading import DamagedError, read_bytes

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': '([<>|=]?)([biufU])(\d{1,9})', *'fortran_order': (True|False), *"
    r"'shape': \(((?:\d{1,15}(?:, *|(?=\))))*)\),? *\}\s*"
)
_HEADER_MOST_BYTES = 1024
_PIECE = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FAULTS = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, KeyError),
    *(NotImplementedError, RuntimeError, OverflowError, MemoryError, OSError, UnicodeError),
)


def read_arrays(
    path: Path, kinds: Mapping[str, str], *, optional: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """Arrays of an ``.npz`` file by name; other members are ignored.

    Args:
        kinds: name → letters of the kinds of values it may have, ``b``, ``i``, ``u``, ``f``, ``U``.
        optional: names that may be absent.

    Raises:
        OSError: the file cannot be read.
        DamagedError: not such a file, an array missing, of another type or damaged, or too large.
    """
    content = read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _arrays(archive, kinds, optional)
    except DamagedError:
        raise
    except _FAULTS as error:
        raise DamagedError(f"is no archive of arrays, or damaged ({str(error)[:200]})") from error


def _arrays(
    archive: zipfile.ZipFile, kinds: Mapping[str, str], optional: Collection[str]
) -> dict[str, np.ndarray]:
    most, members = limits.current(), archive.infolist()
    if len(members) > most.members:
        raise DamagedError(
            f"holds {len(members)} members; {limits.how_to_raise('members', len(members))}"
        )
    known = {one.filename: one for one in members}
    unpacked = sum(one.file_size for one in members)
    if unpacked > most.unpacked_bytes:
        raise DamagedError(
            f"unpacks to {unpacked} bytes; {limits.how_to_raise('unpacked_bytes', unpacked)}"
        )
    found = {}
    for name, letters in kinds.items():
        member = known.get(f"{name}.npy")
        if member is None:
            if name in optional:
                continue
            raise DamagedError(f"array {name!r} is missing")
        if member.flag_bits & 1 or member.compress_type not in _METHODS:
            raise DamagedError(f"array {name!r} is locked, or packed in a way that is not read")
        try:
            with archive.open(member) as file:
                found[name] = _array(cast(io.BufferedIOBase, file), member.file_size, letters)
        except _FAULTS as error:
            raise DamagedError(f"array {name!r}: {str(error)[:200] or 'is cut off'}") from error
    return found


def _array(file: io.BufferedIOBase, size: int, letters: str) -> np.ndarray:
    """One array of ``size`` bytes with its header."""
    dtype, shape, fortran, start = _header(file, letters)
    count = math.prod(shape)
    if count > limits.current().elements:
        raise DamagedError(f"claims {count} elements; {limits.how_to_raise('elements', count)}")
    if start + count * dtype.itemsize != size:
        raise DamagedError("its header claims another number of elements than there are")
    values = np.empty(count, dtype)
    view = values.view(np.uint8).data if count and dtype.itemsize else memoryview(b"")
    at = 0
    while at < len(view):
        piece = file.read(min(_PIECE, len(view) - at))
        if not piece:
            raise DamagedError("is cut off")
        view[at : at + len(piece)] = piece
        at += len(piece)
    if file.read(1):
        raise DamagedError("is longer than its header claims")
    if dtype.kind == "U":
        _require_text(values)
    return values.reshape(shape, order="F" if fortran else "C")


def _header(file: io.BufferedIOBase, letters: str) -> tuple[np.dtype, tuple[int, ...], bool, int]:
    """Type, shape, order and the length of the header."""
    magic = file.read(8)
    wide = magic[6:7] in (b"\x02", b"\x03")
    length_bytes = file.read(4 if wide else 2)
    if magic[:6] != _MAGIC or len(length_bytes) < (4 if wide else 2):
        raise DamagedError("is no array")
    length = int.from_bytes(length_bytes, "little")
    if length > _HEADER_MOST_BYTES:
        raise DamagedError(f"its header claims {length} bytes")
    header = _HEADER.fullmatch(file.read(length).decode("latin-1"))
    if header is None:
        raise DamagedError("its header is not that of a plain array of numbers or text")
    order, letter, width, fortran, sides = header.groups()
    if letter not in letters:
        raise DamagedError(f"has values of type {letter}{width}")
    shape = tuple(int(side) for side in sides.split(",") if side.strip())
    if len(shape) > 8:
        raise DamagedError(f"has {len(shape)} axes")
    try:
        dtype = np.dtype(f"{order}{letter}{width}")
    except TypeError as error:
        raise DamagedError(f"has values of type {letter}{width}") from error
    return dtype, shape, fortran == "True", 8 + len(length_bytes) + length


def _require_text(values: np.ndarray) -> None:
    """Refuse what is no character: Python could not even print it."""
    codes = values.view(f"{values.dtype.byteorder}u4") if values.dtype.itemsize else values[:0]
    if codes.size and (codes.max() > 0x10FFFF or ((codes >= 0xD800) & (codes <= 0xDFFF)).any()):
        raise DamagedError("holds text with characters that there are not")
