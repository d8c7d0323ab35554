"""Sizes and switches of the HMRM network: one record that travels whole to every part of it."""

import math
from dataclasses import dataclass
from typing import Literal

from hmrm import limits
from hmrm.errors import ConfigError

COARSE_REGIONS = 4
FINE_PER_COARSE = 4
FINE_REGIONS = COARSE_REGIONS * FINE_PER_COARSE

Grain = Literal["coarse", "fine"]
WhichGrains = Literal["both", "fine", "coarse"]
Directions = Literal["both", "forward"]
Mixer = Literal["scan", "attention"]
Fusion = Literal["window", "global", "mean"]


@dataclass(frozen=True, kw_only=True)
class HMRMConfig:
    """Sizes of the network; the defaults are the paper's (§4, embedding 192, depth 4, state 16).

    Attributes:
        map_size: side of the flow map, px, divisible by 4.
        channels: 3 for u, v and strain.
        dim: token embedding.
        depth: Mamba blocks.
        state: state size of the scan, N.
        expand: inner width over ``dim``.
        coarse_grid, fine_grid: tokens per side of a region; 4 gives 16 tokens.
        coarse_kernel, fine_kernel: taps of each grain's convolution.
        heads: attention heads of the fusion, and of an attention mixer.
        fusion: ``window`` first inside a coarse region, then across; ``global`` across only;
            ``mean`` no attention, the regions' mean.
        dropout: fraction of fused regional vectors' elements dropped in training.
        step_min, step_max: range of the initial Δ.
        grains: ``fine`` and ``coarse`` leave the other grain out, with its tokens, its head and
            its convolution.
        directions: of the blocks; ``forward`` leaves the backward branch out, with its parameters.
        mixer: of the blocks; ``attention`` puts softmax self-attention over a region's tokens in
            the place of the selective scan: queries and keys in that of C and B, ``state`` wide in
            each of ``heads``; the values are the scan's own input, and D's skip stays.
        kernels: ``shared`` gives both grains the same convolution, weights included.
        face_token: fuse a vector of the whole face with the regions': its motion in 4 × 4 cells.
            What moves with the head as one is gone from a map that was centred; turns, tilts and
            approach are not.

    From ``grains`` on, the defaults are the network; anything else is for ablations.
    """

    map_size: int = 28
    channels: int = 3
    dim: int = 192
    depth: int = 4
    state: int = 16
    expand: int = 2
    coarse_grid: int = 4
    fine_grid: int = 4
    coarse_kernel: int = 4
    fine_kernel: int = 3
    heads: int = 4
    fusion: Fusion = "window"
    dropout: float = 0.0
    step_min: float = 0.001
    step_max: float = 0.1
    grains: WhichGrains = "both"
    directions: Directions = "both"
    mixer: Mixer = "scan"
    kernels: Literal["own", "shared"] = "own"
    face_token: bool = False

    def __post_init__(self) -> None:
        for name in ("channels", "dim", "depth", "state", "expand", "heads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} = {getattr(self, name)}: must be at least 1")
        limits.require_network(
            width=max(self.dim * self.expand, self.state, self.heads, self.channels),
            depth=self.depth,
            side=self.map_size,
            taps=max(self.coarse_kernel, self.fine_kernel, self.coarse_grid, self.fine_grid),
        )
        if self.dim % self.heads:
            raise ConfigError(f"dim = {self.dim}: must be divisible by heads = {self.heads}")
        if min(self.coarse_kernel, self.fine_kernel) < 1:
            raise ConfigError("coarse_kernel and fine_kernel must be at least 1")
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError(f"dropout = {self.dropout}: must be in 0 … 1, 1 excluded")
        if not 0.0 < self.step_min < self.step_max:
            raise ConfigError("step_min must be above 0 and below step_max")
        if self.kernels == "shared" and self.coarse_kernel != self.fine_kernel:
            raise ConfigError(
                f"kernels = shared, but coarse_kernel = {self.coarse_kernel} and fine_kernel = "
                f"{self.fine_kernel}: give both grains the same number of taps"
            )

    @property
    def rank(self) -> int:
        """Width of the bottleneck that Δ is computed through (Mamba's rule)."""
        return math.ceil(self.dim / 16)

    @property
    def regions(self) -> tuple[int, int]:
        """Number of coarse and of fine regions."""
        return (
            0 if self.grains == "fine" else COARSE_REGIONS,
            0 if self.grains == "coarse" else FINE_REGIONS,
        )

    @property
    def fused_vectors(self) -> int:
        """Number of vectors that the fusion hands to the classifier."""
        return 1 if self.fusion == "mean" else sum(self.regions) + self.face_token

    @property
    def inner(self) -> int:
        """Channels inside a Mamba block."""
        return self.dim * self.expand

    @property
    def least_parameters(self) -> int:
        """A number that the network certainly has more parameters than."""
        return self.depth * self.inner * (self.dim + self.state)

    @property
    def own_kernels(self) -> tuple[Grain, ...]:
        """Grains with a convolution of their own; the first one's serves the others."""
        if self.grains == "both" and self.kernels == "own":
            return ("coarse", "fine")
        return ("fine",) if self.grains == "fine" else ("coarse",)


PRESETS = {
    "paper": HMRMConfig(),
    "lite": HMRMConfig(dim=64, depth=2, fine_grid=2, fine_kernel=2),
}
"""``paper``: 320 tokens a map; ``lite``: 128 tokens, for training on CPU."""
