"""Times of all rivals in one process, peak memory each in a process of its own."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.scan.rivals import RIVALS

CHANNELS, STATE = 384, 16
CASES = ((1, 16), (20, 16), (20, 49), (20, 196), (128, 49))
"""(batch, length); the channels and states of the paper's network."""

MEMORY_CASE = (20, 196)


def arguments(batch: int, length: int) -> list[Tensor]:
    """Inputs in the range that training gives."""
    g = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    dt = torch.nn.functional.softplus(normal(batch, length, CHANNELS) - 3)
    values = [normal(batch, length, CHANNELS), dt, -torch.exp(normal(CHANNELS, STATE))]
    values += [normal(batch, length, STATE), normal(batch, length, STATE), normal(CHANNELS)]
    return [value.requires_grad_() for value in values]


def run_forward(name: str, inputs: list[Tensor]) -> None:
    """One forward pass without gradients."""
    with torch.no_grad():
        RIVALS[name](*inputs)


def run_both(name: str, inputs: list[Tensor]) -> None:
    """One forward and one backward pass."""
    torch.autograd.grad(RIVALS[name](*inputs).sum(), inputs)


def median_ms(run: Any, name: str, inputs: list[Tensor], seconds: float) -> float:
    """Median time of a call, over about ``seconds`` and at least three calls after one to warm.

    Processor time: on a shared machine the clock on the wall would also count the time that a
    long call, more than a short one, waits for its turn.
    """
    run(name, inputs)
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        begin = time.thread_time()
        run(name, inputs)
        times.append(time.thread_time() - begin)
        if len(times) >= 200:
            break
    return median(times) * 1000


def measure_case(batch: int, length: int, names: list[str], seconds: float) -> dict[str, Any]:
    """Forward, and forward with backward, of every rival on the same inputs, one thread."""
    inputs = arguments(batch, length)
    with torch.no_grad():
        expected = RIVALS["unbind loop"](*inputs)
        for name in names:
            torch.testing.assert_close(RIVALS[name](*inputs), expected, rtol=1e-3, atol=1e-4)
    rows = {
        name: {
            "forward_ms": round(median_ms(run_forward, name, inputs, seconds), 3),
            "forward_backward_ms": round(median_ms(run_both, name, inputs, seconds), 3),
        }
        for name in names
    }
    return {"batch": batch, "length": length, "rivals": rows}


def roofline(batch: int, length: int) -> dict[str, float]:
    """What the hardware allows a forward pass: memory traffic, and torch's own exponentials."""
    values = 3 * batch * length * CHANNELS + 2 * batch * length * STATE
    x = torch.randn(2**24)
    y = torch.empty_like(x)

    def best_s(run: Any) -> float:
        times = []
        for _ in range(5):
            begin = time.thread_time()
            run()
            times.append(time.thread_time() - begin)
        return min(times)

    bytes_per_s = 2 * 4 * x.numel() / best_s(lambda: y.copy_(x))
    part = x[: 2**18]
    exp_per_s = part.numel() / best_s(lambda: torch.exp(part, out=y[: 2**18]))
    exponentials = batch * length * CHANNELS * STATE
    return {
        "traffic_mb": round(4 * values / 1e6, 2),
        "traffic_ms": round(4 * values / bytes_per_s * 1000, 3),
        "torch_exp_ms": round(exponentials / exp_per_s * 1000, 3),
    }


def peak_mb(name: str) -> float:
    """Peak memory of forward and backward beyond the inputs, in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.scan.measure", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


def _own_peak_mb(name: str) -> float:
    torch.set_num_threads(1)
    run_both(name, arguments(1, 4))
    inputs = arguments(*MEMORY_CASE)
    before = _status_mb("VmRSS")
    # Linux: forget the peak that importing torch left behind.
    Path("/proc/self/clear_refs").write_text("5")
    run_both(name, inputs)
    return _status_mb("VmHWM") - before


def _status_mb(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


if __name__ == "__main__":
    print(json.dumps(_own_peak_mb(sys.argv[1])))
