"""Maps of known units on the morphable face, as the chain from video would measure them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hmrm.clip import CLASSES, FlowMap
from hmrm.faces.regions import FINE
from hmrm.facs.atlas import ActionUnit
from hmrm.facs.basis import BORDER, Face, load_face
from hmrm.facs.recipes import HAND_MADE, choose, sample_nuisance, sample_units
from hmrm.flow.pair import centre_and_scale
from hmrm.synthetic import distort

SINGLE = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20)
"""Units that are moved alone, on one side: those of the recipes that move the skin of one place."""
LOW_PX, HIGH_PX, POOL, FACES = 0.5, 2.0, 321, 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Moved:
    """A map, its class, the units in it, and the true motion of each fine region (mean px²)."""

    flow_map: FlowMap
    label: str
    units: list[ActionUnit]
    energy: Float[np.ndarray, "16"]


def single_unit(model: Path, rng: np.random.Generator) -> Moved:
    """One unit on one side; the class is not used."""
    side = "left" if rng.random() < 0.5 else "right"
    px = float(np.exp(rng.uniform(np.log(LOW_PX), np.log(HIGH_PX))))
    return _measured(model, "", [ActionUnit(int(rng.choice(SINGLE)), side, px)], rng)


def expression(model: Path, rng: np.random.Generator) -> Moved:
    """Units of a class by the hand-made recipes, sometimes with a blink, gaze or speech."""
    label = CLASSES[int(rng.integers(len(CLASSES)))]
    units: list[ActionUnit] = []
    while not units:
        recipe = choose(HAND_MADE, label, rng)
        units = sample_units(recipe, rng, low_px=LOW_PX, high_px=HIGH_PX)
    return _measured(model, label, units + sample_nuisance(rng, probability=0.1), rng)


def _measured(model: Path, label: str, units: list[ActionUnit], rng: np.random.Generator) -> Moved:
    face: Face = load_face("morphable", int(rng.integers(FACES)), POOL, model)
    true = face.flow(units)
    flow = true + distort.head_motion(face.depth, rng, most_px=1.0)
    flow, texture = distort.misalign(flow, face.texture, rng, amount=1.0)
    flow = distort.estimate(flow, texture, rng, loss=1.0)
    flow = distort.add_noise(flow, texture, rng, most_px=0.25)
    values, scale_px = centre_and_scale(distort.remove_head_motion(flow))
    inside = true[:, BORDER:-BORDER, BORDER:-BORDER]
    length = (inside.astype(np.float64) ** 2).sum(0)
    energy = np.array([length[region.mask(len(length))].mean() for region in FINE])
    return Moved(
        flow_map=FlowMap(values=values, crop="hmrm-1", scale_px=scale_px),
        label=label,
        units=units,
        energy=energy,
    )
