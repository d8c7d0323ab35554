"""A small z-buffer: which triangle each sample of a grid sees, and where in it. Plain numpy."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, kw_only=True, eq=False)
class Visible:
    """What each sample sees: three vertices with weights that sum to 1, or nothing."""

    covered: Bool[np.ndarray, "h w"]
    vertices: Int[np.ndarray, "k 3"]
    weights: Float[np.ndarray, "k 3"]

    def interpolate(self, values: Float[np.ndarray, "v c"]) -> Float[np.ndarray, "h w c"]:
        """Values at the vertices, seen through the grid; 0 where nothing is seen."""
        seen = np.zeros((*self.covered.shape, values.shape[1]))
        seen[self.covered] = np.einsum("kt,ktc->kc", self.weights, values[self.vertices])
        return seen


def rasterise(
    points: Float[np.ndarray, "v 3"],
    triangles: Int[np.ndarray, "t 3"],
    *,
    width: int,
    height: int,
) -> Visible:
    """Look at triangles along z; the largest z is nearest.

    Args:
        points: x and y in samples (sample i has its centre at ``i + 0.5``), z in any unit.

    Triangles may be of any orientation; samples on a shared edge go to one of its triangles.
    """
    corners = points[triangles]
    low = np.floor(corners[:, :, :2].min(axis=1) - 0.5).astype(int).clip(min=0)
    high = np.ceil(corners[:, :, :2].max(axis=1) - 0.5).astype(int)
    high = np.minimum(high, [width - 1, height - 1])
    spans = (high - low + 1).clip(min=0)
    counts = spans[:, 0] * spans[:, 1]
    # Every sample of every triangle's bounding box, as one flat list.
    owner = np.repeat(np.arange(len(triangles)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    x = low[owner, 0] + within % spans[owner, 0].clip(min=1)
    y = low[owner, 1] + within // spans[owner, 0].clip(min=1)
    weights = _barycentric(corners[:, :, :2], owner, x + 0.5, y + 0.5)
    inside = (weights >= -1e-9).all(axis=1)
    owner, weights, sample = owner[inside], weights[inside], (y * width + x)[inside]
    depth = np.einsum("kt,kt->k", weights, corners[owner, :, 2])
    # The last entry of each sample in this order is its nearest triangle.
    order = np.lexsort((owner, depth, sample))
    last = np.ones(len(order), dtype=bool)
    last[:-1] = np.diff(sample[order]) != 0
    nearest = order[last]
    covered = np.zeros(width * height, dtype=bool)
    covered[sample[nearest]] = True
    return Visible(
        covered=covered.reshape(height, width),
        vertices=triangles[owner[nearest]],
        weights=weights[nearest],
    )


def _barycentric(
    corners: Float[np.ndarray, "t 3 2"],
    owner: Int[np.ndarray, " k"],
    x: Float[np.ndarray, " k"],
    y: Float[np.ndarray, " k"],
) -> Float[np.ndarray, "k 3"]:
    a, b, c = (corners[:, i] for i in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    # A triangle seen edge-on covers no sample: infinite weights are never inside.
    area = np.where(np.abs(area) < 1e-12, np.nan, area)[owner]
    a, b, c = a[owner], b[owner], c[owner]
    of_b = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (y - a[:, 1])) / area
    of_c = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (x - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
    return np.stack([1.0 - of_b - of_c, of_b, of_c], axis=1)
