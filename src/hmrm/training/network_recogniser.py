"""HMRM as a recogniser: from scratch, fine-tuned, or a linear head on frozen features."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch

from hmrm.errors import ConfigError, DataError
from hmrm.flow.mapset import MapSet
from hmrm.flow.pair import MAP_SIDE, mirrored_maps
from hmrm.model.contract import FittedRecogniser, MapKind, Observer
from hmrm.model.fitted_network import FittedHmrm
from hmrm.model.inference import check_shape
from hmrm.model.network import HMRM, parameter_count
from hmrm.model.sizes import PRESETS, HMRMConfig
from hmrm.parallel import one_torch_thread
from hmrm.records import formerly
from hmrm.training.augment import AugmentConfig
from hmrm.training.fitting import FittingConfig, TrainingData, fit_network
from hmrm.training.linear_head import (
    FeatureSvm,
    FittedFeatureSvm,
    LinearHead,
    fit_linear_classifiers,
)
from hmrm.training.loss import LossConfig
from hmrm.training.motionmix import MotionMixConfig
from hmrm.training.pretrained import frozen_features, start_network
from hmrm.training.training_data import SyntheticMapsConfig, real_maps, synthetic_maps


@dataclass(frozen=True, kw_only=True)
class HmrmRecogniser:
    """The HMRM network under the protocol; see `hmrm.model.contract.Recogniser`.

    Attributes:
        network: sizes, by name of a preset or one by one (then the paper's where not given).
        pretrained: weights to start from, by shipped name or path; None starts randomly.
        tune: what is trained: ``whole``; ``last`` (fusion, heads and the last ``last_blocks``
            blocks); ``linear`` (``head`` on frozen features, solved to its end: no epochs).
        last_blocks: see ``tune``.
        dropout: instead of the network's.
        mirror_test: classify each clip and its mirror image, logits averaged.
        offset_maps: learn the apex→offset maps too, with u and v negated.
        fitting, loss, mix, augment, synthetic: of ``whole`` and ``last``.
        head: of ``linear``.
    """

    network: Literal["lite", "paper"] | HMRMConfig = "lite"
    pretrained: str | None = None
    tune: Literal["whole", "last", "linear"] = "whole"
    last_blocks: int = 1
    dropout: float = 0.0
    mirror_test: bool = True
    offset_maps: bool = False
    fitting: FittingConfig = field(default_factory=FittingConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    mix: MotionMixConfig = field(default_factory=MotionMixConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    synthetic: SyntheticMapsConfig = field(
        default_factory=SyntheticMapsConfig, metadata=formerly("drawn")
    )
    head: LinearHead = field(default_factory=LinearHead)

    def __post_init__(self) -> None:
        if self.tune != "whole" and self.pretrained is None:
            raise ConfigError(
                f"tune = {self.tune}: nothing learnt stands behind random weights; name pretrained "
                "weights, or set tune = whole"
            )
        if not 0 <= self.last_blocks <= self.sizes.depth:
            raise ConfigError(
                f"last_blocks = {self.last_blocks}: the network has {self.sizes.depth}"
            )
        if self.synthetic.fraction > 0 and self.sizes.map_size != MAP_SIDE:
            raise ConfigError(
                f"synthetic: maps have {MAP_SIDE} x {MAP_SIDE} cells, and network.map_size is "
                f"{self.sizes.map_size}; set synthetic.fraction = 0"
            )

    @property
    def sizes(self) -> HMRMConfig:
        """Of the network."""
        sizes = PRESETS[self.network] if isinstance(self.network, str) else self.network
        return replace(sizes, dropout=self.dropout)

    @property
    def map_kind(self) -> MapKind:
        """Canonical: pretrained weights know no other."""
        return "canonical"

    @property
    def epochs(self) -> int | None:
        """`FittingConfig.epochs`; None for a linear head."""
        return None if self.tune == "linear" else self.fitting.epochs

    def parameters(self, classes: tuple[str, ...]) -> int:
        """Number of values in the network, its heads included."""
        # Layers draw weights from torch's global stream; nothing may notice that we counted.
        with torch.random.fork_rng(devices=[]):
            generator = torch.Generator().manual_seed(0)
            return parameter_count(HMRM(self.sizes, classes=classes, generator=generator))

    def fit(
        self,
        train: MapSet,
        *,
        seed: int,
        epochs: int | None = None,
        observer: Observer | None = None,
    ) -> FittedRecogniser:
        """Train from ``seed`` on one thread.

        Raises:
            ConfigError: options that the training set cannot serve.
            DataError: fewer than two clips, or maps of another size than the network's.
            NumericalError: the loss became NaN or infinite.
            WeightsError: pretrained weights are missing, of other sizes, or know other people.
        """
        if len(train.ids) < 2:
            raise DataError(f"{len(train.ids)} training clips: a network needs at least two")
        # A larger map would be read at the wrong cells, without any error.
        check_shape(train.maps.shape, self.sizes)
        # Layers draw weights from torch's global stream before ours replace them.
        with one_torch_thread(), torch.random.fork_rng(devices=[]):
            network = start_network(
                self.sizes,
                classes=train.classes,
                pretrained=self.pretrained,
                seen=train.subjects,
                generator=torch.Generator().manual_seed(seed),
            )
            clips = real_maps(train, offset_maps=self.offset_maps)
            if self.tune == "linear":
                return self._fit_head(network, clips)
            fitted = FittedHmrm(network=network, mirror_test=self.mirror_test)
            for epoch, model in self._fit_network(network, clips, seed, epochs):
                fitted = FittedHmrm(network=model, mirror_test=self.mirror_test)
                if observer is not None:
                    observer(epoch, fitted)
        return fitted

    def _fit_network(
        self, network: HMRM, clips: MapSet, seed: int, epochs: int | None
    ) -> Iterator[tuple[int, HMRM]]:
        if self.tune == "last":
            _freeze(network, self.last_blocks)
        fitting = self.fitting if epochs is None else replace(self.fitting, epochs=epochs)
        fraction = self.synthetic.fraction
        data = TrainingData(
            clips=clips,
            synthetic=synthetic_maps(self.synthetic, clips.classes) if fraction > 0 else None,
            synthetic_fraction=fraction,
            mix=self.mix,
            augment=self.augment,
        )
        yield from fit_network(network, data, fitting, loss=self.loss, seed=seed)

    def _fit_head(self, network: HMRM, clips: MapSet) -> FittedHmrm | FittedFeatureSvm:
        assert self.pretrained is not None
        extract, head = frozen_features(self.pretrained), self.head
        if head.kind == "svm":
            machine = FeatureSvm(
                extract=extract, cost=head.cost, balanced=head.balanced, mirror=head.mirror
            )
            return FittedFeatureSvm(svm=machine.fit(clips, seed=0), network=extract.network)
        rows, labels = extract(clips.maps), clips.labels
        if head.mirror:
            rows = np.concatenate([rows, extract(mirrored_maps(clips.maps))])
            labels = np.concatenate([labels, labels])
        classifiers = fit_linear_classifiers(rows, labels, classes=len(clips.classes), head=head)
        with torch.no_grad():
            network.fused_head.weight.copy_(torch.from_numpy(classifiers.weights))
            network.fused_head.bias.copy_(torch.from_numpy(classifiers.offsets))
        return FittedHmrm(network=network.eval(), mirror_test=self.mirror_test, frozen=extract)


def _freeze(network: HMRM, last_blocks: int) -> None:
    """Leave fusion, heads, the encoder's norm and its last blocks to be trained."""
    network.tokens.requires_grad_(False)
    blocks = list(network.encoder.blocks)
    for block in blocks[: len(blocks) - last_blocks]:
        block.requires_grad_(False)
