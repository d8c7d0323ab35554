"""The recognition network through OpenCV: the same answers as `fitted_network`, without torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from hmrm import config
from hmrm.dnn import TENSORS_DIGEST, ExportedNetwork, read_onnx
from hmrm.errors import WeightsError
from hmrm.faces.regions import FINE, MIRRORED_FINE
from hmrm.flow.pair import mirrored_maps
from hmrm.model import inference
from hmrm.model.inference import Answer, Maps
from hmrm.model.sizes import FINE_PER_COARSE
from hmrm.model.weight_card import NETWORK, WeightCard, onnx_path, read_card
from hmrm.parallel import one_opencv_thread

VIEWS = 2
"""Of a clip: itself and its mirror image."""
MAPS = VIEWS + FINE_PER_COARSE
"""That the network takes at once: both views, and the clip with every first, second, third and
fourth fine region of each coarse one grown."""

LOGITS, UNITS = "logits", "units"
"""Outputs of the file; the second where the network has a head for action units."""

_GROWTH = 1 / 256
"""By which a region's motion grows where torch takes a derivative: small enough for the same
decisive region as torch on 881 of 884 real maps, large enough for float32."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExportedHmrm:
    """A trained HMRM network of an ONNX file; see `hmrm.model.contract.FittedRecogniser`.

    Attributes:
        network: six maps of a clip → logits of both views, and with each fine region changed; of
            the classes, and of action units where there is a head for them.
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
        return inference.softmax(inference.mean_logits(maps, lambda x: self._logits(x)[:VIEWS]))

    def answer(self, flow_map: Float32[np.ndarray, "3 s s"]) -> Answer:
        """Probabilities, and which region speaks for the most probable class.

        As `hmrm.model.fitted_network.FittedHmrm.answer`, with a difference in the place of the
        derivative, which OpenCV does not give.
        """
        rows: list[np.ndarray] = []

        def views_of(views: Maps) -> Float32[np.ndarray, "2 classes"]:
            rows.append(self._logits(views))
            return rows[0][:VIEWS]

        probabilities = inference.softmax(inference.mean_logits(flow_map[None], views_of))[0]
        logits = rows[0].astype(np.float64)
        chosen = logits[:, probabilities.argmax()] - logits.mean(1)
        return Answer(probabilities, (chosen[VIEWS:] - chosen[0]) / _GROWTH)

    def without_each_region(
        self, flow_map: Float32[np.ndarray, "3 s s"]
    ) -> Float[np.ndarray, "17 classes"]:
        """Probabilities of the clip, and of the clip without the motion of each fine region.

        Of both mirror views, as `predict`; where a region's motion is taken away, nothing moves.
        """
        rows = []
        own, clip = list(range(len(FINE))), flow_map[None]
        for values, order in ((clip, own), (mirrored_maps(clip), MIRRORED_FINE)):
            logits = self._logits(np.repeat(values, VIEWS, axis=0), times=0.0)
            rows.append(np.concatenate([logits[:1], logits[VIEWS:][order]]))
        return inference.softmax(np.stack(rows).astype(np.float64).mean(axis=0))

    def action_units(self, maps: Maps) -> Float[np.ndarray, "n units"]:
        """Probabilities of the action units, 0 to 1; no columns where there is no such head."""
        if not self.card.action_units:
            return np.empty((len(maps), 0))
        logits = inference.mean_logits(maps, lambda x: self._outputs(x, times=1.0)[1][:VIEWS])
        return 1 / (1 + np.exp(-logits))

    def _logits(
        self, views: Float32[np.ndarray, "2 c s s"], times: float = 1 + _GROWTH
    ) -> Float32[np.ndarray, "18 classes"]:
        return self._outputs(views, times)[0]

    def _outputs(
        self, views: Float32[np.ndarray, "2 c s s"], times: float
    ) -> tuple[np.ndarray, ...]:
        """Of both views, and of the first with each fine region's motion ``times`` as large."""
        maps = np.concatenate([views, np.repeat(views[:1], FINE_PER_COARSE, axis=0)])
        side = self.card.config.map_size
        for number, region in enumerate(FINE):
            left, top, right, bottom = (round(side * edge) for edge in region.box_xyxy)
            maps[VIEWS + number % FINE_PER_COARSE, :, top:bottom, left:right] *= times
        with one_opencv_thread():
            return self.network(maps)


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
    network = read_onnx(path, network=NETWORK, outputs=outputs_of(card))
    expected = statement(card, digest)
    if {key: network.metadata.get(key) for key in expected} != expected:
        raise WeightsError(
            f"{path}: was not exported from the weights that {path.with_suffix('.json').name} "
            f"describes (digest differs); export them again: hmrm weights export {name_or_path}"
        )
    return ExportedHmrm(network=network, card=card, sha256=digest)


def outputs_of(card: WeightCard) -> tuple[str, ...]:
    """What the file of such weights gives."""
    return (LOGITS, UNITS) if card.action_units else (LOGITS,)


def statement(card: WeightCard, sha256: str) -> dict[str, str]:
    """What an exported file must state of itself to belong to a card and its tensors."""
    return {
        "network": NETWORK,
        TENSORS_DIGEST: sha256,
        "config": config.digest(card.config),
        "classes": ", ".join(card.classes),
    }
