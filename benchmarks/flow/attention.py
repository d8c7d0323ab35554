"""Attention on against off: ``python -m benchmarks.flow.attention -o FOLDER``.

Trains both with ``configs/gru-aofe-short.toml`` for each seed, on the same pairs, crops and noise,
and compares their errors on the held-out pairs. Resumable. The next run of ``benchmarks.flow``, or
``--page`` here, puts the table on the page.
"""

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.flow.page import ATTENTION, page
from hmrm import atomic, config, provenance
from hmrm.cli.terminal import progress_bar
from hmrm.parallel import single_thread
from hmrm.training.flow.loop import VALIDATION, FlowTrainingConfig, train_flow

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs/gru-aofe-short.toml"


def main() -> None:
    """Train, compare, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flow.attention")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--page", action="store_true", help="write the page, too")
    given = parser.parse_args()
    single_thread()
    settings = config.load(FlowTrainingConfig, CONFIG)
    rows = [trained(settings, seed, given.output) for seed in given.seeds]
    result = {
        "provenance": provenance.stamp(
            config_hash=config.digest(settings), seeds=tuple(given.seeds)
        ),
        "steps": settings.steps,
        "seeds": rows,
        **{key: compared(rows, key) for key in ("epe_px", "static_px")},
    }
    atomic.write_text(ATTENTION, json.dumps(result, indent=1) + "\n")
    if given.page:
        measured = json.loads((ROOT / "benchmarks/flow/results.json").read_text(encoding="utf-8"))
        atomic.write_text(ROOT / "docs/benchmarks/flow.md", page(measured))


def trained(settings: FlowTrainingConfig, seed: int, folder: Path) -> dict[str, dict]:
    """Held-out figures of both trainings of a seed, by ``on`` and ``off``."""
    found = {}
    for name, attention in (("on", True), ("off", False)):
        network = replace(settings.network, attention=attention)
        run, shared = folder / f"{seed}-{name}", folder / f"{seed}-on/pairs"
        if shared.exists() and name == "off":
            shutil.copytree(shared, run / "pairs", dirs_exist_ok=True)
        with progress_bar(enabled=True) as bar:
            train_flow(replace(settings, seed=seed, network=network), run, progress=bar)
        found[name] = json.loads((run / VALIDATION).read_text(encoding="utf-8"))[-1]
    return found


def compared(rows: list[dict[str, dict]], key: str) -> dict[str, object]:
    """One error with and without attention: means, spread over seeds, paired difference, verdict.

    A difference counts where its mean exceeds both the spread of it over seeds and the larger
    spread of the two variants.
    """
    on, off = (np.array([row[name][key] for row in rows]) for name in ("on", "off"))
    apart = on - off
    spread = max(float(values.std(ddof=1)) for values in (on, off, apart))
    beyond = abs(float(apart.mean())) > spread
    better = "better with attention" if apart.mean() < 0 else "worse with attention"
    return {
        "on": round(float(on.mean()), 5),
        "off": round(float(off.mean()), 5),
        "on_minus_off": round(float(apart.mean()), 5),
        "spread": round(spread, 5),
        "verdict": better if beyond else "no difference beyond the spread over seeds",
    }


if __name__ == "__main__":
    main()
