"""Optical strain: how much a flow deforms, blind to rigid motion."""

import numpy as np
from jaxtyping import Float


def optical_strain(flow: Float[np.ndarray, "*b 2 h w"]) -> Float[np.ndarray, "*b h w"]:
    """Magnitude of the infinitesimal strain tensor of a flow.

    ``sqrt(e_xx² + e_yy² + 2 e_xy²)`` with ``e_xx = du/dx``, ``e_yy = dv/dy`` and
    ``e_xy = (du/dy + dv/dx) / 2``, which is the Frobenius norm of ``(J + Jᵀ) / 2``: the formula of
    Shreve et al. (2011) as micro-expression recognition uses it (STSTNet and after). Central
    differences inside, one-sided ones at the border.

    A translation gives exactly 0 and the linear field of an infinitesimal rotation 0; turning by
    a finite angle t (radians) gives ``sqrt(2) (1 - cos t)``, which is below ``0.71 t²``.

    Args:
        flow: px, u right and v down, at least 2 × 2 px; leading axes are independent flows.

    Returns:
        Px of motion per px of distance (no unit), 0 or more, in the type of ``flow``.
    """
    u, v = flow[..., 0, :, :], flow[..., 1, :, :]
    u_y, u_x = np.gradient(u, axis=(-2, -1))
    v_y, v_x = np.gradient(v, axis=(-2, -1))
    return np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2)
