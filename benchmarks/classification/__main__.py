"""Rendered clips, classified: ``python -m benchmarks.classification [--weights W] [--flow F]``.

Onset and apex images of the portrait, moved by the atlas, go through the whole chain: MTCNN,
canonical crop, optical flow, flow map, weights. Weights of ``configs/hmrm-morphable.toml`` never
saw the atlas; the shipped ones saw it in maps, but neither the portrait nor a rendered frame. Seeds
were fixed before the weights were trained: 20 clips a class from seed 50000, 40 clips without an
expression from seed 60000.
"""

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from benchmarks.classification.clips import APEX_INDEX, ONSET_INDEX, synthetic_clip
from hmrm import atomic, provenance
from hmrm.analysis.analyze import analyze
from hmrm.analysis.classify import NetworkClassifier
from hmrm.analysis.settings import AnalyzeConfig
from hmrm.clip import CLASSES
from hmrm.facs.recipes import NONE
from hmrm.flow.estimate import ESTIMATORS
from hmrm.parallel import single_thread

EXPRESSION_SEED, NONE_SEED = 50000, 60000
LOW_PX, HIGH_PX = 0.7, 2.0


def classify_clips(
    classifier: NetworkClassifier, label: str, seeds: range, flow: str
) -> list[dict[str, object]]:
    """One row per clip: what was synthesized and what it was called; no movement counts as none."""
    rows: list[dict[str, object]] = []
    for seed in seeds:
        clip, units = synthetic_clip(label, seed, low_px=LOW_PX, high_px=HIGH_PX)
        pair = [clip.frame(index).image for index in (ONSET_INDEX, APEX_INDEX)]
        events = analyze(pair, flow=flow, classifier=classifier).events
        called = events[0].label if events else NONE
        moved = "+".join(f"{u.number}{u.side[0].upper()}" for u in units)
        rows.append({"seed": seed, "label": label, "units": moved, "called": called})
    return rows


def main() -> None:
    """Classify all clips, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="hmrm-synthetic")
    parser.add_argument("--flow", choices=list(ESTIMATORS), default=AnalyzeConfig().flow)
    default = Path("benchmarks/classification/results.json")
    parser.add_argument("-o", "--output", type=Path, default=default)
    arguments = parser.parse_args()
    single_thread()
    classifier = NetworkClassifier(arguments.weights)
    rows = []
    for number, label in enumerate(CLASSES):
        first = EXPRESSION_SEED + 20 * number
        rows += classify_clips(classifier, label, range(first, first + 20), arguments.flow)
    rows += classify_clips(classifier, NONE, range(NONE_SEED, NONE_SEED + 40), arguments.flow)
    counts = Counter((row["label"], row["called"]) for row in rows)
    table = {a: {b: counts[a, b] for b in (*CLASSES, NONE)} for a in (*CLASSES, NONE)}
    right = sum(table[name][name] for name in CLASSES)
    print(f"correctly classified: {right} of 60 expressions, {table[NONE][NONE]} of 40 without one")
    for label, called in table.items():
        print(f"  {label:9}", called)
    result = {
        "weights": asdict(classifier.origin),
        "flow": arguments.flow,
        "expressions_right": right,
        "none_right": table[NONE][NONE],
        "table": table,
        "clips": rows,
        "provenance": provenance.stamp(seeds=(EXPRESSION_SEED, NONE_SEED)),
    }
    atomic.write_text(arguments.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
