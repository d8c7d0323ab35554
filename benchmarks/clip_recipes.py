"""Lists of clips to render: a committed one to test on, and endless other ones to develop on."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hmrm import config
from hmrm.faces.shape import MIRRORED_68
from hmrm.facs.atlas import ActionUnit, Side
from hmrm.synthetic.clips import ClipConfig, Expression, RenderedClip, render_clip
from hmrm.synthetic.demo import demo_face

FIRST_DEVELOPMENT_SEED = 1000
"""Committed lists use seeds below; tuning renders clips with seeds from here on."""


@dataclass(frozen=True, kw_only=True)
class ClipRecipe:
    """Everything that decides one rendered clip of the portrait.

    Attributes:
        expressions: none for a clip in which nothing is to be found.
        mirrored: the portrait is mirrored before anything moves.
    """

    name: str
    seed: int
    expressions: tuple[Expression, ...] = ()
    mirrored: bool = False
    camera: ClipConfig = field(default_factory=ClipConfig)


@dataclass(frozen=True, kw_only=True)
class ClipList:
    """The recipes of one TOML file."""

    clips: tuple[ClipRecipe, ...]


def read_clip_list(path: Path) -> tuple[ClipRecipe, ...]:
    """Read recipes from a TOML file of ``[[clips]]`` tables.

    Raises:
        ConfigError: not TOML, unknown keys, or values that no clip can have.
    """
    return config.load(ClipList, path).clips


def render_recipe(recipe: ClipRecipe) -> RenderedClip:
    """Render the clip that a recipe describes; the same recipe gives the same bytes."""
    image, points = demo_face()
    if recipe.mirrored:
        image = np.ascontiguousarray(image[:, ::-1])
        points = points[list(MIRRORED_68)] * [-1, 1] + [image.shape[1] - 1, 0]
    return render_clip(
        image,
        points,
        recipe.expressions,
        recipe.camera,
        rng=np.random.default_rng(recipe.seed),
    )


UNIT_SETS: tuple[tuple[int, ...], ...] = (
    (12,), (6, 12), (1, 2), (1, 2, 5), (2,), (4,), (4, 7), (9, 10), (10,), (15, 17), (14,), (17,),
    (20,), (24,), (7,), (1, 4), (6, 12, 25), (15,), (23,), (9,),
)  # fmt: skip


def development_recipe(seed: int) -> ClipRecipe:
    """A random recipe of the kind that the committed list holds.

    Args:
        seed: ``FIRST_DEVELOPMENT_SEED`` or more.
    """
    assert seed >= FIRST_DEVELOPMENT_SEED, "smaller seeds are kept for the test"
    rng = np.random.default_rng([seed, 1])
    numbers = UNIT_SETS[int(rng.integers(len(UNIT_SETS)))]
    sides: tuple[Side, ...] = ("both", "both", "left", "right")
    side = sides[int(rng.integers(4))]
    strength = float(np.exp(rng.uniform(np.log(0.7), np.log(2.0))))
    units = tuple(
        ActionUnit(n, side, strength if i == 0 else strength * rng.uniform(0.5, 1.0))
        for i, n in enumerate(numbers)
    )
    smile = Expression(
        units=units,
        onset_s=rng.uniform(0.6, 2.8),
        rise_s=rng.uniform(0.08, 0.2),
        hold_s=rng.uniform(0.02, 0.1),
        decay_s=rng.uniform(0.1, 0.2),
    )
    camera = ClipConfig(
        frames_per_s=float(rng.choice([60.0, 100.0, 100.0, 120.0])),
        eye_distance_px=rng.uniform(85.0, 130.0),
        noise_sigma=rng.uniform(1.0, 3.0),
        sway_px=rng.uniform(0.8, 2.5),
        drift_px=rng.uniform(0.0, 5.0),
    )
    return ClipRecipe(
        name=f"development-{seed}",
        seed=seed,
        expressions=(smile,),
        mirrored=bool(rng.integers(2)),
        camera=camera,
    )
