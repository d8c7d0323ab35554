"""The network as a fitted recogniser: the one way from flow maps to its answers.

Folds, zero-shot evaluation, `hmrm analyze` and the action-unit table all ask through
`FittedHmrm`, so the same weights give the same probabilities everywhere.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from hmrm.faces.regions import FINE
from hmrm.model import inference
from hmrm.model.inference import Answer, Maps
from hmrm.model.network import HMRM
from hmrm.parallel import one_torch_thread

_KEPT_ROWS = 20_000


class FrozenFeatures:
    """Features of a network that is never changed; each clip runs alone and only once.

    Alone, so that the numbers do not depend on which clips came along; once, because the clips of
    all folds of a process are the same ones.
    """

    def __init__(self, network: HMRM) -> None:
        self.network = network
        self._rows: dict[bytes, Float64[np.ndarray, " d"]] = {}

    def __call__(self, maps: Maps) -> Float64[np.ndarray, "n d"]:
        """`HMRM.features` of each map, float64."""
        if len(self._rows) > _KEPT_ROWS:
            self._rows.clear()
        with one_torch_thread(), torch.inference_mode():
            return np.stack([self._row(values) for values in maps])

    def _row(self, values: Float32[np.ndarray, "3 s s"]) -> Float64[np.ndarray, " d"]:
        key = hashlib.blake2b(values.tobytes(), digest_size=16).digest()
        if key not in self._rows:
            clip = torch.from_numpy(np.ascontiguousarray(values)[None])
            self._rows[key] = self.network.features(clip)[0].double().numpy()
        return self._rows[key]


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedHmrm:
    """A trained HMRM network in torch; see `hmrm.model.contract.FittedRecogniser`.

    Probabilities are the softmax of the mean logits of both mirror views (`inference`); for action
    units, the sigmoid.

    Attributes:
        mirror_test: also classify the mirror image.
        frozen: the network's features where training left them as they were: kept between folds.

    Example:
        >>> import numpy as np, torch
        >>> from hmrm.model.network import HMRM
        >>> from hmrm.model.sizes import HMRMConfig
        >>> network = HMRM(HMRMConfig(dim=16, depth=1), generator=torch.Generator().manual_seed(0))
        >>> maps = np.random.default_rng(0).normal(size=(2, 3, 28, 28)).astype(np.float32)
        >>> FittedHmrm(network=network.eval()).predict(maps).shape
        (2, 3)
    """

    network: HMRM
    mirror_test: bool = True
    frozen: FrozenFeatures | None = None

    def check(self, maps: Maps) -> None:
        """Refuse maps from outside that the network cannot classify.

        Raises:
            DataError: wrong size, or a map without any motion.
            NumericalError: NaN or infinity in a map.
        """
        inference.check_maps(maps, self.network.config)

    def predict(self, maps: Maps) -> Float[np.ndarray, "n classes"]:
        """Probabilities, float64; a row adds up to 1."""
        return inference.softmax(self.decisions(maps))

    def decisions(self, maps: Maps) -> Float[np.ndarray, "n classes"]:
        """Logits of the classes, mean over a clip and its mirror image."""
        return self._each(maps, self._class_logits)

    def action_units(self, maps: Maps) -> Float[np.ndarray, "n units"]:
        """Probabilities of the action units, 0 to 1; no columns where there is no such head."""
        logits = self._each(maps, lambda views: self.network(views).units)
        return torch.from_numpy(logits).sigmoid().numpy()

    def features(self, maps: Maps) -> Float[np.ndarray, "n d"]:
        """Fused vectors that the decision rests on, of the clips as they are."""
        with one_torch_thread(), torch.inference_mode():
            rows = [self.network.features(_tensor(maps[i : i + 1])) for i in range(len(maps))]
            return torch.cat(rows).double().numpy()

    def answer(self, flow_map: Float32[np.ndarray, "3 s s"]) -> Answer:
        """Probabilities, and which region speaks for the most probable class."""
        probabilities = self.predict(flow_map[None])[0]
        best = torch.tensor([int(probabilities.argmax())])
        contributions = self.network.region_contributions(_tensor(flow_map[None]), best)[0]
        return Answer(probabilities, contributions.numpy())

    def without_each_region(
        self, flow_map: Float32[np.ndarray, "3 s s"]
    ) -> Float[np.ndarray, "17 classes"]:
        """Probabilities of the clip, and of the clip without the motion of each fine region."""
        maps = np.repeat(flow_map[None], 1 + len(FINE), axis=0)
        side = flow_map.shape[-1]
        for row, region in enumerate(FINE, start=1):
            left, top, right, bottom = (round(side * edge) for edge in region.box_xyxy)
            maps[row, :, top:bottom, left:right] = 0.0
        return self.predict(maps)

    def _each(self, maps: Maps, logits: Callable[[Tensor], Tensor]) -> Float[np.ndarray, "n k"]:
        with one_torch_thread(), torch.inference_mode():
            return inference.mean_logits(
                maps,
                lambda views: logits(_tensor(views)).double().numpy(),
                mirror_test=self.mirror_test,
            )

    def _class_logits(self, views: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n classes"]:
        if self.frozen is None:
            return self.network(views).fused
        rows = torch.from_numpy(self.frozen(views.numpy())).float()
        return self.network.fused_head(rows)


def _tensor(maps: Maps) -> Float[Tensor, "n 3 s s"]:
    return torch.from_numpy(np.ascontiguousarray(maps))
