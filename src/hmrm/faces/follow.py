"""How a face moved from frame to frame: one similarity that most of its points agree on.

The face's own movements (lips, lids) are a minority of the points and lose their weight, so the
transform is the head's.
"""

import numpy as np
from jaxtyping import Float

from hmrm.faces.align import apply, similarity
from hmrm.faces.crops import Transform

# Points of one face agree within a few tenths of a px; below this scatter all count fully.
_SCATTER_PX = 0.15


def robust_similarity(
    source: Float[np.ndarray, "n 2"], target: Float[np.ndarray, "n 2"]
) -> Transform:
    """Similarity that the majority of point pairs agree on: reweighted least squares.

    Weights fall with the distance as Geman and McClure's; the start is the plain median shift.
    """
    distance = np.linalg.norm(target - source - np.median(target - source, axis=0), axis=1)
    transform = np.eye(2, 3)
    for _ in range(8):
        scatter = max(_SCATTER_PX, 1.5 * float(np.median(distance)))
        weights = 1 / (1 + (distance / scatter) ** 2) ** 2
        transform = similarity(source, target, weights)
        distance = np.linalg.norm(target - apply(transform, source), axis=1)
    return transform
