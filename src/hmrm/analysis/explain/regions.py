"""What the motion of each region adds to a class, from logits with each at rest (occlusion)."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from hmrm.clip import Counterfactual
from hmrm.faces.regions import FINE

Occluded = Float[np.ndarray, "17 classes"]
"""Logits of a map, then with the motion of each fine region taken away; log probabilities do."""


def contributions(logits: Occluded) -> Mapping[str, float]:
    """Fine region → how much the lead of the class shrinks without it, most first.

    The lead is the class's logit above the mean of all.

    Example:
        >>> import numpy as np
        >>> from hmrm.analysis.explain.regions import contributions
        >>> logits = np.tile([2.0, 0.0], (17, 1))
        >>> logits[3] = [0.5, 0.5]  # without the third region nothing is left
        >>> next(iter(contributions(logits).items()))
        ('left_eye_outer', 1.0)
    """
    chosen = int(logits[0].argmax())
    lead = logits[:, chosen] - logits.mean(axis=1)
    shrunk = lead[0] - lead[1:]
    order = np.argsort(-shrunk, kind="stable")
    return {FINE[i].name: float(shrunk[i]) for i in order}


def counterfactual(logits: Occluded, classes: Sequence[str]) -> Counterfactual | None:
    """The region with the largest contribution of those that change the class by themselves.

    Args:
        classes: names in the order of the logits.
    """
    chosen = int(logits[0].argmax())
    places = {region.name: row for row, region in enumerate(FINE, start=1)}
    for name in contributions(logits):
        other = int(logits[places[name]].argmax())
        if other != chosen:
            return Counterfactual(region=name, label=classes[other])
    return None
