"""A re-creation of FRL-DGT: a learnt displacement between onset and apex, fused by transformers.

Not the published system: of Zhai, Zhao, Long, Xu, He and Liao, "Feature representation learning
with adaptive displacement generation and transformer fusion for micro-expression recognition",
CVPR 2023, no code was found and the abstract alone was read; rows say "re-creation". Known: a
convolutional displacement generator trained by self-supervision; local, global (action-unit
regions) and whole-face fusion by transformers, each with a linear mixing before its attention.

Ours: every size; grey pairs of 128 × 128 px; the displacement ends in 8 · tanh px and starts at 0;
its loss is `hmrm.training.frame_losses.frl_dgt_loss`; nine boxes of the crop's named patches; in
training, onset and apex are taken up to two frames off.
"""

from itertools import pairwise

import cv2
import numpy as np
import torch
from einops import rearrange, repeat
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.nn import functional

from hmrm.faces.regions import ANATOMICAL
from hmrm.flow.aligned_frames import AlignedFrames
from hmrm.model.baselines.attention import TransformerBlock

SIDE_PX = 128
BOX_PX = 32
LARGEST_PX = 8.0
WIDTH = 128
ONSETS, APEXES = 3, 5
BOXES = tuple(patch for patch in ANATOMICAL.values() if patch.name != "chin")


class FrlDgt(nn.Module):
    """Pairs of 128 × 128 px to one score per class."""

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        self.generator = DisplacementGenerator()
        self.box_layers = _halvings((2, 32, 64, WIDTH))
        self.face_layers = _halvings((2, 32, 64, WIDTH, WIDTH))
        self.local = Fusion(16)
        self.across = Fusion(len(BOXES))
        self.whole = Fusion(64 + 1 + len(BOXES))
        self.class_token = nn.Parameter(torch.zeros(WIDTH))
        self.classify = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, classes))

    @staticmethod
    def read(clip: AlignedFrames) -> Float32[np.ndarray, "8 128 128"]:
        """Three frames from the onset on, then five around the apex; grey, 0 to 1."""
        last, apex = len(clip.frames) - 1, clip.apex
        chosen = [*range(ONSETS), *(apex + step for step in range(-2, 3))]
        grey = clip.grey
        frames = [grey[min(max(number, 0), last)].astype(np.float32) for number in chosen]
        small = [
            cv2.resize(one, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) for one in frames
        ]
        return np.stack(small) / np.float32(255)

    @staticmethod
    def mirrored(frames: Float[Tensor, "b 8 h w"]) -> Float[Tensor, "b 8 h w"]:
        """The same of mirrored faces."""
        return frames.flip(-1)

    def pair(self, frames: Float[Tensor, "b 8 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Onset and apex; in training each one of its neighbours at random."""
        count = len(frames)
        if not self.training:
            return frames[:, [0, ONSETS + 2]]
        onset = torch.randint(ONSETS, (count,))
        apex = ONSETS + torch.randint(APEXES, (count,))
        row = torch.arange(count)
        return torch.stack([frames[row, onset], frames[row, apex]], dim=1)

    def fused(self, displacement: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b d"]:
        """The class token after the three fusions."""
        count = len(displacement)
        boxes = rearrange(boxes_of(displacement), "b n c h w -> (b n) c h w")
        tokens = rearrange(self.box_layers(boxes), "m d h w -> m (h w) d")
        local = rearrange(self.local(tokens).mean(1), "(b n) d -> b n d", b=count)
        regions = self.across(local)
        face = rearrange(self.face_layers(displacement), "b d h w -> b (h w) d")
        first = repeat(self.class_token, "d -> b 1 d", b=count)
        return self.whole(torch.cat([first, regions, face], dim=1))[:, 0]

    def forward(self, frames: Float[Tensor, "b 8 h w"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.fused(self.generator(self.pair(frames))))


class DisplacementGenerator(nn.Module):
    """Onset and apex to a displacement, px; 0 before any training."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _convolution(2, 16)
        self.down = nn.ModuleList(
            _convolution(before, after, stride=2)
            for before, after in ((16, 32), (32, 64), (64, 64))
        )
        self.up = nn.ModuleList(
            _convolution(before, after) for before, after in ((128, 64), (96, 32), (48, 16))
        )
        self.last = nn.Conv2d(16, 2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, pair: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Where in the apex each pixel of the onset is found, as (x, y) steps."""
        seen = [self.first(pair)]
        for layer in self.down:
            seen.append(layer(seen[-1]))
        maps = seen.pop()
        for layer in self.up:
            larger = functional.interpolate(
                maps, scale_factor=2, mode="bilinear", align_corners=False
            )
            maps = layer(torch.cat([larger, seen.pop()], dim=1))
        return LARGEST_PX * torch.tanh(self.last(maps))


class Fusion(nn.Module):
    """Tokens mixed linearly (at first not at all), given positions, and attended to."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.mix = nn.Linear(tokens, tokens)
        nn.init.eye_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)
        self.positions = nn.Parameter(torch.zeros(tokens, WIDTH))
        nn.init.normal_(self.positions, std=0.02)
        self.attend = TransformerBlock(WIDTH, heads=4, widening=2)

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """One exchange between all tokens."""
        return self.attend(self.mix(tokens.mT).mT + self.positions)


def warped(
    image: Float[Tensor, "b 1 h w"], displacement: Float[Tensor, "b 2 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """``image`` read at each pixel plus its displacement, px; the border is repeated outside."""
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([x + displacement[:, 0], y + displacement[:, 1]], dim=-1)
    sides = torch.tensor([width, height], dtype=image.dtype)
    return functional.grid_sample(
        image, (2 * places + 1) / sides - 1, padding_mode="border", align_corners=False
    )


def boxes_of(displacement: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b n 2 32 32"]:
    """The displacement inside of each of `BOXES`, 32 × 32."""
    cells = (torch.arange(BOX_PX) + 0.5) / BOX_PX
    found = []
    for patch in BOXES:
        left, top, right, bottom = patch.box_xyxy
        rows, columns = top + (bottom - top) * cells, left + (right - left) * cells
        y, x = torch.meshgrid(2 * rows - 1, 2 * columns - 1, indexing="ij")
        places = repeat(torch.stack([x, y], dim=-1), "h w c -> b h w c", b=len(displacement))
        found.append(functional.grid_sample(displacement, places, align_corners=False))
    return torch.stack(found, dim=1)


def _halvings(widths: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(*(_convolution(a, b, stride=2) for a, b in pairwise(widths)))


def _convolution(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )
