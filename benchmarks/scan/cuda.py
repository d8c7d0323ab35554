"""The scan on a CUDA device, where there is one: wall clock, and memory as torch counts it."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.scan.measure import CASES, MEMORY_CASE, arguments, run_both, run_forward
from benchmarks.scan.rivals import RIVALS
from hmrm import provenance
from hmrm.model.scan import scan_backend, selective_scan

NAMES = ("hmrm triton", "hmrm torch", "unbind loop", "indexing loop", "pscan")


def measure_cuda(seconds: float) -> dict[str, Any] | None:
    """All rivals on the first CUDA device; None without one.

    The first is named ``hmrm triton`` only where the kernels run; elsewhere it is skipped.
    """
    if not torch.cuda.is_available():
        return None
    device = torch.device("cuda", 0)
    backend = scan_backend(device)
    RIVALS.setdefault("hmrm triton", selective_scan)  # what a CUDA tensor gets unasked
    names = [name for name in NAMES if name != "hmrm triton" or backend.name == "triton"]
    cases = []
    for batch, length in CASES:
        inputs = _on(device, batch, length)
        rows = {name: _times(name, inputs, seconds) for name in names}
        cases.append({"batch": batch, "length": length, "rivals": rows})
    return {
        "device": torch.cuda.get_device_name(device),
        "backend": f"{backend.name}, {backend.reason}",
        "provenance": provenance.stamp(),
        "cases": cases,
        "peak_mb": {name: _peak_mb(name, device) for name in names},
    }


def _on(device: torch.device, batch: int, length: int) -> list[Tensor]:
    return [value.detach().to(device).requires_grad_() for value in arguments(batch, length)]


def _times(name: str, inputs: list[Tensor], seconds: float) -> dict[str, float]:
    return {
        "forward_ms": round(_median_ms(lambda: run_forward(name, inputs), seconds), 4),
        "forward_backward_ms": round(_median_ms(lambda: run_both(name, inputs), seconds), 4),
    }


def _median_ms(run: Callable[[], None], seconds: float) -> float:
    run()
    times: list[float] = []
    while len(times) < 3 or (sum(times) < seconds and len(times) < 200):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        run()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return median(times) * 1000


def _peak_mb(name: str, device: torch.device) -> float:
    inputs = _on(device, *MEMORY_CASE)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    run_both(name, inputs)
    return round((torch.cuda.max_memory_allocated(device) - before) / 2**20, 1)
