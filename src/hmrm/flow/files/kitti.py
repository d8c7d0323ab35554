"""KITTI's flow format: a 16-bit RGB PNG of (u, v, known), in steps of 1/64 px."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import cv2
import numpy as np
from jaxtyping import Float32, UInt16

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STEPS_PER_PX = 64.0
_ZERO = 32768.0
_DEFLATE_MOST = 1032
_PIECE_BYTES = 1 << 20
_IHDR = struct.Struct(">IIBBBBB")

# OpenCV's type stubs do not know what imdecode and imencode take and give.
_opencv: Any = cv2


def decode_kitti(
    file: BinaryIO, size_bytes: int, largest_side_px: int
) -> Float32[np.ndarray, "2 h w"]:
    """Flow of a KITTI PNG; NaN where it is marked unknown.

    The PNG is checked as a whole before it is decoded (checksums, and that its data has exactly
    the length its header promises), since image libraries fill missing rows with zeros, and zeros
    are a flow.

    Raises:
        ValueError: not such a PNG; the message says why.
    """
    if file.read(8) != _SIGNATURE:
        raise ValueError("no PNG signature")
    chunks = _chunks(file, size_bytes - 8)
    kind, header = next(chunks, (b"", b""))
    if kind != b"IHDR" or len(header) != _IHDR.size:
        raise ValueError("the PNG does not begin with its header")
    width, height, depth, colour, _, _, interlaced = _IHDR.unpack(header)
    if not (1 <= width <= largest_side_px and 1 <= height <= largest_side_px):
        raise ValueError(f"the header states {width} x {height} px")
    if (depth, colour, interlaced) != (16, 2, 0):
        raise ValueError("KITTI flow is a 16-bit RGB PNG without interlacing")
    row_bytes = 1 + 6 * width
    if row_bytes * height > _DEFLATE_MOST * size_bytes:
        raise ValueError(f"{size_bytes} bytes cannot hold {width} x {height} px")
    data = b"".join(content for kind, content in chunks if kind == b"IDAT")
    _check_pixels(data, row_bytes, height)
    return _flow(_decode(header, data, (height, width, 3)))


def encode_kitti(flow: Float32[np.ndarray, "2 h w"]) -> bytes:
    """The PNG of a flow, rounded to 1/64 px; NaN is marked unknown.

    Raises:
        ValueError: a component is outside ±512 px.
    """
    known = np.isfinite(flow).all(axis=0)
    steps = np.rint(np.where(known, flow, 0.0).astype(np.float64) * _STEPS_PER_PX) + _ZERO
    if steps.min() < 0 or steps.max() > 65535:
        largest = float(np.abs(flow[:, known]).max())
        raise ValueError(
            f"KITTI PNG holds -512 to 511.98 px, this flow reaches {largest:g}; use .flo"
        )
    u, v = (steps * known).astype(np.uint16)
    # OpenCV writes channels in the order blue, green, red.
    done, content = _opencv.imencode(".png", np.dstack([known.astype(np.uint16), v, u]))
    assert done
    return bytes(content)


def _chunks(file: BinaryIO, remaining: int) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each chunk up to IEND, checksums verified."""
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise ValueError("the PNG is truncated")
        length, kind = struct.unpack(">I4s", head)
        remaining -= 12 + length
        if remaining < 0:
            raise ValueError("the PNG is truncated")
        content, checksum = file.read(length), file.read(4)
        if struct.pack(">I", zlib.crc32(kind + content)) != checksum:
            raise ValueError("a checksum of the PNG is wrong")
        if kind == b"IEND":
            return
        yield kind, content


def _check_pixels(data: bytes, row_bytes: int, rows: int) -> None:
    """Refuse compressed data that is not exactly ``rows`` rows with known filters."""
    inflater = zlib.decompressobj()
    pixels = bytearray()
    pending = data
    while not inflater.eof and len(pixels) <= row_bytes * rows:
        try:
            piece = inflater.decompress(pending, _PIECE_BYTES)
        except zlib.error as error:
            raise ValueError(f"the PNG's data cannot be inflated ({error})") from error
        pending = inflater.unconsumed_tail
        if not piece and not pending:
            break
        pixels += piece
    if not inflater.eof or len(pixels) != row_bytes * rows:
        raise ValueError("the PNG's data does not have the length that its header states")
    if max(pixels[::row_bytes]) > 4:
        raise ValueError("a row of the PNG has an unknown filter")


def _decode(header: bytes, data: bytes, shape: tuple[int, int, int]) -> UInt16[np.ndarray, "h w 3"]:
    """Pixels (blue, green, red) of a PNG reassembled from the parts that were checked."""
    parts = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    content = _SIGNATURE + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in parts
    )
    image = _opencv.imdecode(np.frombuffer(content, np.uint8), _opencv.IMREAD_UNCHANGED)
    if image is None or image.shape != shape or image.dtype != np.uint16:
        raise ValueError("the PNG cannot be decoded")
    return image


def _flow(image: UInt16[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "2 h w"]:
    flow = (image[..., :0:-1].transpose(2, 0, 1).astype(np.float32) - _ZERO) / _STEPS_PER_PX
    flow[:, image[..., 0] == 0] = np.nan
    return np.ascontiguousarray(flow, dtype=np.float32)
