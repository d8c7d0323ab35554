"""The training loop of the network on real clips: a fixed number of passes, nothing looked at."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from hmrm.errors import ConfigError, NumericalError
from hmrm.faces.regions import mixing_boxes
from hmrm.flow.mapset import MapSet
from hmrm.model.network import HMRM, SCALES, Logits
from hmrm.training.augment import AugmentConfig, augment
from hmrm.training.imbalance import Imbalance, class_weights, log_fractions, sample_order
from hmrm.training.loss import LossConfig, MultiScaleLoss
from hmrm.training.motionmix import MotionMixConfig, mix_batch
from hmrm.training.optimisation import (
    ParameterGroup,
    Schedule,
    build_optimiser,
    take_step,
    update_average,
)


@dataclass(frozen=True, kw_only=True)
class FittingConfig:
    """How the network is trained.

    Attributes:
        epochs: passes over the training clips, fixed beforehand.
        batch: clips per step.
        learning_rate: highest, of the heads; reached after the warm-up, 0 after the last step.
        body_rate: factor on it for everything but the heads.
        weight_decay: AdamW's, decoupled from the gradient.
        warm_up: fraction of all steps in which the rate rises from 0.
        average_decay: of the moving average over steps that becomes the model; 0 takes the last.
        largest_gradient: length that gradients are cut to.
        imbalance: see `hmrm.training.imbalance.Imbalance`.
        adjustment: factor on the logarithm of a class's share, for ``adjustment``.
    """

    epochs: int = 30
    batch: int = 32
    learning_rate: float = 1e-3
    body_rate: float = 1.0
    weight_decay: float = 0.01
    warm_up: float = 0.1
    average_decay: float = 0.98
    largest_gradient: float = 1.0
    imbalance: Imbalance = "weights"
    adjustment: float = 1.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "learning_rate", "largest_gradient"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"fitting: {name} = {getattr(self, name)}: must be above 0")
        for name in ("warm_up", "average_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"fitting: {name} = {getattr(self, name)}: must be in 0 … 1")
        if self.weight_decay < 0 or self.body_rate < 0:
            raise ConfigError("fitting: weight_decay and body_rate must not be negative")

    def schedule(self, steps: int) -> Schedule:
        """Learning rate by step: a linear rise, then half a cosine down to almost 0."""
        rising = self.warm_up * steps
        return Schedule(highest=self.learning_rate, steps=steps, warm_up=rising, rise=rising + 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """What batches are made of.

    Attributes:
        clips: real maps, passed over once per epoch.
        synthetic: maps to take at random alongside, ``synthetic_fraction`` per clip.
    """

    clips: MapSet
    synthetic: MapSet | None
    synthetic_fraction: float
    mix: MotionMixConfig
    augment: AugmentConfig


def fit_network(
    network: HMRM, data: TrainingData, config: FittingConfig, *, loss: LossConfig, seed: int
) -> Iterator[tuple[int, HMRM]]:
    """Train ``network`` in place; yield epochs done and the model as it stands after each.

    Parameters that ask for no gradient stay as they are. The model yielded is the moving average
    where there is one; it changes with the next step.

    Raises:
        NumericalError: the loss became NaN or infinite.
    """
    labels, classes = torch.from_numpy(data.clips.labels), len(data.clips.classes)
    weights = class_weights(labels, classes) if config.imbalance == "weights" else None
    shift = torch.zeros(classes)
    if config.imbalance == "adjustment":
        shift = config.adjustment * log_fractions(labels, classes)
    total_loss = MultiScaleLoss(loss, class_weights=weights)
    optimiser = build_optimiser(
        *_groups(network, total_loss, config), weight_decay=config.weight_decay
    )
    averaged = copy.deepcopy(network) if config.average_decay > 0 else network
    schedule = config.schedule(config.epochs * math.ceil(len(labels) / config.batch))
    step = 0
    for epoch in range(config.epochs):
        generator = np.random.default_rng((seed, epoch))
        network.train()
        for maps, expected in _batches(data, config, generator):
            dropping = torch.Generator().manual_seed(int(generator.integers(2**62)))
            logits = _shifted(network(maps, generator=dropping), shift)
            value = total_loss(logits, expected)
            if not torch.isfinite(value):
                raise NumericalError(
                    f"the loss became {value.item()} in epoch {epoch + 1}; lower learning_rate"
                )
            take_step(
                optimiser,
                value,
                rate=schedule.rate(step),
                clipped=network,
                largest_gradient=config.largest_gradient,
            )
            if averaged is not network:
                update_average(averaged, network, decay=config.average_decay, step=step)
            step += 1
        yield epoch + 1, averaged.eval()


def _batches(
    data: TrainingData, config: FittingConfig, generator: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    maps, labels = data.clips.maps, data.clips.labels
    boxes = mixing_boxes()
    order = sample_order(labels, balanced=config.imbalance == "sampling", generator=generator)
    for start in range(0, len(order), config.batch):
        chosen = order[start : start + config.batch]
        batch, expected = maps[chosen], labels[chosen]
        if data.mix.fraction > 0:
            batch = mix_batch(batch, expected, data.mix, generator=generator, boxes=boxes)
        if data.synthetic is not None:
            fraction = data.synthetic_fraction
            batch, expected = _with_synthetic(batch, expected, data.synthetic, fraction, generator)
        batch = augment(batch, data.augment, generator=generator)
        yield torch.from_numpy(batch), torch.from_numpy(expected)


def _with_synthetic(
    batch: Float32[np.ndarray, "b 3 s s"],
    labels: Int[np.ndarray, " b"],
    synthetic: MapSet,
    fraction: float,
    generator: np.random.Generator,
) -> tuple[Float32[np.ndarray, "m 3 s s"], Int[np.ndarray, " m"]]:
    """A batch of clips with synthetic maps appended."""
    extra = synthetic.select(
        generator.integers(0, len(synthetic.ids), math.ceil(fraction * len(batch))).tolist()
    )
    return np.concatenate([batch, extra.maps]), np.concatenate([labels, extra.labels])


def _shifted(logits: Logits, shift: Float[Tensor, " k"]) -> Logits:
    scales = {name: getattr(logits, name) for name in SCALES}
    # A scale that the network has not is 0 wide, and so is its shift.
    return logits._replace(**{n: stated + shift[: stated.shape[1]] for n, stated in scales.items()})


def _groups(
    network: HMRM, loss: MultiScaleLoss, config: FittingConfig
) -> tuple[ParameterGroup, ...]:
    heads: list[nn.Parameter] = []
    body: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            (heads if "_head." in name else body).append(parameter)
    return (
        ParameterGroup(parameters=heads),
        ParameterGroup(parameters=body, factor=config.body_rate),
        ParameterGroup(parameters=loss.parameters(), weight_decay=0.0),
    )
