"""The selective scan: one function, several backends, one meaning.

State-space recurrence of Mamba with diagonal A, per sequence and channel ``d``::

    h_t[n] = exp(dt_t[d] * A[d, n]) * h_{t-1}[n] + dt_t[d] * B_t[n] * u_t[d]
    y_t[d] = sum_n C_t[n] * h_t[n] + D[d] * u_t[d]

A is discretised by zero-order hold, B by its first order, as Mamba's own code does (the paper
writes ZOH for both; for the small steps that are learned the two agree).
"""

import contextlib
import functools
import importlib.util
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from hmrm.errors import ConfigError
from hmrm.model import scan_cpp
from hmrm.model.scan_build import UnavailableError
from hmrm.model.scan_torch import scan_in_torch

BackendName = Literal["cpp", "torch", "reference", "triton"]
BACKENDS: tuple[BackendName, ...] = get_args(BackendName)
SWITCH = "HMRM_SCAN"
"""Environment variable that forces a backend by name."""

Sequence = Float[Tensor, "b l d"]
Projection = Float[Tensor, "b l n"]
StateMatrix = Float[Tensor, "d n"]
Skip = Float[Tensor, " d"]


@dataclass(frozen=True, kw_only=True)
class Backend:
    """Which implementation runs on a device, and why."""

    name: BackendName
    reason: str


_forced: list[BackendName] = []
_CPU = torch.device("cpu")


def scan_backend(device: torch.device = _CPU) -> Backend:
    """The active backend of a device; compiles what it needs if that was not done yet.

    ``cpp`` on the CPU, ``triton`` on CUDA; ``torch`` elsewhere and where those cannot be had. A
    forced backend that the device cannot run gives way likewise.

    Programs with worker processes call this before they start them: workers do not compile C++.

    Raises:
        ConfigError: HMRM_SCAN names no backend.
    """
    expected = _forced[-1] if _forced else os.environ.get(SWITCH)
    if expected and expected not in BACKENDS:
        raise ConfigError(f"{SWITCH}={expected}: expected one of {', '.join(BACKENDS)}")
    if expected == "torch" or expected == "reference":
        return Backend(name=expected, reason="chosen by the user")
    if expected == "triton" or (device.type == "cuda" and not expected):
        return _with_triton(device)
    return _without_triton(device)


@contextlib.contextmanager
def using_backend(name: BackendName) -> Iterator[Backend]:
    """Force a backend inside the block; what cannot be had falls back as in `scan_backend`."""
    _forced.append(name)
    try:
        yield scan_backend()
    finally:
        _forced.pop()


@functools.cache
def _with_triton(device: torch.device) -> Backend:
    try:
        return Backend(name="triton", reason=_load_triton(device))
    except UnavailableError as error:
        instead = _without_triton(device)
        logging.getLogger(__name__).warning(
            "selective scan on %s: %s version in use, Triton version not available: %s",
            device,
            instead.name,
            error,
        )
        reason = f"{instead.reason}; Triton version not available: {error}"
        return Backend(name=instead.name, reason=reason)


def _load_triton(device: torch.device) -> str:
    if importlib.util.find_spec("triton") is None:
        raise UnavailableError("Triton is not installed")
    try:
        from hmrm.model import scan_triton
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        raise UnavailableError(f"Triton does not load ({error})") from error
    return scan_triton.load(device)


def _run_triton(*arguments: Any) -> Tensor:
    from hmrm.model.scan_triton import scan_in_triton

    return scan_in_triton(*arguments)


def _without_triton(device: torch.device) -> Backend:
    if device.type == "cpu":
        return _automatic()
    return Backend(name="torch", reason="the C++ version is for the CPU")


@functools.cache
def _automatic() -> Backend:
    try:
        return Backend(name="cpp", reason=f"compiled operator, {scan_cpp.load()}")
    except UnavailableError as error:
        logging.getLogger(__name__).warning(
            "selective scan: slower torch version in use, C++ version not available: %s", error
        )
        return Backend(name="torch", reason=f"C++ version not available: {error}")


def selective_scan(
    u: Sequence,
    dt: Sequence,
    A: StateMatrix,
    B: Projection,
    C: Projection,
    D: Skip,
    reverse: bool = False,
) -> Sequence:
    """Run the selective state-space recurrence over a batch of sequences.

    Args:
        u: input.
        dt: step sizes, already positive.
        A: state matrix's diagonals, negative.
        B, C: input-dependent projections into and out of the state, shared by all channels.
        D: skip weights.
        reverse: run from the last element to the first; the output keeps the input's order.

    Returns:
        As ``u``, in its dtype; the recurrence itself runs in float32 at least.
    """
    return _RUN[_runner(u.device)](u, dt, A, B, C, D, reverse)


def _runner(device: torch.device) -> BackendName:
    if not torch.compiler.is_compiling():
        return scan_backend(device).name
    # The in-place buffers of the others cannot be traced; the recurrence as written can.
    traceable = device.type == "cpu" and scan_backend(device).name == "cpp"
    return "cpp" if traceable else "reference"


def selective_scan_reference(
    u: Sequence,
    dt: Sequence,
    A: StateMatrix,
    B: Projection,
    C: Projection,
    D: Skip,
    reverse: bool = False,
) -> Sequence:
    """The same, written as the recurrence is written; every backend must agree with it."""
    dtype = torch.promote_types(u.dtype, torch.float32)
    u_, dt_, A_, B_, C_, D_ = (tensor.to(dtype) for tensor in (u, dt, A, B, C, D))
    length = u.shape[1]
    state = u_.new_zeros(u.shape[0], *A.shape)
    outputs: list[Tensor] = [state.sum(-1)] * length
    for t in reversed(range(length)) if reverse else range(length):
        decay = torch.exp(dt_[:, t, :, None] * A_)
        state = decay * state + (dt_ * u_)[:, t, :, None] * B_[:, t, None, :]
        outputs[t] = (state * C_[:, t, None, :]).sum(-1)
    return (torch.stack(outputs, dim=1) + u_ * D_).to(u.dtype)


_RUN: dict[BackendName, Callable[..., Tensor]] = {
    "cpp": scan_cpp.scan_in_cpp,
    "torch": scan_in_torch,
    "reference": selective_scan_reference,
    "triton": _run_triton,
}
