"""Damage to bytes, whatever they mean."""

from random import Random

from fuzz.mutators.hostile import INTEGERS


def flip_bits(content: bytes, rng: Random) -> bytes:
    """Up to sixteen bits."""
    if not content:
        return b"\xff"
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(content: bytes, rng: Random) -> bytes:
    """Anything from nothing to all but one byte."""
    kept = rng.choice((0, 1, len(content) // 2, len(content) - 1, rng.randrange(len(content) + 1)))
    return content[: max(kept, 0)]


def extend(content: bytes, rng: Random) -> bytes:
    """Zeros, noise, or the content again."""
    count = rng.choice((1, 7, 512, 70_000))
    more = rng.choice((bytes(count), rng.randbytes(count), content[: 1 << 20]))
    return content + more if rng.random() < 0.8 else more + content


def splice(content: bytes, rng: Random) -> bytes:
    """A stretch of the content over another."""
    if len(content) < 4:
        return content * 3
    length = rng.randrange(1, max(2, min(len(content) // 2, 4_000)))
    source, target = (rng.randrange(len(content)) for _ in range(2))
    piece = content[source : source + length]
    return content[:target] + piece + content[target + rng.choice((0, len(piece))) :]


def cut_out(content: bytes, rng: Random) -> bytes:
    """Without a stretch in the middle."""
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start + rng.randrange(1, max(2, len(content) // 4)) :]


def overwrite_integer(content: bytes, rng: Random) -> bytes:
    """One, two, four or eight bytes, either end first, that a header might hold."""
    width = rng.choice((1, 2, 4, 4, 8))
    if len(content) < width:
        return content + b"\xff"
    # Most that matters stands near the beginning.
    last = len(content) - width
    start = rng.randrange(min(last, rng.choice((64, 1_000, last))) + 1)
    value = rng.choice(INTEGERS) % (1 << 8 * width)
    piece = value.to_bytes(width, rng.choice(("big", "little")))
    return content[:start] + piece + content[start + width :]


def overwrite_block(content: bytes, rng: Random) -> bytes:
    """A block of zeros, ones or noise, as a damaged disk leaves it."""
    length = rng.choice((16, 512, 4096))
    start = rng.randrange(len(content) + 1)
    piece = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    return (content[:start] + piece + content[start + length :])[: len(content)]


def foreign(content: bytes, rng: Random) -> bytes:
    """Another kind of file under this name."""
    del content
    return rng.choice(
        (
            b"",
            b"\0" * 1000,
            b"<!DOCTYPE html><html><body>404</body></html>",
            b"PK\x05\x06" + bytes(18),
            b"\x80\x04chmrm_fuzz_sentinel\nfactory\n)R.",
            b"#!/bin/sh\ntouch shell-ran\n",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"{}",
            b"[]",
            b"\xff\xfe" + "text".encode("utf-16-le"),
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        )
    )


MUTATORS = (
    flip_bits,
    flip_bits,
    truncate,
    extend,
    splice,
    cut_out,
    overwrite_integer,
    overwrite_integer,
    overwrite_block,
    foreign,
)
