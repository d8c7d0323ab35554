"""What every training loop here does with its learning rate, its optimiser and its average."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A learning rate that rises linearly, then falls.

    Attributes:
        highest: learning rate at the end of the rise.
        steps: all steps (or epochs, where the rate changes only between them).
        warm_up: steps in which it rises; need not be whole.
        rise: a rising step has (step + 1) / ``rise`` of ``highest``.
        fall: after the rise: half a ``cosine`` or a ``linear`` fall to 0, or ``constant``.
    """

    highest: float
    steps: int
    warm_up: float = 0.0
    rise: float = 1.0
    fall: Literal["cosine", "linear", "constant"] = "cosine"

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        if step < self.warm_up:
            return self.highest * (step + 1) / self.rise
        done = (step - self.warm_up) / max(self.steps - self.warm_up, 1)
        if self.fall == "cosine":
            return self.highest * (0.5 + 0.5 * math.cos(math.pi * done))
        return self.highest * (1 - done if self.fall == "linear" else 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class ParameterGroup:
    """Parameters that are trained alike: ``factor`` on the rate; a weight decay of their own."""

    parameters: Iterable[nn.Parameter]
    factor: float = 1.0
    weight_decay: float | None = None


def build_optimiser(
    *groups: ParameterGroup,
    weight_decay: float,
    kind: Literal["adam", "adamw"] = "adamw",
) -> torch.optim.Optimizer:
    """Adam (weight decay in the gradient) or AdamW (decoupled from it); no empty groups."""
    kinds: dict[str, type[torch.optim.Adam]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    tables = [
        {
            "params": list(group.parameters),
            "factor": group.factor,
            "weight_decay": weight_decay if group.weight_decay is None else group.weight_decay,
        }
        for group in groups
    ]
    return kinds[kind]([table for table in tables if table["params"]])


def take_step(
    optimiser: torch.optim.Optimizer,
    loss: Float[Tensor, ""],
    *,
    rate: float,
    clipped: nn.Module | None = None,
    largest_gradient: float = 1.0,
) -> None:
    """One step down the gradient of ``loss`` at a learning rate.

    Args:
        clipped: module whose gradient is cut to the length ``largest_gradient``.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate * group["factor"]
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    if clipped is not None:
        nn.utils.clip_grad_norm_(clipped.parameters(), largest_gradient)
    optimiser.step()


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, *, decay: float, step: int) -> None:
    """Exponential moving average of the weights after step ``step``, which follows fast at first.

    The decay grows with the steps up to ``decay``: the first weights are random and soon wrong.
    """
    decay = min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)
    # Statistics of batch normalisation are averages already.
    for kept, current in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(current)
