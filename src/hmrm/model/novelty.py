"""Whether a flow map looks like those that networks here were trained on.

A class means nothing where the map shows no face the right way up: the face was found wrongly, the
head moved, or the flow is noise. Probabilities do not show it: a network is sure of such maps, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float

from hmrm.arrays import read_arrays
from hmrm.errors import WeightsError
from hmrm.reading import DamagedError

SIDE = 28
"""Cells of the maps that are compared; others are resampled."""

_HALF = SIDE // 2
_BLUR_CELLS = 1.0
_BANDS_CELLS = (0.7, 1.5, 3.0, 6.0)
_TINY = 1e-6
_AXES = {"mean": "f", "spread": "f", "first": "fh", "first_bias": "h", "second": "h"}
_NUMBERS = ("second_bias", "most")


@dataclass(frozen=True, kw_only=True, eq=False)
class NoveltyDetector:
    """Small networks that distinguish maps of faces from maps made wrong on purpose, as one.

    Attributes:
        mean, spread: of the features in training.
        first, first_bias: their first layers, side by side.
        second, second_bias: to the mean of their logits.
        most: score beyond which a map counts as unlike training: 5 % of clips of unseen subjects.
    """

    mean: Float[np.ndarray, " f"]
    spread: Float[np.ndarray, " f"]
    first: Float[np.ndarray, "f h"]
    first_bias: Float[np.ndarray, " h"]
    second: Float[np.ndarray, " h"]
    second_bias: float
    most: float

    def scores(self, maps: Float[np.ndarray, "n c s s"]) -> Float[np.ndarray, " n"]:
        """Logit of being wrong: the higher, the less a map looks like those of training.

        Args:
            maps: canonical form (``hmrm.flow.mapset.canonical_form``); u and v alone are read.
        """
        rows = (features(maps) - self.mean) / self.spread
        hidden = np.maximum(rows @ self.first + self.first_bias, 0.0)
        return np.asarray(hidden @ self.second + self.second_bias)

    def unlike(self, maps: Float[np.ndarray, "n c s s"]) -> Bool[np.ndarray, " n"]:
        """Which maps are unlike those of training.

        Example:
            >>> import numpy as np
            >>> from hmrm.model.novelty import read_novelty
            >>> from hmrm.model.weight_card import weights_path
            >>> novelty = read_novelty(weights_path("hmrm-synthetic"))
            >>> noise = np.random.default_rng(0).normal(size=(1, 3, 28, 28)).astype(np.float32)
            >>> bool(novelty.unlike(noise)[0])
            True
        """
        return self.scores(maps) > self.most


def features(maps: Float[np.ndarray, "n c s s"]) -> Float[np.ndarray, "n f"]:
    """What maps are compared by, whatever the strength of the motion.

    The blurred motion at half the resolution, scaled to one length; how fine it is (logarithms of
    its energy in bands of detail); and how much of it no affine motion explains.

    Args:
        maps: canonical form; u and v are read.
    """
    flow = np.stack([_resampled(values[:2]) for values in maps]).astype(np.float64)
    flow /= np.maximum(np.sqrt((flow**2).mean(axis=(1, 2, 3), keepdims=True)), _TINY)
    count = len(flow)
    coarse = _blurred(flow, _BLUR_CELLS).reshape(count, 2, _HALF, 2, _HALF, 2).mean(axis=(3, 5))
    coarse = coarse.reshape(count, -1)
    coarse /= np.maximum(np.sqrt((coarse**2).mean(axis=1, keepdims=True)), _TINY)
    energies = []
    finer = flow
    for sigma in _BANDS_CELLS:
        coarser = _blurred(flow, sigma)
        energies.append(((finer - coarser) ** 2).mean(axis=(1, 2, 3)))
        finer = coarser
    energies.append((finer**2).mean(axis=(1, 2, 3)))
    flat = flow.reshape(count, 2, -1)
    affine = _affine()
    energies.append(((flat - flat @ affine @ affine.T) ** 2).mean(axis=(1, 2)))
    return np.concatenate([coarse, np.log(np.stack(energies, axis=1) + _TINY)], axis=1)


def _resampled(flow: Float[np.ndarray, "2 s s"]) -> Float[np.ndarray, "2 28 28"]:
    if flow.shape[-1] == SIDE:
        return flow
    return np.stack([cv2.resize(c, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for c in flow])


def _blurred(flow: Float[np.ndarray, "n 2 s s"], sigma: float) -> Float[np.ndarray, "n 2 s s"]:
    return np.stack([[cv2.GaussianBlur(c, (0, 0), sigma) for c in one] for one in flow])


@lru_cache(maxsize=1)
def _affine() -> Float[np.ndarray, "784 3"]:
    """Orthonormal basis of what one component of an affine motion can be."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] - (SIDE - 1) / 2
    basis = np.stack([np.ones(SIDE * SIDE), x.ravel(), y.ravel()], axis=1)
    return np.linalg.qr(basis).Q


def novelty_path(tensors: Path) -> Path:
    """Where the flag of a ``.safetensors`` file lies, if it has one."""
    return tensors.with_suffix(".novelty.npz")


@lru_cache(maxsize=4)
def read_novelty(tensors: Path) -> NoveltyDetector | None:
    """What ``hmrm weights novelty`` wrote next to weights; None where there is nothing.

    Args:
        tensors: path of the ``.safetensors`` file, which need not be there.

    Raises:
        WeightsError: damaged.
    """
    path = novelty_path(tensors)
    if not path.is_file():
        return None
    try:
        arrays = read_arrays(path, dict.fromkeys((*_AXES, *_NUMBERS), "f"))
        _require_whole(arrays)
    except (OSError, DamagedError) as error:
        raise WeightsError(f"{path}: {error}; make it again: hmrm weights novelty") from error
    values = {name: arrays[name].astype(np.float64) for name in _AXES}
    return NoveltyDetector(
        **values, second_bias=float(arrays["second_bias"]), most=float(arrays["most"])
    )


def _require_whole(arrays: Mapping[str, np.ndarray]) -> None:
    sizes = {"f": 2 * _HALF**2 + len(_BANDS_CELLS) + 2, "h": arrays["second"].size}
    for name, values in arrays.items():
        shape = tuple(sizes[axis] for axis in _AXES.get(name, ""))
        if values.shape != shape:
            raise DamagedError(f"array {name!r} has shape {values.shape}, expected {shape}")
        if not np.isfinite(values).all():
            raise DamagedError(f"array {name!r} holds NaN or infinity")
