"""``python -m benchmarks.onsets``: how exact onset and offset are at 200 frames a second.

Renders one expression in each clip of 5 s, finds it, and compares its ends with the renderer's.
Half of the clips hold brief expressions, half slow ones; every third is 2.5 times as strong. They
start and stop once as the renderer's usually do, in half a cosine wave, which is also what is
fitted, and once with minimum jerk, which is not. ``--development`` takes other clips, to develop
on.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.onsets.measure import SETTINGS, Course, Ends, measured
from benchmarks.onsets.page import as_page
from hmrm import atomic, provenance
from hmrm.parallel import run_all

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "benchmarks" / "onsets.md"
DEVELOPMENT, TEST = range(5000, 5048), range(6000, 6060)
COURSES: tuple[Course, ...] = ("half cosine", "minimum jerk")


def main() -> None:
    """Measure, print the table, and write results and page of the test clips."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.onsets", description=__doc__)
    parser.add_argument("--development", action="store_true", help="clips to develop on")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="two clips, printed only")
    given = parser.parse_args()
    seeds = DEVELOPMENT if given.development else TEST
    orders = [(seed, course) for course in COURSES for seed in seeds]
    if given.quick:
        orders = orders[:2]
    found: dict[Course, list[Ends]] = {course: [] for course in COURSES}
    for (_, course), ends in run_all(measured, orders, workers=given.workers):
        found[course] += ends
    table = {
        course: {name: summary([e for e in ends if e.setting == name]) for name in SETTINGS}
        for course, ends in found.items()
        if ends
    }
    result = {"provenance": provenance.stamp(), "clips": len(seeds), "table": table}
    print(as_page(result))
    if not (given.quick or given.development):
        atomic.write_text(RESULTS, json.dumps(result, indent=1) + "\n")
        atomic.write_text(PAGE, as_page(result))


def summary(ends: Sequence[Ends]) -> dict[str, float]:
    """Counts, medians and fractions over clips; times in s."""
    row: dict[str, float] = {
        "found": sum(one.onset_s is not None for one in ends),
        "others": sum(one.others for one in ends),
    }
    for name in ("onset_s", "offset_s"):
        late = np.array([x for one in ends if (x := getattr(one, name)) is not None])
        row[f"{name}_median_error"] = float(np.median(np.abs(late)))
        row[f"{name}_median_late"] = float(np.median(late))
        row[f"{name}_within_10_ms"] = float(np.mean(np.abs(late) <= 0.0101))
        row[f"{name}_within_20_ms"] = float(np.mean(np.abs(late) <= 0.0201))
    return row


if __name__ == "__main__":
    main()
