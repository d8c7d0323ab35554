"""A plain convolutional network of our head's size: what scale alone is worth.

Ours, after the usual recipe (He et al., "Deep residual learning", CVPR 2016, without shortcuts):
three steps of two 3 × 3 convolutions with batch normalisation, each halved; the 3 × 3 places that
remain are kept apart, since it matters where a face moves.
"""

from jaxtyping import Float
from torch import Tensor, nn


class PlainCnn(nn.Module):
    """Maps of 28 × 28 to one score per class.

    Args:
        width: filters of the first step, doubled twice; 68 make 1.3 M parameters, 26 make 0.2 M.
    """

    def __init__(self, *, classes: int, width: int = 68) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for factor in (1, 2, 4):
            for before in (channels, factor * width):
                layers.append(nn.Conv2d(before, factor * width, 3, padding=1, bias=False))
                layers += [nn.BatchNorm2d(factor * width), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
            channels = factor * width
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.classify = nn.Sequential(nn.Dropout(0.5), nn.Linear(3 * 3 * channels, classes))

    def features(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b d"]:
        """The last maps in one row."""
        return self.body(maps)

    def forward(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.features(maps))
