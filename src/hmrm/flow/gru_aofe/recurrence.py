"""The recurrent half of GRU-AOFE: motion features, the attentive GRU, and what it says."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hmrm.flow.gru_aofe.correlation import pooled
from hmrm.flow.gru_aofe.cue import CELL_PX, VOICES, Evidence, decided


class AdditiveAttention(nn.Module):
    """Additive attention of the GRU's state over the picture's motion (paper, GRU-AOFE).

    ``score = vᵀ tanh(W₁ state + W₂ feature)``, softmax over the keys, context vector, output layer
    on [state; context]. It lets a cell see what moves elsewhere in the face, so that noise stands
    out against it.

    Departs from the paper: keys are features averaged over ``pool`` × ``pool`` cells and queries
    states over 2 × 2 (the cost is queries × keys), and the result is added with a learned gain
    that starts at 0. Without training, and with the gain at 0 for ever, the network is exactly
    the one without attention.
    """

    QUERY_POOL = 2

    def __init__(self, *, state: int, features: int, size: int, pool: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(state, size, 1)
        self.key = nn.Conv2d(features, size, 1, bias=False)
        self.value = nn.Conv2d(features, state, 1)
        self.score = nn.Parameter(torch.empty(size))
        self.output = nn.Conv2d(2 * state, state, 1)
        self.gain = nn.Parameter(torch.zeros(1))
        self.pool = pool

    def forward(
        self, state: Float[Tensor, "b s h w"], features: Float[Tensor, "b f h w"]
    ) -> Float[Tensor, "b s h w"]:
        """The state after attention."""
        keys, queries = pooled(features, self.pool), pooled(state, self.QUERY_POOL)
        query = rearrange(self.query(queries), "b d i j -> b (i j) 1 d")
        key = rearrange(self.key(keys), "b d i j -> b 1 (i j) d")
        value = rearrange(self.value(keys), "b s i j -> b (i j) s")
        weight = (torch.tanh(query + key) @ self.score).softmax(dim=-1)
        context = rearrange(weight @ value, "b (i j) s -> b s i j", i=queries.shape[-2])
        context = functional.interpolate(context, size=state.shape[-2:], mode="bilinear")
        return state + self.gain * torch.tanh(self.output(torch.cat([state, context], dim=1)))


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


class AttentiveGru(nn.Module):
    """Convolutional GRU whose new state passes through additive attention.

    The context's part of the three gates does not change between iterations; ``prepare`` computes
    it once.
    """

    def __init__(self, *, state: int, motion: int, context: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(state + motion, 2 * state, 3, padding=1)
        self.candidate = nn.Conv2d(state + motion, state, 3, padding=1)
        self.from_context = nn.Conv2d(context, 3 * state, 3, padding=1)

    def prepare(self, context: Float[Tensor, "b c h w"]) -> tuple[Tensor, Tensor]:
        """What the context adds to the gates and to the candidate."""
        state = self.candidate.out_channels
        gates, candidate = self.from_context(context).split([2 * state, state], dim=1)
        return gates, candidate

    def forward(
        self,
        state: Float[Tensor, "b s h w"],
        motion: Float[Tensor, "b m h w"],
        prepared: tuple[Tensor, Tensor],
    ) -> Float[Tensor, "b s h w"]:
        """The next state, before attention."""
        gates = self.gates(torch.cat([state, motion], dim=1)) + prepared[0]
        update, reset = torch.sigmoid(gates).chunk(2, dim=1)
        candidate = self.candidate(torch.cat([reset * state, motion], dim=1)) + prepared[1]
        return (1 - update) * state + update * torch.tanh(candidate)


class FlowHead(nn.Module):
    """State → change of the flow in cells, and the logarithm of the expected error in px.

    With the cue it says how much each of the cue's equations counts and these are solved
    (``cue.decided``), so that the network need not learn to compute hundredths of a px but whom to
    believe. Without, the change is the convolution's own, as in RAFT. Either way an untrained
    network answers exactly zero flow: the change has a gain, or a last convolution, of 0.
    """

    # A step of the optimiser on the gain counts this much more than on other weights.
    GAIN = 30.0

    def __init__(self, *, state: int, width: int, cue: bool) -> None:
        super().__init__()
        self.inner = nn.Conv2d(state, width, 3, padding=1)
        self.last = nn.Conv2d(width, 1 + (VOICES if cue else 2), 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(1)) if cue else None

    def forward(
        self, state: Float[Tensor, "b s h w"], evidence: Evidence | None
    ) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 1 h w"]]:
        """Change of flow, log error."""
        found = self.last(torch.relu(self.inner(state)))
        log_error, rest = found[:, :1], found[:, 1:]
        if self.gain is None:
            return rest, log_error
        assert evidence is not None
        return self.GAIN * self.gain * decided(evidence, rest) / CELL_PX, log_error


class ConvexUpsampler(nn.Module):
    """Four times as large, each new pixel a learned mean of 3 × 3 cells (RAFT).

    Cells beyond the border repeat the border's: zeros would pull the flow there towards none.
    """

    FACTOR = 4

    def __init__(self, *, state: int, width: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(state, width, 3, padding=1)
        self.last = nn.Conv2d(width, 9 * self.FACTOR**2, 1)

    def start_bilinear(self) -> None:
        """Weights with which it is bilinear interpolation, whatever the state."""
        nn.init.zeros_(self.last.weight)
        offset = (torch.arange(self.FACTOR) + 0.5) / self.FACTOR - 0.5
        along = (1 - (offset - torch.arange(-1, 2)[:, None]).abs()).clamp(min=0.01)
        weight = along[:, None, :, None] * along[None, :, None, :]
        assert self.last.bias is not None
        self.last.bias.data = weight.log().flatten()

    def forward(
        self, values: Float[Tensor, "b c h w"], state: Float[Tensor, "b s h w"]
    ) -> Float[Tensor, "b c H W"]:
        """``values`` (their unit unchanged) at four times the resolution."""
        logits = rearrange(
            self.last(torch.relu(self.inner(state))),
            "b (k p q) h w -> b k p q h w",
            k=9,
            p=self.FACTOR,
        )
        height, width = values.shape[-2:]
        around = functional.unfold(functional.pad(values, (1, 1, 1, 1), mode="replicate"), 3)
        around = rearrange(around, "b (c k) (h w) -> b c k h w", k=9, h=height, w=width)
        # Not einsum, which would make one tiny matrix product of every cell.
        weight = rearrange(logits.softmax(dim=1), "b k p q h w -> b 1 k p q h w")
        mixed = (weight * rearrange(around, "b c k h w -> b c k 1 1 h w")).sum(dim=2)
        return rearrange(mixed, "b c p q h w -> b c (h p) (w q)")
