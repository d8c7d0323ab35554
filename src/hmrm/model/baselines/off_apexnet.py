"""OFF-ApexNet: one small convolutional stream for u, one for v, joined by wide layers.

Source: Gan, Liong, Yau, Huang and Tan, "OFF-ApexNet on micro-expression recognition system",
Signal Processing: Image Communication 74, 2019, section 3.3 and table 1: per stream 5 × 5 × 6
and 5 × 5 × 16 convolutions, each followed by 2 × 2 max pooling; both streams' 784 numbers joined;
two fully connected layers of 1024. 2.66 M parameters. Strain is not used.

Departs from the paper: dropout ½ after the wide layers, as in later reimplementations, where the
paper says nothing; it changes no count.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


class OffApexNet(nn.Module):
    """Maps of 28 × 28 to one score per class."""

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        self.stream_u = _stream()
        self.stream_v = _stream()
        self.join = nn.Sequential(
            nn.Linear(2 * 16 * 7 * 7, 1024),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(1024, 1024),
            nn.ReLU(),
            nn.Dropout(0.5),
        )
        self.classify = nn.Linear(1024, classes)

    def features(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b 1024"]:
        """What the last wide layer holds."""
        streams = torch.cat([self.stream_u(maps[:, 0:1]), self.stream_v(maps[:, 1:2])], dim=1)
        return self.join(rearrange(streams, "b c h w -> b (c h w)"))

    def forward(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.features(maps))


def _stream() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )
