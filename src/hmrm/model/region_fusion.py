"""Region Feature Fusion Strategy, RFFS (paper §3.3, Algorithm 1)."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hmrm.model.grained_mamba import fill_uniform
from hmrm.model.sizes import COARSE_REGIONS, HMRMConfig
from hmrm.model.tokens import Grains


class SelfAttention(nn.Module):
    """Multi-head scaled dot-product self-attention."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Float[Tensor, "n t d"]) -> Float[Tensor, "n t d"]:
        """Every token looks at every other of its row."""
        query, key, value = rearrange(self.qkv(x), "n t (p h e) -> p n h t e", p=3, h=self.heads)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        y: Tensor = self.out(rearrange(mixed, "n h t e -> n t (h e)"))
        return y


class RegionFusion(nn.Module):
    """Attention across grains and regions over the 4 coarse and 16 fine vectors.

    ``window``: first each coarse region with its own 4 fine ones (the paper's local window: the
    grains of one coarse region), then all 20; ``global``: all 20 only. Residual and LayerNorm
    around each pass.

    Departs from the paper, which gives neither heads nor the window's order: one set of attention
    weights serves both passes, so that ``window`` and ``global`` have the same parameters.
    """

    def __init__(self, config: HMRMConfig) -> None:
        super().__init__()
        self.fusion = config.fusion
        self.norm = nn.LayerNorm(config.dim)
        self.attention = SelfAttention(config.dim, config.heads)
        self.out_norm = nn.LayerNorm(config.dim)

    def forward(
        self, grains: Grains, face: Float[Tensor, "b 1 d"] | None = None
    ) -> Float[Tensor, "b v d"]:
        """Fused vectors: 4 coarse, then 16 fine in the order of ``Grains``, then the face's.

        Args:
            grains: either may be without regions.
            face: a vector of the whole face, which has no window.
        """
        if self.fusion == "window":
            grains = self._inside_windows(grains)
        vectors = torch.cat([*grains] if face is None else [*grains, face], dim=1)
        fused: Tensor = self.out_norm(vectors + self.attention(self.norm(vectors)))
        return fused

    def _inside_windows(self, grains: Grains) -> Grains:
        parts = [rearrange(grain, "b (r s) d -> b r s d", r=COARSE_REGIONS) for grain in grains]
        windows = torch.cat(parts, dim=2).flatten(0, 1)
        windows = windows + self.attention(self.norm(windows))
        windows = rearrange(windows, "(b r) g d -> b r g d", r=COARSE_REGIONS)
        own = parts[0].shape[2]
        return Grains(windows[:, :, :own].flatten(1, 2), windows[:, :, own:].flatten(1, 2))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Fill all parameters from the generator."""
        for layer in (self.attention.qkv, self.attention.out):
            fill_uniform(layer.weight, layer.in_features, generator)
            layer.bias.zero_()


class MeanFusion(nn.Module):
    """The regions' mean in the place of attention: what an ablation leaves of RFFS."""

    def __init__(self, config: HMRMConfig) -> None:
        super().__init__()
        self.out_norm = nn.LayerNorm(config.dim)

    def forward(
        self, grains: Grains, face: Float[Tensor, "b 1 d"] | None = None
    ) -> Float[Tensor, "b 1 d"]:
        """One vector for all regions of both grains, and the face's where there is one."""
        vectors = torch.cat([*grains] if face is None else [*grains, face], dim=1)
        fused: Tensor = self.out_norm(vectors.mean(1, keepdim=True))
        return fused
