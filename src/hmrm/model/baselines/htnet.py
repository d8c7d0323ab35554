"""HTNet: transformers within small blocks of the face, blocks merged level by level.

Source: Wang, Zhang, Wang, Liu, Zhang and Yan, "HTNet for micro-expression recognition",
Neurocomputing 602, 2024, sections 3.2 and 3.3; its body is the nested transformer of Zhang et
al., "Nested hierarchical transformer", AAAI 2022. A map of four facial areas of 14 × 14 px is cut
into tokens; at each level attention runs inside blocks only; between levels four blocks become
one (3 × 3 convolution, normalisation, 3 × 3 max pooling with stride 2), twice as wide.

With the paper's setting (28 × 28 map, 7 × 7 px tokens, three levels) each block holds one token,
so attention has nothing to choose from, and the exchange is left to the convolutions. Kept as
published: 256 wide, 2, 2 and 10 blocks deep, 139.6 M parameters, is the full preset.

Departs from the paper: no landmarks come with a map, so the four areas are the quarters of the
aligned face; the trainable preset is 64 wide and 2 blocks deep on each level.
"""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from hmrm.model.baselines.attention import TransformerBlock

TOKEN_PX = 7


class HtNet(nn.Module):
    """Maps of 28 × 28 to one score per class.

    Args:
        width: of a token on the first level; doubles from level to level.
        heads: on the first level; doubles too.
        depths: transformer blocks on each of the three levels.
    """

    def __init__(
        self,
        *,
        classes: int,
        width: int = 64,
        heads: int = 3,
        depths: tuple[int, int, int] = (2, 2, 2),
    ) -> None:
        super().__init__()
        pixels = 3 * TOKEN_PX**2
        self.embed = nn.Sequential(nn.LayerNorm(pixels), nn.Linear(pixels, width))
        self.levels = nn.ModuleList(
            _Level(width * 2**level, heads=heads * 2**level, depth=depth)
            for level, depth in enumerate(depths)
        )
        self.merges = nn.ModuleList(_Merge(width * 2**level) for level in range(2))
        self.normalise = nn.LayerNorm(4 * width)
        self.classify = nn.Linear(4 * width, classes)

    def features(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b d"]:
        """The face as one normalised token."""
        tokens = rearrange(maps, "b c (y p) (x q) -> b y x (p q c)", p=TOKEN_PX, q=TOKEN_PX)
        tokens = self.levels[0](self.embed(tokens))
        for merge, level in zip(self.merges, self.levels[1:], strict=True):
            tokens = level(merge(tokens))
        return self.normalise(tokens).mean((1, 2))

    def forward(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.features(maps))


class _Level(nn.Module):
    """Transformer blocks inside every block of the face, which holds a single token here."""

    def __init__(self, width: int, *, heads: int, depth: int) -> None:
        super().__init__()
        self.transformer = nn.Sequential(
            *(TransformerBlock(width, heads=heads, bias=False) for _ in range(depth))
        )

    def forward(self, tokens: Float[Tensor, "b y x d"]) -> Float[Tensor, "b y x d"]:
        _, rows, columns, _ = tokens.shape
        alone = self.transformer(rearrange(tokens, "b y x d -> (b y x) 1 d"))
        return rearrange(alone, "(b y x) 1 d -> b y x d", y=rows, x=columns)


class _Merge(nn.Module):
    """Four blocks become one, twice as wide."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.normalise = nn.LayerNorm(2 * width)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, tokens: Float[Tensor, "b y x d"]) -> Float[Tensor, "b v w e"]:
        mixed = self.mix(rearrange(tokens, "b y x d -> b d y x"))
        mixed = self.normalise(rearrange(mixed, "b d y x -> b y x d"))
        pooled = self.pool(rearrange(mixed, "b y x d -> b d y x"))
        return rearrange(pooled, "b d y x -> b y x d")
