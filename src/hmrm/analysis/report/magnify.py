"""The motion of an event, shown larger than it was."""

import cv2
import numpy as np
from jaxtyping import Float

from hmrm.analysis.report.arrows import range_px
from hmrm.clip import Image

SHOWN_PX = 6.0
"""The fastest parts of a face move by about so many px in the magnified image."""

MOST = 20
"""More would show noise."""


def factor_of(flow: Float[np.ndarray, "2 h w"]) -> int:
    """How many times larger the motion is shown, 1 to `MOST`."""
    return int(np.clip(round(SHOWN_PX / range_px(flow)), 1, MOST))


def magnified(onset: Image, flow: Float[np.ndarray, "2 h w"]) -> tuple[Image, int]:
    """The onset, moved by a multiple of the motion to the apex, and the multiple.

    Only motion is magnified: wrinkles and changes of light are those of the onset. The image is
    taken at x − k·flow(x), which is exact only where the flow changes little over k·flow px; so
    the flow is smoothed first.

    Args:
        onset: (h, w) or (h, w, 3).
        flow: from onset to apex, px of the same image, u right and v down; where it is not
            known, nothing moves.

    Example:
        >>> still = np.full((8, 8), 7, dtype=np.uint8)
        >>> image, factor = magnified(still, np.full((2, 8, 8), 2.0))
        >>> factor, bool((image == still).all())
        (3, True)
    """
    factor = factor_of(flow)
    height, width = onset.shape[:2]
    known = np.nan_to_num(np.asarray(flow, dtype=np.float32))
    u, v = (cv2.GaussianBlur(part, (0, 0), sigmaX=2.0) for part in known)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    moved = cv2.remap(
        onset, columns - factor * u, rows - factor * v, cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return moved, factor
