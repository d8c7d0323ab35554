"""Grained Mamba Encoder: bidirectional selective-scan blocks over region tokens (paper §3.2).

The block is Mamba's, run in both directions as in Vim (its "v2" form). Both grains share all
weights except the convolution: each grain has its own kernel size and kernels.
"""

import math
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hmrm.model.mamba_mix import Layout, MixWeights, mix_in_cpp
from hmrm.model.scan import scan_backend, selective_scan
from hmrm.model.sizes import Grain, HMRMConfig
from hmrm.model.tokens import Grains

Tokens = Float[Tensor, "n l d"]
Rows = Float[Tensor, "rows d"]
"""Tokens of both grains, packed (see `pack`)."""

FORWARD, BACKWARD = 0, 1
"""Index of the branch in the leading dimension of every parameter that has one per direction."""


class Branches(NamedTuple):
    """Outputs of the two directions, each in the order of the tokens."""

    forward: Tensor
    backward: Tensor


class ShortConvolution(nn.Module):
    """Depthwise convolution along the sequence, one kernel per direction (1 or 2).

    Each direction sees only what it has already passed: the forward branch the ``kernel - 1``
    tokens before, the backward branch those after.
    """

    def __init__(self, channels: int, kernel: int, directions: int = 2) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(directions, channels, kernel))
        self.bias = nn.Parameter(torch.zeros(directions, channels))

    def forward(self, x: Tokens, direction: int) -> Tokens:
        """Convolve; the last kernel element weighs the token itself."""
        return short_convolution(
            x, self.weight[direction], self.bias[direction], reverse=direction == BACKWARD
        )


def short_convolution(
    x: Tokens, weight: Float[Tensor, "d k"], bias: Float[Tensor, " d"], *, reverse: bool
) -> Tokens:
    """Causal (or, with ``reverse``, anticausal) depthwise convolution, zero-padded."""
    length, kernel = x.shape[1], weight.shape[1]
    padded = functional.pad(x, (0, 0, 0, kernel - 1) if reverse else (0, 0, kernel - 1, 0))
    y = bias
    for tap in range(kernel):
        start = kernel - 1 - tap if reverse else tap
        y = y + padded[:, start : start + length] * weight[:, tap]
    return y


class GrainedMambaBlock(nn.Module):
    """LayerNorm → x and gate z → convolution, SiLU and selective scan both ways → gate → residual.

    Departs from the paper, which names the parts but not their widths: Δ, B and C come from one
    projection of x, Δ through a bottleneck of ``rank`` (Mamba's design); the directions are added
    and gated by SiLU(z).
    """

    def __init__(self, config: HMRMConfig) -> None:
        super().__init__()
        dim, inner, state, rank = config.dim, config.inner, config.state, config.rank
        ways = 2 if config.directions == "both" else 1
        scans = config.mixer == "scan"
        taps = {"coarse": config.coarse_kernel, "fine": config.fine_kernel}
        self.config = config
        self.norm = nn.LayerNorm(dim)
        self.in_proj = nn.Linear(dim, 2 * inner, bias=False)
        self.convolutions = nn.ModuleDict(
            {grain: ShortConvolution(inner, taps[grain], ways) for grain in config.own_kernels}
        )
        width = rank + 2 * state if scans else 2 * config.heads * state
        self.x_proj = nn.Parameter(torch.zeros(ways, width, inner))
        if scans:
            self.dt_proj = nn.Parameter(torch.zeros(ways, inner, rank))
            self.dt_bias = nn.Parameter(torch.zeros(ways, inner))
            self.A_log = nn.Parameter(torch.zeros(ways, inner, state))
        self.D = nn.Parameter(torch.ones(ways, inner))
        self.out_proj = nn.Linear(inner, dim, bias=False)

    def forward(self, grains: Grains) -> Grains:
        """Tokens of both grains, each ``(regions, length, dim)``, through the block."""
        rows, layout = pack(grains)
        return unpack(self.packed(rows, layout), layout)

    def packed(self, rows: Rows, layout: Layout) -> Rows:
        """The same for packed rows: both grains share every matrix product."""
        xz = self.in_proj(self.norm(rows))
        # The fused operators know two directions and the scan.
        whole = self.config.directions == "both" and self.config.mixer == "scan"
        fused = whole and fusible(xz)
        mixed = mix_in_cpp(xz, layout, self.weights()) if fused else self.mix(xz, layout)
        update: Tensor = self.out_proj(mixed)
        return rows + update

    def mix(self, xz: Float[Tensor, "rows d2"], layout: Layout) -> Rows:
        """Gated sum of the directions, for projected x and gate z side by side."""
        x, z = xz.chunk(2, dim=-1)
        grains = unpack(x, layout)
        sums = (self._mixed(grains.coarse, "coarse"), self._mixed(grains.fine, "fine"))
        return pack(Grains(*sums))[0] * functional.silu(z)

    def weights(self) -> MixWeights:
        """The parameters between the outer projections."""
        coarse, fine = self._convolution("coarse"), self._convolution("fine")
        return MixWeights(
            coarse_weight=coarse.weight,
            coarse_bias=coarse.bias,
            fine_weight=fine.weight,
            fine_bias=fine.bias,
            x_proj=self.x_proj,
            dt_proj=self.dt_proj,
            dt_bias=self.dt_bias,
            A_log=self.A_log,
            D=self.D,
        )

    def branches(self, x: Tokens, grain: Grain) -> Branches:
        """Both directions' outputs for the projected tokens, before the gate."""
        return Branches(self._branch(x, grain, FORWARD), self._branch(x, grain, BACKWARD))

    def _mixed(self, x: Tokens, grain: Grain) -> Tokens:
        if self.config.directions == "forward":
            return self._branch(x, grain, FORWARD)
        return torch.add(*self.branches(x, grain))

    def _convolution(self, grain: Grain) -> ShortConvolution:
        kernels = self.config.own_kernels
        found = self.convolutions[grain if grain in kernels else kernels[0]]
        assert isinstance(found, ShortConvolution)
        return found

    def _branch(self, x: Tokens, grain: Grain, direction: int) -> Tokens:
        u = functional.silu(self._convolution(grain)(x, direction))
        projected = functional.linear(u, self.x_proj[direction])
        if self.config.mixer == "attention":
            return self._attend(u, projected) + u * self.D[direction]
        state = self.config.state
        low, B, C = torch.split(projected, [self.config.rank, state, state], -1)
        step = functional.linear(low, self.dt_proj[direction], self.dt_bias[direction])
        A = -torch.exp(self.A_log[direction])
        return selective_scan(
            u, functional.softplus(step), A, B, C, self.D[direction], direction == BACKWARD
        )

    def _attend(self, u: Tokens, projected: Float[Tensor, "n l p"]) -> Tokens:
        """Softmax attention of every token to all of its region."""
        heads = self.config.heads
        query, key = rearrange(projected, "n l (p h s) -> p n h l s", p=2, h=heads)
        value = rearrange(u, "n l (h e) -> n h l e", h=heads)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return rearrange(mixed, "n h l e -> n l (h e)")

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Fill all parameters."""
        for weight in (self.in_proj.weight, self.x_proj, self.out_proj.weight):
            fill_uniform(weight, weight.shape[-1], generator)
        # Residual branches add up over the blocks; GPT-2's scaling keeps the sum's variance.
        self.out_proj.weight /= math.sqrt(self.config.depth)
        if self.config.mixer == "scan":
            self._initialise_scan(generator)
        self.D.fill_(1.0)
        for convolution in self.convolutions.values():
            assert isinstance(convolution, ShortConvolution)
            fill_uniform(convolution.weight, convolution.weight.shape[-1], generator)
            convolution.bias.zero_()

    def _initialise_scan(self, generator: torch.Generator) -> None:
        fill_uniform(self.dt_proj, self.config.rank, generator)
        low, high = math.log(self.config.step_min), math.log(self.config.step_max)
        step = torch.exp(torch.rand(self.dt_bias.shape, generator=generator) * (high - low) + low)
        # Inverse of softplus, so that the step is exactly this where the projection gives zero.
        self.dt_bias.copy_(step + torch.log(-torch.expm1(-step)))
        self.A_log.copy_(torch.log(torch.arange(1.0, self.config.state + 1)).expand_as(self.A_log))


class GrainedMambaEncoder(nn.Module):
    """A stack of blocks; one vector per region.

    Departs from the paper, which does not say how tokens become one vector: LayerNorm, then the
    mean over a region's tokens.
    """

    def __init__(self, config: HMRMConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(GrainedMambaBlock(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.dim)

    def forward(self, grains: Grains) -> Grains:
        """Tokens ``(b, regions, l, dim)`` of both grains → vectors ``(b, regions, dim)``.

        A grain without regions stays without.
        """
        shapes = [grain.shape[:2] for grain in grains]
        folded = Grains(grains.coarse.flatten(0, 1), grains.fine.flatten(0, 1))
        rows, layout = pack(folded)
        for block in self.blocks:
            assert isinstance(block, GrainedMambaBlock)
            rows = block.packed(rows, layout)
        means = (tokens.mean(1) for tokens in unpack(self.norm(rows), layout))
        return Grains(
            *(
                mean.reshape(*shape, mean.shape[-1])
                for mean, shape in zip(means, shapes, strict=True)
            )
        )


def pack(grains: Grains) -> tuple[Rows, Layout]:
    """All tokens as rows: coarse sequences first, then fine ones."""
    rows = torch.cat([tokens.flatten(0, 1) for tokens in grains])
    count, length, _ = grains.coarse.shape
    return rows, Layout(count, length, grains.fine.shape[1])


def unpack(rows: Rows, layout: Layout) -> Grains:
    """Inverse of `pack`."""
    border = layout.coarse_count * layout.coarse_length
    coarse = rearrange(rows[:border], "(n l) d -> n l d", l=layout.coarse_length)
    return Grains(coarse, rearrange(rows[border:], "(n l) d -> n l d", l=layout.fine_length))


def fusible(xz: Tensor) -> bool:
    """Whether the C++ operators take this tensor; exported programs keep the plain path."""
    if torch.compiler.is_compiling():
        return False
    if xz.device.type != "cpu" or xz.dtype not in (torch.float32, torch.float64) or len(xz) == 0:
        return False
    return not torch.is_autocast_enabled("cpu") and scan_backend().name == "cpp"


def fill_uniform(weight: Tensor, fan_in: int, generator: torch.Generator) -> None:
    """Uniform in ±1/√fan_in, torch's own choice for linear layers, from a passed generator."""
    bound = 1.0 / math.sqrt(fan_in)
    nn.init.uniform_(weight, -bound, bound, generator=generator)
