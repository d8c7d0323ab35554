"""``python -m benchmarks.robustness --model-path ict_face.npz``: what recognition bears.

Onset and apex of synthetic clips go through MTCNN, the canonical crop, the flow of ``hmrm analyze``
and ``hmrm-synthetic``, under one condition at a time, with and without remedies. Test clips
need the morphable face; without it those are measured on which remedies were chosen, and nothing
is written. Measured clips are kept in a folder, so that a broken run goes on.
"""

import argparse
import json
from pathlib import Path

from benchmarks.robustness.measure import Order, load, measure
from benchmarks.robustness.page import image, page
from benchmarks.robustness.scenes import FIRST_SEED, Cast
from benchmarks.robustness.table import result_of
from hmrm import atomic, provenance
from hmrm.parallel import run_all, single_thread

ROOT = Path(__file__).resolve().parents[2]
CLIPS = 16


def main() -> None:
    """Measure what is missing, count, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("--model-path", type=Path, help="the morphable face")
    parser.add_argument("--clips", type=int, default=CLIPS, help="a multiple of 4")
    parser.add_argument("--quick", action="store_true", help="four clips, printed only")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/robustness")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    single_thread()
    cast = Cast(
        part="test" if given.model_path else "development",
        model_path=given.model_path and given.model_path.resolve(),
    )
    clips = 4 if given.quick else given.clips
    orders = [Order(cast=cast, number=number, folder=given.folder) for number in range(clips)]
    for order, _ in run_all(measure, orders, workers=given.workers):
        print(f"measured: {order.path.name}", flush=True)
    result = result_of([load(order.path) for order in orders])
    result["flow"] = orders[0].flow
    result["provenance"] = provenance.stamp(seeds=(FIRST_SEED[cast.part],))
    text = page(result)
    print(text)
    if cast.part == "test" and not given.quick:
        folder = ROOT / "docs/benchmarks"
        atomic.write_text(
            ROOT / "benchmarks/robustness/results.json", json.dumps(result, indent=1) + "\n"
        )
        atomic.write_text(folder / "robustness.md", text)
        atomic.write_text(folder / "robustness.svg", image(result))


if __name__ == "__main__":
    main()
