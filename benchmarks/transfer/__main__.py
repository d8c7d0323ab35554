"""Weights against maps of both motion sources.

``python -m benchmarks.transfer --morphable WEIGHTS --atlas WEIGHTS --model-path ICT_FACE``

``--morphable`` names weights trained on the morphable face alone, ``--atlas`` weights trained on
the atlas alone (``configs/hmrm-morphable.toml`` and ``configs/hmrm-atlas.toml``). The maps tested
on have seeds and faces of their own; the cells off the diagonal are the ones that count.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from hmrm import atomic, provenance
from hmrm.model.checkpoints import load_model
from hmrm.parallel import single_thread
from hmrm.synthetic.flow_maps import SynthConfig, class_names, synthesize_maps

SEED, COUNT = 777001, 2000


def recalls(weights: str, config: SynthConfig) -> dict[str, float]:
    """Fraction of each class that is correctly classified, and their mean (UAR; chance 0.25)."""
    model, _ = load_model(weights)
    maps, labels, _ = synthesize_maps(config, seed=SEED, start=0, count=COUNT)
    with torch.inference_mode():
        parts = torch.from_numpy(maps).split(256)
        called = torch.cat([model(part).fused.argmax(1) for part in parts]).numpy()
    names = class_names(config)
    found = {n: float((called[labels == i] == i).mean()) for i, n in enumerate(names)}
    return found | {"UAR": float(np.mean(list(found.values())))}


def main() -> None:
    """Fill the table of two trainings by two sources, print it and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--morphable", required=True)
    parser.add_argument("--atlas", required=True)
    parser.add_argument("--model-path", type=Path, required=True)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("benchmarks/transfer/results.json")
    )
    given = parser.parse_args()
    single_thread()
    table = {}
    for trained, weights in (("morphable", given.morphable), ("atlas", given.atlas)):
        for source in ("morphable", "atlas"):
            # Faces of another pool than any training drew from.
            config = SynthConfig(
                source=source, model_path=given.model_path, with_none=True, pool_seed=99
            )
            cell = recalls(weights, config)
            table[f"trained on {trained}, tested on {source}"] = cell
            print(f"trained on {trained:9} tested on {source:9}", cell)
    result = {"table": table, "provenance": provenance.stamp(seeds=(SEED,))}
    atomic.write_text(given.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
