"""Which damage suits which file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from fuzz.mutators import (
    archives,
    csv_cells,
    images,
    json_values,
    raw,
    tensors,
    toml_text,
    videos,
    workbooks,
)

Mutator = Callable[[bytes, Random], bytes]

BY_SUFFIX: Mapping[str, tuple[Mutator, ...]] = {
    ".json": json_values.MUTATORS,
    ".jsonl": (json_values.line_by_line,),
    ".toml": toml_text.MUTATORS,
    **dict.fromkeys((".csv", ".txt"), csv_cells.MUTATORS),
    ".xlsx": workbooks.MUTATORS,
    ".npz": archives.MUTATORS,
    ".npy": archives.ARRAYS,
    ".safetensors": tensors.MUTATORS,
    ".png": images.PNG,
    **dict.fromkeys((".jpg", ".jpeg"), images.JPEG),
    **dict.fromkeys((".tif", ".tiff"), images.TIFF),
    ".gif": images.GIF,
    **dict.fromkeys((".bmp", ".ppm", ".pgm", ".flo", ".pfm"), videos.FLOWS),
    **dict.fromkeys((".mp4", ".mkv", ".avi", ".webm", ".mov"), videos.VIDEOS),
}
"""Damage that knows the format; damage to bytes suits every file."""

_RAW_FRACTION = 0.3

_MOST_BYTES = 1 << 28
"""Of a damaged file, as a mutator applied twice can multiply its size."""


def damage(path: Path, rng: Random) -> str:
    """Change one file; the words that describe how."""
    known = BY_SUFFIX.get(path.suffix.lower(), ())
    chosen = raw.MUTATORS if not known or rng.random() < _RAW_FRACTION else known
    mutator = rng.choice(chosen)
    path.write_bytes(mutator(path.read_bytes(), rng)[:_MOST_BYTES])
    return f"{mutator.__module__.rsplit('.', 1)[-1]}.{mutator.__name__}"
