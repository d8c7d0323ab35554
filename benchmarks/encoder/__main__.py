"""``python -m benchmarks.encoder``: a training step of the network; writes the JSON and the page.

Processor time of one thread, medians over interleaved steps, so that what else runs on the
machine slows all alike.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.encoder.ways import WAYS
from hmrm import atomic, provenance
from hmrm.model.network import HMRM
from hmrm.model.scan import scan_backend
from hmrm.model.sizes import PRESETS
from hmrm.training.loss import LossConfig, MultiScaleLoss

ROOT = Path(__file__).resolve().parents[2]
BATCH = 16
PROFILED = ("plain block, cpp scan", "fused block, cpp")


def training_step(preset: str) -> Callable[[], None]:
    """One training step of a fresh network on a fixed batch."""
    network = HMRM(PRESETS[preset], generator=torch.Generator().manual_seed(0))
    loss = MultiScaleLoss(LossConfig())
    parameters = [*network.parameters(), *loss.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=5e-4, weight_decay=0.01, fused=True)
    g = torch.Generator().manual_seed(1)
    maps = torch.randn(BATCH, 3, 28, 28, generator=g)
    labels = torch.randint(0, 3, (BATCH,), generator=g)

    def step() -> None:
        optimiser.zero_grad()
        loss(network(maps), labels).backward()
        optimiser.step()

    return step


def measure(preset: str, rounds: int) -> dict[str, float]:
    """Milliseconds of processor time a sample and training step, by way."""
    step = training_step(preset)
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for turn in range(rounds + 1):
        for name, way in WAYS.items():
            with way():
                begin = time.thread_time()
                step()
                if turn > 0:
                    times[name].append((time.thread_time() - begin) * 1000 / BATCH)
    return {name: round(median(values), 3) for name, values in times.items()}


def profiled(way: str, *, preset: str = "lite", steps: int = 5) -> dict[str, float]:
    """Percent of a training step's time by operation, largest first, at least 2 % each."""
    step = training_step(preset)
    with WAYS[way]():
        step()
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            for _ in range(steps):
                step()
    times = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    total = sum(times.values())
    fractions = {name: round(100 * value / total, 1) for name, value in times.items()}
    return dict(sorted(((n, s) for n, s in fractions.items() if s >= 2), key=lambda pair: -pair[1]))


def page(result: dict[str, Any]) -> str:
    """The result as a Markdown page."""
    presets = list(result["ms_per_sample"])
    lines = [
        "# Training step of the network",
        "",
        f"Written by `python -m benchmarks.encoder`; batch {BATCH}, float32, one thread: forward,",
        "MS-WCE, backward and AdamW; ms of processor time a sample, medians of interleaved steps.",
        f"Processor: {result['processor']}; backend: {result['backend']}.",
        "",
        "| way | " + " | ".join(presets) + " |",
        "| --- |" + " --- |" * len(presets),
    ]
    for name in WAYS:
        cells = []
        for preset in presets:
            values = result["ms_per_sample"][preset]
            ratio = values[name] / values["fused block, cpp"]
            cells.append(f"{values[name]:.2f} ({ratio:.1f} ×)")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "## Where the time of a step of lite goes (percent by operation)", ""]
    for name, fractions in result["profile"].items():
        lines.append(
            f"- {name}: " + ", ".join(f"{op} {fraction}" for op, fraction in fractions.items())
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Run the benchmark that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoder", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="lite only, two rounds, printed")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    backend = scan_backend()
    presets = ["lite"] if given.quick else list(PRESETS)
    result = {
        "provenance": provenance.stamp(seeds=(0, 1)),
        "processor": platform.processor() or platform.machine(),
        "backend": f"{backend.name}, {backend.reason}",
        "batch": BATCH,
        "ms_per_sample": {
            name: measure(name, 2 if given.quick else given.rounds) for name in presets
        },
        "profile": {way: profiled(way) for way in PROFILED},
    }
    if given.quick:
        print(page(result))
        return
    text = json.dumps(result, indent=1) + "\n"
    atomic.write_text(ROOT / "benchmarks/encoder/results.json", text)
    atomic.write_text(ROOT / "docs/benchmarks/encoder.md", page(result))


if __name__ == "__main__":
    main()
