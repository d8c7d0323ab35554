"""The selective scan: one function, several backends, one meaning.

State-space recurrence of Mamba with diagonal A, per sequence and channel ``d``::

    h_t[n] = exp(dt_t[d] * A[d, n]) * h_{t-1}[n] + dt_t[d] * B_t[n] * u_t[d]
    y_t[d] = sum_n C_t[n] * h_t[n] + D[d] * u_t[d]

A is discretised by zero-order hold, B by its first order, as Mamba's own code does (the paper
writes ZOH for both; for the small steps that are learned the two agree).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from hmrm.model.scan_torch import scan_in_torch

Sequence = Float[Tensor, "b l d"]
Projection = Float[Tensor, "b l n"]
StateMatrix = Float[Tensor, "d n"]
Skip = Float[Tensor, " d"]


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
    return scan_in_torch(u, dt, A, B, C, D, reverse)


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
