"""All-pairs correlation of two feature maps, and its lookup around a flow (paper, GRU-AOFE)."""

from dataclasses import dataclass, field

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

_LARGE = 4000
"""Pixels of a feature map from which on whole correlations take 85 MB and more."""


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
) -> "CorrelationPyramid | NearCorrelations":
    """Correlate two feature maps, dot products divided by the root of the channel count.

    The paper pools the volume's last two dimensions. Pooling is linear, so the apex's features
    are pooled instead and correlated again: the same numbers, without reading it all again. A
    side that 2 does not divide keeps its last, smaller group of pixels. One large pair without
    gradients is correlated nearby first.
    """
    batch, channels, height, width = onset.shape
    apexes = [apex]
    for _ in range(levels - 1):
        apexes.append(pooled(apexes[-1]))
    if batch == 1 and height * width > _LARGE and not torch.is_grad_enabled():
        return NearCorrelations(queries=onset / channels**0.5, apexes=tuple(apexes), radius=radius)
    queries = rearrange(onset / channels**0.5, "b c h w -> b (h w) c")
    volumes = tuple(
        (queries @ one.flatten(2)).view(batch * height * width, *one.shape[-2:]) for one in apexes
    )
    return CorrelationPyramid(levels=volumes, radius=radius)


@dataclass(kw_only=True, eq=False)
class NearCorrelations:
    """The same lookup for large images without gradients, in memory that grows with their area.

    Of each onset pixel only the apex pixels within ``REACH`` px of the level are correlated at
    first, which holds all windows unless something moves by more than four cells. Where a flow
    leads out of them, that level is correlated whole: the same numbers in either case.

    Attributes:
        queries: onset features, divided by the root of the channel count.
        apexes: apex features, level by level.
    """

    REACH = 8

    queries: Float[Tensor, "1 c h w"]
    apexes: tuple[Float[Tensor, "1 c _ _"], ...]
    radius: int
    _near: dict[int, Tensor] = field(default_factory=dict)
    _whole: dict[int, Tensor] = field(default_factory=dict)

    def lookup(self, centre: Float[Tensor, "1 2 h w"]) -> Float[Tensor, "1 k h w"]:
        """As `CorrelationPyramid.lookup`."""
        height, width = centre.shape[-2:]
        points = rearrange(centre, "1 xy h w -> (h w) xy")
        windows = [
            self._window(level, _at_level(points, level)) for level in range(len(self.apexes))
        ]
        return rearrange(torch.cat(windows, dim=1), "(h w) k -> 1 k h w", h=height, w=width)

    def _window(self, level: int, points: Float[Tensor, "n 2"]) -> Float[Tensor, "n k"]:
        height, width = self.queries.shape[-2:]
        if level not in self._whole and min(self.apexes[level].shape[-2:]) > 2 * self.REACH:
            x, y = (self._first(length, level) for length in (width, height))
            first = torch.stack([x.repeat(height), y.repeat_interleave(width)], dim=1)
            inner = points - first
            whole = inner.floor()
            if whole.min() >= self.radius and whole.max() + self.radius < 2 * self.REACH:
                if level not in self._near:
                    self._near[level] = self._around(self.apexes[level][0], x, y)
                return _window(self._near[level], inner, self.radius)
        if level not in self._whole:
            self._near.pop(level, None)
            queries = rearrange(self.queries, "1 c h w -> (h w) c")
            volume = queries @ self.apexes[level][0].flatten(1)
            self._whole[level] = volume.view(-1, *self.apexes[level].shape[-2:])
        return _window(self._whole[level], points, self.radius)

    def _first(self, length: int, level: int) -> Int[Tensor, " n"]:
        """First apex px correlated, along one axis, of each onset px."""
        return _at_level(torch.arange(length), level).floor().long() - self.REACH

    def _around(
        self, apex: Float[Tensor, "c i j"], x: Int[Tensor, " w"], y: Int[Tensor, " h"]
    ) -> Float[Tensor, "n s s"]:
        """Correlations with the apex px around; beyond its border 0. Row by row of the onset."""
        side = 2 * self.REACH + 1
        border = self.REACH + 1
        wide = functional.pad(apex, (border, border, border, border))
        columns = (x + border)[:, None, None] + torch.arange(side)
        rows = []
        for row, first in enumerate((y + border).tolist()):
            strip = wide[:, first : first + side]
            found = (self.queries[0, :, row].T @ strip.flatten(1)).view(len(x), side, -1)
            rows.append(found.gather(2, columns.expand(-1, side, -1)))
        return torch.cat(rows)


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
