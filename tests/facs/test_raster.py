"""The z-buffer against a slow twin that asks every triangle at every sample."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.facs.raster import rasterise


def slow_values(
    points: np.ndarray, triangles: np.ndarray, values: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    seen = np.zeros((height, width))
    nearest = np.full((height, width), -np.inf)
    for a, b, c in triangles:
        corners = np.stack([points[a], points[b], points[c]])
        system = np.vstack([corners[:, :2].T, np.ones(3)])
        if abs(np.linalg.det(system)) < 1e-12:
            continue
        for row in range(height):
            for column in range(width):
                weights = np.linalg.solve(system, [column + 0.5, row + 0.5, 1.0])
                depth = weights @ corners[:, 2]
                if weights.min() >= 0 and depth > nearest[row, column]:
                    nearest[row, column] = depth
                    seen[row, column] = weights @ values[[a, b, c]]
    return seen, np.isfinite(nearest)


@given(seed=st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_nearest_triangle_wins_and_values_are_interpolated(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.column_stack([rng.uniform(-2, 12, (12, 2)), rng.uniform(0, 5, 12)])
    triangles = rng.integers(0, 12, (7, 3))
    values = rng.normal(size=12)
    visible = rasterise(points, triangles, width=10, height=8)
    expected, covered = slow_values(points, triangles, values, 10, 8)
    assert np.array_equal(visible.covered, covered)
    np.testing.assert_allclose(visible.interpolate(values[:, None])[..., 0], expected, atol=1e-9)


def test_two_triangles_tile_a_square_without_a_gap() -> None:
    points = np.array([[0.0, 0, 0], [6, 0, 0], [6, 6, 0], [0, 6, 0]])
    visible = rasterise(points, np.array([[0, 1, 2], [0, 2, 3]]), width=6, height=6)
    assert visible.covered.all()
    x = visible.interpolate(points[:, :1])[..., 0]
    np.testing.assert_allclose(x, np.broadcast_to(np.arange(6) + 0.5, (6, 6)), atol=1e-12)


def test_nothing_in_view_covers_nothing() -> None:
    points = np.array([[20.0, 20, 0], [25, 20, 0], [20, 25, 0]])
    visible = rasterise(points, np.array([[0, 1, 2]]), width=6, height=6)
    assert not visible.covered.any()
    assert not visible.interpolate(points).any()
