"""Classifies a movement with a trained network, and says which region decided."""

from dataclasses import dataclass
from pathlib import Path

from hmrm import provenance
from hmrm.analysis.settings import Classification, Classifier
from hmrm.clip import FlowMap
from hmrm.errors import MissingExtraError, WeightsError
from hmrm.faces.crops import CANONICAL
from hmrm.faces.regions import FINE

DEFAULT_WEIGHTS = "hmrm-synthetic"
"""Trained on synthetic motion alone: no licence of a data set binds it."""


@dataclass(frozen=True, kw_only=True)
class WeightsOrigin:
    """Which weights gave the classes: name, hex sha256 of the file, what they were trained on."""

    weights: str
    sha256: str
    trained_on: str


class NetworkClassifier:
    """A `Classifier` made of shipped weights, or of any checkpoint of the network.

    It answers as the same weights do under the protocol: see
    `hmrm.model.fitted_network.FittedHmrm`.

    Attributes:
        classes: names in label order; ``none`` among them means: no expression.
        origin: which weights these are.

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
                f"classifying movements needs {error.name}: pip install 'hmrm[torch]', "
                "or leave them unclassified (--weights none)"
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
        self.origin = WeightsOrigin(
            weights=path.stem, sha256=provenance.sha256(path), trained_on=card.trained_on
        )

    def __call__(self, flow_map: FlowMap) -> Classification:
        """Class probabilities of a flow map, and the region that contributed most to the likeliest.

        Raises:
            DataError: a map of another size, or without any motion.
            NumericalError: NaN or infinity in the map.
        """
        import torch

        maps = flow_map.values[None]
        self._fitted.check(maps)
        probabilities = self._fitted.predict(maps)[0]
        best = torch.tensor([int(probabilities.argmax())])
        contributions = self._fitted.network.region_contributions(torch.from_numpy(maps), best)[0]
        return Classification(
            probabilities=dict(zip(self.classes, probabilities.tolist(), strict=True)),
            decisive_region=FINE[int(contributions.argmax())].name,
        )


def open_classifier(classifier: Classifier | str | Path | None) -> Classifier | None:
    """A classifier as it is; weights, by shipped name or path, as a `NetworkClassifier`.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: missing, damaged, or trained on another crop.
    """
    return NetworkClassifier(classifier) if isinstance(classifier, str | Path) else classifier


def origin_of(classifier: Classifier | None) -> WeightsOrigin | None:
    """Which weights a classifier is made of; None where it is made of none."""
    return classifier.origin if isinstance(classifier, NetworkClassifier) else None
