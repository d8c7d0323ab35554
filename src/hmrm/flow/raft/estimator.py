"""RAFT with weights of the user's behind the interface that all estimators share.

Importing this needs no torch; the first estimate does. No weights are shipped: published
checkpoints have licences of their own.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from hmrm.errors import MissingExtraError

if TYPE_CHECKING:
    from hmrm.flow.raft.network import Raft

PREFIX = "raft:"
"""A method's name is this and a file: ``raft:weights/raft_small.safetensors``."""


@dataclass(frozen=True, kw_only=True)
class RaftFlow:
    """Flow of the network, on the CPU, one pair at a time.

    RAFT was trained on coloured images; estimators here are given grey ones, which stand for all
    three channels.

    Attributes:
        weights: a ``.safetensors`` file of ``hmrm weights raft`` or ``hmrm train flow``.
        iterations: refinements; None takes the card's, 12 in published checkpoints.
    """

    weights: Path
    iterations: int | None = None

    def __call__(
        self, onset: UInt8[np.ndarray, "h w"], apex: UInt8[np.ndarray, "h w"]
    ) -> Float32[np.ndarray, "2 h w"]:
        """Flow from onset to apex in px, u right and v down.

        Raises:
            MissingExtraError: torch is not installed.
            WeightsError: the weights are missing or damaged.
        """
        network = _network(self.weights)
        import torch

        first, second = (
            torch.from_numpy(image.astype(np.float32))[None, None] for image in (onset, apex)
        )
        with torch.inference_mode():
            found = network(first, second, iterations=self.iterations)[-1]
        return np.ascontiguousarray(found.flow[0].numpy())


@lru_cache(maxsize=4)
def _network(path: Path) -> "Raft":
    try:
        from hmrm.flow.raft.weights import load_raft_weights
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"flow method {PREFIX}{path}: needs {error.name}; install hmrm[torch], or take deepflow"
        ) from error
    return load_raft_weights(path)[0]
