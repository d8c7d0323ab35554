"""``python -m benchmarks.fold``: seconds that one LOSO fold takes; writes the JSON and the page.

A fold is what ``hmrm evaluate`` runs for one subject: start from pretrained weights, train on 435
clips, predict 7. The clips are random noise, which costs the same as real maps. Processor time of
one thread. Our way trains the whole fold, median of several; slower ways train one epoch, counted
once for each of the config's.
"""

import argparse
import json
import platform
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.encoder.ways import WAYS
from hmrm import atomic, provenance
from hmrm.clip import CLASSES
from hmrm.evaluation.settings import load_plan
from hmrm.model.contract import Recogniser, TrainingSet
from hmrm.model.scan import scan_backend
from hmrm.parallel import single_thread
from hmrm.training.registry import find_recogniser

ROOT = Path(__file__).resolve().parents[2]
TRAINING, TEST, SUBJECTS = 435, 7, 68
OURS = next(iter(WAYS))


def synthetic_set() -> TrainingSet:
    """As many maps as a fold of the composite trains on."""
    generator = np.random.default_rng(0)
    return TrainingSet(
        ids=tuple(f"synthetic/s{i % SUBJECTS:02d}/c{i:03d}" for i in range(TRAINING)),
        labels=generator.integers(0, len(CLASSES), TRAINING),
        maps=generator.standard_normal((TRAINING, 3, 28, 28)).astype(np.float32),
        classes=CLASSES,
    )


def fold_s(recogniser: Recogniser, train: TrainingSet, epochs: int | None) -> float:
    """Processor seconds of one fold."""
    begin = time.thread_time()
    fitted = recogniser.fit(train, seed=0, epochs=epochs)
    fitted.predict(train.maps[:TEST])
    return time.thread_time() - begin


def measure(config: Path, repeats: int) -> dict[str, Any]:
    """Seconds of a fold, by way; the config's epochs."""
    plan = load_plan(config)
    recogniser = find_recogniser(plan.model, plan.options)
    train, epochs = synthetic_set(), recogniser.epochs
    seconds: dict[str, float] = {}
    for name, way in WAYS.items():
        with way():
            if name == OURS or epochs is None:
                fold_s(recogniser, train, 1 if epochs else None)
                seconds[name] = median(fold_s(recogniser, train, None) for _ in range(repeats))
            else:
                seconds[name] = epochs * fold_s(recogniser, train, 1)
        print(f"{config.name}: {name}: {seconds[name]:.1f} s", flush=True)
    return {
        "epochs": epochs,
        "fold_s": {name: round(value, 2) for name, value in seconds.items()},
        "minutes_for_68_folds_on_two_cores": round(seconds[OURS] * SUBJECTS / 2 / 60, 1),
    }


def page(result: dict[str, Any]) -> str:
    """The result as a Markdown page."""
    lines = [
        "# One fold of leave-one-subject-out",
        "",
        "Written by `python -m benchmarks.fold`; processor seconds of one thread, 435 clips to",
        "train on, 7 to predict; slower ways: one epoch times the config's.",
        f"Processor: {result['processor']}; backend: {result['backend']}.",
        "",
    ]
    for name, found in result["configs"].items():
        lines += [f"## {name}", "", "| way | s a fold | ratio |", "| --- | --- | --- |"]
        ours = found["fold_s"][OURS]
        for way, seconds in found["fold_s"].items():
            lines.append(f"| {way} | {seconds:.1f} | {seconds / ours:.1f} × |")
        minutes = found["minutes_for_68_folds_on_two_cores"]
        lines += ["", f"68 folds on two idle cores: {minutes:g} minutes.", ""]
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fold", description=__doc__)
    parser.add_argument(
        "configs",
        type=Path,
        nargs="*",
        default=[ROOT / "configs/hmrm-finetune-lite.toml"],
        help="configs of hmrm evaluate",
    )
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    single_thread()
    torch.set_num_threads(1)
    backend = scan_backend()
    result = {
        "provenance": provenance.stamp(seeds=(0,)),
        "processor": platform.processor() or platform.machine(),
        "backend": f"{backend.name}, {backend.reason}",
        "configs": {path.stem: measure(path, given.repeats) for path in given.configs},
    }
    text = json.dumps(result, indent=1) + "\n"
    atomic.write_text(ROOT / "benchmarks/fold/results.json", text)
    atomic.write_text(ROOT / "docs/benchmarks/fold.md", page(result))


if __name__ == "__main__":
    main()
