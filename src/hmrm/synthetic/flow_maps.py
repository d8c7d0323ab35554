"""Endless labelled flow maps, made from action units: the form that training and use share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64

from hmrm.clip import CLASSES
from hmrm.errors import ConfigError
from hmrm.facs.atlas import ActionUnit
from hmrm.facs.basis import MAP_SIDE, SOURCES, UNITS, load_face
from hmrm.facs.recipes import (
    HAND_MADE,
    NONE,
    Recipe,
    choose,
    counted_recipes,
    sample_nuisance,
    sample_units,
)
from hmrm.flow.pair import centre_and_scale
from hmrm.synthetic import distort

_MIRRORED = np.array([-1.0, 1.0], dtype=np.float32)[:, None, None]

# A unit this weak against noise is not labelled as present.
_NAMED_FROM_PX = 0.2

_FIRST_NUISANCE = 60


@dataclass(frozen=True, kw_only=True)
class SynthConfig:
    """Everything that decides the maps, besides seed and index.

    Attributes:
        source: where motion comes from; "both" samples one of the two for each map.
        model_path: the morphable face, for "morphable" and "both".
        recipes: "hand", "counted" (by ``counts_path``), or "mixed": either, half the maps each.
        with_none: a fourth class, in which nothing is expressed.
        faces: size of the pool that each source's faces are sampled from.
        pool_seed: another pool of faces; held-out maps can have faces no training map had.
        low_px, high_px: strength of expressions, px of the canonical crop.
        nuisance: probability of each movement that is no expression; in ``none`` it is 0.7.
        head_px: largest motion of the head.
        head_removed: probability that it was fitted and taken out, as the chain from video does.
        background: probability that what lies next to the jaw stands still while the head moves.
        noise_px: largest error of the flow.
        misalignment, estimator_loss: see ``distort``; 0 switches them off, 1 is usual.
        outliers: probability of a spot of wrong flow, and of each further one.
        as_bytes: probability that a map went through an 8-bit image.
        channels_apart: probability that u and v are scaled apart, as where their ratio was lost.
    """

    source: Literal["atlas", "morphable", "both"] = "atlas"
    model_path: Path | None = None
    recipes: Literal["hand", "counted", "mixed"] = "hand"
    counts_path: Path | None = None
    with_none: bool = False
    faces: int = 64
    pool_seed: int = 0
    low_px: float = 0.35
    high_px: float = 2.5
    nuisance: float = 0.1
    head_px: float = 1.0
    head_removed: float = 0.5
    background: float = 0.5
    noise_px: float = 0.25
    misalignment: float = 1.2
    estimator_loss: float = 1.0
    outliers: float = 0.25
    as_bytes: float = 0.5
    channels_apart: float = 0.5

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if self.source != "atlas" and self.model_path is None:
            raise ConfigError(
                f'source = "{self.source}": needs model_path, the folder FaceXModel of '
                "ICT-FaceKit or the .npz made from it"
            )
        if self.recipes != "hand" and self.counts_path is None:
            raise ConfigError(f'recipes = "{self.recipes}": needs counts_path, a CSV of counts')
        if self.faces < 1 or not 0 < self.low_px <= self.high_px:
            raise ConfigError("synthesis: needs a face and strengths 0 < low_px <= high_px")
        for name in (
            "nuisance",
            "head_removed",
            "background",
            "outliers",
            "as_bytes",
            "channels_apart",
        ):
            if not 0 <= getattr(self, name) <= 1 or self.outliers == 1:
                raise ConfigError(f"synthesis: {name} is a chance; use 0 to 1 (outliers below 1)")
        for name in ("head_px", "noise_px", "misalignment", "estimator_loss"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"synthesis: {name} must be 0 or more")


def class_names(config: SynthConfig) -> tuple[str, ...]:
    """Class names in label order."""
    return (*CLASSES, NONE) if config.with_none else CLASSES


def unit_names(config: SynthConfig) -> tuple[str, ...]:
    """Names of the action units in the multi-hot table; gaze is not among them."""
    del config
    return tuple(f"AU{number}" for number in UNITS if number < _FIRST_NUISANCE)


SynthesizeMap = Callable[[SynthConfig, list[ActionUnit], np.random.Generator], np.ndarray]
"""What makes a ``(3, 28, 28)`` map of moving units."""


def synthesize_maps(
    config: SynthConfig, *, seed: int, start: int, count: int, make_map: SynthesizeMap | None = None
) -> tuple[Float32[np.ndarray, "n 3 28 28"], Int64[np.ndarray, " n"], Float32[np.ndarray, "n k"]]:
    """Synthesize maps ``start`` to ``start + count`` of a seed's endless row.

    Map i of a seed is the same in every call, in any process, whatever else is synthesized.

    Args:
        make_map: another maker of maps; labels and units do not depend on it, nor the face if
            that is the first it samples.

    Returns:
        Maps as ``flow.pair.centre_and_scale`` gives them, crop hmrm-1; labels in the order of
        ``class_names``; which of ``unit_names`` move (1 or 0), nuisance included.

    Raises:
        ConfigError: a unit that the source cannot show.
        DataError: ``model_path`` or ``counts_path`` cannot be read.
    """
    maps = np.empty((count, 3, MAP_SIDE, MAP_SIDE), dtype=np.float32)
    labels = np.empty(count, dtype=np.int64)
    units = np.zeros((count, len(unit_names(config))), dtype=np.float32)
    for i in range(count):
        rng = np.random.default_rng([seed, start + i])
        labels[i], moving = _sample_units(config, rng)
        maps[i] = (make_map or synthesize_map)(config, moving, rng)
        for unit in moving:
            if unit.number < _FIRST_NUISANCE and unit.intensity_px >= _NAMED_FROM_PX:
                units[i, UNITS.index(unit.number)] = 1.0
    return maps, labels, units


@lru_cache(maxsize=4)
def _counted(path: Path) -> tuple[Recipe, ...]:
    return tuple(
        recipe
        for recipe in counted_recipes(path)
        if all(part.number in UNITS for part in recipe.parts)
    )


def _sample_units(config: SynthConfig, rng: np.random.Generator) -> tuple[int, list[ActionUnit]]:
    names = class_names(config)
    label = int(rng.integers(len(names)))
    counted = config.recipes == "counted" or (config.recipes == "mixed" and rng.random() < 0.5)
    units: list[ActionUnit] = []
    if names[label] == NONE:
        return label, sample_nuisance(rng, probability=0.7)
    recipes = HAND_MADE
    if counted:
        assert config.counts_path is not None
        recipes = _counted(config.counts_path)
    while not units:
        recipe = choose(recipes, names[label], rng)
        units = sample_units(recipe, rng, low_px=config.low_px, high_px=config.high_px)
    return label, units + sample_nuisance(rng, probability=config.nuisance)


def choose_face(config: SynthConfig, rng: np.random.Generator) -> tuple[str, int]:
    """Source and number of the face that a map shows; the first that is sampled for it."""
    sources = tuple(SOURCES) if config.source == "both" else (config.source,)
    source = sources[int(rng.integers(len(sources)))]
    return source, int(rng.integers(config.faces))


def synthesize_map(
    config: SynthConfig, units: list[ActionUnit], rng: np.random.Generator
) -> Float32[np.ndarray, "3 s s"]:
    """One map of moving units: exact motion, and a model of what estimators make of it."""
    source, number = choose_face(config, rng)
    face = load_face(source, number, config.pool_seed, config.model_path)
    flow = face.flow(units)
    if config.head_px > 0:
        flow = flow + distort.head_motion(face.depth, rng, most_px=config.head_px)
    if rng.random() < config.background:
        flow = distort.still_background(flow, face.inside, rng)
    flow, texture = distort.misalign(flow, face.texture, rng, amount=config.misalignment)
    flow = distort.estimate(flow, texture, rng, loss=config.estimator_loss)
    if config.noise_px > 0:
        flow = distort.add_noise(flow, texture, rng, most_px=config.noise_px)
    flow = distort.add_outliers(flow, rng, probability=config.outliers)
    return finish_map(flow, config, rng)


def finish_map(
    flow: Float32[np.ndarray, "2 s s"], config: SynthConfig, rng: np.random.Generator
) -> Float32[np.ndarray, "3 s s"]:
    """What is done to a measured field on its way to a map: each step by its chance.

    Args:
        flow: px of the canonical crop, once a cell.

    Returns:
        The map as ``flow.pair.centre_and_scale`` gives it; every second one mirrored.
    """
    if rng.random() < config.head_removed:
        flow = distort.remove_head_motion(flow)
    if rng.random() < config.as_bytes:
        flow = distort.store_as_bytes(flow, rng)
    if rng.random() < 0.5:
        flow = flow[:, :, ::-1] * _MIRRORED
    values, _ = centre_and_scale(
        np.ascontiguousarray(flow, dtype=np.float32),
        per_channel=bool(rng.random() < config.channels_apart),
    )
    return values
