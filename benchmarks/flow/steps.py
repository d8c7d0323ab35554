"""The error over training steps: ``python -m benchmarks.flow.steps NAME=RUN ...``.

Takes what ``hmrm train flow`` wrote down while it ran (``validation.json`` in its folder), for
trainings that followed one another, and writes the JSON, the figure and the page of
``benchmarks.flow``.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.flow.page import STEPS, page
from hmrm import atomic, provenance
from hmrm.evaluation.report.figures import svg_figure
from hmrm.training.flow.loop import VALIDATION

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "docs/benchmarks/flow-steps.svg"
_PARTS = {"epe_px": "all pairs", "static_px": "pairs that stand still"}


def main() -> None:
    """Collect, draw, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flow.steps", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN", help="folders of hmrm train flow")
    given = parser.parse_args()
    trainings = []
    for each in given.runs:
        name, equals, run = each.partition("=")
        if not equals or not (Path(run) / VALIDATION).exists():
            parser.error(f"{each}: give NAME=RUN, RUN a finished folder of hmrm train flow")
        trainings.append({"name": name, "card": _card(Path(run)), "rows": read(Path(run))})
    atomic.write_text(IMAGE, image(trainings) + "\n")
    result = {"provenance": provenance.stamp(), "trainings": trainings}
    atomic.write_text(STEPS, json.dumps(result, indent=1) + "\n")
    measured = json.loads((ROOT / "benchmarks/flow/results.json").read_text(encoding="utf-8"))
    atomic.write_text(ROOT / "docs/benchmarks/flow.md", page(measured))


def _card(run: Path) -> dict[str, Any]:
    """Which code, config and seed the run's weights say they are from."""
    card = json.loads((run / "weights.json").read_text(encoding="utf-8"))
    return {key: card["provenance"][key] for key in ("commit", "config_hash", "seeds")}


def read(run: Path) -> list[dict[str, float]]:
    """Step, error, error of zero flow and error of still pairs, px, each time it was validated."""
    rows = json.loads((run / VALIDATION).read_text(encoding="utf-8"))
    return [{key: row[key] for key in ("step", "zero_epe_px", *_PARTS)} for row in rows]


def image(trainings: Sequence[Mapping[str, Any]]) -> str:
    """Both errors over the steps of all trainings, one after the other, as SVG text."""
    with svg_figure(9.6, 3.0, salt="steps") as (figure, done):
        for axes, (key, title) in zip(figure.subplots(1, 2), _PARTS.items(), strict=True):
            before = 0
            for training in trainings:
                rows = training["rows"]
                steps = [before + row["step"] for row in rows]
                axes.plot(steps, [row[key] for row in rows], "o-", ms=3, label=training["name"])
                before = steps[-1]
            axes.set(title=title, xlabel="steps", ylabel="error, px")
        figure.axes[1].set_yscale("log")
        figure.axes[0].legend()
    return done[0]


if __name__ == "__main__":
    main()
