"""Multi-Scale Weighted Cross-Entropy, MS-WCE (paper §3.4)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hmrm.errors import ConfigError
from hmrm.model.network import SCALES, Logits


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """How the scales' cross-entropies are added.

    Attributes:
        gamma: focal exponent; 0 is plain cross-entropy.
        alpha: fixed (or initial) weights of coarse, fine and fused; they are normalised to sum 1.
        learn_alpha: train the weights through a softmax.
    """

    gamma: float = 2.0
    alpha: tuple[float, float, float] = (1.0, 1.0, 1.0)
    learn_alpha: bool = True

    def __post_init__(self) -> None:
        if self.gamma < 0:
            raise ConfigError(f"gamma = {self.gamma}: must not be negative")
        if min(self.alpha) < 0 or sum(self.alpha) <= 0:
            raise ConfigError(f"alpha = {self.alpha}: must not be negative, nor all zero")
        if self.learn_alpha and min(self.alpha) <= 0:
            raise ConfigError(f"alpha = {self.alpha}: a softmax reaches no zero; fix alpha instead")


def focal_cross_entropy(
    logits: Float[Tensor, "b k"],
    labels: Int[Tensor, " b"],
    *,
    gamma: float,
    class_weights: Float[Tensor, " k"] | None = None,
) -> Float[Tensor, ""]:
    """Mean over samples of ``-w_y (1 - p_y)^gamma log p_y``, p the softmax.

    With class weights the mean is weighted, as in torch: the weights' sum divides.
    """
    log_p = logits.log_softmax(-1).gather(1, labels[:, None])[:, 0]
    # 1 - p through expm1 keeps its digits where p is close to 1; the floor keeps the power's
    # gradient finite at p = 1 when gamma is below 1.
    focus = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).tiny) ** gamma
    losses = -focus * log_p
    if class_weights is None:
        return losses.mean()
    weights = class_weights[labels]
    return (losses * weights).sum() / weights.sum()


class MultiScaleLoss(nn.Module):
    """Sum over scales of α_s times the focal cross-entropy of that scale's logits.

    Where the network lacks a scale (its logits are 0 wide), the α of the others sum to 1.

    Its parameter (where α is learned) belongs to the optimiser, as the network's do.

    Departs from the paper: the mean over samples instead of the sum (so that the learning rate
    does not depend on the batch size); γ = 2 and a softmax over learned α, of which it says
    nothing. Learned weights drift to the scale that is easiest to fit, since that lowers the
    sum; fixed weights do not.
    """

    def __init__(
        self, config: LossConfig, *, class_weights: Float[Tensor, " k"] | None = None
    ) -> None:
        super().__init__()
        assert len(config.alpha) == len(SCALES)
        self.gamma = config.gamma
        alpha = torch.tensor(config.alpha)
        alpha = alpha / alpha.sum()
        self.alpha_logits = nn.Parameter(alpha.log()) if config.learn_alpha else None
        self.register_buffer("fixed_alpha", None if config.learn_alpha else alpha)
        self.register_buffer("class_weights", class_weights)

    fixed_alpha: Tensor | None
    class_weights: Tensor | None

    @property
    def alpha(self) -> Float[Tensor, "3"]:
        """Weights of coarse, fine and fused; they sum to 1."""
        if self.alpha_logits is not None:
            return self.alpha_logits.softmax(0)
        assert self.fixed_alpha is not None
        return self.fixed_alpha

    def forward(self, logits: Logits, labels: Int[Tensor, " b"]) -> Float[Tensor, ""]:
        """The loss of one batch."""
        per_scale = {
            place: focal_cross_entropy(
                getattr(logits, scale),
                labels,
                gamma=self.gamma,
                class_weights=self.class_weights,
            )
            for place, scale in enumerate(SCALES)
            if getattr(logits, scale).shape[1]
        }
        alpha = self.alpha
        if len(per_scale) < len(SCALES):
            alpha = alpha[list(per_scale)]
            alpha = alpha / alpha.sum()
        return (alpha * torch.stack(list(per_scale.values()))).sum()
