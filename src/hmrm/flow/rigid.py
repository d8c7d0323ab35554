"""Head motion: what of a flow moves as one piece, found robustly and removed."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32

from hmrm.errors import InputError

RigidModel = Literal["translation", "similarity", "affine"]

_UNKNOWNS = {"translation": 2, "similarity": 4, "affine": 6}
_ITERATIONS = 20
# Tukey's biweight: 4.685 robust standard deviations give 95 % efficiency on Gaussian noise.
_TUKEY = 4.685
_MAD_TO_SIGMA = 1.4826
# Differences below this are rounding of a float32 flow, not residual motion.
_SMALLEST_SIGMA_PX = 1e-5


def remove_rigid(
    flow: Float[np.ndarray, "2 h w"],
    mask: Bool[np.ndarray, "h w"] | None = None,
    *,
    model: RigidModel = "similarity",
) -> Float32[np.ndarray, "2 h w"]:
    """The flow minus the head motion fitted where ``mask`` holds.

    Args:
        flow: px.
        mask: pixels of the regions that move with the skull (nose bridge, outer cheeks); None
            trusts the fit to find them among all.
        model: what head motion may be; ``affine`` also takes out much of a pose change, and part
            of a broad smile if the mask holds it.

    Raises:
        InputError: too few usable pixels in the mask, or all of them on one line.
    """
    matrix = fit_rigid(flow, mask, model=model)
    height, width = flow.shape[1:]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    rigid = np.stack([m[0] * x + m[1] * y + m[2] for m in matrix])
    return (flow - rigid).astype(np.float32)


def fit_rigid(
    flow: Float[np.ndarray, "2 h w"],
    mask: Bool[np.ndarray, "h w"] | None = None,
    *,
    model: RigidModel = "similarity",
) -> Float[np.ndarray, "2 3"]:
    """Fit one global motion by iteratively reweighted least squares (Tukey's biweight).

    It starts from the medians of u and v; pixels more than 4.685 robust standard deviations away
    are excluded, so that moving features inside the mask do not pull.

    Returns:
        ``M`` (float64) with ``(u, v) = M @ (x, y, 1)``, x and y in px from the first pixel's
        centre.

    Raises:
        InputError: too few usable pixels in the mask, or all of them on one line.
    """
    usable = np.isfinite(flow).all(axis=0) & (mask if mask is not None else True)
    y, x = np.nonzero(usable)
    least = max(8, 2 * _UNKNOWNS[model])
    if x.size < least:
        raise InputError(
            f"head motion: {x.size} usable pixels in the mask, {least} are needed; "
            "give a larger mask"
        )
    motion = flow[:, y, x].astype(np.float64)
    if model == "translation":
        design = np.zeros((2, x.size, 2))
        design[0, :, 0] = design[1, :, 1] = 1.0
        return _matrix(_reweighted(design, motion), model, x_0=0.0, y_0=0.0, spread=1.0)
    # Centred, unit-sized coordinates keep the normal equations well conditioned.
    x_0, y_0 = float(x.mean()), float(y.mean())
    spread = max(float(np.hypot(x - x_0, y - y_0).mean()), 1.0)
    design = _design((x - x_0) / spread, (y - y_0) / spread, model)
    return _matrix(_reweighted(design, motion), model, x_0=x_0, y_0=y_0, spread=spread)


def _design(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], model: RigidModel
) -> Float[np.ndarray, "2 n k"]:
    one, none = np.ones_like(x), np.zeros_like(x)
    if model == "similarity":
        rows_u, rows_v = [one, none, x, -y], [none, one, y, x]
    else:
        rows_u, rows_v = [one, none, x, y, none, none], [none, one, none, none, x, y]
    return np.stack([np.stack(rows_u, axis=-1), np.stack(rows_v, axis=-1)])


def _reweighted(
    design: Float[np.ndarray, "2 n k"], motion: Float[np.ndarray, "2 n"]
) -> Float[np.ndarray, " k"]:
    """Robust solution of ``design @ parameters = motion`` over both components."""
    parameters = np.zeros(design.shape[2])
    parameters[:2] = np.median(motion, axis=1)
    rank_checked = False
    for _ in range(_ITERATIONS):
        residual = np.linalg.norm(motion - design @ parameters, axis=0)
        sigma = max(_MAD_TO_SIGMA * float(np.median(residual)), _SMALLEST_SIGMA_PX)
        weight = np.clip(1.0 - (residual / (_TUKEY * sigma)) ** 2, 0.0, None) ** 2
        weighted = design * weight[None, :, None]
        normal = np.einsum("cnk,cnl->kl", weighted, design)
        if not rank_checked and np.linalg.cond(normal) > 1e10:
            raise InputError(
                "head motion: the mask's pixels lie on one line; give a mask with an area"
            )
        rank_checked = True
        updated = np.linalg.solve(normal, np.einsum("cnk,cn->k", weighted, motion))
        change = float(np.abs(updated - parameters).max())
        parameters = updated
        if change < _SMALLEST_SIGMA_PX:
            break
    return parameters


def _matrix(
    parameters: Float[np.ndarray, " k"], model: RigidModel, *, x_0: float, y_0: float, spread: float
) -> Float[np.ndarray, "2 3"]:
    """Parameters of the centred coordinates as one matrix on px."""
    linear = np.zeros((2, 2))
    if model == "similarity":
        c, d = parameters[2:]
        linear = np.array([[c, -d], [d, c]]) / spread
    elif model == "affine":
        linear = parameters[2:].reshape(2, 2) / spread
    shift = parameters[:2] - linear @ np.array([x_0, y_0])
    return np.concatenate([linear, shift[:, None]], axis=1)
