"""Salience: how far a movement stands above the face's own noise, as a number from 0 to 1."""


def salience(peak_px: float, threshold_px: float) -> float:
    """``peak / (peak + threshold)``: 0 at rest, ½ at the spotting threshold, towards 1 above it.

    The threshold is a multiple of the face's own noise (``fine.py``, ``candidates.py``). The
    value rises with the peak and falls with the noise; it is an order, not a probability: nobody
    has counted how many movements of value 0.8 are micro-expressions.

    Raises:
        ValueError: negative peak or a threshold that is not positive.
    """
    if peak_px < 0 or threshold_px <= 0:
        raise ValueError(f"peak {peak_px} px, threshold {threshold_px} px: need ≥ 0 and > 0")
    return peak_px / (peak_px + threshold_px)
