"""GRU-AOFE: recurrent optical flow with additive attention, for motion below one px.

Paper (Sensors 25(24), 7672): RAFT-inspired; shared ResNet encoder, context encoder on the onset,
all-pairs correlation in a 4-level pyramid, a GRU with additive self-attention that refines the
flow. The paper gives no sizes; every size here is ours.

Departs from the paper: the GRU's hidden state does not give the change of the flow, but the weight
of each of some equations that the images themselves give (``cue.py``); solving them gives the
change. With ``cue=False`` the hidden state gives it directly, as in RAFT and, as far as can be
seen, in the paper. And refinement does not start from zero where the same network, on both images
at half size, finds more than about a px.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hmrm import limits
from hmrm.errors import ConfigError
from hmrm.flow.gru_aofe import cue
from hmrm.flow.gru_aofe.correlation import correlation_pyramid
from hmrm.flow.gru_aofe.cue import CELL_PX
from hmrm.flow.gru_aofe.encoder import FlowEncoder
from hmrm.flow.gru_aofe.recurrence import (
    AdditiveAttention,
    AttentiveGru,
    ConvexUpsampler,
    FlowHead,
    MotionEncoder,
)

SMALLEST_SIDE_PX = 64
"""Smaller images are padded up to this: below, the coarsest correlation level is uninformative."""

COARSE_FROM_PX = 192
"""Shorter side from which on both images are taken in half size first."""

# Below about a px the network from zero is the better start: the coarse flow's error is twice
# that of its own images. Chosen on synthetic pairs of the training's kind (docs/log.md).
_COARSE_ABOVE_PX = 1.0


@dataclass(frozen=True, kw_only=True)
class GruAofeConfig:
    """Sizes of the network. The paper gives none; the shipped weights have about half.

    Attributes:
        encoder_width: channels at 1/2 resolution, doubled at 1/4.
        features: channels that are correlated.
        state: the GRU's hidden channels.
        context: channels of the onset that every iteration sees.
        motion: channels of the motion features.
        head_width: inner channels of motion encoder parts, flow head and upsampler.
        correlation_levels: the paper's 4, pooled by 1, 2, 4, 8.
        correlation_radius: cells around the current flow that are looked up.
        iterations: refinements, if the caller names none.
        attention: the additive attention inside the GRU; False is the ablation.
        attention_size: width of the score's hidden layer.
        attention_pool: cells a side averaged into one key.
        cue: the sub-pixel cue (``flow/cue.py``); False is the ablation.
        coarse_start: start large motion from the flow of half the size; False starts from zero.
    """

    encoder_width: int = 32
    features: int = 96
    state: int = 48
    context: int = 48
    motion: int = 64
    head_width: int = 32
    correlation_levels: int = 4
    correlation_radius: int = 3
    iterations: int = 6
    attention: bool = True
    attention_size: int = 24
    attention_pool: int = 8
    cue: bool = True
    coarse_start: bool = True

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = 3 if name == "motion" else 1
            if not isinstance(value, bool) and value < least:
                raise ConfigError(f"{name} = {value}: must be at least {least}")
        limits.require_network(
            width=max(self.encoder_width, self.features, self.state, self.context, self.motion),
            depth=max(self.correlation_levels, self.correlation_radius, self.attention_pool),
        )
        limits.require_network(width=max(self.head_width, self.attention_size, self.iterations))

    @property
    def least_parameters(self) -> int:
        """A number that the network certainly has more parameters than."""
        looked_up = self.correlation_levels * (2 * self.correlation_radius + 1) ** 2
        return max(
            self.encoder_width**2,
            self.encoder_width * max(self.features, self.context),
            self.state * max(self.state, self.motion, self.context, self.head_width),
            self.head_width * looked_up,
        )


class FlowEstimate(NamedTuple):
    """One iteration's answer: flow in px, and the logarithm of its expected error in px."""

    flow: Float[Tensor, "b 2 h w"]
    log_error: Float[Tensor, "b 1 h w"]


class GruAofe(nn.Module):
    """The network. Untrained it answers exactly zero flow.

    Args:
        config: sizes and ablations.
        generator: only source of the initial weights.
    """

    def __init__(self, config: GruAofeConfig, *, generator: torch.Generator) -> None:
        super().__init__()
        self.config = c = config
        windows = c.correlation_levels * (2 * c.correlation_radius + 1) ** 2
        cues = cue.CHANNELS if c.cue else 0
        # Layers draw their first weights from the global generator; they are replaced below.
        with torch.random.fork_rng(devices=[]):
            self.feature_encoder = FlowEncoder(width=c.encoder_width, outputs=c.features)
            self.context_encoder = FlowEncoder(width=c.encoder_width, outputs=c.state + c.context)
            self.motion_encoder = MotionEncoder(
                correlations=windows, cues=cues, width=c.head_width, outputs=c.motion
            )
            self.gru = AttentiveGru(hidden_size=c.state, motion=c.motion, context=c.context)
            self.head = FlowHead(hidden_size=c.state, width=2 * c.head_width, cue=c.cue)
            self.upsampler = ConvexUpsampler(hidden_size=c.state, width=2 * c.head_width)
            self.attention = (
                AdditiveAttention(
                    hidden_size=c.state,
                    features=c.motion,
                    size=c.attention_size,
                    pool=c.attention_pool,
                )
                if c.attention
                else None
            )
        self._initialise(generator)

    def forward(
        self,
        onset: Float[Tensor, "b 1 h w"],
        apex: Float[Tensor, "b 1 h w"],
        *,
        iterations: int | None = None,
        every: bool = False,
    ) -> list[FlowEstimate]:
        """Flow from onset to apex.

        Any size is taken: images are padded at the right and the bottom, repeating the border,
        to a multiple of 4 px and at least 64 px, and the flow is cut back.

        Args:
            onset: grey levels in any unit; each image is standardised by itself.
            iterations: refinements; None takes the config's.
            every: return the estimate of each iteration, for training, not only the last.

        Returns:
            One estimate, or one per iteration; px of the input, u right and v down.
        """
        height, width = onset.shape[-2:]
        first, second = (_padded(_standardised(image)) for image in (onset, apex))
        estimates = self._refine(first, second, iterations or self.config.iterations, every=every)
        return [FlowEstimate(*(part[..., :height, :width] for part in one)) for one in estimates]

    def _refine(
        self,
        onset: Float[Tensor, "b 1 h w"],
        apex: Float[Tensor, "b 1 h w"],
        iterations: int,
        *,
        every: bool,
    ) -> list[FlowEstimate]:
        c = self.config
        # One after the other: together they would need twice the memory at full resolution.
        pyramid = correlation_pyramid(
            self.feature_encoder(onset),
            self.feature_encoder(apex),
            levels=c.correlation_levels,
            radius=c.correlation_radius,
        )
        hidden, context = self.context_encoder(onset).split([c.state, c.context], dim=1)
        hidden_state = torch.tanh(hidden)
        context_gates = self.gru.context_gates(torch.relu(context))
        # Positions need all digits, also where the hidden state is of half precision.
        coordinates = pixel_grid(hidden_state.float())
        flow = self._start(onset, apex, torch.zeros_like(coordinates))
        subpixel_cue = cue.Cue(onset, apex) if c.cue else None
        estimates = []
        for iteration in range(iterations):
            # Each refinement learns from its own start (RAFT): gradients end at the old flow.
            flow = flow.detach()
            terms = subpixel_cue.at(flow) if subpixel_cue else None
            motion_features = self.motion_encoder(
                pyramid.lookup(coordinates + flow), flow, terms.features if terms else None
            )
            hidden_state = self.gru(hidden_state, motion_features, context_gates)
            if self.attention is not None:
                hidden_state = self.attention(hidden_state, motion_features)
            delta_flow, log_error = self.head(hidden_state, terms)
            flow = flow + delta_flow
            if every or iteration == iterations - 1:
                estimates.append(self._upsampled(flow, log_error, hidden_state))
        return estimates

    @torch.no_grad()
    def _start(
        self,
        onset: Float[Tensor, "b 1 h w"],
        apex: Float[Tensor, "b 1 h w"],
        zero: Float[Tensor, "b 2 i j"],
    ) -> Float[Tensor, "b 2 i j"]:
        """The flow of half the size, in cells, faded out where it is short; zero if small."""
        if not self.config.coarse_start or min(onset.shape[-2:]) < COARSE_FROM_PX:
            return zero
        first, second = (
            _padded(_standardised(functional.avg_pool2d(image, 2))) for image in (onset, apex)
        )
        # As many refinements as the weights know, however many are asked for: the start of a
        # longer run is that of a shorter one.
        found = self._refine(first, second, self.config.iterations, every=False)[-1].flow
        height, width = zero.shape[-2:]
        start = functional.avg_pool2d(found, CELL_PX // 2)[..., :height, :width] * (2 / CELL_PX)
        length_px = CELL_PX * torch.linalg.vector_norm(start, dim=1, keepdim=True)
        return start * torch.sigmoid(4 * (length_px - _COARSE_ABOVE_PX))

    def _upsampled(self, flow: Tensor, log_error: Tensor, hidden_state: Tensor) -> FlowEstimate:
        together = self.upsampler(torch.cat([CELL_PX * flow, log_error], dim=1), hidden_state)
        return FlowEstimate(flow=together[:, :2], log_error=together[:, 2:])

    def _initialise(self, generator: torch.Generator) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_in", nonlinearity="relu", generator=generator
                )
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.zeros_(self.head.last.weight)
        self.upsampler.start_bilinear()
        if self.attention is not None:
            nn.init.normal_(self.attention.score, std=0.25, generator=generator)


def pixel_grid(like: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b 2 h w"]:
    """(x, y) of every pixel, in the type and on the device of ``like``."""
    batch, _, height, width = like.shape
    y, x = torch.meshgrid(
        torch.arange(height, dtype=like.dtype, device=like.device),
        torch.arange(width, dtype=like.dtype, device=like.device),
        indexing="ij",
    )
    return rearrange([x, y], "xy h w -> 1 xy h w").expand(batch, -1, -1, -1)


def _standardised(image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Mean 0 and standard deviation 1 of each image; one without contrast becomes 0."""
    std, mean = torch.std_mean(image, dim=(1, 2, 3), keepdim=True, correction=0)
    return (image - mean) / std.clamp(min=1e-4)


def _padded(image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 H W"]:
    """At the right and the bottom, to multiples of 4 px and at least 64 px."""
    height, width = image.shape[-2:]
    down, right = (
        max(-(-side // CELL_PX) * CELL_PX, SMALLEST_SIDE_PX) - side for side in (height, width)
    )
    return functional.pad(image, (0, right, 0, down), mode="replicate") if down or right else image
