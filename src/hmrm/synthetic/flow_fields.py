"""Random smooth motion: shifts and turns, waves of all lengths, local pulls and swirls."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Float32

from hmrm.synthetic.textures import power_noise

Motion = Float32[np.ndarray, "2 h w"]

STEEPEST = 0.45
"""Largest change of the motion from px to px; near 1 the image would fold."""


def sample_motion(side_px: int, rng: np.random.Generator) -> Motion:
    """Motion of one to three kinds together, of no particular size."""
    kinds = tuple(FIELDS)
    count = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
    total = np.zeros((2, side_px, side_px), np.float32)
    for kind in rng.choice(len(kinds), count, replace=False, p=_FRACTIONS):
        field = scaled(FIELDS[kinds[int(kind)]](side_px, rng), 1.0)
        total += np.float32(rng.uniform(0.2, 1.0)) * field
    return total


def scaled(motion: Motion, largest_px: float) -> Motion:
    """The motion with its longest vector brought to ``largest_px``, less where it would fold."""
    longest = float(np.linalg.norm(motion, axis=0).max())
    if longest == 0 or largest_px == 0:
        return np.zeros_like(motion)
    motion = motion * np.float32(largest_px / longest)
    steepest = max(float(np.abs(np.diff(motion, axis=axis)).max()) for axis in (1, 2))
    return motion * np.float32(min(1.0, STEEPEST / max(steepest, 1e-9)))


def _affine(side_px: int, rng: np.random.Generator) -> Motion:
    x, y = _coordinates(side_px, rng.uniform(-0.5, 0.5, 2))
    shift, linear = rng.standard_normal(2), rng.standard_normal((2, 2))
    if rng.random() < 0.6:
        # A head seen from the front turns and comes nearer more than it shears.
        turn, nearer = rng.standard_normal(2)
        linear = np.array([[nearer, -turn], [turn, nearer]])
    linear *= rng.exponential(1.0)
    shift *= rng.random() < 0.6
    u = shift[0] + linear[0, 0] * x + linear[0, 1] * y
    v = shift[1] + linear[1, 0] * x + linear[1, 1] * y
    return np.stack([u, v]).astype(np.float32)


def _waves(side_px: int, rng: np.random.Generator) -> Motion:
    exponent = rng.uniform(2.5, 5.0)
    longest = side_px * float(np.exp(rng.uniform(np.log(0.12), np.log(1.0))))
    return np.stack([power_noise(side_px, exponent, rng, longest_px=longest) for _ in range(2)])


def _pulls(side_px: int, rng: np.random.Generator) -> Motion:
    """Patches that are pulled, turned or spread; outside its patch each is exactly zero."""
    motion = np.zeros((2, side_px, side_px), np.float32)
    typical = float(np.exp(rng.uniform(np.log(9), np.log(90))))
    for _ in range(int(rng.integers(1, 1 + round(min(40.0, 3 * side_px / typical))))):
        x, y = _coordinates(side_px, rng.uniform(-1, 1, 2))
        turn = rng.uniform(0, np.pi)
        radii = typical * np.exp(0.35 * rng.standard_normal(2)) * 2 / side_px
        along = (np.cos(turn) * x + np.sin(turn) * y) / radii[0]
        across = (np.cos(turn) * y - np.sin(turn) * x) / radii[1]
        weight = np.clip(1 - along**2 - across**2, 0, None) ** 2
        angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.0)
        kind = rng.random()
        if kind < 0.7:
            u, v = np.cos(angle) * weight, np.sin(angle) * weight
        elif kind < 0.85:
            u, v = 1.6 * along * weight, 1.6 * across * weight
        else:
            u, v = -1.6 * across * weight, 1.6 * along * weight
        motion += (size * np.stack([u, v])).astype(np.float32)
    return motion


def _coordinates(
    side_px: int, middle: Float[np.ndarray, " 2"]
) -> tuple[Float[np.ndarray, "1 w"], Float[np.ndarray, "h 1"]]:
    """-1 to 1 across the image, moved so that ``middle`` is 0."""
    steps = np.linspace(-1, 1, side_px)
    return steps[None, :] - middle[0], steps[:, None] - middle[1]


FIELDS: Mapping[str, Callable[[int, np.random.Generator], Motion]] = {
    "affine": _affine,
    "waves": _waves,
    "pulls": _pulls,
}
"""Kinds of motion; that of faces comes with the faces (``moving_faces.py``)."""

_FRACTIONS = (0.25, 0.4, 0.35)
