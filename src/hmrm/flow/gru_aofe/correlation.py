"""All-pairs correlation of two feature maps, and its lookup around a flow (paper, GRU-AOFE)."""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrelationPyramid:
    """Dot products of every pixel of the onset with every pixel of the apex, in several scales.

    ``levels[l]`` is ``(b·h·w, h_l, w_l)``: per onset pixel the image of its correlations, pooled
    over ``2^l`` × ``2^l`` apex pixels (the paper's kernels 1, 2, 4, 8). Memory grows with the
    square of the number of pixels: 39 MB in float32 for 56 × 56.
    """

    levels: tuple[Float[Tensor, "n _ _"], ...]
    radius: int

    @property
    def channels(self) -> int:
        """Numbers per pixel that ``lookup`` returns."""
        return len(self.levels) * (2 * self.radius + 1) ** 2

    def lookup(self, centre: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b k h w"]:
        """Correlations in a window around where each onset pixel is believed to be.

        Read bilinearly; beyond the border they are 0. No coordinate is divided by a size less one
        (as RAFT's sampler does), so that levels of one pixel work.

        Args:
            centre: (x, y) in px of the finest level, for each pixel of the onset.

        Returns:
            Per level the ``(2 radius + 1)²`` window, row by row, coarser levels after finer.
        """
        batch, _, height, width = centre.shape
        points = rearrange(centre, "b xy h w -> (b h w) xy")
        windows = [
            _window(level, _at_level(points, scale), self.radius)
            for scale, level in enumerate(self.levels)
        ]
        return rearrange(
            torch.cat(windows, dim=1), "(b h w) k -> b k h w", b=batch, h=height, w=width
        ).contiguous()


def correlation_pyramid(
    onset: Float[Tensor, "b c h w"],
    apex: Float[Tensor, "b c h w"],
    *,
    levels: int = 4,
    radius: int = 3,
) -> CorrelationPyramid:
    """Correlate two feature maps, dot products divided by the root of the channel count.

    The paper pools the volume's last two dimensions. Pooling is linear, so the apex's features
    are pooled instead and correlated again: the same numbers, without reading it all again. A
    side that 2 does not divide keeps its last, smaller group of pixels.
    """
    batch, channels, height, width = onset.shape
    queries = rearrange(onset / channels**0.5, "b c h w -> b (h w) c")
    pyramid = []
    for _ in range(levels):
        volume = queries @ apex.flatten(2)
        pyramid.append(volume.view(batch * height * width, *apex.shape[-2:]))
        apex = pooled(apex)
    return CorrelationPyramid(levels=tuple(pyramid), radius=radius)


def pooled(features: Float[Tensor, "b c h w"], side: int = 2) -> Float[Tensor, "b c _ _"]:
    """Mean over ``side`` × ``side`` cells; at a border that it does not divide, what there is."""
    return functional.avg_pool2d(features, side, ceil_mode=True, count_include_pad=False)


def _at_level(centre: Tensor, scale: int) -> Tensor:
    """Px of a level from px of the finest: pixel centres, not corners, lie at whole numbers."""
    return (centre + 0.5) / 2**scale - 0.5


def _window(
    level: Float[Tensor, "n h w"], centre: Float[Tensor, "n 2"], radius: int
) -> Float[Tensor, "n k"]:
    """Bilinear window: the whole-pixel window one larger, blended by one fraction per centre."""
    height, width = level.shape[1:]
    whole = centre.floor()
    x_part, y_part = (centre - whole).unsqueeze(-1).unsqueeze(-1).unbind(dim=1)
    steps = torch.arange(-radius, radius + 2, device=level.device)
    columns, column_inside = _inside(whole[:, :1], steps, width)
    rows, row_inside = _inside(whole[:, 1:], steps, height)
    index = rows[:, :, None] * width + columns[:, None, :]
    side = len(steps)
    found = torch.gather(level.flatten(1), 1, index.flatten(1)).view(-1, side, side)
    found = found * (row_inside[:, :, None] & column_inside[:, None, :])
    across = found[:, :, :-1] * (1 - x_part) + found[:, :, 1:] * x_part
    return (across[:, :-1] * (1 - y_part) + across[:, 1:] * y_part).flatten(1)


def _inside(
    whole: Float[Tensor, "n 1"], steps: Int[Tensor, " s"], length: int
) -> tuple[Int[Tensor, "n s"], Tensor]:
    """Indices clamped into the image, and which of them had not to be."""
    # Clamped as float first: a flow gone astray must not overflow the integers.
    position = whole.clamp(-(2.0**20), 2.0**20).long() + steps
    return position.clamp(0, length - 1), (position >= 0) & (position < length)
