"""STSTNet: three shallow streams of different width, side by side.

Source: Liong, Gan, See, Khor and Huang, "Shallow triple stream three-dimensional CNN (STSTNet)
for micro-expression recognition", IEEE FG 2019, section III-B and table I: 3, 5 and 8 filters of
3 × 3 over all of u, v and strain; 3 × 3 max pooling; the streams stacked; 2 × 2 average pooling
to 5 × 5 × 16; one fully connected layer. Batch normalisation and dropout ½ in each stream as in
the authors' later release, which the honest figures of the field (UF1 0.72) come from.

Nothing in a stream crosses channels after its filters, so the three streams are written as one of
16 filters: the same function, the same initial spread, a third of the time.

Counts: 1,651 parameters without and 1,683 with batch normalisation; the paper prints 1,670,
which neither gives.
"""

from jaxtyping import Float
from torch import Tensor, nn

STREAMS = (3, 5, 8)


class StstNet(nn.Module):
    """Maps of 28 × 28 to one score per class."""

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        width = sum(STREAMS)
        self.streams = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=2),
            nn.ReLU(),
            nn.BatchNorm2d(width),
            nn.MaxPool2d(3, stride=3, padding=1),
            nn.Dropout(0.5),
            nn.AvgPool2d(2),
            nn.Flatten(),
        )
        self.classify = nn.Linear(5 * 5 * width, classes)

    def features(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b 400"]:
        """The pooled streams, stacked."""
        return self.streams(maps)

    def forward(self, maps: Float[Tensor, "b 3 28 28"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.features(maps))
