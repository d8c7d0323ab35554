"""``python -m benchmarks.action_units [--model-path ict_face.npz]``: F1 of each unit, printed.

Synthetic maps with seeds and faces of their own, scored as ``hmrm score-aus`` does. Both sources of
motion were among those that ``hmrm-synthetic`` learnt from; no real clip has been scored.
"""

import argparse
import json
from pathlib import Path

from hmrm import atomic, provenance
from hmrm.clip import CLASSES
from hmrm.datasets.annotations.action_units import parse_units
from hmrm.evaluation.action_units.predict import predict_units
from hmrm.evaluation.action_units.score import score_units
from hmrm.facs.recipes import NONE
from hmrm.flow.mapset import build_mapset
from hmrm.parallel import single_thread
from hmrm.synthetic.flow_maps import SynthConfig, synthesize_maps, unit_names

SEED, COUNT, POOL = 777002, 800, 99
ROOT = Path(__file__).resolve().parents[2]


def scores(config: SynthConfig, weights: str) -> dict[str, float]:
    """F1 of every unit that is synthesized at all, their mean, and that over all counts."""
    maps, labels, units = synthesize_maps(config, seed=SEED, start=0, count=COUNT)
    ids = [f"synthetic/s/{i:04d}" for i in range(COUNT)]
    mapset = build_mapset(
        ids=ids,
        labels=labels,
        maps=maps,
        classes=(*CLASSES, NONE),
        crop="hmrm-1",
        channels_apart=False,
        source="synthetic",
    )
    found = predict_units(weights, mapset)
    assert found is not None, "the weights have a head for action units"
    numbers = [int(name.removeprefix("AU")) for name in found.units]
    synthetic = [int(name.removeprefix("AU")) for name in unit_names(config)]
    truth = {
        clip: parse_units("+".join(str(n) for n, on in zip(synthetic, row, strict=True) if on))
        for clip, row in zip(ids, units, strict=True)
    }
    seen = {
        clip: frozenset(n for n, p in zip(numbers, row, strict=True) if p >= 0.5)
        for clip, row in zip(found.ids, found.probabilities, strict=True)
    }
    result = score_units(truth, seen)
    each = {f"AU{one.number}": round(one.f1, 3) for one in result.units}
    return {"macro": round(result.macro_f1, 3), "micro": round(result.micro_f1, 3), **each}


def main() -> None:
    """Score both sources that are here, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.action_units", description=__doc__)
    parser.add_argument("--model-path", type=Path, help="the morphable face")
    parser.add_argument("--weights", default="hmrm-synthetic")
    given = parser.parse_args()
    single_thread()
    table = {"atlas": scores(SynthConfig(with_none=True, pool_seed=POOL), given.weights)}
    if given.model_path:
        config = SynthConfig(
            source="morphable", model_path=given.model_path, with_none=True, pool_seed=POOL
        )
        table["morphable face"] = scores(config, given.weights)
    print(json.dumps(table, indent=1))
    if given.model_path:
        result = {"maps": COUNT, "f1": table, "provenance": provenance.stamp(seeds=(SEED,))}
        path = ROOT / "benchmarks/action_units/results.json"
        atomic.write_text(path, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
