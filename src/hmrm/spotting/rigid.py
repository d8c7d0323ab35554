"""Head pose out of the mesh: every frame's points turned, scaled and shifted onto one shape."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_STEPS = 4
_SCATTER = 1.5  # points further off than this many medians lose their weight


@dataclass(frozen=True, kw_only=True, eq=False)
class Aligned:
    """Points without head pose.

    Attributes:
        points: in the unit and the axes of the reference shape.
        rotation: turn of the reference into each frame.
        misfit: r.m.s. distance of the stable points from the reference, in its unit.
    """

    points: Float[np.ndarray, "n k 3"]
    rotation: Float[np.ndarray, "n 3 3"]
    misfit: Float[np.ndarray, " n"]

    @property
    def pose_deg(self) -> Float[np.ndarray, "n 3"]:
        """Yaw, pitch and roll against the reference, degrees; 0 is the reference's pose."""
        r = self.rotation
        yaw = np.arctan2(r[:, 0, 2], r[:, 2, 2])
        pitch = np.arcsin(np.clip(r[:, 1, 2], -1, 1))
        roll = np.arctan2(r[:, 1, 0], r[:, 1, 1])
        return np.degrees(np.stack([yaw, pitch, roll], axis=1))


def align(
    points: Float[np.ndarray, "n k 3"], reference: Float[np.ndarray, "k 3"], stable: list[int]
) -> Aligned:
    """The similarity of each frame that brings its stable points onto the reference's.

    Weighted least squares (Umeyama 1991), reweighted as Geman and McClure do, so that a brow that
    pulls at a stable point does not turn the head.
    """
    target, source = reference[stable], points[:, stable]
    weights = np.ones(source.shape[:2])
    for _ in range(_STEPS):
        rotation, scale, middle, place = _similarity(source, target, weights)
        placed = scale[:, None, None] * ((source - middle[:, None]) @ rotation) + place[:, None]
        distance = np.linalg.norm(placed - target, axis=2)
        scatter = _SCATTER * np.median(distance, axis=1, keepdims=True) + 1e-9
        weights = 1 / (1 + (distance / scatter) ** 2) ** 2
    return Aligned(
        points=scale[:, None, None] * ((points - middle[:, None]) @ rotation) + place[:, None],
        rotation=rotation,
        misfit=np.sqrt((distance**2).mean(axis=1)),
    )


def _similarity(
    source: Float[np.ndarray, "n s 3"],
    target: Float[np.ndarray, "s 3"],
    weights: Float[np.ndarray, "n s"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rotation of the target into each frame, scale of the frame, both weighted means."""
    fraction = weights / weights.sum(axis=1, keepdims=True)
    middle, place = np.einsum("ns,nsx->nx", fraction, source), fraction @ target
    centred, expected = source - middle[:, None], target[None] - place[:, None]
    covariance = np.einsum("ns,nsx,nsy->nxy", fraction, centred, expected)
    u, sizes, vt = np.linalg.svd(covariance)
    # A mirror image is no turn.
    sign = np.ones_like(sizes)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    spread = np.einsum("ns,nsx->n", fraction, centred**2)
    return rotation, (sizes * sign).sum(axis=1) / np.maximum(spread, 1e-12), middle, place


def median_shape(
    points: Float[np.ndarray, "n k 3"], stable: list[int], *, rounds: int = 2
) -> Float[np.ndarray, "k 3"]:
    """The person's own shape: median of the frames, aligned to it, until it stands still."""
    scale = np.sqrt(points[:, stable].var(axis=1).sum(axis=1))
    nearest = int(np.argsort(scale, kind="stable")[len(scale) // 2])
    shape = points[nearest]
    for _ in range(rounds):
        shape = np.median(align(points, shape, stable).points, axis=0)
    return shape
