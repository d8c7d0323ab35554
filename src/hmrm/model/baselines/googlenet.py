"""GoogLeNet: modules that look at one place through four windows at once.

Source: Szegedy et al., "Going deeper with convolutions", CVPR 2015, table 1, with batch
normalisation (Ioffe and Szegedy, ICML 2015) and without the two auxiliary classifiers, which only
serve training. As in the common implementations, the widest window is 3 × 3 where the table
says 5 × 5; 5.6 M parameters with three classes.

The full preset takes 224 × 224 maps and is counted only. Departs from the paper in the trainable
preset: a quarter of the width, and the first 7 × 7 convolution and pooling keep the 28 px.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

# 1 × 1; 1 × 1 before 3 × 3, 3 × 3; 1 × 1 before the widest, the widest; after pooling.
MODULES: tuple[tuple[int, int, int, int, int, int] | None, ...] = (
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    None,
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    None,
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)
"""The nine modules of the paper's table; None is a pooling step that halves the map."""


class GoogLeNet(nn.Module):
    """Maps to one score per class.

    Args:
        divisor: every width of the paper is divided by it.
        stem_stride: of the first convolution and its two pooling steps (paper: 2).
    """

    def __init__(self, *, classes: int, divisor: int = 4, stem_stride: int = 1) -> None:
        super().__init__()
        first, second = 64 // divisor, 192 // divisor
        layers: list[nn.Module] = [
            _convolution(3, first, size=7, stride=stem_stride),
            _pool(stem_stride),
            _convolution(first, first, size=1),
            _convolution(first, second, size=3),
            _pool(stem_stride),
        ]
        channels = second
        for widths in MODULES:
            if widths is None:
                layers.append(_pool(2))
                continue
            module = _Inception(channels, tuple(width // divisor for width in widths))
            layers.append(module)
            channels = module.width
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classify = nn.Sequential(nn.Dropout(0.4), nn.Linear(channels, classes))

    def features(self, maps: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b d"]:
        """The last module's maps, averaged over the face."""
        return self.body(maps)

    def forward(self, maps: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.features(maps))


class _Inception(nn.Module):
    """Four branches side by side: 1 × 1, 3 × 3, twice as narrow 3 × 3, pooled."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        one, before_three, three, before_wide, wide, pooled = widths
        self.width = one + three + wide + pooled
        self.branches = nn.ModuleList(
            (
                _convolution(channels, one, size=1),
                nn.Sequential(
                    _convolution(channels, before_three, size=1),
                    _convolution(before_three, three, size=3),
                ),
                nn.Sequential(
                    _convolution(channels, before_wide, size=1),
                    _convolution(before_wide, wide, size=3),
                ),
                nn.Sequential(_pool(1), _convolution(channels, pooled, size=1)),
            )
        )

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        return torch.cat([branch(maps) for branch in self.branches], dim=1)


def _convolution(before: int, after: int, *, size: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride=stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def _pool(stride: int) -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride=stride, padding=1)
