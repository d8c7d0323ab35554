"""CapsuleNet's capsule head: part capsules vote for class capsules, routed by agreement.

Source: Van Quang, Chun and Tokuyama, "CapsuleNet for micro-expression recognition", IEEE FG 2019,
section III-C; capsules, squashing and routing are those of Sabour, Frosst and Hinton, "Dynamic
routing between capsules", NeurIPS 2017, equations 1 to 3. 9 × 9 filters turn 14 × 14 feature maps
into 6 × 6 places of several 8-dimensional capsules; each predicts every 16-dimensional class
capsule; three rounds of routing; the length of a class capsule is its score.

Departs from the paper: the features come from two convolutions on the flow map, not from an
ImageNet-trained ResNet-18 on the apex image, which would need weights and images that this
benchmark does not have. The trainable preset has 64 feature maps and 8 kinds of capsules; the
paper's 256 and 32 are the full preset.
"""

import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor, nn

PLACES = 6 * 6
PART, WHOLE = 8, 16
ROUNDS = 3


class CapsuleHead(nn.Module):
    """Maps of 28 × 28 to the length, 0 to 1, of one capsule per class.

    Args:
        width: feature maps before the capsules.
        kinds: kinds of part capsules at every place.
    """

    def __init__(self, *, classes: int, width: int = 64, kinds: int = 8) -> None:
        super().__init__()
        self.kinds = kinds
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 2, 3, padding=1, bias=False),
            nn.BatchNorm2d(width // 2),
            nn.ReLU(),
            nn.Conv2d(width // 2, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.parts = nn.Conv2d(width, kinds * PART, 9)
        self.views = nn.Parameter(torch.empty(PLACES * kinds, classes, WHOLE, PART))
        nn.init.normal_(self.views, std=0.1)

    def features(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b d"]:
        """All class capsules in one row."""
        return rearrange(self._wholes(maps), "b k d -> b (k d)")

    def forward(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b classes"]:
        """Lengths of the class capsules."""
        return self._wholes(maps).norm(dim=-1)

    def _wholes(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b classes whole"]:
        parts = rearrange(
            self.parts(self.stem(maps)), "b (k d) y x -> b (k y x) d", k=self.kinds, d=PART
        )
        votes = einsum(self.views, squash(parts), "i k o d, b i d -> b i k o")
        return route(votes, rounds=ROUNDS)


def squash(capsules: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
    """Shorten to a length of n²/(1 + n²), direction kept; 0 stays 0 and has a gradient."""
    square = (capsules**2).sum(-1, keepdim=True)
    return capsules * (square / (1 + square) / (square + 1e-12).sqrt())


def route(votes: Float[Tensor, "b i k d"], *, rounds: int) -> Float[Tensor, "b k d"]:
    """Part capsules i send their votes to those classes k whose capsule agrees with them.

    No gradient runs through the agreement but in the last round, which is the usual economy.
    """
    agreement = torch.zeros_like(votes[..., 0])
    fixed_votes = votes.detach()
    for _ in range(rounds - 1):
        fractions = agreement.softmax(-1)
        wholes = squash(einsum(fractions, fixed_votes, "b i k, b i k d -> b k d"))
        agreement = agreement + einsum(fixed_votes, wholes, "b i k d, b k d -> b i k")
    return squash(einsum(agreement.softmax(-1), votes, "b i k, b i k d -> b k d"))
