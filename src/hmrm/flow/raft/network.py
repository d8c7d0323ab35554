"""RAFT: recurrent all-pairs field transforms, large and small.

Source: Teed and Deng, "RAFT: recurrent all-pairs field transforms for optical flow", ECCV 2020;
sizes, order of channels and names of parameters as in torchvision's ``raft_large`` and
``raft_small``, so that its checkpoints fit (`hmrm.flow.raft.checkpoint`).

Departs from torchvision: images of any size are padded at the right and the bottom, repeating the
border, to multiples of 8 px and at least 128 px, and the flow is cut back; images are given as
grey levels, 0 to 255, and one grey channel is repeated where three are missing.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hmrm.errors import ConfigError
from hmrm.flow.gru_aofe.network import FlowEstimate, pixel_grid
from hmrm.flow.raft.parts import (
    BottleneckBlock,
    Encoder,
    FlowHead,
    MaskPredictor,
    MotionEncoder,
    RecurrentBlock,
    ResidualBlock,
)

CELL_PX = 8
SMALLEST_SIDE_PX = 128
"""Smaller images are padded up to this: the coarsest of the four levels needs two cells a side."""

LEVELS = 4

Size = Literal["large", "small"]


@dataclass(frozen=True, kw_only=True)
class RaftConfig:
    """Which of the two networks, and how often it refines if the caller does not say."""

    size: Size = "large"
    iterations: int = 12

    def __post_init__(self) -> None:
        if not 1 <= self.iterations <= 200:
            raise ConfigError(f"iterations = {self.iterations}: must be in 1 … 200")


@dataclass(frozen=True, kw_only=True)
class _Widths:
    """Channels of one size; ``context``: hidden state and what every iteration sees."""

    encoder: tuple[int, int, int, int, int]
    context: tuple[int, int]
    radius: int
    correlation: tuple[int, ...]
    flow: tuple[int, int]
    motion: int
    kernels: tuple[tuple[int, int], ...]
    head: int


_WIDTHS = {
    "large": _Widths(
        encoder=(64, 64, 96, 128, 256),
        context=(128, 128),
        radius=4,
        correlation=(256, 192),
        flow=(128, 64),
        motion=128,
        kernels=((1, 5), (5, 1)),
        head=256,
    ),
    "small": _Widths(
        encoder=(32, 32, 64, 96, 128),
        context=(96, 64),
        radius=3,
        correlation=(96,),
        flow=(64, 32),
        motion=82,
        kernels=((3, 3),),
        head=128,
    ),
}


class Raft(nn.Module):
    """The network.

    Args:
        config: size and number of refinements.
        generator: only source of the initial weights.

    Example:
        >>> import torch
        >>> from hmrm.flow.raft.network import Raft, RaftConfig
        >>> network = Raft(RaftConfig(size="small"), generator=torch.Generator().manual_seed(0))
        >>> sum(value.numel() for value in network.parameters())
        990162
    """

    def __init__(self, config: RaftConfig, *, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.widths = w = _WIDTHS[config.size]
        large = config.size == "large"
        block = ResidualBlock if large else BottleneckBlock
        windows = LEVELS * (2 * w.radius + 1) ** 2
        with torch.random.fork_rng(devices=[]):
            self.feature_encoder = Encoder(block, w.encoder, norm="instance")
            self.context_encoder = Encoder(
                block, (*w.encoder[:4], sum(w.context)), norm="batch" if large else None
            )
            self.update_block = _UpdateBlock(w, windows)
            self.mask_predictor = MaskPredictor(w.context[0], cell_px=CELL_PX) if large else None
            self._initialise(generator)

    def forward(
        self,
        onset: Float[Tensor, "b c h w"],
        apex: Float[Tensor, "b c h w"],
        *,
        iterations: int | None = None,
        every: bool = False,
    ) -> list[FlowEstimate]:
        """Flow from onset to apex.

        Args:
            onset: grey levels, 0 to 255, of one channel or three (RGB).
            iterations: refinements; None takes the config's.
            every: return the estimate of each iteration, for training, not only the last.

        Returns:
            One estimate, or one per iteration, px; RAFT expects no error, so its logarithm is 0.
        """
        height, width = onset.shape[-2:]
        first, second = (_padded(_scaled(image)) for image in (onset, apex))
        features = self.feature_encoder(torch.cat([first, second]))
        levels = correlation_levels(*features.chunk(2))
        hidden, context = self.context_encoder(first).split(list(self.widths.context), dim=1)
        hidden_state, context = torch.tanh(hidden), torch.relu(context)
        start = pixel_grid(hidden_state.float())
        coordinates = start
        estimates = []
        count = iterations or self.config.iterations
        for iteration in range(count):
            coordinates = coordinates.detach()
            looked_up = lookup(levels, coordinates, radius=self.widths.radius)
            hidden_state, delta_flow = self.update_block(
                hidden_state, context, looked_up, coordinates - start
            )
            coordinates = coordinates + delta_flow
            if every or iteration == count - 1:
                flow = self._upsampled(coordinates - start, hidden_state)[..., :height, :width]
                estimates.append(FlowEstimate(flow=flow, log_error=torch.zeros_like(flow[:, :1])))
        return estimates

    def _upsampled(self, flow: Tensor, hidden_state: Tensor) -> Float[Tensor, "b 2 h w"]:
        if self.mask_predictor is None:
            return CELL_PX * functional.interpolate(
                flow, scale_factor=CELL_PX, mode="bilinear", align_corners=True
            )
        return convex_upsampled(CELL_PX * flow, self.mask_predictor(hidden_state))

    def _initialise(self, generator: torch.Generator) -> None:
        """As torchvision starts its encoders, in all convolutions; biases 0."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu", generator=generator
                )
                assert module.bias is not None
                nn.init.zeros_(module.bias)


class _UpdateBlock(nn.Module):
    """Motion features, the recurrent unit and the change of the flow."""

    def __init__(self, widths: _Widths, windows: int) -> None:
        super().__init__()
        hidden, context = widths.context
        self.motion_encoder = MotionEncoder(
            windows, correlation=widths.correlation, flow=widths.flow, outputs=widths.motion
        )
        self.recurrent_block = RecurrentBlock(
            hidden, inputs=context + widths.motion, kernels=widths.kernels
        )
        self.flow_head = FlowHead(hidden, widths.head)

    def forward(
        self, hidden_state: Tensor, context: Tensor, correlations: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The new hidden state, and the change of the flow in cells."""
        inputs = torch.cat([context, self.motion_encoder(correlations, flow)], dim=1)
        hidden_state = self.recurrent_block(hidden_state, inputs)
        return hidden_state, self.flow_head(hidden_state)


def correlation_levels(
    onset: Float[Tensor, "b c h w"], apex: Float[Tensor, "b c h w"]
) -> list[Float[Tensor, "n 1 _ _"]]:
    """Dot products over the root of the channels, pooled by 1, 2, 4, 8 in the apex."""
    height, width = onset.shape[-2:]
    volume = torch.einsum("bcij,bckl->bijkl", onset, apex) / onset.shape[1] ** 0.5
    level = volume.reshape(-1, 1, height, width)
    levels = [level]
    for _ in range(LEVELS - 1):
        level = functional.avg_pool2d(level, 2)
        levels.append(level)
    return levels


def lookup(
    levels: list[Float[Tensor, "n 1 _ _"]], centre: Float[Tensor, "b 2 h w"], *, radius: int
) -> Float[Tensor, "b k h w"]:
    """Bilinear windows around ``centre`` at each level; in a window x is slow and y is fast."""
    batch, _, height, width = centre.shape
    steps = torch.arange(-radius, radius + 1, device=centre.device, dtype=centre.dtype)
    offsets = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=-1)
    points = rearrange(centre, "b xy h w -> (b h w) 1 1 xy")
    found = []
    for number, level in enumerate(levels):
        places = points / 2**number + offsets
        last = torch.tensor([level.shape[-1] - 1, level.shape[-2] - 1], device=centre.device)
        sampled = functional.grid_sample(level, 2 * places / last - 1, align_corners=True)
        found.append(sampled.flatten(1))
    windows = torch.cat(found, dim=1)
    return rearrange(windows, "(b h w) k -> b k h w", b=batch, h=height, w=width).contiguous()


def convex_upsampled(
    flow: Float[Tensor, "b 2 h w"], mask: Float[Tensor, "b k h w"]
) -> Float[Tensor, "b 2 H W"]:
    """Each new pixel a learned mean of 3 × 3 cells; beyond the border cells are 0, as in RAFT."""
    height, width = flow.shape[-2:]
    weight = rearrange(mask, "b (k p q) h w -> b 1 k p q h w", k=9, p=CELL_PX, q=CELL_PX).softmax(
        dim=2
    )
    around = functional.unfold(flow, 3, padding=1)
    around = rearrange(around, "b (c k) (h w) -> b c k 1 1 h w", k=9, h=height, w=width)
    return rearrange((weight * around).sum(dim=2), "b c p q h w -> b c (h p) (w q)")


def _scaled(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h w"]:
    """RGB in −1 to 1."""
    return (image / 127.5 - 1).expand(-1, 3, -1, -1)


def _padded(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c H W"]:
    height, width = image.shape[-2:]
    down, right = (
        max(-(-side // CELL_PX) * CELL_PX, SMALLEST_SIDE_PX) - side for side in (height, width)
    )
    return functional.pad(image, (0, right, 0, down), mode="replicate") if down or right else image
