"""The training loop of the re-created systems that learn from frames or images.

The recipe is ours for all three alike, since none of their papers' could be read: AdamW at 5e-4
with weight decay 1e-2, a cosine to 0, batches of 32, 60 epochs fixed beforehand, every clip shown
mirrored with probability ½. Nothing here looks at anything but the training set.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol, cast

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from hmrm import reading
from hmrm.errors import ConfigError, DataError, NumericalError
from hmrm.flow.aligned_frames import AlignedFrames, read_aligned_frames
from hmrm.flow.mapset import MapSet
from hmrm.model.baselines.geme import GENDERS, gender_targets
from hmrm.model.contract import MapKind, Observer
from hmrm.parallel import one_torch_thread
from hmrm.training.frame_losses import LOSSES, FrameLoss, balanced_weights
from hmrm.training.optimisation import ParameterGroup, Schedule, build_optimiser, take_step
from hmrm.training.torch_recogniser import Recipe, batches


@dataclass(frozen=True, kw_only=True)
class FrameRecipe(Recipe):
    """`Recipe` with the values that all three re-creations share.

    Attributes:
        genders: table with the columns dataset, subject and gender (female, male), which only a
            user can state; subjects that it lacks are unknown. Never guessed from a face.
    """

    epochs: int = 60
    schedule: Literal["constant", "cosine"] = "cosine"
    batch_size: int = 32
    mirror_train: bool = True
    map_kind: MapKind = "frames"
    genders: Path | None = None


def recreation(
    name: str,
    recipe: FrameRecipe,
    *,
    network: Callable[..., nn.Module],
    loss: str,
    gender: bool,
) -> "FrameRecogniser":
    """A re-created system.

    Args:
        loss: key of `hmrm.training.frame_losses.LOSSES`.
        gender: the system needs genders; others take none.

    Raises:
        ConfigError: genders are missing, or not for this system.
    """
    if gender and recipe.genders is None:
        raise ConfigError(
            f"model {name}: needs genders, a table (dataset,subject,gender); without one take "
            f"{name}-without-gender"
        )
    if recipe.genders is not None and not gender:
        raise ConfigError(f"model {name}: takes no genders; remove them")
    return FrameRecogniser(network=network, loss=LOSSES[loss], recipe=recipe)


class FrameNetwork(Protocol):
    """What a network on frames offers, besides being one."""

    @staticmethod
    def read(clip: AlignedFrames) -> np.ndarray:
        """What it sees of a clip, (c, h, w) float32."""

    @staticmethod
    def mirrored(inputs: Tensor) -> Tensor:
        """The same of mirrored faces."""


@dataclass(frozen=True, kw_only=True)
class FrameRecogniser:
    """A `Recogniser` around a `FrameNetwork`.

    Attributes:
        network: builds the network for a number of ``classes``.
        loss: see `hmrm.training.frame_losses`.
        recipe: how it is trained, and the table of genders.
    """

    network: Callable[..., nn.Module]
    loss: FrameLoss
    recipe: FrameRecipe = field(default_factory=FrameRecipe)

    @property
    def map_kind(self) -> MapKind:
        """Frames."""
        return "frames"

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
    ) -> "FittedFrameNetwork":
        """Train from ``seed`` on one thread.

        Raises:
            DataError: fewer than two clips, or frames or the table of genders cannot be read.
            NumericalError: the loss became NaN or infinite.
        """
        if len(train.ids) < 2:
            raise DataError(f"{len(train.ids)} training clips: a network needs at least two")
        recipe = self.recipe if epochs is None else replace(self.recipe, epochs=epochs)
        known = read_genders(recipe.genders) if recipe.genders else {}
        genders = gender_targets([known.get(subject) for subject in train.subjects])
        with one_torch_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.network(classes=len(train.classes))
            fitted = FittedFrameNetwork(network=network)
            inputs = torch.from_numpy(np.stack([fitted.read(str(name)) for name in train.maps]))
            labels = torch.tensor(train.labels, dtype=torch.int64)
            data = _Data(inputs, labels, genders, classes=len(train.classes))
            for epoch in self._train(network, data, recipe, seed=seed):
                if observer is not None:
                    with torch.random.fork_rng(devices=[]):
                        observer(epoch, fitted)
        network.eval()
        return fitted

    def _train(
        self, network: nn.Module, data: "_Data", recipe: Recipe, *, seed: int
    ) -> Iterator[int]:
        generator = torch.Generator().manual_seed(seed)
        weights = balanced_weights(torch.bincount(data.labels, minlength=data.classes))
        optimiser = build_optimiser(
            ParameterGroup(parameters=network.parameters()),
            weight_decay=recipe.weight_decay,
            kind=recipe.optimiser,
        )
        schedule = Schedule(highest=recipe.learning_rate, steps=recipe.epochs, fall=recipe.schedule)
        for epoch in range(recipe.epochs):
            network.train()
            for batch in batches(len(data.inputs), recipe.batch_size, generator):
                chosen = data.inputs[batch]
                if recipe.mirror_train:
                    turned = torch.rand(len(batch), generator=generator) < 0.5
                    mirrored = cast(FrameNetwork, network).mirrored(chosen)
                    chosen = torch.where(turned[:, None, None, None], mirrored, chosen)
                loss = self.loss(network, chosen, data.labels[batch], data.genders[batch], weights)
                if not torch.isfinite(loss):
                    raise NumericalError(
                        f"the loss became {loss.item()} in epoch {epoch + 1}; lower learning_rate"
                    )
                take_step(optimiser, loss, rate=schedule.rate(epoch))
            yield epoch + 1


@dataclass(frozen=True)
class _Data:
    """What is learnt from."""

    inputs: Float[Tensor, "n c h w"]
    labels: Int[Tensor, " n"]
    genders: Int[Tensor, " n"]
    classes: int


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedFrameNetwork:
    """A trained network."""

    network: nn.Module

    def read(self, name: str) -> np.ndarray:
        """What the network sees of one file."""
        return cast(FrameNetwork, self.network).read(read_aligned_frames(Path(name)))

    def predict(self, maps: Shaped[np.ndarray, " n"]) -> Float[np.ndarray, "n classes"]:
        """Probabilities, float64; each clip runs alone."""
        self.network.eval()
        rows = []
        with one_torch_thread(), torch.inference_mode():
            for name in maps:
                inputs = torch.from_numpy(self.read(str(name)))[None]
                rows.append(self.network(inputs).double().softmax(-1)[0].numpy())
        return np.stack(rows)


def read_genders(path: Path) -> Mapping[str, str]:
    """Gender by ``dataset/subject``.

    Raises:
        DataError: no such table, a column is missing, another word than female or male, or a
            subject twice.
    """
    try:
        header, rows = reading.table(reading.read_text(path, encoding="utf-8-sig"))
    except (OSError, reading.DamagedError) as error:
        raise DataError(f"{path}: cannot be read as a table ({error})") from error
    missing = [name for name in ("dataset", "subject", "gender") if name not in header]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing; give dataset,subject,gender")
    found: dict[str, str] = {}
    for line, row in rows:
        subject, gender = f"{row['dataset']}/{row['subject']}", (row["gender"] or "").strip()
        if not gender:
            continue
        if gender not in GENDERS:
            raise DataError(f"{path} line {line}: gender {gender!r}; write {' or '.join(GENDERS)}")
        if subject in found:
            raise DataError(f"{path} line {line}: {subject} is there twice; keep one row")
        found[subject] = gender
    return found
