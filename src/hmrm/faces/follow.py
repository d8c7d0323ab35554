"""How a face moved from frame to frame: one similarity that most of its points agree on.

The face's own movements (lips, lids) are a minority of the points and lose their weight, so the
transform is the head's.
"""

import numpy as np
from jaxtyping import Float

from hmrm.faces.crops import Transform

# Points of one face agree within a few tenths of a px; below this scatter all count fully.
_SCATTER_PX = 0.15
_COMPLEX = np.array([1, 1j])


def robust_similarity(
    source: Float[np.ndarray, "n 2"], target: Float[np.ndarray, "n 2"]
) -> Transform:
    """Similarity that the majority of point pairs agree on: reweighted least squares.

    Weights fall with the distance as Geman and McClure's; the start is the plain median shift.
    """
    # Points as complex numbers: a similarity is then ``a · p + b`` (``align.similarity``).
    p, q = source @ _COMPLEX, target @ _COMPLEX
    away = q - p
    distance = np.abs(away - (np.median(away.real) + 1j * np.median(away.imag)))
    a, b = 1.0 + 0j, 0j
    for _ in range(8):
        middle = len(distance) // 2
        scatter = max(_SCATTER_PX, 1.5 * float(np.partition(distance, middle)[middle]))
        weights = 1 / (1 + (distance / scatter) ** 2) ** 2
        weights /= weights.sum()
        p_mean, q_mean = weights @ p, weights @ q
        p_away = p - p_mean
        across = weights * p_away.conj()
        a = (across @ (q - q_mean)) / (across @ p_away).real
        b = q_mean - a * p_mean
        distance = np.abs(q - (a * p + b))
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
