"""Selective scan through Triton kernels, for CUDA tensors; imported only where Triton is.

One program per sequence and block of channels. The time loop is inside the kernel and the state
stays in registers; inputs are read once, as float32 or bfloat16, and widened there. The backward
pass walks the chunks of time from the last to the first: a chunk's states are computed again from
the one before it, which the forward pass kept. Programs add nothing to each other's results, so
the same inputs give the same bits.

Memory beyond arguments and gradients, in float32 numbers: the forward pass keeps
``b·d·n·(⌈l/16⌉ - 1)``; the backward pass has besides, while it runs, ``16·b·d·n`` for a chunk's
states, ``2·b·l·n·⌈d/16⌉`` for sums over channels and ``b·d·(n + 1)`` for sums over time. At B20
L196 D384 N16 that is 6 MB kept and 20 MB in passing; all states would be 96 MB.

Run on an H200: equal to the float64 reference there, 10 to 98 times faster than the torch version
forward and backward (docs/benchmarks/scan.md).
`load` therefore compares the kernels with the torch version before the first use on each device.
"""

import contextlib
import functools
import subprocess
from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable
from triton.errors import TritonError

from hmrm.model.scan_build import UnavailableError
from hmrm.model.scan_torch import scan_in_torch
from hmrm.model.scan_triton_kernels import backward_kernel, forward_kernel

# Not tuned. One warp holds a block's states, so that sums over channels stay inside it.
CHANNEL_BLOCK = 16
CHUNK = 16
SELF_CHECK_TOLERANCE = 1e-4  # 2e-7 in the interpreter; a wrong kernel is wrong by far more


@functools.cache
def load(device: torch.device) -> str:
    """Compare the kernels with the torch version on this device; returns what was found.

    Raises:
        UnavailableError: a CPU without Triton's interpreter; or the kernels do not compile, do
            not run or disagree with the torch version.
    """
    name = f"Triton {triton.__version__}"
    if device.type == "cpu" and triton.knobs.runtime.interpret:
        return f"{name} in its interpreter, for tests: slow"
    if device.type != "cuda":
        raise UnavailableError(f"{name} runs on CUDA devices only")
    try:
        error = _disagreement(device)
    except (TritonError, RuntimeError, OSError, subprocess.SubprocessError) as problem:
        first = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise UnavailableError(f"{name} failed: {first}") from problem
    if not error <= SELF_CHECK_TOLERANCE:
        raise UnavailableError(f"{name} is off by {error:.1e} on {device}")
    return f"{name}, agrees with the torch version on this device"


def scan_in_triton(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, reverse: bool
) -> Tensor:
    """Backend ``triton`` of ``scan.selective_scan``, which has the shapes and meanings."""
    tensors = (u, dt, A, B, C, D)
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    y: Tensor = _Scan.apply(*tensors, reverse, keep)  # type: ignore[no-untyped-call]
    return y


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        dt: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor,
        reverse: bool,
        keep: bool,
    ) -> Tensor:
        tensors = [tensor.contiguous() for tensor in (u, dt, A, B, C, D)]
        kept = _kept_states(tensors[0], A.shape[1], keep)
        y = torch.empty_like(tensors[0])
        _launch(forward_kernel, (*tensors, y, kept), reverse, KEEP=keep)
        ctx.save_for_backward(*tensors, kept)
        ctx.reverse = reverse
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        *tensors, kept = ctx.saved_tensors
        u, dt, A, B, C, D = tensors
        batch, length, channels = u.shape
        states = A.shape[1]
        blocks = triton.cdiv(channels, CHANNEL_BLOCK)
        chunk_states = kept.new_empty(batch, CHUNK, channels, states)
        du, d_dt = torch.empty_like(u), torch.empty_like(dt)
        dA, dD = kept.new_empty(batch, channels, states), kept.new_empty(batch, channels)
        dB, dC = (kept.new_empty(blocks, batch, length, states) for _ in range(2))
        arguments = (u, dt, A, B, C, D, gradients[0].contiguous(), kept, chunk_states)
        _launch(backward_kernel, (*arguments, du, d_dt, dA, dB, dC, dD), ctx.reverse)
        sums = (
            total.sum(0).to(like.dtype)
            for total, like in zip((dA, dB, dC, dD), (A, B, C, D), strict=True)
        )
        return du, d_dt, *sums, None, None


def _kept_states(u: Tensor, states: int, keep: bool) -> Tensor:
    """Room for the state before each chunk but the first, whose state is zero."""
    batch, length, channels = u.shape
    dtype = torch.promote_types(u.dtype, torch.float32)
    chunks = triton.cdiv(length, CHUNK) - 1 if keep else 0
    return u.new_empty(batch, chunks, channels, states, dtype=dtype)


def _launch(kernel: Any, tensors: tuple[Tensor, ...], reverse: bool, **flags: bool) -> None:
    u, A = tensors[0], tensors[2]
    batch, length, channels = u.shape
    grid = (batch, triton.cdiv(channels, CHANNEL_BLOCK))
    if not all(grid):
        return
    wide = tl.float64 if u.dtype == torch.float64 else tl.float32
    # Triton launches on the current device, which need not be the tensors'.
    with torch.cuda.device(u.device) if u.is_cuda else contextlib.nullcontext():
        kernel[grid](
            *tensors,
            length,
            channels,
            A.shape[1],
            REVERSE=reverse,
            CHUNK=CHUNK,
            WIDE=wide,
            BLOCK_D=CHANNEL_BLOCK,
            BLOCK_N=triton.next_power_of_2(A.shape[1]),
            **flags,
            num_warps=1,
            enable_fp_fusion=True,
            num_stages=1,  # no loads ahead of the stores whose values they read
        )


def _disagreement(device: torch.device) -> float:
    """Largest difference to the torch version in float64, values and gradients, relative."""
    g = torch.Generator().manual_seed(0)
    worst = 0.0
    # The caller may be anywhere: without gradients, or under autocast.
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(device.type, enabled=False),
    ):
        shapes = ((2, 19, 20), (2, 19, 20), (20, 16), (2, 19, 16), (2, 19, 16), (20,))
        values = [torch.rand(shape, generator=g).to(device) for shape in shapes]
        values[2].neg_()
        for reverse in (False, True):
            got = _with_gradients(scan_in_triton, values, reverse)
            expected = _with_gradients(scan_in_torch, [v.double() for v in values], reverse)
            for ours, theirs in zip(got, expected, strict=True):
                difference = (ours - theirs).abs().max() / theirs.abs().max()
                # Python's max would drop a NaN.
                worst = max(worst, float(difference.nan_to_num(1e9)))
    return worst


def _with_gradients(
    scan: Callable[..., Tensor], values: list[Tensor], reverse: bool
) -> list[Tensor]:
    leaves = [value.clone().requires_grad_() for value in values]
    y = scan(*leaves, reverse)
    return [y.detach(), *torch.autograd.grad(y.square().sum(), leaves)]
