"""``python -m benchmarks.explain --model-path ict_face.npz``: are the reasons right? Printed.

Maps of the morphable face; action units are fitted by the atlas, which is another motion source.
The network that is explained learnt from both. No real clip is used.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benchmarks.explain.clips import Moved, expression, single_unit
from hmrm import atomic, provenance
from hmrm.analysis.explain.regions import contributions
from hmrm.analysis.explain.units import likely_units
from hmrm.clip import CLASSES
from hmrm.evaluation.statistics import Interval, mean_over_subjects
from hmrm.faces.regions import FINE
from hmrm.flow.mapset import build_mapset
from hmrm.model.exported import ExportedHmrm, load_exported
from hmrm.parallel import single_thread
from hmrm.synthetic.flow_maps import SynthConfig, synthesize_maps
from hmrm.training.registry import build_recogniser

SEED, DELETED, RANDOM_SETS, TAUGHT, LEAST_POSITIVES, NAMED_FROM_PX = 880001, 3, 10, 1500, 20, 0.2
ROOT = Path(__file__).resolve().parents[2]
NAMES = [region.name for region in FINE]


def ranked(network: ExportedHmrm, moved: Moved) -> list[int]:
    """Places of the fine regions, as the shipped ranking has them."""
    found = contributions(np.log(network.without_each_region(moved.flow_map.values)))
    return [NAMES.index(name) for name in found]


def regions(network: ExportedHmrm, clips: Sequence[Moved]) -> dict[str, float]:
    """How often the first two regions contain the moved one, and one that moved half as much."""
    first, half = [], []
    for one in clips:
        two = ranked(network, one)[:2]
        first.append(int(one.energy.argmax()) in two)
        half.append(max(one.energy[two]) >= one.energy.max() / 2)
    return {"most moved": float(np.mean(first)), "moved half as much": float(np.mean(half))}


def deletion(network: ExportedHmrm, clips: Sequence[Moved]) -> Interval:
    """Lead that a linear scorer loses with the first regions deleted, less with random ones."""
    config = SynthConfig()
    maps, labels, _ = synthesize_maps(config, seed=SEED, start=0, count=TAUGHT)
    taught = build_mapset(
        ids=[f"synthetic/s{i}/{i}" for i in range(TAUGHT)],
        labels=labels,
        maps=maps,
        classes=CLASSES,
        crop="hmrm-1",
        channels_apart=False,
        source="synthetic",
    )
    scorer = build_recogniser("svm-mirrored").fit(taught, seed=0)
    rng = np.random.default_rng(SEED)
    gains = []
    for one in clips:
        values = one.flow_map.values
        order = ranked(network, one)
        chosen = [order[:DELETED], *(rng.permutation(16)[:DELETED] for _ in range(RANDOM_SETS))]
        scores = scorer.predict(np.stack([values, *(without(values, c) for c in chosen)]))
        lead = scores[:, CLASSES.index(one.label)] - scores.mean(1)
        gains.append(float(lead[2:].mean() - lead[1]))
    return mean_over_subjects(
        np.array(gains), [str(i) for i in range(len(gains))], generator=np.random.default_rng(0)
    )


def without(values: Float[np.ndarray, "3 s s"], places: Sequence[int]) -> np.ndarray:
    """A map with the motion of some fine regions taken away."""
    found = values.copy()
    for place in places:
        found[:, FINE[place].mask(values.shape[-1])] = 0
    return found


def randomised(network: ExportedHmrm, clips: Sequence[Moved]) -> float:
    """Mean rank correlation of contributions with those of a network of random weights."""
    import torch

    from hmrm.model.fitted_network import FittedHmrm
    from hmrm.model.network import HMRM

    card = network.card
    random = FittedHmrm(
        network=HMRM(
            card.config,
            classes=card.classes,
            action_units=card.action_units,
            generator=torch.Generator().manual_seed(0),
        ).eval()
    )
    found = []
    for one in clips:
        both = [
            contributions(np.log(n.without_each_region(one.flow_map.values)))
            for n in (network, random)
        ]
        ranks = [np.argsort(np.argsort([each[name] for name in NAMES])) for each in both]
        found.append(np.corrcoef(*ranks)[0, 1])
    return float(np.mean(found))


def units(clips: Sequence[Moved], network: ExportedHmrm | None = None) -> dict[str, float]:
    """F1 of units that move in at least 20 clips, and how often the side of a hit is right.

    Args:
        network: names the units as `hmrm analyze` has it; None: the atlas alone.
    """
    truth, seen, sides = [], [], []
    for one in clips:
        halves: dict[int, set[str]] = {}
        for unit in one.units:
            if unit.intensity_px >= NAMED_FROM_PX and unit.number < 60:
                both = {"left", "right"} if unit.side == "both" else {unit.side}
                number = 45 if unit.number == 43 else unit.number
                halves.setdefault(number, set()).update(both)
        named = None if network is None else _named(network, one)
        found = {unit.number: unit.side for unit in likely_units(one.flow_map, named)}
        truth.append(set(halves))
        seen.append(set(found))
        for number in halves.keys() & found.keys():
            side = "both" if len(halves[number]) == 2 else next(iter(halves[number]))
            sides.append(found[number] == side)
    f1 = {}
    for number in sorted(set().union(*truth)):
        positives = sum(number in one for one in truth)
        if positives >= LEAST_POSITIVES:
            hits = sum(
                number in one and number in two for one, two in zip(truth, seen, strict=True)
            )
            f1[f"AU{number}"] = 2 * hits / (positives + sum(number in one for one in seen))
    return {"macro F1": float(np.mean(list(f1.values()))), "side": float(np.mean(sides)), **f1}


def _named(network: ExportedHmrm, one: Moved) -> dict[int, float]:
    numbers = [int(name.removeprefix("AU")) for name in network.card.action_units]
    found = network.action_units(one.flow_map.values[None])[0].tolist()
    return dict(zip(numbers, found, strict=True))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explain", description=__doc__)
    parser.add_argument("--model-path", type=Path, required=True, help="the morphable face")
    parser.add_argument("--clips", type=int, default=150, help="of each kind; units: four times")
    given = parser.parse_args()
    single_thread()
    network = load_exported("hmrm-synthetic")
    assert network is not None, "the weights are exported"
    rng = np.random.default_rng(SEED)
    single = [single_unit(given.model_path, rng) for _ in range(given.clips)]
    expressions = [expression(given.model_path, rng) for _ in range(4 * given.clips)]
    some = expressions[: given.clips]
    start = time.process_time()
    for one in some[:10]:
        ranked(network, one)
        likely_units(one.flow_map, _named(network, one))
    cost_ms = 100 * (time.process_time() - start)
    table = {
        "ms of a core": round(cost_ms),
        "units": units(expressions, network),
        "units by the atlas alone": units(expressions),
        "regions": regions(network, single),
        "randomised": randomised(network, some[:40]),
        "deletion": vars(deletion(network, some)),
    }
    print(json.dumps(table, indent=1))
    result = {"clips": given.clips, "found": table, "provenance": provenance.stamp(seeds=(SEED,))}
    atomic.write_text(ROOT / "benchmarks/explain/results.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
