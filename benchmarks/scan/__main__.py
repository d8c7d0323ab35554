"""``python -m benchmarks.scan``: measure, write the JSON and the page.

With ``--cuda-only`` the figures of the processor stay as they are and those of the first CUDA
device are measured again, since the two are seldom in one machine.
"""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch

from benchmarks.scan.cuda import measure_cuda
from benchmarks.scan.measure import CASES, measure_case, peak_mb, roofline
from benchmarks.scan.page import page
from benchmarks.scan.rivals import RIVALS
from hmrm import atomic, provenance
from hmrm.model.scan import scan_backend

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks/scan/results.json"


def main() -> None:
    """Run the benchmark that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scan", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="B1 L16 only, printed")
    parser.add_argument("--seconds", type=float, default=2.0, help="time per measurement")
    parser.add_argument("--cuda-only", action="store_true", help="measure the CUDA device alone")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.cuda_only:
        result = json.loads(RESULTS.read_text(encoding="utf-8"))
        write(result | {"cuda": measure_cuda(given.seconds)})
        return
    backend = scan_backend()
    cases = []
    for batch, length in CASES[:1] if given.quick else CASES:
        print(f"B{batch} L{length}")
        case = measure_case(batch, length, list(RIVALS), given.seconds)
        cases.append(case | {"roofline": roofline(batch, length)})
    result = {
        "provenance": provenance.stamp(),
        "processor": platform.processor() or platform.machine(),
        "backend": f"{backend.name}, {backend.reason}",
        "cases": cases,
        "peak_mb": {name: round(peak_mb(name), 1) for name in RIVALS},
        "cuda": None if given.quick else measure_cuda(given.seconds),
    }
    if given.quick:
        print(page(result))
        return
    write(result)


def write(result: dict[str, Any]) -> None:
    """The JSON and the page."""
    atomic.write_text(RESULTS, json.dumps(result, indent=1) + "\n")
    atomic.write_text(ROOT / "docs/benchmarks/scan.md", page(result))


if __name__ == "__main__":
    main()
