"""GRU-AOFE with trained weights behind the interface that all estimators share.

Importing this needs no torch; the first estimate does.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from hmrm.errors import MissingExtraError
from hmrm.flow.gru_aofe.edges import correct_edges

if TYPE_CHECKING:
    from hmrm.flow.gru_aofe.network import GruAofe

SHIPPED = Path(__file__).resolve().parents[2] / "weights/gru-aofe.safetensors"


@dataclass(frozen=True, kw_only=True)
class GruAofeFlow:
    """Flow of the network, on the CPU, one pair at a time.

    Attributes:
        weights: a ``.safetensors`` file with its card next to it.
        iterations: refinements; None takes as many as the weights were trained with.
        edges: take in classical methods at sharp edges of motion (``edges.py``); False is the
            network alone.
    """

    weights: Path = SHIPPED
    iterations: int | None = None
    edges: bool = True

    def __call__(
        self, onset: UInt8[np.ndarray, "h w"], apex: UInt8[np.ndarray, "h w"]
    ) -> Float32[np.ndarray, "2 h w"]:
        """Flow from onset to apex in px, u right and v down."""
        return self.with_expected_error(onset, apex)[0]

    def with_expected_error(
        self, onset: UInt8[np.ndarray, "h w"], apex: UInt8[np.ndarray, "h w"]
    ) -> tuple[Float32[np.ndarray, "2 h w"], Float32[np.ndarray, "h w"]]:
        """Flow, and the length of the error that the network expects at each pixel, px.

        Near sharp edges the error is still that of the network's own flow.

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
        flow, expected_px = found.flow[0].numpy(), found.log_error[0, 0].exp().numpy()
        return correct_edges(flow, onset, apex) if self.edges else flow, expected_px


@lru_cache(maxsize=4)
def _network(path: Path) -> "GruAofe":
    try:
        from hmrm.flow.gru_aofe.weights import load_flow_weights
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"flow method gru-aofe: needs {error.name}; install hmrm[torch], or take deepflow"
        ) from error
    return load_flow_weights(path)[0]
