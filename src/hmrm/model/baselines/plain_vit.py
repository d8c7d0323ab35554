"""A plain vision transformer of our head's size: no regions, no state spaces.

Source: Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021, section 3.1.
Departs from it: 4 × 4 px patches of a 28 × 28 map, and the mean of all tokens is classified
instead of an extra one.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from hmrm.model.baselines.attention import TransformerBlock

PATCH_PX = 4
TOKENS = (28 // PATCH_PX) ** 2


class PlainVit(nn.Module):
    """Maps of 28 × 28 to one score per class.

    Args:
        width: numbers per token; 164 make 1.3 M parameters, 64 make 0.2 M.
        depth: transformer blocks.
    """

    def __init__(self, *, classes: int, width: int = 164, depth: int = 4) -> None:
        super().__init__()
        self.embed = nn.Linear(3 * PATCH_PX**2, width)
        self.position = nn.Parameter(torch.empty(TOKENS, width))
        nn.init.trunc_normal_(self.position, std=0.02)
        self.blocks = nn.Sequential(
            *(TransformerBlock(width, heads=4, dropout=0.1) for _ in range(depth)),
            nn.LayerNorm(width),
        )
        self.classify = nn.Linear(width, classes)

    def features(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b d"]:
        """Mean of all normalised tokens."""
        patches = rearrange(maps, "b c (y p) (x q) -> b (y x) (c p q)", p=PATCH_PX, q=PATCH_PX)
        return self.blocks(self.embed(patches) + self.position).mean(1)

    def forward(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.features(maps))
