"""How large an image claims to be, read from its header before anything is decoded."""

import re
import struct
from collections.abc import Callable, Iterator

from hmrm import limits
from hmrm.reading import DamagedError

Size = tuple[int, int]
_TIFF_WIDTHS = {1: 1, 3: 2, 4: 4, 16: 8}


def require_small(content: bytes) -> None:
    """Refuse an image whose header claims more pixels than the limit.

    Raises:
        DamagedError: it does, or its header is cut off.
    """
    try:
        sizes = list(claimed_sizes(content))
    except (struct.error, IndexError, ValueError) as error:
        raise DamagedError("is damaged: its header is cut off") from error
    most = limits.current().pixels
    for width, height in sizes:
        if width * height > most:
            raise DamagedError(
                f"claims {width} × {height} px; {limits.how_to_raise('pixels', width * height)}"
            )


def claimed_sizes(content: bytes) -> Iterator[Size]:
    """Width and height, px, of each image in a file; none for a format that is not known."""
    for magic, read in _FORMATS.items():
        if content.startswith(magic):
            yield from read(content)


def _png(content: bytes) -> Iterator[Size]:
    yield struct.unpack_from(">II", content, 16)


def _jpeg(content: bytes) -> Iterator[Size]:
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            at += 1
            continue
        kind = content[at + 1]
        if kind in (0x00, 0xFF) or 0xD0 <= kind <= 0xD9:
            at += 1 if kind == 0xFF else 2
            continue
        if kind == 0xDA:
            return
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, at + 5)
            yield width, height
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")


def _bmp(content: bytes) -> Iterator[Size]:
    (header,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", content, 18)
    yield abs(width), abs(height)


def _gif(content: bytes) -> Iterator[Size]:
    yield struct.unpack_from("<HH", content, 6)


def _netpbm(content: bytes) -> Iterator[Size]:
    bare = re.sub(rb"#[^\r\n]*", b" ", content[:4096])
    found = re.match(rb"P[1-6Ff]\s+(\d{1,12})\s+(\d{1,12})", bare)
    if found is not None:
        yield int(found[1]), int(found[2])
    words = dict(re.findall(rb"\n(WIDTH|HEIGHT)\s+(\d{1,12})", bare))
    if content.startswith(b"P7") and len(words) == 2:
        yield int(words[b"WIDTH"]), int(words[b"HEIGHT"])


def _webp(content: bytes) -> Iterator[Size]:
    if content[8:12] != b"WEBP":
        return
    kind = content[12:16]
    if kind == b"VP8X":
        yield (
            1 + int.from_bytes(content[24:27], "little"),
            1 + int.from_bytes(content[27:30], "little"),
        )
    elif kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        yield width & 0x3FFF, height & 0x3FFF
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        yield 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def _tiff(content: bytes) -> Iterator[Size]:
    """Of the first directory, which is what is decoded; also of BigTIFF."""
    order = "<" if content[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", content, 2)
    big = version == 43
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), content, at)
    at += 8 if big else 2
    found: dict[int, int] = {}
    for number in range(min(count, 4096)):
        place = at + number * (20 if big else 12)
        tag, kind = struct.unpack_from(order + "HH", content, place)
        if tag in (256, 257) and kind in _TIFF_WIDTHS:
            start = place + (12 if big else 8)
            raw = content[start : start + _TIFF_WIDTHS[kind]]
            found[tag] = int.from_bytes(raw, "little" if order == "<" else "big")
    if len(found) == 2:
        yield found[256], found[257]


_FORMATS: dict[bytes, Callable[[bytes], Iterator[Size]]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"\xff\xd8\xff": _jpeg,
    b"BM": _bmp,
    b"GIF8": _gif,
    **{f"P{kind}".encode(): _netpbm for kind in "1234567Ff"},
    b"RIFF": _webp,
    b"II": _tiff,
    b"MM": _tiff,
}
