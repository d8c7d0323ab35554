"""Classifies a movement with a trained network, and says which region decided."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

from hmrm import provenance
from hmrm.analysis.explain.regions import contributions, counterfactual
from hmrm.analysis.settings import Classification, Classifier
from hmrm.clip import FlowMap
from hmrm.errors import MissingExtraError, WeightsError
from hmrm.faces.crops import CANONICAL
from hmrm.faces.regions import FINE
from hmrm.model.calibration_file import read_calibration
from hmrm.model.exported import load_exported
from hmrm.model.inference import Answer
from hmrm.model.novelty import read_novelty
from hmrm.model.weight_card import WeightCard, onnx_path, tensor_path, weights_path

DEFAULT_WEIGHTS = "hmrm-synthetic"
"""Trained on synthetic motion alone: no licence of a data set binds it."""


_TINY = 1e-300
"""Keeps the logarithm of a probability finite."""


@dataclass(frozen=True, kw_only=True)
class WeightsOrigin:
    """Which weights gave the classes: name, hex sha256 of the tensors, what they saw."""

    weights: str
    sha256: str
    trained_on: str


@runtime_checkable
class _Network(Protocol):
    """What `hmrm.model.exported` and `hmrm.model.fitted_network` both are."""

    def check(self, maps: Float32[np.ndarray, "n 3 s s"]) -> None: ...

    def answer(self, flow_map: Float32[np.ndarray, "3 s s"]) -> Answer: ...

    def without_each_region(
        self, flow_map: Float32[np.ndarray, "3 s s"]
    ) -> Float[np.ndarray, "17 classes"]: ...

    def action_units(
        self, maps: Float32[np.ndarray, "n 3 s s"]
    ) -> Float[np.ndarray, "n units"]: ...


class NetworkClassifier:
    """A `Classifier` made of shipped weights, or of any checkpoint of the network.

    Weights that were exported run through OpenCV, so that a video is classified alike with and
    without torch; others need torch. They answer as under the protocol: see
    `hmrm.model.inference`.

    Attributes:
        classes: names in label order; ``none`` among them means: no expression.
        origin: which weights these are.
        calibration: of their probabilities; None where there is no calibration next to them.

    Raises:
        MissingExtraError: the weights were not exported and torch is not installed.
        WeightsError: missing, damaged, trained on another crop, or next to them the calibration of
            other weights.
    """

    def __init__(self, weights: str | Path = DEFAULT_WEIGHTS) -> None:
        self._network, card, sha256 = _opened(weights)
        if card.crop != CANONICAL.name:
            raise WeightsError(
                f"{weights}: trained on maps of crop {card.crop!r}, video gives "
                f"{CANONICAL.name!r}; take weights of that crop"
            )
        self.classes = card.classes
        self._units = card.action_units
        self.origin = WeightsOrigin(
            weights=tensor_path(Path(weights)).stem, sha256=sha256, trained_on=card.trained_on
        )
        tensors = tensor_path(onnx_path(weights) or weights_path(weights))
        self.calibration = read_calibration(tensors, sha256=sha256, classes=card.classes)
        self._novelty = read_novelty(tensors)

    def __call__(self, flow_map: FlowMap) -> Classification:
        """Class probabilities of a flow map, and the region that contributed most to the likeliest.

        Raises:
            DataError: a map of another size, or without any motion.
            NumericalError: NaN or infinity in the map.
        """
        self._network.check(flow_map.values[None])
        found = self._network.answer(flow_map.values)
        occluded = np.log(self._network.without_each_region(flow_map.values) + _TINY)
        plain = Classification(
            probabilities=dict(zip(self.classes, found.probabilities.tolist(), strict=True)),
            decisive_region=FINE[int(found.contributions.argmax())].name,
            contributions=contributions(occluded),
            counterfactual=counterfactual(occluded, self.classes),
            unit_probabilities=self._unit_probabilities(flow_map),
            unlike_training=self._unlike_training(flow_map),
        )
        if self.calibration is None:
            return plain
        calibrated = self.calibration.apply(plain.probabilities)
        return replace(
            plain,
            calibrated=calibrated.probabilities,
            class_set=calibrated.class_set,
            set_coverage=self.calibration.set_coverage,
        )

    def _unlike_training(self, flow_map: FlowMap) -> bool | None:
        if self._novelty is None:
            return None
        return bool(self._novelty.unlike(flow_map.values[None])[0])

    def _unit_probabilities(self, flow_map: FlowMap) -> dict[int, float] | None:
        if not self._units:
            return None
        numbers = (int(name.removeprefix("AU")) for name in self._units)
        found = self._network.action_units(flow_map.values[None])[0].tolist()
        return dict(zip(numbers, found, strict=True))


def _opened(weights: str | Path) -> tuple[_Network, WeightCard, str]:
    """The network, its card, and the digest of its tensors."""
    exported = load_exported(weights)
    if exported is not None:
        return exported, exported.card, exported.sha256
    path = weights_path(weights)
    try:
        from hmrm.model.checkpoints import load_model
        from hmrm.model.fitted_network import FittedHmrm
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{path}: needs {error.name}, which is not installed: pip install 'hmrm[torch]'; or "
            f"run, where that is installed, hmrm weights export {path.name}, and copy "
            f"{path.stem}.onnx and {path.stem}.json here; or classify nothing: --weights none"
        ) from error
    network, card = load_model(weights)
    return FittedHmrm(network=network), card, provenance.sha256(path)


def open_classifier(classifier: Classifier | str | Path | None) -> Classifier | None:
    """A classifier as it is; weights, by shipped name or path, as a `NetworkClassifier`.

    Raises:
        MissingExtraError, WeightsError: see `NetworkClassifier`.
    """
    return NetworkClassifier(classifier) if isinstance(classifier, str | Path) else classifier


def origin_of(classifier: Classifier | None) -> WeightsOrigin | None:
    """Which weights a classifier is made of; None where it is made of none."""
    return classifier.origin if isinstance(classifier, NetworkClassifier) else None
