"""The clips that are classified: one movement of the portrait, synthesized by the atlas."""

import numpy as np

from benchmarks.clip_recipes import ClipRecipe, render_recipe
from hmrm.facs.atlas import ActionUnit
from hmrm.facs.recipes import HAND_MADE, NONE, choose, sample_nuisance, sample_units
from hmrm.synthetic.clips import ClipConfig, Expression, RenderedClip

ONSET_INDEX, APEX_INDEX = 20, 55


def sampled_units(
    label: str, rng: np.random.Generator, *, low_px: float, high_px: float
) -> list[ActionUnit]:
    """Action units of an expression, or of a movement that is none; never empty."""
    units: list[ActionUnit] = []
    while not units:
        if label == NONE:
            units = sample_nuisance(rng, probability=0.5, low_px=low_px, high_px=high_px)
        else:
            recipe = choose(HAND_MADE, label, rng)
            units = sample_units(recipe, rng, low_px=low_px, high_px=high_px)
    return units


def synthetic_clip(
    label: str, seed: int, *, low_px: float, high_px: float
) -> tuple[RenderedClip, list[ActionUnit]]:
    """One movement with head motion and noise, 0.3 s from onset to apex, and its units.

    Args:
        low_px, high_px: intensity of the strongest unit, px of the canonical crop.
    """
    rng = np.random.default_rng(seed)
    units = sampled_units(label, rng, low_px=low_px, high_px=high_px)
    camera = ClipConfig(
        duration_s=1.0,
        eye_distance_px=float(rng.uniform(90, 130)),
        noise_sigma=float(rng.uniform(1, 3)),
        blinks_per_min=0.0,
    )
    movement = Expression(units=tuple(units), onset_s=0.2, rise_s=0.3, hold_s=0.2, decay_s=0.2)
    recipe = ClipRecipe(
        name=f"{label}-{seed}",
        seed=seed,
        expressions=(movement,),
        mirrored=bool(rng.integers(2)),
        camera=camera,
    )
    return render_recipe(recipe), units
