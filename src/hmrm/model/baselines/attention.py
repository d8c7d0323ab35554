"""Multi-head self-attention and the transformer block, as plain as possible.

Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.2, in the
pre-normalised form of Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021, equations
2 and 3. Written as matrix products, so that a counter of operations sees them all.
"""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Every token looks at every token of its own row.

    Args:
        width: numbers per token, in and out.
        heads: attention heads; each is ``width // heads`` wide.
        bias: whether queries, keys and values have one.
    """

    def __init__(self, width: int, *, heads: int, bias: bool = True) -> None:
        super().__init__()
        inner = width // heads * heads
        self.heads = heads
        self.to_qkv = nn.Linear(width, 3 * inner, bias=bias)
        self.out = nn.Linear(inner, width)

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """One exchange."""
        qkv = rearrange(self.to_qkv(tokens), "b n (k h e) -> k b h n e", k=3, h=self.heads)
        queries, keys, values = qkv.unbind(0)
        weights = (queries @ keys.mT * queries.shape[-1] ** -0.5).softmax(-1)
        return self.out(rearrange(weights @ values, "b h n e -> b n (h e)"))


class TransformerBlock(nn.Module):
    """Attention, then two dense layers, each normalised before and added to its input."""

    def __init__(
        self,
        width: int,
        *,
        heads: int,
        widening: int = 4,
        dropout: float = 0.0,
        activation: type[nn.Module] = nn.GELU,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads=heads, bias=bias)
        self.before_dense = nn.LayerNorm(width)
        self.dense = nn.Sequential(
            nn.Linear(width, widening * width),
            activation(),
            nn.Dropout(dropout),
            nn.Linear(widening * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """One block."""
        tokens = tokens + self.attention(self.before_attention(tokens))
        return tokens + self.dense(self.before_dense(tokens))
