"""Damage to video containers and to flow files: their fields, claims and order."""

import re
from random import Random

from fuzz.mutators import raw
from fuzz.mutators.hostile import INTEGERS

_TAGS = (
    *(b"mvhd", b"tkhd", b"mdhd", b"stsd", b"avc1", b"avcC", b"stts", b"ctts", b"stsc", b"stsz"),
    *(b"stco", b"co64", b"elst", b"moov", b"trak", b"mdat", b"hdlr"),
    *(b"avih", b"strh", b"strf", b"idx1", b"movi", b"LIST", b"00dc", b"MJPG"),
    # Matroska: width, height, default duration, time scale, duration, block, codec, cluster.
    *(b"\xb0\x81", b"\xba\x81", b"\x23\xe3\x83", b"\x2a\xd7\xb1", b"\x44\x89", b"\xa3"),
    *(b"\x86\x8f", b"\x1f\x43\xb6\x75", b"\x63\xa2"),
)
_HUGE = ("30000 30000", "16384 16384", "999999999 999999999", "0 0", "-1 -1", "16 99999", "8")


def field(content: bytes, rng: Random) -> bytes:
    """A number behind the name of a box."""
    places = _places(content)
    if not places:
        return raw.overwrite_integer(content, rng)
    start = rng.choice(places) + rng.randrange(2, 48)
    width = rng.choice((1, 2, 4, 8))
    value = rng.choice(INTEGERS) % (1 << 8 * width)
    piece = value.to_bytes(width, rng.choice(("big", "little")))
    return content[:start] + piece + content[start + width :]


def box_size(content: bytes, rng: Random) -> bytes:
    """The length that stands before the name of a box."""
    places = [place for place in _places(content) if place >= 4]
    if not places:
        return raw.overwrite_integer(content, rng)
    place = rng.choice(places)
    return content[: place - 4] + rng.choice(INTEGERS).to_bytes(4) + content[place:]


def box_moved(content: bytes, rng: Random) -> bytes:
    """A box under another name, out of its order, or twice."""
    places = _places(content)
    if len(places) < 2:
        return raw.splice(content, rng)
    one, other = rng.choice(places), rng.choice(places)
    tag = content[other : other + 4]
    return rng.choice(
        (
            content[:one] + tag + content[one + 4 :],
            content[:one] + content[other:],
            content[: max(one, other)] + content[min(one, other) :],
        )
    )


def claimed_size(content: bytes, rng: Random) -> bytes:
    """A flow file or a plain bitmap whose header states another size."""
    if content[:2] in (b"PF", b"Pf", b"P6", b"P5", b"P3"):
        size = rng.choice(_HUGE)
        changed = re.sub(rb"(?<=\s)\d+\s+\d+(?=\s)", lambda _: size.encode(), content[:64], count=1)
        if rng.random() < 0.3:
            scale = rng.choice((b"\n0\n", b"\nnan\n", b"\n1e99\n", b"\n-1\n", b"\n65535\n"))
            changed = re.sub(rb"\n-?[\d.]+\n", lambda _: scale, changed, count=1)
        return changed + content[64:]
    sides = (rng.choice(INTEGERS), rng.choice(INTEGERS))
    start = rng.choice((4, 4, 18))
    return content[:start] + b"".join(s.to_bytes(4, "little") for s in sides) + content[start + 8 :]


def _places(content: bytes) -> list[int]:
    return [match.start() for tag in _TAGS for match in re.finditer(re.escape(tag), content)][:2000]


VIDEOS = (field, field, field, box_size, box_moved)
FLOWS = (claimed_size, claimed_size, claimed_size)
