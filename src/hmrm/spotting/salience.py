"""Salience: how far a movement stands above the face's own noise, as a number from 0 to 1."""

import numpy as np
from jaxtyping import Float

# Median of the absolute value of a normal number, in standard deviations.
_NORMAL_MEDIAN = 0.6745


def noise_px(away_px: Float[np.ndarray, "t r 2"], *, floor_px: float) -> Float[np.ndarray, "r 2"]:
    """Standard deviation of a face at rest, by region and direction, px.

    From the median distance from rest, so that rare movements, however large, do not raise it.
    Directions apart, because a brow says little about moving sideways, a wrinkle little about
    moving along itself.

    Args:
        away_px: each region's displacement from its resting place.
        floor_px: what the method itself cannot tell from rest; the least value returned.
    """
    if len(away_px) == 0:
        return np.full(away_px.shape[1:], floor_px)
    return np.maximum(np.median(np.abs(away_px), axis=0) / _NORMAL_MEDIAN, floor_px)


def usual_peak(values: Float[np.ndarray, "t r"], *, block: int) -> Float[np.ndarray, " r"]:
    """What the largest value within ``block`` rows usually is, by region: the median of them.

    Noise of the same spread may be tame or full of outliers; its usual maximum shows which.
    """
    blocks = np.array_split(values, max(1, len(values) // max(1, block)))
    return np.median(np.stack([rows.max(axis=0) for rows in blocks]), axis=0)


def salience(peak_px: float, threshold_px: float) -> float:
    """``peak / (peak + threshold)``: 0 at rest, ½ at the spotting threshold, towards 1 above it.

    The threshold is a multiple of the face's own noise (``movements.py``). The value rises with the
    peak and falls with the noise; it is an order, not a probability: nobody has counted how many
    movements of value 0.8 are micro-expressions.

    Raises:
        ValueError: negative peak or a threshold that is not positive.
    """
    if peak_px < 0 or threshold_px <= 0:
        raise ValueError(f"peak {peak_px} px, threshold {threshold_px} px: need ≥ 0 and > 0")
    return peak_px / (peak_px + threshold_px)
