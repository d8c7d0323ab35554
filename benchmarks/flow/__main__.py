"""``python -m benchmarks.flow``: measure, write the JSON and the page."""

import argparse
import json
import platform
from pathlib import Path

from benchmarks.flow.inside import look_inside
from benchmarks.flow.measure import METHODS, measure, with_learned
from benchmarks.flow.page import page
from benchmarks.flow.suite import SEED, images, images_hash
from hmrm import atomic, provenance
from hmrm.cli.terminal import progress_bar

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run the benchmark that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flow", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four images, one pair each")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument(
        "--weights", nargs="+", default=[], metavar="ROW=FILE", help="GRU-AOFE with these weights"
    )
    parser.add_argument(
        "--iterations", nargs="+", type=int, default=[], help="further rows with so many each"
    )
    parser.add_argument("--json", type=Path, help="default: benchmarks/flow/results.json")
    parser.add_argument("--page", type=Path, help="default: docs/benchmarks/flow.md")
    given = parser.parse_args()
    files = {row: Path(path) for row, _, path in (each.partition("=") for each in given.weights)}
    known = with_learned(files, given.iterations)
    expected = {row: known[row] for row in known if row in given.methods or row not in METHODS}
    sources = images()
    image_count, per_image = (4, 1) if given.quick else (len(sources), 2)
    with progress_bar(enabled=True) as bar:
        methods = measure(expected, image_count=image_count, per_image=per_image, progress=bar)
        chosen = list(sources.values())[:image_count]
        inside = look_inside(chosen, per_image, bar) if "gru-aofe" in expected else None
    result = {
        "provenance": provenance.stamp(data_hash=images_hash(sources), seeds=(SEED,)),
        "processor": platform.processor() or platform.machine(),
        "images": list(sources)[:image_count],
        "pairs_per_column": image_count * per_image,
        "methods": methods,
        "inside": inside,
    }
    if given.quick and not (given.json or given.page):
        print(page(result))
        return
    atomic.write_text(
        given.json or ROOT / "benchmarks/flow/results.json", json.dumps(result, indent=1) + "\n"
    )
    atomic.write_text(given.page or ROOT / "docs/benchmarks/flow.md", page(result))


if __name__ == "__main__":
    main()
