"""Images and GIFs that claim or hold more than any camera gives."""

import struct
import zlib
from pathlib import Path
from random import Random

from damaged_files import Make

from fuzz.mutators import images
from fuzz.seeds import media


def large_png(name: str) -> Make:
    """An image folder, one of whose PNGs is 30,000 × 30,000 px in 100 kB."""

    def make(folder: Path, kit: Path) -> None:
        media.image_folder(".png")(folder, kit)
        (folder / "clip" / name).write_bytes(images.png_large(b"", Random(0)))

    return make


def claimed_png(folder: Path, kit: Path) -> None:
    """An image folder whose first PNG claims 30,000 × 30,000 px that it does not hold."""
    media.image_folder(".png")(folder, kit)
    path = folder / "clip" / "img001.png"
    content = path.read_bytes()
    header = struct.pack(">II", 30_000, 30_000) + content[24:29]
    check = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    path.write_bytes(content[:16] + header + check + content[33:])


def large_jpeg(folder: Path, kit: Path) -> None:
    """A pair whose JPEGs claim 30,000 × 30,000 px."""
    media.pair(".jpg")(folder, kit)
    for path in folder.iterdir():
        content = path.read_bytes()
        start = content.index(b"\xff\xc0") + 5
        sides = struct.pack(">HH", 30_000, 30_000)
        path.write_bytes(content[:start] + sides + content[start + 4 :])


def claiming_gif(folder: Path, kit: Path) -> None:
    """A GIF of small images on a canvas of 11,000 × 11,000 px."""
    media.video(".gif")(folder, kit)
    path = folder / "clip.gif"
    content = path.read_bytes()
    path.write_bytes(content[:6] + struct.pack("<HH", 11_000, 11_000) + content[10:])


def large_flow_png(folder: Path, kit: Path) -> None:
    """A PNG of 30,000 × 30,000 px under the name of a flow."""
    (folder / "flow.png").write_bytes(images.png_large(b"", Random(0)))
