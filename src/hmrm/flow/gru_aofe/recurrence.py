"""The recurrent half of GRU-AOFE: motion encoder, attentive GRU, flow head and upsampler."""

from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hmrm.flow.gru_aofe.correlation import pooled
from hmrm.flow.gru_aofe.cue import CELL_PX, TERMS, FlowTerms, solve

_SCORES = 2**20
"""Numbers inside the additive attention that are held at once, for each image."""


class AdditiveAttention(nn.Module):
    """Additive attention of the GRU's state over the image's motion (paper, GRU-AOFE).

    ``score = vᵀ tanh(W₁ state + W₂ feature)``, softmax over the keys, context vector, output layer
    on [state; context]. It lets a cell see what moves elsewhere in the face, so that noise stands
    out against it.

    Departs from the paper: keys are features averaged over ``pool`` × ``pool`` cells and queries
    states over 2 × 2 (the cost is queries × keys), and the result is added with a learned gain
    that starts at 0. Without training, and with the gain at 0 for ever, the network is exactly
    the one without attention.
    """

    QUERY_POOL = 2

    def __init__(self, *, hidden_size: int, features: int, size: int, pool: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(hidden_size, size, 1)
        self.key = nn.Conv2d(features, size, 1, bias=False)
        self.value = nn.Conv2d(features, hidden_size, 1)
        self.score = nn.Parameter(torch.empty(size))
        self.output = nn.Conv2d(2 * hidden_size, hidden_size, 1)
        self.gain = nn.Parameter(torch.zeros(1))
        self.pool = pool

    def forward(
        self, hidden_state: Float[Tensor, "b s h w"], features: Float[Tensor, "b f h w"]
    ) -> Float[Tensor, "b s h w"]:
        """The hidden state after attention."""
        keys, queries = pooled(features, self.pool), pooled(hidden_state, self.QUERY_POOL)
        query = rearrange(self.query(queries), "b d i j -> b (i j) 1 d")
        key = rearrange(self.key(keys), "b d i j -> b 1 (i j) d")
        value = rearrange(self.value(keys), "b s i j -> b (i j) s")
        # Some queries at a time: all scores of a large image at once would take 270 MB.
        some = max(1, _SCORES // (key.shape[2] * key.shape[3]))
        answers = [
            (torch.tanh(part + key) @ self.score).softmax(dim=-1) @ value
            for part in query.split(some, dim=1)
        ]
        together = torch.cat(answers, dim=1)
        context = rearrange(together, "b (i j) s -> b s i j", i=queries.shape[-2])
        context = functional.interpolate(context, size=hidden_state.shape[-2:], mode="bilinear")
        attended = self.output(torch.cat([hidden_state, context], dim=1))
        return hidden_state + self.gain * torch.tanh(attended)


class MotionEncoder(nn.Module):
    """Correlations, current flow and the sub-pixel cue as one feature map.

    The last two of ``outputs`` channels are the flow itself.
    """

    def __init__(self, *, correlations: int, cues: int, width: int, outputs: int) -> None:
        super().__init__()
        self.from_correlation = nn.Conv2d(correlations, 2 * width, 1)
        self.from_flow = nn.Conv2d(2, width, 3, padding=1)
        self.from_cue = nn.Conv2d(cues, width, 3, padding=1) if cues else None
        inputs = (4 if cues else 3) * width
        self.merge = nn.Conv2d(inputs, outputs - 2, 3, padding=1)

    def forward(
        self,
        correlation: Float[Tensor, "b k h w"],
        flow: Float[Tensor, "b 2 h w"],
        cue: Float[Tensor, "b q h w"] | None,
    ) -> Float[Tensor, "b m h w"]:
        """Motion features."""
        parts = [torch.relu(self.from_correlation(correlation)), torch.relu(self.from_flow(flow))]
        if self.from_cue is not None:
            assert cue is not None
            parts.append(torch.relu(self.from_cue(cue)))
        merged = torch.relu(self.merge(torch.cat(parts, dim=1)))
        return torch.cat([merged, flow], dim=1)


class ContextGates(NamedTuple):
    """The context's part of the GRU's update and reset gates, and of its candidate."""

    gates: Float[Tensor, "b s2 h w"]
    candidate: Float[Tensor, "b s h w"]


class AttentiveGru(nn.Module):
    """Convolutional GRU whose new state passes through additive attention.

    The context's part of the three gates does not change between iterations; ``context_gates``
    computes it once.
    """

    def __init__(self, *, hidden_size: int, motion: int, context: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(hidden_size + motion, 2 * hidden_size, 3, padding=1)
        self.candidate = nn.Conv2d(hidden_size + motion, hidden_size, 3, padding=1)
        self.from_context = nn.Conv2d(context, 3 * hidden_size, 3, padding=1)

    def context_gates(self, context_features: Float[Tensor, "b c h w"]) -> ContextGates:
        """What the context adds to the gates and to the candidate."""
        size = self.candidate.out_channels
        return ContextGates(*self.from_context(context_features).split([2 * size, size], dim=1))

    def forward(
        self,
        hidden_state: Float[Tensor, "b s h w"],
        motion_features: Float[Tensor, "b m h w"],
        context: ContextGates,
    ) -> Float[Tensor, "b s h w"]:
        """The next hidden state, before attention."""
        both = torch.cat([hidden_state, motion_features], dim=1)
        update, reset = torch.sigmoid(self.gates(both) + context.gates).chunk(2, dim=1)
        renewed = torch.cat([reset * hidden_state, motion_features], dim=1)
        candidate = self.candidate(renewed) + context.candidate
        return (1 - update) * hidden_state + update * torch.tanh(candidate)


class FlowHead(nn.Module):
    """Hidden state → change of the flow in cells, and the logarithm of the expected error in px.

    With the cue it gives the weight of each of the cue's terms, and these are solved
    (``cue.solve``): the network need not learn to compute hundredths of a px, but which terms to
    trust.
    Without, the change is the convolution's own, as in RAFT. Either way an untrained network
    answers exactly zero flow: the change has a gain, or a last convolution, of 0.
    """

    # A step of the optimiser on the gain counts this much more than on other weights.
    GAIN = 30.0

    def __init__(self, *, hidden_size: int, width: int, cue: bool) -> None:
        super().__init__()
        self.inner = nn.Conv2d(hidden_size, width, 3, padding=1)
        self.last = nn.Conv2d(width, 1 + (TERMS if cue else 2), 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(1)) if cue else None

    def forward(
        self, hidden_state: Float[Tensor, "b s h w"], terms: FlowTerms | None
    ) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 1 h w"]]:
        """Change of the flow in cells, and the log error."""
        output = self.last(torch.relu(self.inner(hidden_state)))
        log_error, rest = output[:, :1], output[:, 1:]
        if self.gain is None:
            return rest, log_error
        assert terms is not None
        return self.GAIN * self.gain * solve(terms, rest) / CELL_PX, log_error


class ConvexUpsampler(nn.Module):
    """Four times as large, each new pixel a learned mean of 3 × 3 cells (RAFT).

    Cells beyond the border repeat the border's: zeros would pull the flow there towards none.
    """

    FACTOR = 4

    def __init__(self, *, hidden_size: int, width: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(hidden_size, width, 3, padding=1)
        self.last = nn.Conv2d(width, 9 * self.FACTOR**2, 1)

    def start_bilinear(self) -> None:
        """Weights with which it is bilinear interpolation, whatever the hidden state."""
        nn.init.zeros_(self.last.weight)
        offset = (torch.arange(self.FACTOR) + 0.5) / self.FACTOR - 0.5
        along = (1 - (offset - torch.arange(-1, 2)[:, None]).abs()).clamp(min=0.01)
        weight = along[:, None, :, None] * along[None, :, None, :]
        assert self.last.bias is not None
        self.last.bias.data = weight.log().flatten()

    def forward(
        self, values: Float[Tensor, "b c h w"], hidden_state: Float[Tensor, "b s h w"]
    ) -> Float[Tensor, "b c H W"]:
        """``values`` (their unit unchanged) at four times the resolution."""
        up_mask = rearrange(
            self.last(torch.relu(self.inner(hidden_state))),
            "b (k p q) h w -> b k p q h w",
            k=9,
            p=self.FACTOR,
        ).softmax(dim=1)
        height, width = values.shape[-2:]
        around = functional.unfold(functional.pad(values, (1, 1, 1, 1), mode="replicate"), 3)
        around = rearrange(around, "b (c k) (h w) -> b c k h w", k=9, h=height, w=width)
        # Not einsum, which would make one tiny matrix product of every cell.
        weight = rearrange(up_mask, "b k p q h w -> b 1 k p q h w")
        mixed = (weight * rearrange(around, "b c k h w -> b c k 1 1 h w")).sum(dim=2)
        return rearrange(mixed, "b c p q h w -> b c (h p) (w q)")
