"""The sub-pixel cue of GRU-AOFE: what the images themselves show the flow still lacks.

Correlation of features cannot tell a hundredth of a cell. The brightness that remains after
warping can, together with the gradients that say which way it must move: Lucas and Kanade's (1981)
equations. They are gathered at full, half and quarter resolution and over three windows. The
network says how much each counts where, and the weighted equations are solved.

The apex is warped before it is reduced, and smooth light is taken off what warping leaves over:
reduced, or freed from light, first, it would carry what lies beyond an edge over it.
"""

import math
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

LEVELS = 3
"""Resolutions: 1, 1/2 and 1/4; the last has one sample a cell."""

WINDOWS_CELLS = (0.8, 2.0, 5.0)
"""Gaussian windows (standard deviation) over which equations are summed, and motion is smoothed."""

EQUATIONS = LEVELS * len(WINDOWS_CELLS)
"""Systems of equations at each cell: one a level and window."""

TERMS = EQUATIONS + 1 + len(WINDOWS_CELLS)
"""What is weighed: data terms, damping (no change), and a smoothness term of each window."""

CHANNELS = 5 * EQUATIONS
"""Features: per level and window the step (2), the strengths (2) and what remains (1)."""

CELL_PX = 2 ** (LEVELS - 1)
"""Features, correlation and recurrence have one cell per 4 × 4 px."""

# Farid and Simoncelli (2004), 5 taps: smoothing and derivative that belong together.
_SMOOTH = (0.037659, 0.249153, 0.426375, 0.249153, 0.037659)
_SLOPE = (-0.109604, -0.276691, 0.0, 0.276691, 0.109604)

# About what noise of 2 grey levels leaves of squared gradients where contrast is 50 grey levels.
_DAMPING = 1e-4

_SHADE_PX = 8.0

# A step beyond what a gradient can foresee is an accident of weak texture.
_LONGEST_STEP = 2.0

# The inverse of the cubic B-spline's samples; z^7 is 1e-4. See flow/spline.py.
_POLE = math.sqrt(3.0) - 2.0
_PREFILTER = tuple(math.sqrt(3.0) * _POLE ** abs(k) for k in range(-7, 8))


class FlowTerms(NamedTuple):
    """What is weighed at one flow to find the next.

    Attributes:
        features: for the network to look at.
        equations: data terms; per level and window xx, xy, yy of the matrix and x, y of the
            right-hand side, for a change of the flow in px, in units of the residual's variance.
        smoothing: smoothness terms; from the flow to its mean over each window, px.
    """

    features: Float[Tensor, "b c h w"]
    equations: Float[Tensor, "b k 5 h w"]
    smoothing: Float[Tensor, "b p 2 h w"]


class Cue:
    """Both images, prepared once; ``at`` then reads the apex where a flow says.

    Args:
        onset: standardised grey levels (mean 0, standard deviation 1); sides are multiples of 4 px.
    """

    @torch.no_grad()
    def __init__(self, onset: Float[Tensor, "b 1 H W"], apex: Float[Tensor, "b 1 H W"]) -> None:
        # Half precision could not tell a hundredth of a px.
        with torch.autocast(onset.device.type, enabled=False):
            self._onset = _scaled(onset)
            self._apex = _coefficients(_scaled(apex))

    @torch.no_grad()
    def at(self, flow: Float[Tensor, "b 2 h w"]) -> FlowTerms:
        """The terms at a flow in cells.

        Nothing is learned here and the flow is taken as given: no gradient passes.
        """
        with torch.autocast(flow.device.type, enabled=False):
            flow_px = CELL_PX * flow.float()
            finer = functional.interpolate(flow_px, scale_factor=CELL_PX, mode="bilinear")
            return _terms(_sums(self._onset, read_spline(self._apex, finer)), flow_px)


def _sums(onset: Float[Tensor, "b 1 h w"], apex: Float[Tensor, "b 1 h w"]) -> Tensor:
    """Equations of each cell, level after level, from the onset and the apex as it was warped.

    Warped first and reduced then: an apex reduced first would carry what lies beyond an edge over
    it, and move it along.
    """
    levels = []
    for level in range(LEVELS):
        if level:
            onset, apex = functional.avg_pool2d(onset, 2), functional.avg_pool2d(apex, 2)
        levels.append(_equations(onset, apex, factor=CELL_PX // 2**level))
    return torch.cat(levels, dim=1)


def _terms(sums: Float[Tensor, "b s h w"], flow_px: Float[Tensor, "b 2 h w"]) -> FlowTerms:
    features, equations = [], []
    for window in WINDOWS_CELLS:
        around = rearrange(blurred(sums, window), "b (l q) h w -> q b l h w", q=6)
        step, strengths = _solved(around[:5])
        residual = torch.log(around[5] + 1e-5)[:, :, None] / 3 + 2
        features += [torch.asinh(20 * step) / 2, strengths, residual]
        equations.append(_in_px(around))
    together = torch.cat(features, dim=2)
    smoothing = [blurred(flow_px, window) - flow_px for window in WINDOWS_CELLS]
    return FlowTerms(
        features=rearrange(together, "b l k h w -> b (l k) h w"),
        equations=torch.cat(equations, dim=1),
        smoothing=torch.stack(smoothing, dim=1),
    )


def solve(terms: FlowTerms, log_weights: Float[Tensor, "b v h w"]) -> Float[Tensor, "b 2 h w"]:
    """Change of the flow, px: the weighted least-squares solution of all terms.

    Args:
        log_weights: logarithm of how much each counts: data terms, damping, smoothness terms.
    """
    # Beyond e^8 one term is all there is, and float32 could no longer invert.
    weight = log_weights.clamp(-8, 8).exp()
    data, damping, smooth = torch.split(weight, [EQUATIONS, 1, len(WINDOWS_CELLS)], dim=1)
    xx, xy, yy, x, y = (data[:, :, None] * terms.equations).sum(dim=1).unbind(dim=1)
    diagonal = damping[:, 0] + smooth.sum(dim=1)
    mean_x, mean_y = (smooth[:, :, None] * terms.smoothing).sum(dim=1).unbind(dim=1)
    xx, yy, x, y = xx + diagonal, yy + diagonal, mean_x - x, mean_y - y
    solved = torch.stack([yy * x - xy * y, xx * y - xy * x], dim=1)
    return solved / (xx * yy - xy**2)[:, None]


def blurred(values: Float[Tensor, "b c h w"], sigma: float) -> Float[Tensor, "b c h w"]:
    """Gaussian mean; the border is repeated."""
    reach = math.ceil(2.5 * sigma)
    taps = torch.exp(-torch.arange(-reach, reach + 1.0).square() / (2 * sigma**2))
    taps = (taps / taps.sum()).to(values)
    channels = values.shape[1]
    planes = rearrange(values, "b c h w -> (b c) 1 h w")
    planes = functional.pad(planes, (reach, reach, reach, reach), mode="replicate")
    planes = functional.conv2d(planes, taps.view(1, 1, 1, -1))
    planes = functional.conv2d(planes, taps.view(1, 1, -1, 1))
    return rearrange(planes, "(b c) 1 h w -> b c h w", c=channels)


def read_spline(
    coefficients: Float[Tensor, "b 1 h w"], displacement: Float[Tensor, "b 2 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """The image of ``coefficients`` at ``x + displacement(x)``; beyond the border, the border.

    A cubic B-spline, because linear reading shifts fine texture by some hundredths of a px.
    """
    batch, _, height, width = coefficients.shape
    columns, across = _taps(displacement[:, 0], width, axis=-1)
    rows, down = _taps(displacement[:, 1], height, axis=-2)
    flat, total = coefficients.flatten(1), torch.zeros_like(displacement[:, :1])
    # One row of taps at a time: all sixteen of a large image would take 100 MB.
    for tap in range(rows.shape[1]):
        index = rows[:, tap : tap + 1] * width + columns
        read = flat.gather(1, index.flatten(1)).view(index.shape)
        total += down[:, tap : tap + 1] * (read * across).sum(dim=1, keepdim=True)
    return total.view(batch, 1, height, width)


def _scaled(image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """In standard deviations of the detail, that is of what differs from the mean over some px."""
    std = (image - blurred(image, _SHADE_PX)).square().mean(dim=(1, 2, 3), keepdim=True)
    return image / std.sqrt().clamp(min=1e-4)


def _without_shade(planes: Float[Tensor, "b 3 h w"], factor: int) -> Float[Tensor, "b 3 h w"]:
    """What is left over, and slopes, less their means over some px: smooth light is not motion.

    Taken off what warping leaves over, not off the images: the mean around something bright that
    moves would move with it, far into surroundings that do not.

    Args:
        factor: pixels of the level along a side of a cell.
    """
    shade = blurred(_pooled(planes, factor), _SHADE_PX / CELL_PX)
    if factor > 1:
        shade = functional.interpolate(shade, scale_factor=factor, mode="bilinear")
    return planes - shade


def _pooled(planes: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b c i j"]:
    return functional.avg_pool2d(planes, factor) if factor > 1 else planes


def _taps(shift: Float[Tensor, "b h w"], length: int, *, axis: int) -> tuple[Tensor, Tensor]:
    """Four neighbours along an axis (clamped into the image), and their weights."""
    grid = torch.arange(length, dtype=shift.dtype, device=shift.device)
    at = (grid if axis == -1 else grid[:, None]) + shift
    at = at.clamp(0, length - 1)
    first = at.floor()
    t = at - first
    rest = 1 - t
    weights = [
        rest**3 / 6,
        (4 - 6 * t**2 + 3 * t**3) / 6,
        (4 - 6 * rest**2 + 3 * rest**3) / 6,
        t**3 / 6,
    ]
    start = first.long()
    index = [(start + k).clamp(0, length - 1) for k in (-1, 0, 1, 2)]
    return torch.stack(index, dim=1), torch.stack(weights, dim=1)


def _coefficients(image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    taps = torch.tensor(_PREFILTER).to(image)
    wide = functional.pad(image, (7, 7, 7, 7), mode="replicate")
    wide = functional.conv2d(wide, taps.view(1, 1, 1, -1))
    return functional.conv2d(wide, taps.view(1, 1, -1, 1))


def _smoothed(image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    return _filtered(image, [(_SMOOTH, _SMOOTH)])


def _slopes(image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 2 h w"]:
    """Slope in x and slope in y, per px of the level."""
    return _filtered(image, [(_SMOOTH, _SLOPE), (_SLOPE, _SMOOTH)])


def _filtered(
    image: Float[Tensor, "b 1 h w"], filters: list[tuple[tuple[float, ...], tuple[float, ...]]]
) -> Float[Tensor, "b k h w"]:
    """Each filter as its taps down and across; the border is repeated."""
    kernels = torch.stack([torch.outer(*(torch.tensor(taps) for taps in pair)) for pair in filters])
    wide = functional.pad(image, (2, 2, 2, 2), mode="replicate")
    return functional.conv2d(wide, kernels[:, None].to(image))


def _equations(
    onset: Float[Tensor, "b 1 i j"], apex: Float[Tensor, "b 1 i j"], *, factor: int
) -> Float[Tensor, "b 6 h w"]:
    """Mean over each cell of gx², gx gy, gy², gx r, gy r and r², r what warping leaves over.

    Slopes are of both frames: exact to second order in the motion (and half of the noise).
    """
    planes = torch.cat([_smoothed(apex - onset), _slopes((apex + onset) / 2)], dim=1)
    r, x, y = _without_shade(planes, factor).unbind(dim=1)
    return _pooled(torch.stack([x * x, x * y, y * y, x * r, y * r, r * r], dim=1), factor)


def _in_px(around: Float[Tensor, "6 b l h w"]) -> Float[Tensor, "b l 5 h w"]:
    """Equations for px, each in units of what remains: noise, light, and motion not yet found."""
    px = torch.tensor([1.0 / 2**level for level in range(LEVELS)]).to(around).view(1, -1, 1, 1)
    scale = 1 / (around[5] + 1e-5)
    parts = [
        *(around[i] * px**2 * scale for i in range(3)),
        *(around[i] * px * scale for i in (3, 4)),
    ]
    return torch.stack(parts, dim=2)


def _solved(sums: Float[Tensor, "5 b l h w"]) -> tuple[Tensor, Tensor]:
    """Damped solution of each 2 × 2 system, px of its level, and its two strengths as logarithms.

    Strengths are the eigenvalues: how well the motion is determined along and across the texture.
    """
    damping = torch.tensor([_DAMPING / 4**level for level in range(LEVELS)]).to(sums)
    damping = damping.view(1, -1, 1, 1)
    xx, xy, yy = sums[0] + damping, sums[1], sums[2] + damping
    determinant = xx * yy - xy**2
    step = torch.stack([xy * sums[4] - yy * sums[3], xy * sums[3] - xx * sums[4]], dim=2)
    step = step / determinant[:, :, None]
    length = torch.linalg.vector_norm(step, dim=2, keepdim=True)
    step = step / (length / _LONGEST_STEP).clamp(min=1)
    middle, spread = (xx + yy) / 2, torch.sqrt((xx - yy).square() / 4 + xy**2 + 1e-12)
    eigenvalues = torch.stack([middle + spread, determinant / (middle + spread)], dim=2)
    return step, torch.log(eigenvalues) / 3 + 2
