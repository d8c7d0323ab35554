"""VGG16: thirteen 3 × 3 convolutions in five steps, three wide layers.

Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
recognition", ICLR 2015, table 1, column D.

The full preset takes 224 × 224 maps and is counted only (134 M parameters with three classes).
Departs from the paper in the trainable preset: an eighth of the width, wide layers of 128, batch
normalisation after each convolution (without it the small one does not start to learn), and
pooling rounded up, so that 28 px last for five halvings.
"""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

STEPS = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))


class Vgg16(nn.Module):
    """Maps to one score per class.

    Args:
        width: filters of the first step (paper: 64).
        hidden: numbers in each of the two wide layers (paper: 4096).
        pooled_px: side of the last feature map (224 px maps: 7; 28 px maps: 1).
        normalise: batch normalisation after each convolution.
    """

    def __init__(
        self,
        *,
        classes: int,
        width: int = 8,
        hidden: int = 128,
        pooled_px: int = 1,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for factor, depth in STEPS:
            widths = [channels] + [factor * width] * depth
            for before, after in pairwise(widths):
                layers.append(nn.Conv2d(before, after, 3, padding=1))
                layers += [nn.BatchNorm2d(after)] if normalise else []
                layers.append(nn.ReLU())
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
            channels = widths[-1]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.join = nn.Sequential(
            nn.Linear(channels * pooled_px**2, hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
        )
        self.classify = nn.Linear(hidden, classes)

    def features(self, maps: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b hidden"]:
        """What the last wide layer holds."""
        return self.join(self.body(maps))

    def forward(self, maps: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.features(maps))
