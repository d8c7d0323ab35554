"""The recognition network through OpenCV: the same answers as `fitted_network`, without torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from hmrm import config
from hmrm.dnn import TENSORS_DIGEST, ExportedNetwork, read_onnx
from hmrm.errors import WeightsError
from hmrm.faces.regions import FINE
from hmrm.model import inference
from hmrm.model.inference import Maps
from hmrm.model.weight_card import NETWORK, WeightCard, onnx_path, read_card
from hmrm.parallel import one_opencv_thread

_STEP = 1 / 256
"""By which a region's motion grows where torch takes a derivative: small enough for the same
region on all 442 clips of MEGC 2019, large enough for float32."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExportedHmrm:
    """A trained HMRM network of an ONNX file; see `hmrm.model.contract.FittedRecogniser`.

    Attributes:
        network: gives the classes' logits.
        card: of the weights.
        sha256: hex digest of the tensors that it was exported from.
    """

    network: ExportedNetwork
    card: WeightCard
    sha256: str

    def check(self, maps: Maps) -> None:
        """Refuse maps from outside that the network cannot classify.

        Raises:
            DataError: wrong size, or a map without any motion.
            NumericalError: NaN or infinity in a map.
        """
        inference.check_maps(maps, self.card.config)

    def predict(self, maps: Maps) -> Float[np.ndarray, "n classes"]:
        """Probabilities, float64; a row adds up to 1."""
        return inference.softmax(inference.mean_logits(maps, self.logits))

    def logits(self, maps: Maps) -> Float32[np.ndarray, "n classes"]:
        """What the network gives for the maps as they are, all at once."""
        with one_opencv_thread():
            return self.network(maps)[0]

    def contributions(
        self, flow_map: Float32[np.ndarray, "3 s s"], target: int
    ) -> Float[np.ndarray, "16"]:
        """How much each fine region's motion speaks for a class.

        As `hmrm.model.network.HMRM.region_contributions`, with a difference in the place of the
        derivative, which OpenCV does not give.
        """
        grown = np.repeat(flow_map[None], len(FINE) + 1, axis=0)
        side = self.card.config.map_size
        for values, region in zip(grown[1:], FINE, strict=True):
            left, top, right, bottom = (round(side * edge) for edge in region.box_xyxy)
            values[:, top:bottom, left:right] *= 1 + _STEP
        logits = self.logits(grown).astype(np.float64)
        chosen = logits[:, target] - logits.mean(1)
        return (chosen[1:] - chosen[0]) / _STEP


def load_exported(name_or_path: str | Path) -> ExportedHmrm | None:
    """A network that was exported, by shipped name or path; None where there is no ONNX file.

    Raises:
        WeightsError: missing card, damaged, not exported from these weights, or never trained.

    Example:
        >>> network = load_exported("hmrm-synthetic")
        >>> network.predict(np.ones((1, 3, 28, 28), np.float32)).shape
        (1, 4)
    """
    path = onnx_path(name_or_path)
    if path is None:
        return None
    card, digest = read_card(path.with_suffix(".safetensors"))
    network = read_onnx(path, network=NETWORK, outputs=("logits",))
    expected = statement(card, digest)
    if {key: network.metadata.get(key) for key in expected} != expected:
        raise WeightsError(
            f"{path}: was not exported from the weights that {path.with_suffix('.json').name} "
            f"describes (digest differs); export them again: hmrm weights export {name_or_path}"
        )
    return ExportedHmrm(network=network, card=card, sha256=digest)


def statement(card: WeightCard, sha256: str) -> dict[str, str]:
    """What an exported file must state of itself to belong to a card and its tensors."""
    return {
        "network": NETWORK,
        TENSORS_DIGEST: sha256,
        "config": config.digest(card.config),
        "classes": ", ".join(card.classes),
    }
