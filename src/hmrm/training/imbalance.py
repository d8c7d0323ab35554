"""What to do about classes of unequal size: nothing, weights, sampling, or shifted logits."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

Imbalance = Literal["none", "weights", "sampling", "adjustment"]
"""``weights``: in the loss; ``sampling``: every class sampled equally often; ``adjustment``: logits
shifted by the logarithm of a class's frequency while training (Menon et al., ICLR 2021)."""


def class_weights(labels: Int[Tensor, " n"], classes: int) -> Float[Tensor, " classes"]:
    """Clips / (classes · clips of the class); classes without clips are never looked up."""
    counts = torch.bincount(labels, minlength=classes).clamp_min(1)
    return len(labels) / (classes * counts.float())


def log_fractions(labels: Int[Tensor, " n"], classes: int) -> Float[Tensor, " classes"]:
    """Natural logarithm of each class's share; a class without clips counts as one clip."""
    counts = torch.bincount(labels, minlength=classes).clamp_min(1).float()
    return torch.log(counts / counts.sum())


def sample_order(
    labels: Int[np.ndarray, " n"], *, balanced: bool, generator: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """The clips of one epoch, as positions.

    Returns:
        A permutation; or, ``balanced``, as many positions with the classes in equal numbers (up to
        rounding). Within a class no clip comes up more than once oftener than another.
    """
    if not balanced:
        return generator.permutation(len(labels))
    present = generator.permutation(np.unique(labels))
    quota = np.diff(np.linspace(0, len(labels), len(present) + 1).astype(int))
    synthetic = []
    for label, expected in zip(present, quota, strict=True):
        clips = np.flatnonzero(labels == label)
        passes = -(-int(expected) // len(clips))
        synthetic.append(
            np.concatenate([generator.permutation(clips) for _ in range(passes)])[:expected]
        )
    return generator.permutation(np.concatenate(synthetic))
