"""Other ways to compute the selective scan, written as their sources describe them.

All take ``(u, dt, A, B, C, D)`` with the shapes of ``hmrm.model.scan`` and return ``y``.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from hmrm.model.scan import selective_scan, using_backend

Scan = Callable[..., Tensor]


def discretised(u: Tensor, dt: Tensor, A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:
    """Decays and inputs of all steps at once, ``(b, l, d, n)`` each."""
    decays = torch.exp(dt[..., None] * A)
    return decays, (dt * u)[..., None] * B[:, :, None, :]


def indexing_loop(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """The loop of mamba-minimal and of transformers' slow path: index, update, collect."""
    decays, inputs = discretised(u, dt, A, B)
    state = u.new_zeros(u.shape[0], *A.shape)
    outputs = []
    for t in range(u.shape[1]):
        state = decays[:, t] * state + inputs[:, t]
        outputs.append(torch.einsum("bdn,bn->bd", state, C[:, t, :]))
    return torch.stack(outputs, dim=1) + u * D


def unbind_loop(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """The same over ``unbind``, whose gradient is one stack instead of one scatter a step."""
    decays, inputs = discretised(u, dt, A, B)
    state = u.new_zeros(u.shape[0], *A.shape)
    outputs = []
    for decay, driven, row in zip(decays.unbind(1), inputs.unbind(1), C.unbind(1), strict=True):
        state = torch.addcmul(driven, decay, state)
        outputs.append((state @ row[..., None])[..., 0])
    return torch.stack(outputs, dim=1) + u * D


def pscan(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Blelloch's parallel prefix over the recurrence, with its reverse as gradient (mamba.py)."""
    decays, inputs = discretised(u, dt, A, B)
    states = _ParallelScan.apply(decays, inputs)
    return (states @ C[..., None])[..., 0] + u * D


def ours(backend: str) -> Scan:
    """``selective_scan`` on one of its backends."""

    def run(*arguments: Tensor) -> Tensor:
        with using_backend(backend):  # type: ignore[arg-type]
            return selective_scan(*arguments)

    return run


RIVALS: dict[str, Scan] = {
    "hmrm cpp": ours("cpp"),
    "hmrm torch": ours("torch"),
    "unbind loop": unbind_loop,
    "indexing loop": indexing_loop,
    "pscan": pscan,
}


class _ParallelScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, decays: Tensor, inputs: Tensor) -> Tensor:
        states = _prefix(decays, inputs)
        ctx.save_for_backward(decays, states)
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        decays, states = ctx.saved_tensors
        following = torch.cat([decays[:, 1:], torch.zeros_like(decays[:, :1])], dim=1)
        carried = _prefix(following.flip(1), gradients[0].flip(1)).flip(1)
        before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], dim=1)
        return carried * before, carried


def _prefix(decays: Tensor, inputs: Tensor) -> Tensor:
    """States of ``(b, l, d, n)`` steps by an up-sweep and a down-sweep over powers of two."""
    length = inputs.shape[1]
    levels = math.ceil(math.log2(length)) if length > 1 else 0
    missing = 2**levels - length
    a, x = (
        functional.pad(value.transpose(1, 2), (0, 0, 0, missing)).clone()
        for value in (decays, inputs)
    )
    for level in range(levels):
        stride = 2**level
        left, right = slice(stride - 1, None, 2 * stride), slice(2 * stride - 1, None, 2 * stride)
        x[:, :, right] += a[:, :, right] * x[:, :, left]
        a[:, :, right] *= a[:, :, left]
    for level in reversed(range(levels - 1)):
        stride = 2**level
        left = slice(2 * stride - 1, -1, 2 * stride)
        right = slice(3 * stride - 1, None, 2 * stride)
        x[:, :, right] += a[:, :, right] * x[:, :, left][:, :, : x[:, :, right].shape[2]]
        a[:, :, right] *= a[:, :, left][:, :, : a[:, :, right].shape[2]]
    return x[:, :, :length].transpose(1, 2)
