"""Flow on disk: .flo (Middlebury), 16-bit .png (KITTI), .pfm (FlyingThings3D), .npy.

Every reader holds the header against the size of the file before it allocates anything, so that
a damaged or hostile header costs nothing. Unknown pixels are NaN in memory, in both components.
"""

import math
import re
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float, Float32

from hmrm import atomic
from hmrm.errors import DataError, InputError
from hmrm.flow.files.kitti import decode_kitti, encode_kitti

LARGEST_SIDE_PX = 1 << 14
"""No camera's flow is larger; a header that says so is damaged."""

_FLO_HEADER = struct.Struct("<4sii")
_FLO_MAGIC = struct.pack("<f", 202021.25)
_FLO_UNKNOWN_ABOVE = 1e9
_FLO_UNKNOWN = 1.666666752e9
_PFM_HEADER = re.compile(rb"(PF|Pf)\s(\d{1,9})\s(\d{1,9})\s([-+.0-9eE]{1,24})\s")
_PFM_HEADER_MOST_BYTES = 64
_NPY_MAGIC = b"\x93NUMPY"
_NPY_HEADER_MOST_BYTES = 10_000
# numpy.load evaluates the header as Python; a pattern cannot be made to do anything.
_NPY_HEADER = re.compile(
    r"\{'descr': '([<>]f[248])', 'fortran_order': (True|False), "
    r"'shape': \((\d{1,9}), (\d{1,9}), (\d{1,9})\),? ?\}\s*"
)


def read_flow(path: Path) -> Float32[np.ndarray, "2 h w"]:
    """Read a flow file; its suffix says the format.

    Returns:
        Px, u right and v down; NaN where the file marks a pixel unknown.

    Raises:
        DataError: no such file, unknown suffix, or a content that its format does not allow.
    """
    decode = _codec(path)[0]
    try:
        with path.open("rb") as file:
            flow = decode(file, path.stat().st_size)
    except OSError as error:
        raise DataError(
            f"flow file {path}: cannot be read ({error.strerror or error}); give an existing file"
        ) from error
    except ValueError as error:
        raise DataError(
            f"flow file {path}: {error}; the file is damaged or holds something else"
        ) from error
    flow[:, ~np.isfinite(flow).all(axis=0)] = np.nan
    return flow


def write_flow(path: Path, flow: Float[np.ndarray, "2 h w"]) -> None:
    """Write a flow file as a whole; its suffix says the format.

    .flo, .pfm and .npy keep float32 exactly. KITTI's .png rounds to 1/64 px, too coarse for
    micro-expressions, and holds no more than ±512 px.

    Args:
        flow: px; pixels with NaN or infinity are written as unknown.

    Raises:
        DataError: unknown suffix.
        InputError: the flow is empty, or the format cannot hold it.
        OutputError: the file cannot be written.
    """
    encode = _codec(path)[1]
    if flow.size == 0 or max(flow.shape[1:]) > LARGEST_SIDE_PX:
        raise InputError(
            f"flow file {path}: a flow of shape {flow.shape} cannot be written; "
            f"sides must be 1 to {LARGEST_SIDE_PX} px"
        )
    # float64 beyond float32 becomes infinity, and so unknown.
    with np.errstate(over="ignore"):
        single = flow.astype(np.float32)
    single[:, ~np.isfinite(single).all(axis=0)] = np.nan
    try:
        content = encode(single)
    except ValueError as error:
        raise InputError(f"flow file {path}: {error}") from error
    atomic.write_bytes(path, content)


def _codec(path: Path) -> tuple["Decoder", "Encoder"]:
    if path.suffix.lower() not in FORMATS:
        raise DataError(
            f"flow file {path}: unknown suffix {path.suffix!r}; use one of {', '.join(FORMATS)}"
        )
    return FORMATS[path.suffix.lower()]


def _check_sides(width: int, height: int) -> None:
    if not (1 <= width <= LARGEST_SIDE_PX and 1 <= height <= LARGEST_SIDE_PX):
        raise ValueError(f"the header states {width} x {height} px")


def _values(file: BinaryIO, kind: str, count: int, size_bytes: int) -> np.ndarray:
    """The rest of the file as ``count`` numbers, if it has exactly that many."""
    expected = count * np.dtype(kind).itemsize
    found = size_bytes - file.tell()
    if found != expected:
        raise ValueError(f"the header asks for {expected} bytes of flow, the file has {found}")
    content = file.read(expected)
    if len(content) != expected:
        raise ValueError("the file became shorter while it was read")
    # Infinity where float64 does not fit float32; such pixels become unknown.
    with np.errstate(all="ignore"):
        return np.frombuffer(content, kind).astype(np.float32)


def _decode_flo(file: BinaryIO, size_bytes: int) -> Float32[np.ndarray, "2 h w"]:
    header = file.read(_FLO_HEADER.size)
    if len(header) < _FLO_HEADER.size or header[:4] != _FLO_MAGIC:
        raise ValueError("it does not begin with the .flo magic number 202021.25")
    _, width, height = _FLO_HEADER.unpack(header)
    _check_sides(width, height)
    values = _values(file, "<f4", 2 * width * height, size_bytes)
    values[np.abs(values) > _FLO_UNKNOWN_ABOVE] = np.nan
    return np.ascontiguousarray(values.reshape(height, width, 2).transpose(2, 0, 1))


def _encode_flo(flow: Float32[np.ndarray, "2 h w"]) -> bytes:
    header = _FLO_HEADER.pack(_FLO_MAGIC, flow.shape[2], flow.shape[1])
    if np.nanmax(np.abs(flow), initial=0.0) > _FLO_UNKNOWN_ABOVE:
        raise ValueError(".flo takes values above 1e9 for unknown; use .npy")
    values = np.nan_to_num(flow, nan=_FLO_UNKNOWN)
    return header + values.transpose(1, 2, 0).astype("<f4").tobytes()


def _decode_pfm(file: BinaryIO, size_bytes: int) -> Float32[np.ndarray, "2 h w"]:
    header = _PFM_HEADER.match(file.read(_PFM_HEADER_MOST_BYTES))
    if header is None:
        raise ValueError("it does not begin with a .pfm header")
    if header[1] != b"PF":
        raise ValueError("it is a .pfm of one channel; flow has three (u, v, unused)")
    width, height, scale = int(header[2]), int(header[3]), float(header[4])
    _check_sides(width, height)
    if scale == 0 or not math.isfinite(scale):
        raise ValueError(f"its scale is {scale:g}; the sign of the scale is the byte order")
    file.seek(header.end())
    values = _values(file, "<f4" if scale < 0 else ">f4", 3 * width * height, size_bytes)
    # Rows run from the bottom of the image to its top.
    rows = values.reshape(height, width, 3)[::-1, :, :2]
    return np.ascontiguousarray(rows.transpose(2, 0, 1))


def _encode_pfm(flow: Float32[np.ndarray, "2 h w"]) -> bytes:
    header = f"PF\n{flow.shape[2]} {flow.shape[1]}\n-1.0\n".encode()
    three = np.concatenate([flow, np.zeros_like(flow[:1])])
    return header + three.transpose(1, 2, 0)[::-1].astype("<f4").tobytes()


def _decode_npy(file: BinaryIO, size_bytes: int) -> Float32[np.ndarray, "2 h w"]:
    if file.read(6) != _NPY_MAGIC:
        raise ValueError("it does not begin with the .npy magic")
    version = file.read(2)
    length_kind = "<H" if version[:1] == b"\x01" else "<I"
    length_bytes = file.read(struct.calcsize(length_kind))
    if version not in (b"\x01\0", b"\x02\0", b"\x03\0") or len(length_bytes) < struct.calcsize(
        length_kind
    ):
        raise ValueError("its .npy version is unknown")
    (length,) = struct.unpack(length_kind, length_bytes)
    if length > _NPY_HEADER_MOST_BYTES:
        raise ValueError(f"its header claims {length} bytes")
    header = _NPY_HEADER.fullmatch(file.read(length).decode("latin-1"))
    if header is None or header[3] != "2":
        raise ValueError("a .npy flow is one array of float with the shape (2, height, width)")
    height, width = int(header[4]), int(header[5])
    _check_sides(width, height)
    values = _values(file, header[1], 2 * width * height, size_bytes)
    if header[2] == "True":
        return np.ascontiguousarray(values.reshape(width, height, 2).transpose(2, 1, 0))
    return values.reshape(2, height, width)


def _encode_npy(flow: Float32[np.ndarray, "2 h w"]) -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {flow.shape}, }}".encode()
    # The format wants the data to begin at a multiple of 64 bytes, after a newline.
    padded = header.ljust(-(-(10 + len(header) + 1) // 64) * 64 - 11) + b"\n"
    values = flow.astype("<f4").tobytes()
    return _NPY_MAGIC + b"\x01\0" + struct.pack("<H", len(padded)) + padded + values


def _decode_png(file: BinaryIO, size_bytes: int) -> Float32[np.ndarray, "2 h w"]:
    return decode_kitti(file, size_bytes, LARGEST_SIDE_PX)


Decoder = Callable[[BinaryIO, int], Float32[np.ndarray, "2 h w"]]
Encoder = Callable[[Float32[np.ndarray, "2 h w"]], bytes]

FORMATS: Mapping[str, tuple[Decoder, Encoder]] = {
    ".flo": (_decode_flo, _encode_flo),
    ".png": (_decode_png, encode_kitti),
    ".pfm": (_decode_pfm, _encode_pfm),
    ".npy": (_decode_npy, _encode_npy),
}
"""Suffix → reader and writer."""
