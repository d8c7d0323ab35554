"""Damage to zip archives, and to the NumPy arrays inside and outside of them."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

from fuzz.mutators import hostile, raw

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_MOST_READ = 1 << 24


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file of an archive as it is written, true or not.

    Attributes:
        packed: the bytes that follow the header.
        method: 0 stored, 8 deflate; anything else is unusual.
        checksum, size: of the unpacked content, as the headers state them.
    """

    name: bytes
    packed: bytes
    method: int
    checksum: int
    size: int
    flags: int = 0


def member(name: bytes, content: bytes) -> Member:
    """A member whose headers are true."""
    squeezer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = squeezer.compress(content) + squeezer.flush()
    return Member(
        name=name, packed=packed, method=8, checksum=zlib.crc32(content), size=len(content)
    )


@lru_cache(maxsize=4)
def filled(name: bytes, size: int, start: bytes = b"", end: bytes = b"") -> Member:
    """A member that is ``start``, ``size`` times ``x`` and ``end``, without ever holding them."""
    block = b"x" * (1 << 20)
    squeezer = zlib.compressobj(1, zlib.DEFLATED, -15)
    pieces, checksum = [squeezer.compress(start)], zlib.crc32(start)
    for left in range(size, 0, -len(block)):
        piece = block[:left]
        pieces.append(squeezer.compress(piece))
        checksum = zlib.crc32(piece, checksum)
    pieces += [squeezer.compress(end), squeezer.flush()]
    return Member(
        name=name,
        packed=b"".join(pieces),
        method=8,
        checksum=zlib.crc32(end, checksum),
        size=len(start) + size + len(end),
    )


def unpack(content: bytes) -> list[Member]:
    """The members of an archive; none where it is not one."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [
                member(info.filename.encode(), archive.read(info))
                for info in archive.infolist()
                if info.file_size < _MOST_READ
            ]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, zlib.error, RuntimeError):
        return []


def unpacked(one: Member) -> bytes:
    """The content of a member that `member` made."""
    return zlib.decompress(one.packed, -15) if one.method == 8 and one.size < _MOST_READ else b""


def pack(members: list[Member], *, comment: bytes = b"", count: int | None = None) -> bytes:
    """An archive of the members as they are."""
    body, directory = bytearray(), bytearray()
    for one in members:
        size, length = min(one.size, 0xFFFFFFFF), len(one.packed)
        common = (one.flags, one.method, 0, 33, one.checksum, length, size, len(one.name))
        directory += _CENTRAL.pack(b"PK\x01\x02", 20, 20, *common, 0, 0, 0, 0, 0, len(body))
        directory += one.name
        body += _LOCAL.pack(b"PK\x03\x04", 20, *common, 0) + one.name + one.packed
    number = len(members) if count is None else count
    tail = (len(directory), len(body), len(comment))
    end = _END.pack(b"PK\x05\x06", 0, 0, number, number, *tail)
    return bytes(body + directory) + end + comment


def damage_packed(content: bytes, rng: Random) -> bytes:
    """The packed bytes of one member, under headers that are true or not."""

    def change(one: Member) -> Member:
        kind = rng.randrange(3)
        if kind == 0:
            return replace(one, packed=raw.flip_bits(one.packed, rng))
        if kind == 1:
            return replace(one, packed=one.packed[: rng.randrange(len(one.packed) + 1)])
        return replace(one, packed=rng.randbytes(len(one.packed)))

    return _one_changed(content, rng, change)


def false_header(content: bytes, rng: Random) -> bytes:
    """A member's headers claim another method, size, checksum, or a password."""

    def change(one: Member) -> Member:
        return rng.choice(
            (
                replace(one, method=rng.choice((0, 1, 9, 12, 14, 93, 99))),
                replace(one, size=rng.choice((0, 1, 0xFFFFFFFE))),
                replace(one, checksum=one.checksum ^ 1),
                replace(one, flags=1),
                replace(one, flags=0x0820),
                replace(one, flags=8, checksum=0, size=0),
            )
        )

    return _one_changed(content, rng, change)


def members(content: bytes, rng: Random) -> bytes:
    """Members missing, twice, foreign, or under other names."""
    found = unpack(content)
    if not found:
        return pack([])
    place = rng.randrange(len(found))
    kind = rng.randrange(7)
    if kind == 0:
        del found[place]
    elif kind == 1:
        found.append(found[place])
    elif kind == 2:
        found[place] = replace(found[place], name=rng.choice(hostile.NAMES))
    elif kind == 3:
        found.append(member(rng.choice(hostile.NAMES), rng.randbytes(50)))
    elif kind == 4:
        found.append(member(rng.choice((b"../../outside", b"/tmp/outside", b"folder/")), b""))
    elif kind == 5:
        found[place] = replace(found[place], packed=found[place - 1].packed)
    else:
        return pack(found, comment=rng.randbytes(200), count=rng.choice((0, 1, 0xFFFF)))
    return pack(found)


def bomb(content: bytes, rng: Random) -> bytes:
    """A small member that unpacks to a gigabyte and more."""
    found = unpack(content)
    name = rng.choice(found).name if found and rng.random() < 0.5 else b"foreign.npy"
    kept = [one for one in found if one.name != name]
    if name.endswith(b".npy"):
        count = 3 << 29
        header = npy_header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count},), }}")
        return pack([*kept, filled(name, count, header)])
    return pack([*kept, filled(name, 3 << 29)])


def array_member(content: bytes, rng: Random) -> bytes:
    """One array of an npz, its archive whole."""
    found = unpack(content)
    if not found:
        return content
    place = rng.randrange(len(found))
    changed = rng.choice(ARRAYS)(unpacked(found[place]), rng)
    found[place] = member(found[place].name, changed)
    return pack(found)


def _one_changed(content: bytes, rng: Random, change: Callable[[Member], Member]) -> bytes:
    found = unpack(content)
    if not found:
        return raw.flip_bits(content, rng)
    place = rng.randrange(len(found))
    found[place] = change(found[place])
    return pack(found)


def npy_header(text: str, *, version: tuple[int, int] = (1, 0)) -> bytes:
    """The header of a .npy file with any text in it."""
    body = text.encode("utf-8", "replace") + b"\n"
    kind = "<H" if version[0] == 1 else "<I"
    most = 0xFFFF if version[0] == 1 else 0xFFFFFFFF
    return b"\x93NUMPY" + bytes(version) + struct.pack(kind, min(len(body), most)) + body


def header_shape(content: bytes, rng: Random) -> bytes:
    """A shape that the data do not have: empty, negative, enormous."""
    shapes = (
        *("()", "(0,)", "(-1,)", "(1,)", "(1000000000000,)", "(9223372036854775807, 2)"),
        *("(3, 0, 7)", "(99999999999999999999999,)", "(2147483648, 2147483648)", "(1.5,)"),
        *("(True,)", "'shape'", "(1,) * 3", "((1, 2),)", f"({'1,' * 70})", "(500000000,)"),
    )
    return _with_header(content, rng, r"'shape': \([^)]*\)", f"'shape': {rng.choice(shapes)}")


def header_type(content: bytes, rng: Random) -> bytes:
    """Another type of element, also those that nobody expects."""
    kinds = (
        *("'|O'", "'<U10'", "'<U0'", "'<U2000000000'", "'|S8'", "'|V16'", "'<M8[ns]'", "'<c16'"),
        *("'>f4'", "'<f2'", "'<f8'", "'|b1'", "'<i8'", "'|u1'", "'<g16'", "'x'", "''", "3"),
        *("[('a', '<f4'), ('b', '|O')]", "[('a', '<f4', (1000000,))]", "('<f4', (3,))", "None"),
    )
    changed = _with_header(content, rng, r"'descr': [^,]*", f"'descr': {rng.choice(kinds)}")
    if b"'|O'" in changed[:300] and rng.random() < 0.8:
        end = changed.index(b"\n") + 1
        return changed[:end] + b"\x80\x04chmrm_fuzz_sentinel\nfactory\n)R."
    return changed


def header_text(content: bytes, rng: Random) -> bytes:
    """A header that is no dictionary, or is one that costs much to read."""
    end = content.find(b"\n") + 1
    text = rng.choice(
        (
            "",
            "{",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}",
            "{'descr': '<f4'}",
            "__import__('hmrm_fuzz_sentinel')",
            "{'descr': '<f4', 'fortran_order': 3, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 28, 28)}",
            "(" * 200,
            hostile.deep("(", ")", rng),
            "[" * 9_000 + "]" * 9_000,
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3L,), }",
            "{'descr': \"'''",
            "\0\0\0",
            "9" * 6_000,
            "{'shape': (" + "1," * 3_000 + ")}",
        )
    )
    version = rng.choice(((1, 0), (1, 0), (2, 0), (3, 0), (9, 9), (0, 0)))
    return npy_header(text, version=version) + content[end:]


def _with_header(content: bytes, rng: Random, pattern: str, new: str) -> bytes:
    end = content.find(b"\n") + 1
    if end <= 10 or not content.startswith(b"\x93NUMPY"):
        return raw.flip_bits(content, rng)
    text = content[10:end].decode("latin-1").strip()
    changed = re.sub(pattern, lambda _: new, text, count=1)
    version = rng.choice(((1, 0), (1, 0), (2, 0), (3, 0)))
    return npy_header(changed, version=version) + content[end:]


def values(content: bytes, rng: Random) -> bytes:
    """NaN, infinities, noise or nothing where the values were."""
    end = content.find(b"\n") + 1
    length = len(content) - end
    special = struct.pack("<f", rng.choice((float("nan"), float("inf"), -3e38, 1e30)))
    return content[:end] + rng.choice(
        (
            rng.randbytes(min(length, 1 << 16)).ljust(length, b"\0"),
            b"\xff" * length,
            (special * (length // 4 + 1))[:length],
            b"\x7f" * length,
            content[end : end + length // 2],
            content[end:] + bytes(8),
        )
    )


ARRAYS = (header_shape, header_shape, header_type, header_type, header_text, values, raw.flip_bits)
"""For .npy files."""

ZIPS = (damage_packed, damage_packed, false_header, members, members, bomb)
"""For any archive."""

MUTATORS = (*ZIPS, *(array_member,) * 6)
"""For .npz files."""
