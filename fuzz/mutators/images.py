"""Damage to PNG, JPEG, GIF, TIFF and BMP files that a reader of bytes alone would not make."""

import re
import struct
import zlib
from functools import lru_cache
from random import Random

from fuzz.mutators import raw

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
SIDES = (0, 1, 27, 29, 11_000, 30_000, 65_535, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFF)

Chunks = list[tuple[bytes, bytes]]


def png_size(content: bytes, rng: Random) -> bytes:
    """A PNG that claims another size; its checksums are true."""
    chunks = _chunks(content)
    if not chunks:
        return raw.flip_bits(content, rng)
    header = bytearray(chunks[0][1])
    if len(header) == _HEADER.size:
        width, height = rng.choice(
            ((30_000, 30_000), (rng.choice(SIDES), rng.choice(SIDES)), (1 << 20, 1 << 10))
        )
        header[:8] = struct.pack(">II", width, height)
    return _png([(b"IHDR", bytes(header)), *chunks[1:]])


def png_kind(content: bytes, rng: Random) -> bytes:
    """Another depth, colour type, compression, filter or interlacing."""
    chunks = _chunks(content)
    if not chunks or len(chunks[0][1]) != _HEADER.size:
        return raw.flip_bits(content, rng)
    header = bytearray(chunks[0][1])
    header[rng.randrange(8, 13)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    return _png([(b"IHDR", bytes(header)), *chunks[1:]])


def png_large(content: bytes, rng: Random) -> bytes:
    """A PNG that really holds 30,000 × 30,000 px, in a hundred kilobytes."""
    del content, rng
    return _large_png()


def png_chunks(content: bytes, rng: Random) -> bytes:
    """Chunks missing, twice, out of order, foreign, or with texts that unpack to much."""
    chunks = _chunks(content)
    if not chunks:
        return raw.flip_bits(content, rng)
    place = rng.randrange(len(chunks))
    kind = rng.randrange(6)
    if kind == 0:
        del chunks[place]
    elif kind == 1:
        chunks.insert(place, chunks[place])
    elif kind == 2:
        rng.shuffle(chunks)
    elif kind == 3:
        names = (b"zTXt", b"iCCP", b"tRNS", b"PLTE", b"acTL", b"gAMA", b"eXIf", b"sPLT", b"aaaa")
        content = rng.choice((b"", rng.randbytes(50), b"a\0\0" + _zeros_deflated()))
        chunks.insert(min(place, 1), (rng.choice(names), content))
    elif kind == 4:
        chunks[place] = (chunks[place][0], raw.flip_bits(chunks[place][1], rng))
    else:
        name, data = chunks[place]
        chunks[place] = (name, data[: len(data) // 2])
    return _png(chunks)


def png_data(content: bytes, rng: Random) -> bytes:
    """Pixels too few, too many, or with filters that do not exist."""
    chunks = _chunks(content)
    data = b"".join(body for name, body in chunks if name == b"IDAT")
    try:
        pixels = zlib.decompressobj().decompress(data, 1 << 22)
    except zlib.error:
        return raw.flip_bits(content, rng)
    changed = rng.choice(
        (
            pixels[: len(pixels) // 2],
            pixels + bytes(5000),
            b"",
            b"\x09" * len(pixels),
            rng.randbytes(len(pixels)),
        )
    )
    rest = [one for one in chunks if one[0] != b"IDAT"]
    return _png([rest[0], (b"IDAT", zlib.compress(changed)), *rest[1:]]) if rest else content


def jpeg_size(content: bytes, rng: Random) -> bytes:
    """A JPEG that claims another size."""
    start = re.search(rb"\xff[\xc0\xc1\xc2]..\x08", content, re.DOTALL)
    if start is None:
        return raw.flip_bits(content, rng)
    sides = struct.pack(">HH", *(rng.choice((0, 1, 11_000, 65_500, 65_535)) for _ in range(2)))
    return content[: start.end()] + sides + content[start.end() + 4 :]


def jpeg_segments(content: bytes, rng: Random) -> bytes:
    """Segments missing, twice, of other components, or with an orientation."""
    marks = [m.start() for m in re.finditer(rb"\xff[\xc0-\xcf\xda-\xdd\xe0-\xef]", content)]
    if not marks:
        return raw.flip_bits(content, rng)
    place = rng.choice(marks)
    tag = struct.pack("<HHIH2x", 0x0112, 3, 1, rng.choice((0, 3, 6, 8, 9, 65_535)))
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + tag + bytes(4)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    length = int.from_bytes(content[place + 2 : place + 4]) + 2
    return rng.choice(
        (
            content[:2] + segment + content[2:],
            content[:place] + content[place + length :],
            content[:place] + content[place : place + length] + content[place:],
            content[: place + 9] + bytes([rng.choice((0, 2, 4, 255))]) + content[place + 10 :],
        )
    )


def gif_size(content: bytes, rng: Random) -> bytes:
    """A GIF whose canvas, or whose image on it, claims another size or place."""
    sides = struct.pack("<HH", *(rng.choice((0, 1, 11_000, 30_000, 65_535)) for _ in range(2)))
    if rng.random() < 0.6:
        return content[:6] + sides + content[10:]
    places = [m.start() for m in re.finditer(rb"\x2c", content)]
    if not places:
        return raw.flip_bits(content, rng)
    start = rng.choice(places) + rng.choice((1, 5))
    return content[:start] + sides + content[start + 4 :]


def gif_frames(content: bytes, rng: Random) -> bytes:
    """The same frames many times over, or none."""
    if not content.endswith(b"\x3b"):
        return raw.truncate(content, rng)
    start = content.find(b"\x21")
    if start < 0:
        return content[:13] + b"\x3b"
    return content[:-1] + content[start:-1] * rng.choice((1, 20, 300)) + b"\x3b"


def tiff_field(content: bytes, rng: Random) -> bytes:
    """A field of the first directory that states another type, count or value."""
    mark = "<" if content[:2] == b"II" else ">"
    if len(content) < 16 or content[:2] not in (b"II", b"MM"):
        return raw.overwrite_integer(content, rng)
    (start,) = struct.unpack(f"{mark}I", content[4:8])
    if start + 2 > len(content):
        return raw.flip_bits(content, rng)
    (count,) = struct.unpack(f"{mark}H", content[start : start + 2])
    place = start + 2 + 12 * rng.randrange(max(count, 1)) + rng.choice((0, 2, 4, 8))
    piece = struct.pack(f"{mark}I", rng.choice((*SIDES, 2, 3, 5, 16, 32, 64)))
    return content[:place] + piece + content[place + 4 :]


def _chunks(content: bytes) -> Chunks:
    if not content.startswith(_SIGNATURE):
        return []
    found, at = [], 8
    while at + 12 <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        found.append((name, content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _png(chunks: Chunks) -> bytes:
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


@lru_cache(maxsize=1)
def _large_png() -> bytes:
    # One bit a pixel: 112 MB of zeros, which deflate to a thousandth of that.
    row = bytes(1 + 30_000 // 8)
    header = _HEADER.pack(30_000, 30_000, 1, 0, 0, 0, 0)
    squeezer = zlib.compressobj(1)
    data = b"".join(squeezer.compress(row * 1000) for _ in range(30)) + squeezer.flush()
    return _png([(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")])


@lru_cache(maxsize=1)
def _zeros_deflated() -> bytes:
    return zlib.compress(bytes(1 << 28), 1)


PNG = (*(png_size,) * 3, png_kind, png_kind, png_large, png_chunks, png_chunks, png_data)
JPEG = (jpeg_size, jpeg_size, jpeg_segments)
GIF = (gif_size, gif_size, gif_size, gif_frames)
TIFF = (tiff_field,)
