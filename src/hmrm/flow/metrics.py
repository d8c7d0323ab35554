"""How far an estimated flow is from the true one."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

OUTLIER_PX = (0.1, 0.25, 0.5, 1.0, 3.0, 5.0)
"""Error lengths above which pixels are counted."""

FASTEST_FRACTION = 0.1


@dataclass(frozen=True, kw_only=True)
class FlowScores:
    """Errors of one flow, or means over several; px, degrees and fractions (0 to 1) of pixels.

    Attributes:
        epe_px: mean length of the difference (end-point error).
        epe_median_px: its median.
        epe_fastest_px: its mean over the tenth of the pixels that truly moves fastest.
        angular_deg: mean angle between (u, v, 1) and the truth (Barron et al. 1994).
        zero_epe_px: ``epe_px`` of the flow that is zero everywhere.
        length_px: mean length of the estimated flow; on a static pair the noise floor.
        outliers: fraction of pixels with an error above ``OUTLIER_PX``, in that order.
        fl_all: fraction with an error above 3 px and above 5 % of the truth (KITTI).
    """

    epe_px: float
    epe_median_px: float
    epe_fastest_px: float
    angular_deg: float
    zero_epe_px: float
    length_px: float
    outliers: tuple[float, ...]
    fl_all: float


def endpoint_error(
    flow: Float[np.ndarray, "2 h w"], truth: Float[np.ndarray, "2 h w"]
) -> Float[np.ndarray, "h w"]:
    """Length of the difference at each pixel, px."""
    return np.linalg.norm(flow - truth, axis=0)


def flow_scores(
    flow: Float[np.ndarray, "2 h w"], truth: Float[np.ndarray, "2 h w"], *, border_px: int = 0
) -> FlowScores:
    """All errors of one flow.

    Args:
        flow: px, finite.
        truth: px; pixels with NaN are excluded.
        border_px: pixels excluded at each side.

    Raises:
        ValueError: no pixel is left to be scored.
    """
    inside = slice(border_px, -border_px or None)
    known = np.isfinite(truth[:, inside, inside]).all(axis=0)
    found = flow[:, inside, inside][:, known].astype(np.float64)
    true = truth[:, inside, inside][:, known].astype(np.float64)
    if found.shape[1] == 0:
        raise ValueError(f"flow scores: no known pixel of {flow.shape[1:]} inside {border_px} px")
    error = np.linalg.norm(found - true, axis=0)
    speed = np.linalg.norm(true, axis=0)
    fastest = speed >= np.quantile(speed, 1.0 - FASTEST_FRACTION)
    return FlowScores(
        epe_px=float(error.mean()),
        epe_median_px=float(np.median(error)),
        epe_fastest_px=float(error[fastest].mean()),
        angular_deg=float(_angles_deg(found, true).mean()),
        zero_epe_px=float(speed.mean()),
        length_px=float(np.linalg.norm(found, axis=0).mean()),
        outliers=tuple(float((error > limit).mean()) for limit in OUTLIER_PX),
        fl_all=float(((error > 3.0) & (error > 0.05 * speed)).mean()),
    )


def mean_scores(scores: list[FlowScores]) -> FlowScores:
    """Mean of every error over pairs, each pair counting the same.

    Raises:
        ValueError: no scores.
    """
    if not scores:
        raise ValueError("flow scores: nothing to take a mean of")

    def mean(name: str) -> float:
        return float(np.mean([getattr(score, name) for score in scores]))

    return FlowScores(
        epe_px=mean("epe_px"),
        epe_median_px=mean("epe_median_px"),
        epe_fastest_px=mean("epe_fastest_px"),
        angular_deg=mean("angular_deg"),
        zero_epe_px=mean("zero_epe_px"),
        length_px=mean("length_px"),
        outliers=tuple(np.mean([score.outliers for score in scores], axis=0).tolist()),
        fl_all=mean("fl_all"),
    )


def _angles_deg(
    one: Float[np.ndarray, "2 n"], two: Float[np.ndarray, "2 n"]
) -> Float[np.ndarray, " n"]:
    # From the cross product: the arc cosine loses half of the digits at small angles.
    a = np.concatenate([one, np.ones_like(one[:1])])
    b = np.concatenate([two, np.ones_like(two[:1])])
    cross = np.linalg.norm(np.cross(a, b, axis=0), axis=0)
    return np.degrees(np.arctan2(cross, (a * b).sum(axis=0)))
