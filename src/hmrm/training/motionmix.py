"""MotionMix: two movements of one class exchange eyes and mouth (paper §3.1.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from hmrm.errors import ConfigError, InputError
from hmrm.faces.regions import Region
from hmrm.records import formerly


class LabelMismatchError(InputError):
    """Two movements of different classes were to be mixed."""


@dataclass(frozen=True, kw_only=True)
class MotionMixConfig:
    """How often and how strongly regions are exchanged.

    Attributes:
        probability: of each box to be exchanged.
        concentration: both parameters of the Beta distribution of the ratio λ.
        fraction: of a batch's samples that are mixed at all.
    """

    probability: float = 0.5
    concentration: float = 1.0
    fraction: float = field(default=1.0, metadata=formerly("share"))

    def __post_init__(self) -> None:
        if not (0 <= self.probability <= 1 and 0 <= self.fraction <= 1):
            raise ConfigError("probability and share must be in 0 … 1")
        if self.concentration <= 0:
            raise ConfigError(f"concentration = {self.concentration}: must be above 0")


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixed:
    """A mixed map, its inherited label, λ and the names of the boxes that were exchanged."""

    values: Float[np.ndarray, "c s s"]
    label: int
    ratio: float
    boxes: tuple[str, ...]


def motion_mix(
    first: Float[np.ndarray, "c s s"],
    second: Float[np.ndarray, "c s s"],
    labels: tuple[int, int],
    config: MotionMixConfig,
    *,
    generator: np.random.Generator,
    boxes: Mapping[str, Region],
) -> Mixed:
    """Put ``λ · second + (1 - λ) · first`` into some boxes of ``first``.

    Args:
        labels: classes of both maps, which must agree.
        generator: only source of randomness.
        boxes: regions that may be exchanged, by name (``faces.regions.mixing_boxes``).

    Raises:
        LabelMismatchError: the classes differ.

    Departs from the paper, which gives neither: λ ~ Beta(1, 1); each box is taken with
    probability ½; all boxes of one pair share λ. Strain is blended like u and v: a map's strain
    may come from a finer flow or another formula than ours, so it is not computed again (inside
    and outside a box the blend is off by at most what strain's non-linearity makes of it, on its
    border it lacks the jump that blending would create).
    """
    if labels[0] != labels[1]:
        raise LabelMismatchError(
            f"classes {labels[0]} and {labels[1]}: MotionMix keeps the label, so both movements "
            "must have the same; sample the partner from the same class"
        )
    ratio, taken = _draw(config, len(boxes), generator)
    names = tuple(name for name, chosen in zip(boxes, taken, strict=True) if chosen)
    inside = np.zeros(first.shape[-2:], dtype=bool)
    for name in names:
        inside |= boxes[name].mask(first.shape[-1])
    weight = (ratio * inside).astype(first.dtype)
    return Mixed(
        values=first + weight * (second - first), label=labels[0], ratio=ratio, boxes=names
    )


def mix_batch(
    maps: Float[np.ndarray, "n c s s"],
    labels: Int[np.ndarray, " n"],
    config: MotionMixConfig,
    *,
    generator: np.random.Generator,
    boxes: Mapping[str, Region],
) -> Float[np.ndarray, "n c s s"]:
    """Mix each map (``config.fraction`` of them) with one of its class sampled from the same batch.

    A map whose class has no other member in the batch stays as it is. Labels stay as they are.
    """
    mixed = maps.copy()
    for index, label in enumerate(labels):
        expected = generator.random() < config.fraction
        partners = np.flatnonzero(labels == label)
        partners = partners[partners != index]
        if expected and len(partners):
            partner = int(generator.choice(partners))
            pair = (int(label), int(labels[partner]))
            mixed[index] = motion_mix(
                maps[index], maps[partner], pair, config, generator=generator, boxes=boxes
            ).values
    return mixed


def _draw(
    config: MotionMixConfig, count: int, generator: np.random.Generator
) -> tuple[float, Bool[np.ndarray, " boxes"]]:
    ratio = float(generator.beta(config.concentration, config.concentration))
    return ratio, generator.random(count) < config.probability
