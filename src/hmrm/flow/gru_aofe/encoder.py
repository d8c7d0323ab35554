"""The ResNet encoder of GRU-AOFE: a grey image to features at a quarter of its size."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions and a shortcut; ``stride`` 2 halves the size."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm = nn.InstanceNorm2d(outputs)
        self.shortcut: nn.Module = (
            nn.Identity()
            if inputs == outputs and stride == 1
            else nn.Conv2d(inputs, outputs, 1, stride=stride)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        """Features of the block."""
        inner = torch.relu(self.norm(self.first(x)))
        return torch.relu(self.shortcut(x) + self.norm(self.second(inner)))


class FlowEncoder(nn.Module):
    """Grey image → features at 1/4 resolution.

    Paper: a shared ResNet on both frames. [C] 1/4 instead of RAFT's 1/8, where 0.3 px would be
    0.04 of a cell; instance norm, which treats every image alone, so that a pair's flow does
    not depend on its batch.

    Args:
        width: channels at 1/2 resolution; twice as many at 1/4.
        outputs: channels of the result.
    """

    def __init__(self, *, width: int, outputs: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 7, stride=2, padding=3)
        self.norm = nn.InstanceNorm2d(width)
        self.blocks = nn.Sequential(
            ResidualBlock(width, width),
            ResidualBlock(width, 2 * width, stride=2),
            ResidualBlock(2 * width, 2 * width),
        )
        self.head = nn.Conv2d(2 * width, outputs, 1)

    def forward(self, image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c i j"]:
        """Features, one cell per 4 × 4 px."""
        return self.head(self.blocks(torch.relu(self.norm(self.stem(image)))))
