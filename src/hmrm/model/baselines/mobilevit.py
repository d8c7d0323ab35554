"""MobileViT: inverted bottlenecks, with small transformers across the map in between.

Source: Mehta and Rastegari, "MobileViT: light-weight, general-purpose, and mobile-friendly vision
transformer", ICLR 2022, section 3 and table 4. A MobileViT block mixes neighbours (3 × 3, 1 × 1),
lets pixels at the same position of all 2 × 2 patches attend to each other, and fuses the result
with its input (1 × 1, concatenation, 3 × 3).

The S setting takes 256 × 256 maps and is counted only (4.9 M parameters with three classes).
Departs from the paper in the trainable preset: the XXS widths, and 28 px maps are halved twice
(28, 14, 7) instead of five times; the last block's patches are single pixels, since 7 is odd.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from hmrm.model.baselines.attention import TransformerBlock

DEPTHS = (2, 4, 3)


@dataclass(frozen=True, kw_only=True)
class MobileVitSetting:
    """Widths and strides of one size.

    Attributes:
        channels: after the stem and after each of five stages.
        tokens: width of a token in the three MobileViT blocks.
        last: channels before the classifier.
        expansion: of the inverted bottlenecks.
        strides: of the stem and of each stage.
        patches_px: side of a patch in the three MobileViT blocks.
    """

    channels: tuple[int, int, int, int, int, int] = (16, 16, 24, 48, 64, 80)
    tokens: tuple[int, int, int] = (64, 80, 96)
    last: int = 320
    expansion: int = 2
    strides: tuple[int, int, int, int, int, int] = (1, 1, 2, 1, 1, 2)
    patches_px: tuple[int, int, int] = (2, 2, 1)


SETTINGS = {
    "xxs-28px": MobileVitSetting(),
    "s": MobileVitSetting(
        channels=(16, 32, 64, 96, 128, 160),
        tokens=(144, 192, 240),
        last=640,
        expansion=4,
        strides=(2, 1, 2, 2, 2, 2),
        patches_px=(2, 2, 2),
    ),
}
"""Ours for 28 px maps, and the paper's S."""


class MobileVit(nn.Module):
    """Maps to one score per class.

    Args:
        size: key of `SETTINGS`.
    """

    def __init__(self, *, classes: int, size: str = "xxs-28px") -> None:
        super().__init__()
        s = SETTINGS[size]
        layers: list[nn.Module] = [_convolution(3, s.channels[0], size=3, stride=s.strides[0])]
        layers.append(_bottleneck(s, stage=1))
        layers += [_bottleneck(s, stage=2), *(_again(s, stage=2) for _ in range(2))]
        for block, stage in enumerate((3, 4, 5)):
            layers.append(_bottleneck(s, stage=stage))
            layers.append(
                _MobileVitBlock(
                    s.channels[stage],
                    tokens=s.tokens[block],
                    depth=DEPTHS[block],
                    patch_px=s.patches_px[block],
                )
            )
        layers.append(_convolution(s.channels[5], s.last, size=1))
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classify = nn.Sequential(nn.Dropout(0.1), nn.Linear(s.last, classes))

    def features(self, maps: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b d"]:
        """The last maps, averaged over the face."""
        return self.body(maps)

    def forward(self, maps: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.features(maps))


class _Bottleneck(nn.Module):
    """Widen, look around in each channel, narrow; added to the input where shapes agree."""

    def __init__(self, before: int, after: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        inner = before * expansion
        self.added = stride == 1 and before == after
        self.layers = nn.Sequential(
            _convolution(before, inner, size=1),
            _convolution(inner, inner, size=3, stride=stride, groups=inner),
            _convolution(inner, after, size=1, activation=False),
        )

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d v u"]:
        return maps + self.layers(maps) if self.added else self.layers(maps)


class _MobileVitBlock(nn.Module):
    """Neighbours first, then all patches, then both together."""

    def __init__(self, channels: int, *, tokens: int, depth: int, patch_px: int) -> None:
        super().__init__()
        self.patch_px = patch_px
        self.near = nn.Sequential(
            _convolution(channels, channels, size=3), nn.Conv2d(channels, tokens, 1, bias=False)
        )
        self.far = nn.Sequential(
            *(
                TransformerBlock(tokens, heads=4, widening=2, dropout=0.1, activation=nn.SiLU)
                for _ in range(depth)
            ),
            nn.LayerNorm(tokens),
        )
        self.back = _convolution(tokens, channels, size=1)
        self.fuse = _convolution(2 * channels, channels, size=3)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        side, rows = self.patch_px, maps.shape[2] // self.patch_px
        pixels = rearrange(self.near(maps), "b d (y p) (x q) -> (b p q) (y x) d", p=side, q=side)
        far = rearrange(
            self.far(pixels), "(b p q) (y x) d -> b d (y p) (x q)", p=side, q=side, y=rows
        )
        return self.fuse(torch.cat([maps, self.back(far)], dim=1))


def _bottleneck(s: MobileVitSetting, *, stage: int) -> _Bottleneck:
    before, after = s.channels[stage - 1], s.channels[stage]
    return _Bottleneck(before, after, expansion=s.expansion, stride=s.strides[stage])


def _again(s: MobileVitSetting, *, stage: int) -> _Bottleneck:
    return _Bottleneck(s.channels[stage], s.channels[stage], expansion=s.expansion, stride=1)


def _convolution(
    before: int,
    after: int,
    *,
    size: int,
    stride: int = 1,
    groups: int = 1,
    activation: bool = True,
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(before, after, size, stride=stride, padding=size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
    ]
    return nn.Sequential(*layers, *([nn.SiLU()] if activation else []))
