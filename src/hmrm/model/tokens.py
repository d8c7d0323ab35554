"""Partition of a flow map into face regions and region tokens (paper §3.2, §3.3, Algorithm 1).

A map has 4 coarse regions (2 × 2) and 16 fine regions (4 × 4), each coarse region being the
parent of the 4 fine ones it covers. Every region becomes a short sequence of tokens.
"""

from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from hmrm.errors import ConfigError
from hmrm.model.sizes import HMRMConfig


class Grains(NamedTuple):
    """The same kind of value for both grains, e.g. tokens of 4 coarse and 16 fine regions.

    Coarse regions run row by row: top left, top right, bottom left, bottom right (image side).
    Fine regions are grouped by parent: the 4 of the first coarse region row by row, then the
    next parent's.
    """

    coarse: Tensor
    fine: Tensor


def patch_indices(map_size: int, channels: int, cells: int, grid: int) -> Int[Tensor, "r t p"]:
    """Flat positions in a ``(channels, map_size, map_size)`` map of every token's pixels.

    Args:
        cells: regions per side of the map: 2 coarse, 4 fine.
        grid: tokens per side of a region. Patches never leave their region: the stride is
            ``region // grid`` and the patch is as large as the rest allows, so that the patches
            of a 14 px region with a grid of 4 are 5 px wide and overlap by 2 px.

    Returns:
        ``(cells**2, grid**2, channels * patch**2)``; regions in the order of ``Grains``.

    Raises:
        ConfigError: the map cannot be divided so.
    """
    if map_size % cells or not 1 <= grid <= map_size // cells:
        raise ConfigError(
            f"map_size {map_size} with {cells} regions a side and {grid} tokens a side: "
            "take a map_size divisible by 4 and at most one token per px of a region"
        )
    region = map_size // cells
    stride = region // grid
    patch = region - stride * (grid - 1)
    position = torch.arange(channels * map_size**2).reshape(channels, map_size, map_size)
    patches = rearrange(position, "c (y h) (x w) -> y x c h w", y=cells, x=cells)
    patches = patches.unfold(3, patch, stride).unfold(4, patch, stride)
    flat = rearrange(patches, "y x c ty tx h w -> y x (ty tx) (c h w)")
    if cells == 2:
        return rearrange(flat, "y x t p -> (y x) t p")
    return rearrange(flat, "(cy fy) (cx fx) t p -> (cy cx fy fx) t p", cy=2, cx=2)


class GrainTokens(nn.Module):
    """Tokens of one grain: patch → linear → plus learned places of token and region."""

    index: Tensor

    def __init__(self, map_size: int, channels: int, dim: int, cells: int, grid: int) -> None:
        super().__init__()
        index = patch_indices(map_size, channels, cells, grid)
        regions, tokens, pixels = index.shape
        self.register_buffer("index", index, persistent=False)
        self.project = nn.Linear(pixels, dim)
        self.token_position = nn.Parameter(torch.zeros(tokens, dim))
        self.region_position = nn.Parameter(torch.zeros(regions, 1, dim))

    def forward(self, maps: Float[Tensor, "b c s s"]) -> Float[Tensor, "b r t d"]:
        """Tokens of every region of every map."""
        # A gather and one matrix product: a tenth of the time of a strided convolution this small.
        patches = maps.flatten(1)[:, self.index]
        tokens: Tensor = self.project(patches)
        return tokens + self.token_position + self.region_position


class RegionTokens(nn.Module):
    """Flow map → tokens of the 4 coarse and 16 fine regions.

    Departs from the paper, which gives neither patch nor position: overlapping patches as in
    ``patch_indices``; positions are learned, one for the token and one for the region.
    """

    def __init__(self, config: HMRMConfig) -> None:
        super().__init__()
        size, channels, self.dim = config.map_size, config.channels, config.dim
        if size % 4:
            raise ConfigError(f"map_size {size}: must be divisible by 4, as 28 and 56 are")
        self.coarse = self.fine = None
        if config.grains != "fine":
            self.coarse = GrainTokens(size, channels, self.dim, 2, config.coarse_grid)
        if config.grains != "coarse":
            self.fine = GrainTokens(size, channels, self.dim, 4, config.fine_grid)

    def forward(self, maps: Float[Tensor, "b c s s"]) -> Grains:
        """``(b, 4, coarse_grid**2, dim)`` and ``(b, 16, fine_grid**2, dim)`` tokens.

        A grain that is excluded has no region: ``(b, 0, 1, dim)``.
        """
        absent = maps.new_empty(maps.shape[0], 0, 1, self.dim)
        return Grains(
            *(absent if grain is None else grain(maps) for grain in (self.coarse, self.fine))
        )
