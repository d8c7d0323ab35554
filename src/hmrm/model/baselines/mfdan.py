"""A re-creation of MFDAN: an image transformer whose attention is steered by flow.

Not the published system: of Cai, Zhao, Yi, Yu, Duan, Pan and Liu, "MFDAN: multi-level flow-driven
attention network for micro-expression recognition", IEEE TCSVT 2024, no code was found and the
abstract alone was read; rows say "re-creation". Known: a flow encoder, an image transformer with
flow-driven attention, DropKey (keys are dropped before the softmax, fewer in deeper layers), a
focal loss.

Ours: every size; apex of 112 × 112 px in patches of 8; u, v and strain at the same size through
three halving convolutions to as many tokens; in each of four blocks flow queries and keys, whose
queries start at zero, are added to those of the image; DropKey .3, .2, .1, 0.
"""

import cv2
import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Float32
from torch import Tensor, nn

from hmrm.flow.aligned_frames import AlignedFrames
from hmrm.flow.strain import optical_strain

SIDE_PX = 112
PATCH_PX = 8
WIDTH = 192
HEADS = 4
DROPPED = (0.3, 0.2, 0.1, 0.0)


class Mfdan(nn.Module):
    """Apex (RGB, 0 to 1) and flow (u, v px, strain), 112 × 112, to one score per class."""

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        tokens = (SIDE_PX // PATCH_PX) ** 2
        self.patches = nn.Conv2d(3, WIDTH, PATCH_PX, stride=PATCH_PX)
        self.positions = nn.Parameter(torch.zeros(tokens, WIDTH))
        nn.init.normal_(self.positions, std=0.02)
        self.flow = nn.Sequential(*_halving(3, 48), *_halving(48, 96), *_halving(96, WIDTH))
        self.blocks = nn.ModuleList(FlowDrivenBlock(dropped=part) for part in DROPPED)
        self.classify = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, classes))

    @staticmethod
    def read(clip: AlignedFrames) -> Float32[np.ndarray, "6 112 112"]:
        """Apex, then flow and its strain, px of the small square."""
        apex = clip.frames[clip.apex]
        rgb = apex if apex.ndim == 3 else np.repeat(apex[..., None], 3, axis=2)
        image = cv2.resize(rgb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        height, width = clip.flow.shape[1:]
        flow = np.stack(
            [
                cv2.resize(
                    part * (SIDE_PX / side), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA
                )
                for part, side in zip(clip.flow, (width, height), strict=True)
            ]
        ).astype(np.float32)
        parts = [image.transpose(2, 0, 1) / np.float32(255), flow, optical_strain(flow)[None]]
        return np.concatenate(parts).astype(np.float32)

    @staticmethod
    def mirrored(both: Float[Tensor, "b 6 h w"]) -> Float[Tensor, "b 6 h w"]:
        """The same of mirrored faces: u changes its sign."""
        turned = both.flip(-1)
        return torch.cat([turned[:, :3], -turned[:, 3:4], turned[:, 4:]], dim=1)

    def features(self, both: Float[Tensor, "b 6 h w"]) -> Float[Tensor, "b d"]:
        """The mean token."""
        image, flow = both[:, :3], both[:, 3:]
        tokens = rearrange(self.patches(image), "b d y x -> b (y x) d") + self.positions
        motion = rearrange(self.flow(flow), "b d y x -> b (y x) d")
        for block in self.blocks:
            tokens, motion = block(tokens, motion)
        return tokens.mean(1)

    def forward(self, both: Float[Tensor, "b 6 h w"]) -> Float[Tensor, "b classes"]:
        """Scores before softmax."""
        return self.classify(self.features(both))


class FlowDrivenBlock(nn.Module):
    """Pre-normalised attention and two dense layers; the flow has a part in the attention.

    Args:
        dropped: probability that a query misses a key in training.
    """

    def __init__(self, *, dropped: float) -> None:
        super().__init__()
        self.dropped = dropped
        self.before_attention = nn.LayerNorm(WIDTH)
        self.to_qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.flow_step = nn.Linear(WIDTH, WIDTH)
        self.before_flow = nn.LayerNorm(WIDTH)
        self.to_flow_qk = nn.Linear(WIDTH, 2 * WIDTH)
        with torch.no_grad():
            self.to_flow_qk.weight[:WIDTH] = 0
            self.to_flow_qk.bias[:WIDTH] = 0
        self.before_dense = nn.LayerNorm(WIDTH)
        self.dense = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH)
        )

    def attention(
        self, tokens: Float[Tensor, "b n d"], motion: Float[Tensor, "b n d"]
    ) -> tuple[Float[Tensor, "b h n n"], Float[Tensor, "b h n e"]]:
        """Weights, whose rows sum to 1, and values."""
        qkv = rearrange(self.to_qkv(tokens), "b n (k h e) -> k b h n e", k=3, h=HEADS)
        queries, keys, values = qkv.unbind(0)
        both = rearrange(self.to_flow_qk(motion), "b n (k h e) -> k b h n e", k=2, h=HEADS)
        logits = (queries @ keys.mT + both[0] @ both[1].mT) * queries.shape[-1] ** -0.5
        if self.training and self.dropped > 0:
            logits = logits.masked_fill(missed_keys(logits.shape, self.dropped), -torch.inf)
        return logits.softmax(-1), values

    def forward(
        self, tokens: Float[Tensor, "b n d"], motion: Float[Tensor, "b n d"]
    ) -> tuple[Float[Tensor, "b n d"], Float[Tensor, "b n d"]]:
        """Tokens of image and flow after the block."""
        motion = motion + self.flow_step(motion)
        weights, values = self.attention(self.before_attention(tokens), self.before_flow(motion))
        tokens = tokens + self.out(rearrange(weights @ values, "b h n e -> b n (h e)"))
        return tokens + self.dense(self.before_dense(tokens)), motion


def missed_keys(shape: torch.Size, dropped: float) -> Bool[Tensor, "b h n n"]:
    """Which keys each query misses; never all of them."""
    missed = torch.rand(shape) < dropped
    return missed & ~missed.all(-1, keepdim=True)


def _halving(before: int, after: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )
