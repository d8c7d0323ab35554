"""A recogniser of one's own: mean motion in 16 squares of the face, nearest class mean wins.

Run it under the same protocol as every other model:

    hmrm evaluate --model region_means:RegionMeans --data maps -o runs/mine
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RegionMeans:
    """Fields are hyper-parameters: the [model] table of a config sets them."""

    squares: int = 4
    map_kind = "canonical"  # crop hmrm-1, u and v centred and scaled
    epochs = None  # nothing to stop early

    def fit(self, train, *, seed, epochs=None, observer=None):
        """Learn from `train` alone; there is no way to see the test subject."""
        rows = describe(train.maps, self.squares)
        means = [rows[train.labels == label].mean(0) for label in range(len(train.classes))]
        return Fitted(self.squares, np.stack(means))


class Fitted:
    """What `fit` returns: anything with `predict`."""

    def __init__(self, squares, means):
        self.squares = squares
        self.means = means

    def predict(self, maps):
        """One score per class for each map; the largest wins."""
        rows = describe(maps, self.squares)
        return -((rows[:, None] - self.means) ** 2).sum(-1)

    def features(self, maps):
        """Optional: what the report's feature map is made from."""
        return describe(maps, self.squares)


def describe(maps, squares):
    """Mean u, v and strain in each of squares × squares fields: (n, 3 · squares²)."""
    n, channels, side, _ = maps.shape
    cell = side // squares
    cut = maps[:, :, : cell * squares, : cell * squares].astype(np.float64)
    fields = cut.reshape(n, channels, squares, cell, squares, cell).mean((3, 5))
    return fields.reshape(n, -1)
