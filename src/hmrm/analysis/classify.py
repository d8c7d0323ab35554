"""Names a movement with a trained network, and says which region decided."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hmrm import provenance
from hmrm.analysis.settings import Namer, Naming
from hmrm.clip import FlowMap
from hmrm.errors import MissingExtraError, WeightsError
from hmrm.faces.crops import CANONICAL
from hmrm.faces.regions import FINE

DEFAULT_WEIGHTS = "hmrm-synthetic"
"""Trained on drawn motion alone: no licence of a data set binds it."""


class NetworkNamer:
    """A `Namer` made of shipped weights, or of any checkpoint of the network.

    It answers as the same weights do under the protocol: see
    `hmrm.model.fitted_network.FittedHmrm`.

    Attributes:
        classes: names in label order; ``none`` among them means: no expression.
        provenance: name and digest of the weights.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: missing, damaged, or trained on another crop.
    """

    def __init__(self, weights: str | Path = DEFAULT_WEIGHTS) -> None:
        try:
            from hmrm.model.checkpoints import load_model, weights_path
            from hmrm.model.fitted_network import FittedHmrm
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"naming movements needs {error.name}: pip install 'hmrm[torch]', "
                "or leave them unnamed"
            ) from error
        network, card = load_model(weights)
        self._fitted = FittedHmrm(network=network)
        if card.crop != CANONICAL.name:
            raise WeightsError(
                f"{weights}: trained on maps of crop {card.crop!r}, video gives "
                f"{CANONICAL.name!r}; take weights of that crop"
            )
        self.classes = card.classes
        path = weights_path(weights)
        self.provenance: Mapping[str, Any] = {
            "weights": path.stem,
            "sha256": provenance.sha256(path),
            "trained_on": card.trained_on,
        }

    def __call__(self, flow_map: FlowMap) -> Naming:
        """Class probabilities of a flow map, and the fine region that spoke most for the first.

        Raises:
            DataError: a map of another size, or without any motion.
            NumericalError: NaN or infinity in the map.
        """
        import torch

        maps = flow_map.values[None]
        self._fitted.check(maps)
        probabilities = self._fitted.predict(maps)[0]
        best = torch.tensor([int(probabilities.argmax())])
        shares = self._fitted.network.region_contributions(torch.from_numpy(maps), best)[0]
        return Naming(
            probabilities=dict(zip(self.classes, probabilities.tolist(), strict=True)),
            decisive_region=FINE[int(shares.argmax())].name,
        )


def open_namer(namer: Namer | str | Path | None) -> Namer | None:
    """A namer as it is; weights, by shipped name or path, as a `NetworkNamer`.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: missing, damaged, or trained on another crop.
    """
    return NetworkNamer(namer) if isinstance(namer, str | Path) else namer


def origin(namer: Namer | None) -> Mapping[str, Any] | None:
    """What to write about a namer beside its results; None where nothing is known of it."""
    return namer.provenance if isinstance(namer, NetworkNamer) else None
