"""``python -m benchmarks.spotting.probability``: salience as the probability of an expression.

Renders development videos of the atlas's motion and talking faces, of seeds that nothing was tuned
on, finds their events, counts which are expressions, and fits a logistic regression. Writes
``src/hmrm/spotting/probability.json`` and the page; reliability is out of fold, each video by a fit
without it. ``--real FOLDER`` counts the events of a folder of filmed people, too.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.spotting.measure import Measured, Order, load, measure
from benchmarks.spotting.videos import RATES, Part
from hmrm import atomic, records
from hmrm.parallel import run_all, single_thread
from hmrm.spotting.first_pass import first_pass
from hmrm.spotting.fusion import find_events
from hmrm.spotting.probability import FITTED, FittedProbability
from hmrm.video.reader import open_video

PARTS: tuple[Part, ...] = ("probability", "probability-speech")
PAGE = Path("docs/benchmarks/expression_probability.md")
RESULTS = Path("benchmarks/spotting/probability.json")
_BINS = 5
_UNREGULARISED = 1e6


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One found event: of which video, how high, and whether its apex lies in an expression."""

    video: str
    peak: float
    expression: bool


def counted(videos: Sequence[Measured]) -> list[Counted]:
    """Every event that is found in the videos."""
    return [
        Counted(
            video=one.name,
            peak=event.salience,
            expression=any(
                truth.onset_index <= event.apex_index <= truth.offset_index for truth in one.truth
            ),
        )
        for one in videos
        for event in find_events(one.measures, one.signal, appearances=one.appearances).events
    ]


def fit(events: Sequence[Counted]) -> tuple[float, float]:
    """Intercept and slope of the logistic regression on ln peak."""
    peaks = np.log([[event.peak] for event in events])
    truth = [event.expression for event in events]
    model = LogisticRegression(C=_UNREGULARISED).fit(peaks, truth)
    return float(model.intercept_[0]), float(model.coef_[0, 0])


def reliability(events: Sequence[Counted]) -> dict[str, Any]:
    """Out of fold, each video by the fit of the others: Brier score, and bins of equal size."""
    probability = np.zeros(len(events))
    truth = np.array([event.expression for event in events], float)
    for video in {event.video for event in events}:
        intercept, slope = fit([event for event in events if event.video != video])
        for i, event in enumerate(events):
            if event.video == video:
                probability[i] = 1 / (1 + np.exp(-(intercept + slope * np.log(event.peak))))
    bins = np.array_split(np.argsort(probability, kind="stable"), _BINS)
    return {
        "brier": float(np.mean((probability - truth) ** 2)),
        "brier_of_the_rate": float(np.mean((truth.mean() - truth) ** 2)),
        "bins": [
            {
                "events": len(rows),
                "lowest": float(probability[rows].min()),
                "highest": float(probability[rows].max()),
                "mean": float(probability[rows].mean()),
                "expressions": int(truth[rows].sum()),
            }
            for rows in bins
        ],
    }


def page(fitted: FittedProbability, found: dict[str, Any]) -> str:
    """The page of docs."""
    rows = "\n".join(
        f"| {one['lowest']:.2f} to {one['highest']:.2f} | {one['mean']:.2f} | {one['events']} "
        f"| {one['expressions']} | {one['expressions'] / one['events']:.2f} |"
        for one in found["bins"]
    )
    real = found.get("real")
    counts = (
        f"On filmed people, which the fit never saw: {real['events']} events in {real['videos']} "
        f"clips, mean probability {real['mean']:.2f}, the lowest {real['lowest']:.2f}; which of "
        "them are expressions: [real video](real_video.md)."
        if real
        else "Not counted on filmed people."
    )
    return f"""# How probable is it that an event is an expression?

`expression_probability` of an event comes from its salience alone: sigmoid({fitted.intercept:.2f} +
{fitted.slope:.2f} · ln(peak / threshold)). `python -m benchmarks.spotting.probability` fits it
again. At the threshold it is {fitted.of(1.0):.2f}, at twice the threshold {fitted.of(2.0):.2f}, at
four times {fitted.of(4.0):.2f}.

- **Fitted on** {fitted.fitted_on}: {fitted.events} events,
  {fitted.expressions} of them expressions; the others were blinks, words, turns and noise. No real
  video was used.
- **Limits**: {fitted.limits}

## Reliability, each video by a fit without it

| probability | mean | events | expressions | fraction |
|---:|---:|---:|---:|---:|
{rows}

Brier score {found["brier"]:.3f}; {found["brier_of_the_rate"]:.3f} where every event gets the
overall rate.

{counts}
"""


def _real(folder: Path, fitted: FittedProbability) -> dict[str, Any]:
    paths = sorted(p for p in folder.iterdir() if p.suffix in (".mp4", ".mkv"))
    found = [
        fitted.of(event.salience)
        for path in paths
        for track in first_pass(open_video(path)).measured(largest=True)
        for event in find_events(track.measures, track.signal, appearances=track.appearances).events
    ]
    return {
        "videos": len(paths),
        "events": len(found),
        "mean": float(np.mean(found)),
        "lowest": float(np.min(found)),
    }


def main() -> None:
    """Measure what is missing, fit, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.spotting.probability", description=__doc__
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/spotting-videos"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--real", type=Path, help="a folder of filmed people whose events are counted, too"
    )
    given = parser.parse_args()
    single_thread()
    given.folder.mkdir(parents=True, exist_ok=True)
    orders = [
        Order(part, number, None, given.folder)
        for part in PARTS
        for number in range(len(RATES[part]))
    ]
    for order, seconds in run_all(measure, orders, workers=given.workers):
        if seconds:
            print(f"{order.path.name}: {seconds:.0f} s of processor time", flush=True)
    events = counted([load(order.path) for order in orders])
    intercept, slope = fit(events)
    fitted = FittedProbability(
        intercept=round(intercept, 4),
        slope=round(slope, 4),
        events=len(events),
        expressions=sum(event.expression for event in events),
        videos=len(orders),
        fitted_on=f"{len(orders)} synthetic videos of the atlas's motion and of talking faces",
        limits=(
            "It holds where expressions are as frequent among movements as in those videos; how "
            "frequent they are in a user's video nobody knows."
        ),
    )
    found = reliability(events)
    if given.real:
        found["real"] = _real(given.real, fitted)
    records.write(FITTED, fitted)
    atomic.write_text(RESULTS, json.dumps(found, indent=1) + "\n")
    atomic.write_text(PAGE, page(fitted, found))
    print(page(fitted, found))


if __name__ == "__main__":
    main()
