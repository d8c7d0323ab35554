"""Named drawn clips: ``python -m benchmarks.naming [--weights NAME] -o results.json``.

Onset and apex pictures of the portrait, moved by the atlas, go through the whole chain: MTCNN,
canonical crop, DeepFlow, flow map, weights. Weights of ``configs/hmrm-morphable.toml`` never saw
the atlas; the shipped ones saw it in maps, but neither the portrait nor a rendered frame. Seeds
were fixed before the weights were trained: 20 clips a class from seed 50000, 40 clips without an
expression from seed 60000.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np

from hmrm import atomic, provenance
from hmrm.analysis.analyze import analyze
from hmrm.analysis.naming import NetworkNamer
from hmrm.clip import CLASSES, Image
from hmrm.facs.atlas import ActionUnit
from hmrm.facs.clip_recipes import ClipRecipe, draw_recipe
from hmrm.facs.clips import ClipConfig, Expression
from hmrm.facs.recipes import HAND_MADE, NONE, choose, draw_nuisance, draw_units
from hmrm.parallel import single_thread

EXPRESSION_SEED, NONE_SEED = 50000, 60000
LOW_PX, HIGH_PX = 0.7, 2.0


def drawn_pair(label: str, seed: int) -> tuple[Image, Image, list[ActionUnit]]:
    """Onset and apex picture of one movement, 0.3 s apart, with head motion and noise."""
    rng = np.random.default_rng(seed)
    units: list[ActionUnit] = []
    while not units:
        if label == NONE:
            units = draw_nuisance(rng, probability=0.5, low_px=LOW_PX, high_px=HIGH_PX)
        else:
            recipe = choose(HAND_MADE, label, rng)
            units = draw_units(recipe, rng, low_px=LOW_PX, high_px=HIGH_PX)
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
    clip = draw_recipe(recipe)
    return clip.frame(20).image, clip.frame(55).image, units


def name_clips(namer: NetworkNamer, label: str, seeds: range) -> list[dict[str, object]]:
    """One row per clip: what was drawn and what it was called; no movement counts as none."""
    rows: list[dict[str, object]] = []
    for seed in seeds:
        onset, apex, units = drawn_pair(label, seed)
        events = analyze([onset, apex], namer=namer).events
        called = events[0].label if events else NONE
        drawn = "+".join(f"{u.number}{u.side[0].upper()}" for u in units)
        rows.append({"seed": seed, "drawn": label, "units": drawn, "called": called})
    return rows


def main() -> None:
    """Name all clips, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="hmrm-synthetic")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/naming/results.json"))
    arguments = parser.parse_args()
    single_thread()
    namer = NetworkNamer(arguments.weights)
    rows = []
    for number, label in enumerate(CLASSES):
        first = EXPRESSION_SEED + 20 * number
        rows += name_clips(namer, label, range(first, first + 20))
    rows += name_clips(namer, NONE, range(NONE_SEED, NONE_SEED + 40))
    counts = Counter((row["drawn"], row["called"]) for row in rows)
    table = {a: {b: counts[a, b] for b in (*CLASSES, NONE)} for a in (*CLASSES, NONE)}
    right = sum(table[name][name] for name in CLASSES)
    print(f"named right: {right} of 60 expressions, {table[NONE][NONE]} of 40 without one")
    for label, called in table.items():
        print(f"  {label:9}", called)
    result = {
        "weights": namer.provenance,
        "expressions_right": right,
        "none_right": table[NONE][NONE],
        "table": table,
        "clips": rows,
        "provenance": provenance.stamp(seeds=(EXPRESSION_SEED, NONE_SEED)),
    }
    atomic.write_text(arguments.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
