"""How a network of ours answers, whatever runs it: torch and OpenCV share every step but its own.

A clip and its mirror image are classified and their **logits** averaged, since no class has a
side. Averaging probabilities instead would let the less decided view weigh less; the same weights
must answer alike wherever they are asked. Every clip runs alone, so its neighbours cannot change
a bit.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from hmrm.errors import DataError, NumericalError
from hmrm.flow.pair import mirrored_maps
from hmrm.model.sizes import HMRMConfig

Maps = Float32[np.ndarray, "n 3 s s"]


class Answer(NamedTuple):
    """What a network says of one clip.

    ``probabilities`` of the classes; ``contributions``: how much each fine region's motion speaks
    for the most probable one (`hmrm.model.network.HMRM.region_contributions`).
    """

    probabilities: Float[np.ndarray, " k"]
    contributions: Float[np.ndarray, "16"]


def check_maps(maps: Float[np.ndarray, "..."], config: HMRMConfig) -> None:
    """Refuse maps that a network cannot classify.

    Raises:
        DataError: wrong size, or a map without any motion.
        NumericalError: NaN or infinity in a map.
    """
    check_shape(maps.shape, config)
    flat = maps.reshape(len(maps), -1)
    bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    if len(bad):
        raise NumericalError(f"flow map {bad[0]}: holds NaN or infinity; recompute or skip it")
    still = np.flatnonzero((flat == 0).all(axis=1))
    if len(still):
        raise DataError(
            f"flow map {still[0]}: all zero, no motion at all; onset and apex are the same "
            "image, or the map was never filled"
        )


def check_shape(shape: tuple[int, ...], config: HMRMConfig) -> None:
    """Refuse maps of another size.

    Raises:
        DataError: it is not ``(n, channels, map_size, map_size)``.
    """
    size = (config.channels, config.map_size, config.map_size)
    if len(shape) != 4 or tuple(shape[1:]) != size:
        raise DataError(
            f"flow maps of shape {tuple(shape)}: this network takes (n, "
            f"{', '.join(map(str, size))}); set network.map_size, take weights "
            f"for this size, or make maps of it (hmrm datasets prepare --size)"
        )


def mean_logits(
    maps: Maps, logits: Callable[[Maps], Float[np.ndarray, "n k"]], *, mirror_test: bool = True
) -> Float[np.ndarray, "n k"]:
    """Mean of the logits of each clip and its mirror image, float64.

    Args:
        logits: what the network gives for a batch.
        mirror_test: False asks for the clip alone.
    """
    rows = []
    for i in range(len(maps)):
        views = maps[i : i + 1]
        if mirror_test:
            views = np.concatenate([views, mirrored_maps(views)])
        rows.append(logits(views).astype(np.float64).mean(0))
    return np.stack(rows)


def softmax(logits: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Probabilities; a row adds up to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
