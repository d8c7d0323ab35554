"""The inner part of a Grained Mamba block as one autograd node over the C++ operators.

Same meaning as ``GrainedMambaBlock``'s plain path, which is its reference: convolution and SiLU,
projections to Δ, B and C, scan in both directions, gate. Both grains go through in one call, in
packed rows; nothing is computed twice but the cheap parts of the backward pass.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Layout(NamedTuple):
    """How both grains' sequences lie in packed rows: all coarse ones, then all fine ones."""

    coarse_count: int
    coarse_length: int
    fine_length: int


class MixWeights(NamedTuple):
    """A block's inner parameters; the leading dimension of each is the direction."""

    coarse_weight: Float[Tensor, "2 d kc"]
    coarse_bias: Float[Tensor, "2 d"]
    fine_weight: Float[Tensor, "2 d kf"]
    fine_bias: Float[Tensor, "2 d"]
    x_proj: Float[Tensor, "2 p d"]
    dt_proj: Float[Tensor, "2 d r"]
    dt_bias: Float[Tensor, "2 d"]
    A_log: Float[Tensor, "2 d n"]
    D: Float[Tensor, "2 d"]


def mix_in_cpp(
    xz: Float[Tensor, "rows d2"], layout: Layout, weights: MixWeights
) -> Float[Tensor, "rows d"]:
    """Gated sum of both directions, for projected x and gate z side by side."""
    mixed: Tensor = _Mix.apply(xz.contiguous(), layout, *weights)  # type: ignore[no-untyped-call]
    return mixed


class _Mix(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, xz: Tensor, layout: Layout, *tensors: Tensor) -> Tensor:
        w = MixWeights(*tensors)
        operators = torch.ops.hmrm
        u = operators.mix_convolve(xz, *w[:4], *layout)
        projected = torch.bmm(u, w.x_proj.mT)
        step = torch.bmm(projected[..., : w.dt_proj.shape[2]], w.dt_proj.mT)
        gated, y, states = operators.mix_scan(
            u, step, projected, xz, w.A_log, w.D, w.dt_bias, *layout
        )
        ctx.save_for_backward(xz, u, projected, step, y, states, *tensors)
        ctx.layout = layout
        result: Tensor = gated
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        xz, u, projected, step, y, states, *tensors = ctx.saved_tensors
        w, layout, operators = MixWeights(*tensors), ctx.layout, torch.ops.hmrm
        rank = w.dt_proj.shape[2]
        d_projected, d_xz = torch.empty_like(projected), torch.empty_like(xz)
        du, d_step, dA_log, dD, d_dt_bias = operators.mix_scan_backward(
            gradients[0].contiguous(),
            *(u, step, projected, xz, w.A_log, w.D, w.dt_bias, y, states),
            *layout,
            d_projected,
            d_xz,
        )
        d_dt_proj = torch.bmm(d_step.mT, projected[..., :rank])
        d_projected[..., :rank] = torch.bmm(d_step, w.dt_proj)
        d_x_proj = torch.bmm(d_projected.mT, u)
        du.baddbmm_(d_projected, w.x_proj)
        d_convolutions = operators.mix_convolve_backward(du, xz, *w[:4], *layout, d_xz)
        return d_xz, None, *d_convolutions, d_x_proj, d_dt_proj, d_dt_bias, dA_log, dD
