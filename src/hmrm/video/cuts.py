"""Scene cuts, black frames and repeated frames, found while a video streams past."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from hmrm.clip import Image

_THUMB_WH = (32, 24)
_FLAT_STD = 3.0  # grey levels: below this a thumbnail has no structure to compare
_BLACK_LEVEL = 24
_BLACK_SHARE = 0.98
_HARD_CUT = 0.5
_SOFT_CUT = 0.05
_SOFT_RATIO = 25.0
_HISTORY = 0.1


@dataclass(frozen=True, kw_only=True)
class FrameFlags:
    """What is remarkable about one frame.

    Attributes:
        cut: the picture has nothing to do with the one before; motion across it means nothing.
        black: almost no pixel is brighter than a dark grey.
        repeated: every pixel equals the frame before, as after a dropped frame.
        change: 0 (same structure) to 2; one minus the correlation with the frame before.
    """

    cut: bool
    black: bool
    repeated: bool
    change: float


class CutDetector:
    """Compares each frame with the one before; holds one frame and a few numbers.

    A cut is a frame whose small, brightness-free picture no longer correlates with the one
    before, or correlates far less than this video's frames usually do. Changes of exposure and
    flashes keep the structure and are no cuts; fading through black is one when the picture
    comes back.
    """

    def __init__(self) -> None:
        self._last: Image | None = None
        self._last_thumb: UInt8[np.ndarray, "th tw"] | None = None
        self._usual = 0.0

    def update(self, image: Image) -> FrameFlags:
        """Flags of the next frame; the first is never a cut."""
        thumb = _thumbnail(image)
        black = bool((thumb < _BLACK_LEVEL).mean() >= _BLACK_SHARE)
        if self._last is None or self._last_thumb is None:
            change, cut, repeated = 0.0, False, False
        else:
            repeated = np.array_equal(thumb, self._last_thumb) and np.array_equal(image, self._last)
            change = 0.0 if repeated else _change(thumb, self._last_thumb)
            cut = change > max(_SOFT_CUT, min(_HARD_CUT, _SOFT_RATIO * self._usual))
            if not cut and not repeated:
                self._usual += _HISTORY * (change - self._usual)
        self._last, self._last_thumb = image, thumb
        return FrameFlags(cut=cut, black=black, repeated=repeated, change=change)


def _thumbnail(image: Image) -> UInt8[np.ndarray, "th tw"]:
    # Nearest rows and columns first: averaging every pixel of a large frame costs more than all
    # the rest, and a cut changes everything.
    step = max(1, min(image.shape[:2]) // 120)
    small = cv2.resize(
        np.ascontiguousarray(image[::step, ::step]), _THUMB_WH, interpolation=cv2.INTER_AREA
    )
    return small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)


def _change(a: UInt8[np.ndarray, "th tw"], b: UInt8[np.ndarray, "th tw"]) -> float:
    x, y = _centred(a), _centred(b)
    x_std, y_std = float(x.std()), float(y.std())
    if x_std < _FLAT_STD and y_std < _FLAT_STD:
        return 0.0
    if x_std < _FLAT_STD or y_std < _FLAT_STD:
        return 1.0
    return float(1.0 - (x * y).mean() / (x_std * y_std))


def _centred(thumb: UInt8[np.ndarray, "th tw"]) -> Float[np.ndarray, "th tw"]:
    values = thumb.astype(np.float32)
    return values - values.mean()
