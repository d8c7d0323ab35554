"""Shards of synthetic training data, read back from a training's folder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hmrm.arrays import read_arrays
from hmrm.errors import DataError
from hmrm.reading import DamagedError


def read_shard(
    path: Path, forms: Mapping[str, tuple[str, int]], count: int
) -> dict[str, np.ndarray]:
    """Arrays of ``count`` items each.

    Args:
        forms: name → letter of the kind of values, and number of axes.

    Raises:
        DataError: damaged, or of another form; to delete it has it made again.
    """
    try:
        found = read_arrays(path, {name: letter for name, (letter, _) in forms.items()})
    except (OSError, DamagedError) as error:
        raise DataError(f"{path}: {error}; delete it, and it is made again") from error
    for name, (_, axes) in forms.items():
        shape = found[name].shape
        if len(shape) != axes or shape[0] != count:
            raise DataError(
                f"{path}: {name} have shape {shape}, expected {count} of {axes} axes; delete it, "
                "and it is made again"
            )
    return found
