"""How much one file may ask for: checked before the work, so that a small file costs little.

Raise single limits with an environment variable: ``HMRM_LIMITS="pixels=100000000,cells=1000000"``.
"""

import os
from dataclasses import dataclass, fields
from functools import lru_cache

from hmrm.errors import ConfigError, shortened

VARIABLE = "HMRM_LIMITS"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """One number per kind of claim; the defaults are far beyond published data sets.

    Attributes:
        pixels: of one image or frame; 8K video has 33.2 million.
        held_pixels: of all parts of frames that are held at once while apexes are looked for;
            anything else holds one frame after the other.
        toml_bytes, json_bytes, text_bytes: of a config, a JSON file, a text table.
        json_values: of a JSON file: lists, tables, and what stands in them.
        file_bytes: of any other file that is read as a whole: image, workbook, arrays, weights.
        members: of an archive.
        unpacked_bytes: of all arrays of an archive.
        workbook_bytes: of an .xlsx file, unpacked.
        elements: that the header of one array claims.
        cells: of a workbook; also those that the short rows of a text table lack.
        rows: of a text table.
        frame_rows: of a frames.csv of ours, one for each face of a frame.
        merged_ranges, merged_cells: of one sheet: ranges, and cells under all of them.
        cell_letters: of one cell.
        seeds: of an evaluation.
        depth: of nested lists and tables in JSON and TOML; also parts of a dotted key.
        digits: of an integer in a file.
        network_width, network_depth, network_side, network_taps: of a network that a config or a
            card describes: channels, blocks, px of its map, taps of a kernel or
            tokens a side.
        upload_bytes: of one video that is sent to ``hmrm serve``.
        video_s: length of one video that ``hmrm serve`` analyses, as the file states it.
        worker_bytes, worker_s: memory and time of the process that analyses one video there.
        decoder_bytes, decoder_s: the same of the process that decodes single frames, per frame.
    """

    pixels: int = 1 << 25
    held_pixels: int = 1 << 28
    toml_bytes: int = 1 << 18
    json_bytes: int = 1 << 24
    text_bytes: int = 1 << 25
    json_values: int = 1_000_000
    file_bytes: int = 1 << 28
    members: int = 4096
    unpacked_bytes: int = 1 << 28
    workbook_bytes: int = 1 << 25
    elements: int = 1 << 27
    cells: int = 250_000
    rows: int = 200_000
    frame_rows: int = 500_000
    merged_ranges: int = 10_000
    merged_cells: int = 250_000
    cell_letters: int = 131_072
    seeds: int = 1000
    depth: int = 50
    digits: int = 18
    network_width: int = 4096
    network_depth: int = 64
    network_side: int = 1024
    network_taps: int = 64
    upload_bytes: int = 1 << 33
    video_s: int = 14_400
    worker_bytes: int = 1 << 33
    worker_s: int = 86_400
    decoder_bytes: int = 1 << 31
    decoder_s: int = 120


@lru_cache
def _read(text: str) -> Limits:
    known = {field.name for field in fields(Limits)}
    raised: dict[str, int] = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        name, _, value = part.partition("=")
        if name not in known or not value.isascii() or not value.isdecimal() or len(value) > 18:
            raise ConfigError(
                f"{VARIABLE}: {part[:60]!r} is no limit; give NAME=NUMBER, commas between, with "
                f"the names {', '.join(sorted(known))}"
            )
        raised[name] = int(value)
    return Limits(**raised)


def current() -> Limits:
    """The limits of this process.

    Raises:
        ConfigError: the environment variable names no limit.
    """
    return _read(os.environ.get(VARIABLE, ""))


def require_network(**sizes: int) -> None:
    """Refuse a network that is far larger than any of its kind, before it is built.

    Args:
        sizes: ``width``, ``depth``, ``side`` or ``taps`` of `Limits`.

    Raises:
        ConfigError: one is beyond its limit.
    """
    for name, value in sizes.items():
        if value > getattr(current(), f"network_{name}"):
            raise ConfigError(
                f"a network of {name} {shortened(value)}: {how_to_raise(f'network_{name}', value)}"
            )


def how_to_raise(name: str, value: int) -> str:
    """What a message advises where ``value`` is beyond the limit called ``name``."""
    most = getattr(current(), name)
    return f"the limit is {most}; if it is right, set {VARIABLE}={name}={shortened(value)}"
