"""Losses of the re-created systems that learn from frames; every choice in them is ours.

Each takes the network, a batch of what it reads, labels, genders (−1 unknown) and the classes'
weights of `balanced_weights`.
"""

from collections.abc import Callable, Mapping

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from hmrm.model.baselines.frl_dgt import FrlDgt, warped
from hmrm.model.baselines.geme import Geme
from hmrm.training.loss import focal_cross_entropy

FrameLoss = Callable[[nn.Module, Tensor, Tensor, Tensor, Tensor], Tensor]

BETA = 0.999
GAMMA = 2.0
GENDER_WEIGHT = 0.5
VARIATION_WEIGHT = 0.05


def balanced_weights(counts: Int[Tensor, " k"], *, beta: float = BETA) -> Float[Tensor, " k"]:
    """Class-balanced weights (Cui et al., CVPR 2019), (1 − β)/(1 − βⁿ), scaled to sum k.

    Example:
        >>> import torch
        >>> from hmrm.training.frame_losses import balanced_weights
        >>> [round(float(one), 4) for one in balanced_weights(torch.tensor([2, 1]), beta=0.9)]
        [0.6897, 1.3103]
    """
    weights = (1 - beta) / (1 - beta ** counts.clamp_min(1).double())
    return (weights * len(counts) / weights.sum()).float()


def geme_loss(
    network: nn.Module,
    images: Float[Tensor, "b 3 h w"],
    labels: Int[Tensor, " b"],
    genders: Int[Tensor, " b"],
    weights: Float[Tensor, " k"],
) -> Float[Tensor, ""]:
    """Class-balanced focal loss, and half the cross-entropy of the genders that are known."""
    assert isinstance(network, Geme)
    scores, gender_scores = network.both(images)
    emotion = focal_cross_entropy(scores, labels, gamma=GAMMA, class_weights=weights)
    return emotion + GENDER_WEIGHT * gender_loss(gender_scores, genders)


def gender_loss(scores: Float[Tensor, "b 2"], genders: Int[Tensor, " b"]) -> Float[Tensor, ""]:
    """Mean over the known ones; 0 where none is."""
    known = genders >= 0
    if not known.any():
        return scores.new_zeros(())
    return functional.cross_entropy(scores[known], genders[known])


def frl_dgt_loss(
    network: nn.Module,
    frames: Float[Tensor, "b 8 h w"],
    labels: Int[Tensor, " b"],
    genders: Int[Tensor, " b"],
    weights: Float[Tensor, " k"],
) -> Float[Tensor, ""]:
    """Cross-entropy, and how well the displaced apex is the onset."""
    del genders, weights
    assert isinstance(network, FrlDgt)
    pair = network.pair(frames)
    displacement = network.generator(pair)
    scores = network.classify(network.fused(displacement))
    return functional.cross_entropy(scores, labels) + displacement_loss(pair, displacement)


def displacement_loss(
    pair: Float[Tensor, "b 2 h w"], displacement: Float[Tensor, "b 2 h w"]
) -> Float[Tensor, ""]:
    """Mean difference of the displaced apex to the onset, and .05 of the total variation, px."""
    moved = warped(pair[:, 1:], displacement)
    rough = sum(displacement.diff(dim=axis).abs().mean() for axis in (2, 3))
    return (moved - pair[:, :1]).abs().mean() + VARIATION_WEIGHT * rough


def mfdan_loss(
    network: nn.Module,
    both: Float[Tensor, "b 6 h w"],
    labels: Int[Tensor, " b"],
    genders: Int[Tensor, " b"],
    weights: Float[Tensor, " k"],
) -> Float[Tensor, ""]:
    """Focal loss, all classes alike."""
    del genders, weights
    return focal_cross_entropy(network(both), labels, gamma=GAMMA)


LOSSES: Mapping[str, FrameLoss] = {
    "geme": geme_loss,
    "frl-dgt": frl_dgt_loss,
    "mfdan": mfdan_loss,
}
