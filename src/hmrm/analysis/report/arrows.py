"""Motion from onset to apex as arrows over the face: an inline SVG with its length scale."""

import math

import numpy as np
from jaxtyping import Float

CELL_PX = 16
"""One arrow for each square of so many px of the crop."""

REACH_PX = 32.0
"""Length of an arrow that stands for the whole range."""

LEAST = 0.12
"""Arrows shorter than this part of the range are left away: they would be dots."""


def range_px(flow: Float[np.ndarray, "2 h w"]) -> float:
    """Length at which colours saturate, fitted to the event.

    99 % of the vectors are shorter, rounded up to a tenth of a px; never less than 0.5 px, so that
    noise does not look like motion.
    """
    length = np.hypot(flow[0], flow[1])
    known = length[np.isfinite(length)]
    largest = float(np.percentile(known, 99)) if known.size else 0.0
    return max(math.ceil(round(largest * 10, 6)) / 10, 0.5)


def arrows_svg(flow: Float[np.ndarray, "2 h w"], *, max_px: float) -> str:
    """Arrows of the mean motion of every square; one of ``max_px`` is ``REACH_PX`` long.

    Args:
        flow: px, u right and v down.
    """
    height, width = flow.shape[1:]
    rows, columns = max(height // CELL_PX, 1), max(width // CELL_PX, 1)
    cells = np.nan_to_num(flow[:, : rows * CELL_PX, : columns * CELL_PX])
    u, v = cells.reshape(2, rows, cells.shape[1] // rows, columns, -1).mean(axis=(2, 4))
    scale = REACH_PX / max_px
    lines = []
    for row, column in np.argwhere(np.hypot(u, v) >= LEAST * max_px).tolist():
        x, y = (column + 0.5) * CELL_PX, (row + 0.5) * CELL_PX
        lines.append(_arrow(x, y, float(u[row, column]) * scale, float(v[row, column]) * scale))
    return (
        f'<svg class="arrows" viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<path d="{"".join(lines)}"/></svg>'
    )


def scale_svg(max_px: float) -> str:
    """An arrow of ``max_px`` with its length written alongside."""
    return (
        '<svg class="scale" viewBox="0 0 120 18" role="img" '
        f'aria-label="length scale: {max_px:g} px">'
        f'<path d="{_arrow(4.0, 9.0, REACH_PX, 0.0)}"/>'
        f'<text x="44" y="13">{max_px:g} px</text></svg>'
    )


def _arrow(x: float, y: float, dx: float, dy: float) -> str:
    length = math.hypot(dx, dy)
    head = min(4.0, length / 2)
    ux, uy = dx / length, dy / length
    tip_x, tip_y = x + dx, y + dy
    left = tip_x - head * (ux + 0.6 * uy), tip_y - head * (uy - 0.6 * ux)
    right = tip_x - head * (ux - 0.6 * uy), tip_y - head * (uy + 0.6 * ux)
    return (
        f"M{x:.1f} {y:.1f}L{tip_x:.1f} {tip_y:.1f}"
        f"M{left[0]:.1f} {left[1]:.1f}L{tip_x:.1f} {tip_y:.1f}L{right[0]:.1f} {right[1]:.1f}"
    )
