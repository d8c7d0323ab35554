"""``python -m benchmarks.spotting [--model-path ict_face.npz]``: ours against SOFTNet's recipe.

Renders, measures (kept in a folder, so that a broken run goes on) and scores. Test videos
need the morphable face; without it only the development videos are scored. ``--development``
scores these alone, which is where everything was tuned. ``--quick`` takes one video of each part
and writes no result, to see that the command runs.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.spotting import softnet
from benchmarks.spotting.measure import Measured, Order, load, measure
from benchmarks.spotting.page import FINDER, page
from benchmarks.spotting.videos import FIRST_SEED, RATES, Part
from hmrm import atomic, provenance, records
from hmrm.evaluation.spotting.score import score_spotting
from hmrm.intervals import Interval, build_table
from hmrm.parallel import run_all, single_thread
from hmrm.spotting.fusion import find_events
from hmrm.spotting.salience import salience

PAGE = Path("docs/benchmarks/spotting.md")
TUNED_P = (0.35, 0.45, 0.55, 0.65, 0.75)
DEVELOPMENT: tuple[Part, ...] = ("development", "development-quiet", "development-speech")
KINDS = ("micro", "macro")
Found = list[Interval]


def ours(seen: Measured) -> Found:
    """What ``hmrm spot`` finds in a measured video."""
    found = find_events(seen.measures, seen.signal, appearances=seen.appearances)
    return [
        Interval(
            subject=seen.name.rpartition("-")[0],
            video=seen.name,
            onset_index=one.onset_index,
            offset_index=one.offset_index,
            kind=one.kind,
            apex_index=one.apex_index,
            score=salience(one.salience, 1.0),
        )
        for one in found.events
    ]


class Baseline:
    """SOFTNet's recipe, trained once for each kind."""

    def __init__(self, training: Sequence[Measured]) -> None:
        self._models = {}
        for kind in KINDS:
            seen = np.concatenate([one.images[kind] for one in training])
            target = np.concatenate(
                [softnet.overlaps(one.frames, one.k[kind], one.truth, kind) for one in training]
            )
            self._models[kind] = softnet.train(seen, target, seed=0)

    def __call__(self, seen: Measured, *, p: float) -> Found:
        """Intervals of both kinds in one video."""
        found: Found = []
        for kind in KINDS:
            score = softnet.scores(self._models[kind], seen.images[kind])
            found += softnet.spot(score, seen.frames, seen.k[kind], kind, name=seen.name, p=p)
        return found


def table(videos: Sequence[Measured], found: Sequence[Found]) -> dict[str, Any]:
    """Scores over all videos, and false micro-expressions a minute."""
    truth = build_table((i for one in videos for i in one.truth), source="truth")
    spotted = build_table((i for one in found for i in one), source="found")
    counts = records.to_json(score_spotting(truth, spotted).counts)
    minutes = sum(one.seconds for one in videos) / 60
    false = {
        kind: {
            "micro": sum(
                i.kind == "micro"
                for one, group in zip(videos, found, strict=True)
                if one.kind == kind
                for i in group
            ),
            "minutes": sum(one.seconds for one in videos if one.kind == kind) / 60,
        }
        for kind in sorted({one.kind for one in videos})
    }
    return {
        "videos": len(videos),
        "minutes": minutes,
        "counts": counts,
        "found_by_kind": false,
        "micro_a_minute": sum(one["micro"] for one in false.values()) / minutes,
    }


def main() -> None:
    """Measure what is missing, train the baseline, score, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spotting", description=__doc__)
    parser.add_argument("--model-path", type=Path, help="the morphable face")
    parser.add_argument("--folder", type=Path, default=Path("spotting-videos"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--development", action="store_true", help="score what was tuned on")
    parser.add_argument("--quick", action="store_true", help="one video of each part, printed")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("benchmarks/spotting/results.json")
    )
    given = parser.parse_args()
    single_thread()
    developing = given.development or given.model_path is None
    parts: tuple[Part, ...] = ("training", *DEVELOPMENT)
    if not developing:
        parts = (*parts, "test", "quiet")
    orders = [
        Order(part, number, given.model_path, given.folder)
        for part in parts
        for number in range(1 if given.quick else len(RATES[part]))
    ]
    for order, seconds in run_all(measure, orders, workers=given.workers):
        if seconds:
            print(f"{order.path.name}: {seconds:.0f} s of processor time", flush=True)
    kept = {part: [load(o.path) for o in orders if o.part == part] for part in parts}
    result = score_all(kept, developing=developing)
    result["finder"] = FINDER
    result["provenance"] = provenance.stamp(seeds=tuple(FIRST_SEED[part] for part in parts))
    print(json.dumps(summary(result), indent=1))
    if not developing and not given.quick:
        atomic.write_text(given.output, json.dumps(result, indent=1) + "\n")
        atomic.write_text(PAGE, page(result))


def score_all(kept: dict[Part, list[Measured]], *, developing: bool) -> dict[str, Any]:
    """Both spotters on all parts; the baseline also with the p that is best on development."""
    baseline = Baseline(kept["training"])
    development = kept["development"]
    by_p = {
        p: table(development, [baseline(one, p=p) for one in development])["counts"]["all"]["f1"]
        for p in TUNED_P
    }
    tuned = max(by_p, key=lambda p: by_p[p])
    spotters = {
        "ours": ours,
        "softnet": lambda one: baseline(one, p=softnet.PUBLISHED_P),
        "softnet-tuned-p": lambda one: baseline(one, p=tuned),
    }
    parts = DEVELOPMENT
    if not developing:
        parts = (*parts, "test", "quiet")
    scored = {
        name: {part: table(kept[part], [spotter(one) for one in kept[part]]) for part in parts}
        for name, spotter in spotters.items()
    }
    return {"softnet_f1_by_p_on_development": by_p, "softnet_tuned_p": tuned, "scores": scored}


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """The few numbers to look at."""
    return {
        name: {
            part: {
                **{k: round(c["f1"], 3) for k, c in one["counts"].items()},
                "micro_a_minute": round(one["micro_a_minute"], 2),
            }
            for part, one in parts.items()
        }
        for name, parts in result["scores"].items()
    }


if __name__ == "__main__":
    main()
