"""The short training loop that all baselines built on torch share: a network, a recipe, one thread.

Nothing here looks at anything but the training set: the number of epochs is part of the recipe.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn
from torch.nn import functional

from hmrm.errors import ConfigError, DataError, NumericalError
from hmrm.flow.mapset import MapSet
from hmrm.flow.pair import MAP_SIDE, mirrored_about_median
from hmrm.model.contract import MapKind, Observer
from hmrm.parallel import one_torch_thread
from hmrm.training.imbalance import class_weights
from hmrm.training.optimisation import ParameterGroup, Schedule, build_optimiser, take_step


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training set; fixed beforehand.
        optimiser: ``adam`` (weight decay in the gradient) or ``adamw`` (decoupled from it).
        schedule: ``constant`` learning rate, or ``cosine`` from it to 0 at the last epoch.
        loss: ``cross_entropy`` on scores, or ``margin`` on capsule lengths.
        class_weights: weigh each clip by the inverse frequency of its class.
        mirror_train: show each clip mirrored with probability ½, sampled again in every epoch.
        mirror_test: average the probabilities of a clip and of its mirror image.
        input_scale: factor on the maps (255 gives back the pixel values of raw maps).
        map_kind: which maps the network works on.
    """

    epochs: int
    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    schedule: Literal["constant", "cosine"] = "constant"
    batch_size: int = 64
    loss: Literal["cross_entropy", "margin"] = "cross_entropy"
    class_weights: bool = False
    mirror_train: bool = False
    mirror_test: bool = False
    input_scale: float = 1.0
    map_kind: MapKind = "raw"

    def __post_init__(self) -> None:
        for name in ("epochs", "learning_rate", "batch_size"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} = {getattr(self, name)}: must be above 0")
        if self.weight_decay < 0:
            raise ConfigError(f"weight_decay = {self.weight_decay}: must not be negative")


@dataclass(frozen=True, kw_only=True)
class TorchRecogniser:
    """A `Recogniser` around a network that maps ``(b, 3, s, s)`` to ``(b, classes)`` scores.

    Attributes:
        network: builds the network for a number of ``classes``.
    """

    network: Callable[..., nn.Module]
    recipe: Recipe

    @property
    def map_kind(self) -> MapKind:
        """The recipe's."""
        return self.recipe.map_kind

    @property
    def epochs(self) -> int:
        """The recipe's."""
        return self.recipe.epochs

    def fit(
        self,
        train: MapSet,
        *,
        seed: int,
        epochs: int | None = None,
        observer: Observer | None = None,
    ) -> "FittedNetwork":
        """Train from ``seed`` for ``epochs`` (default: the recipe's) on one thread.

        Raises:
            DataError: fewer than two clips, or maps of another size than 28 × 28, which the
                networks of the literature are made for here.
            NumericalError: the loss became NaN or infinite.
        """
        if len(train.ids) < 2:
            raise DataError(f"{len(train.ids)} training clips: a network needs at least two")
        if train.maps.shape[-1] != MAP_SIDE:
            side = train.maps.shape[-1]
            raise DataError(
                f"maps of {side} x {side} cells: this network takes {MAP_SIDE} x {MAP_SIDE}; make "
                f"them with hmrm datasets prepare --size {MAP_SIDE}, or take a support vector "
                "machine, or hmrm with network.map_size"
            )
        total = self.recipe.epochs if epochs is None else epochs
        # Layers draw initial weights and dropout from torch's global stream, so it is set here
        # and put back afterwards; order and mirroring have a stream of their own.
        with one_torch_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.network(classes=len(train.classes))
            # Channels last is the faster order of convolutions and pooling on a CPU.
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            fitted = FittedNetwork(network=network, recipe=self.recipe)
            for epoch in self._train(network, train, seed=seed, epochs=total):
                if observer is not None:
                    with torch.random.fork_rng(devices=[]):
                        observer(epoch, fitted)
        network.eval()
        return fitted

    def _train(self, network: nn.Module, train: MapSet, *, seed: int, epochs: int) -> Iterator[int]:
        recipe = self.recipe
        generator = torch.Generator().manual_seed(seed)
        maps = torch.tensor(train.maps) * recipe.input_scale
        mirrored = torch.tensor(mirrored_about_median(train.maps)) * recipe.input_scale
        labels = torch.tensor(train.labels, dtype=torch.int64)
        weights = class_weights(labels, len(train.classes)) if recipe.class_weights else None
        optimiser = build_optimiser(
            ParameterGroup(parameters=network.parameters()),
            weight_decay=recipe.weight_decay,
            kind=recipe.optimiser,
        )
        schedule = Schedule(highest=recipe.learning_rate, steps=epochs, fall=recipe.schedule)
        for epoch in range(epochs):
            network.train()
            for batch in batches(len(maps), recipe.batch_size, generator):
                chosen = maps[batch]
                if recipe.mirror_train:
                    turned = torch.rand(len(batch), generator=generator) < 0.5
                    chosen = torch.where(turned[:, None, None, None], mirrored[batch], chosen)
                chosen = chosen.contiguous(memory_format=torch.channels_last)
                loss = _loss(network(chosen), labels[batch], recipe.loss, weights)
                if not torch.isfinite(loss):
                    raise NumericalError(
                        f"the loss became {loss.item()} in epoch {epoch + 1}; lower learning_rate"
                    )
                take_step(optimiser, loss, rate=schedule.rate(epoch))
            yield epoch + 1


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedNetwork:
    """A trained network."""

    network: nn.Module
    recipe: Recipe

    def predict(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n classes"]:
        """Probabilities, float64; each clip runs alone, so its neighbours cannot change a bit."""
        return self._each(maps, lambda clips: self.network(clips).double().softmax(-1))

    def features(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n d"]:
        """What the network's last layer decides on, or its scores where it does not say."""
        layer = getattr(self.network, "features", self.network)
        return self._each(maps, lambda clips: layer(clips).double())

    def _each(
        self, maps: Float32[np.ndarray, "n 3 s s"], function: Callable[[Tensor], Tensor]
    ) -> Float[np.ndarray, "n d"]:
        self.network.eval()
        rows = []
        with one_torch_thread(), torch.inference_mode():
            for i in range(len(maps)):
                clip = maps[i : i + 1]
                views = [clip, mirrored_about_median(clip)] if self.recipe.mirror_test else [clip]
                stacked = torch.from_numpy(np.concatenate(views)) * self.recipe.input_scale
                rows.append(function(stacked).mean(0).numpy())
        return np.stack(rows)


def margin_loss(
    lengths: Float[Tensor, "b classes"],
    labels: Int[Tensor, " b"],
    *,
    weights: Float[Tensor, " classes"] | None = None,
) -> Float[Tensor, ""]:
    """Capsules' loss: the true class longer than 0.9, others shorter than 0.1 and half as dear.

    Source: Sabour, Frosst and Hinton, "Dynamic routing between capsules", NeurIPS 2017, equation
    4. ``weights`` (ours) weighs the clips of each class; the weights' sum divides.
    """
    true = functional.one_hot(labels, lengths.shape[1]).to(lengths.dtype)
    missing = true * (0.9 - lengths).clamp_min(0) ** 2
    surplus = 0.5 * (1 - true) * (lengths - 0.1).clamp_min(0) ** 2
    losses = (missing + surplus).sum(1)
    if weights is None:
        return losses.mean()
    return (losses * weights[labels]).sum() / weights[labels].sum()


def _loss(
    scores: Float[Tensor, "b classes"],
    labels: Int[Tensor, " b"],
    kind: str,
    weights: Float[Tensor, " classes"] | None,
) -> Float[Tensor, ""]:
    if kind == "margin":
        return margin_loss(scores, labels, weights=weights)
    return functional.cross_entropy(scores, labels, weight=weights)


def batches(count: int, size: int, generator: torch.Generator) -> list[Tensor]:
    """A new order, cut into batches; a last batch of one joins its neighbour.

    Batch normalisation has no spread to divide by in a batch of one.
    """
    batches = list(torch.split(torch.randperm(count, generator=generator), size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches
