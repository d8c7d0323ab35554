"""Scene cuts, black frames and repeated frames, found while a video streams past."""

import math
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from hmrm.clip import Image

_THUMB_WH = (32, 24)
_FLOOR_VARIANCE = 16.0  # of grey levels: weaker structure than this is noise
_BLACK_LEVEL = 24
_BLACK_FRACTION = 0.98

# Chosen on synthetic clips (tests/video/test_cuts.py): between images of different things the
# change is 0.6 and more, a jump of the same face by 2 % of the width 0.09, noise 1e-4.
_HARD_CUT = 0.5
_SOFT_CUT = 0.05
_OVER_USUAL = 25.0
_OVER_RECENT = 6.0
_USUAL_FRAMES = 15
_RECENT_FRAMES = 3


@dataclass(frozen=True, kw_only=True)
class FrameFlags:
    """What is remarkable about one frame.

    Attributes:
        cut: the frame has nothing to do with the one before; motion across it means nothing.
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

    A cut is a frame whose small, brightness-free version no longer correlates with the one
    before, or far less than this video's last frames did. Changes of exposure and flashes keep
    the structure and are no cuts, and a head that sets off fast speeds up over several frames.
    A cut to or from black counts; a dissolve over many frames is not found.
    """

    def __init__(self) -> None:
        self._last: Image | None = None
        self._last_thumb: UInt8[np.ndarray, "th tw"] | None = None
        self._last_black = False
        self._changes: deque[float] = deque(maxlen=_USUAL_FRAMES)

    def update(self, image: Image) -> FrameFlags:
        """Flags of the next frame; the first is never a cut."""
        thumb = _thumbnail(image)
        black = bool((thumb < _BLACK_LEVEL).mean() >= _BLACK_FRACTION)
        change, repeated = 0.0, False
        if self._last is not None and self._last_thumb is not None:
            repeated = np.array_equal(thumb, self._last_thumb) and np.array_equal(image, self._last)
            if not repeated and not (black and self._last_black):
                change = _change(thumb, self._last_thumb)
        cut = change > self._limit()
        if self._last is not None and not repeated:
            self._changes.append(change)
        self._last, self._last_thumb, self._last_black = image, thumb, black
        return FrameFlags(cut=cut, black=black, repeated=repeated, change=change)

    def _limit(self) -> float:
        """The change above which the next frame is a cut."""
        if len(self._changes) < _RECENT_FRAMES:
            return _HARD_CUT
        usual = float(np.median(self._changes))
        recent = max(list(self._changes)[-_RECENT_FRAMES:])
        return max(_SOFT_CUT, min(_HARD_CUT, max(_OVER_USUAL * usual, _OVER_RECENT * recent)))


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
    # The floor makes two flat images alike and a flat one unlike any with structure.
    both = float((x * y).mean()) + _FLOOR_VARIANCE
    each = (float((x * x).mean()) + _FLOOR_VARIANCE) * (float((y * y).mean()) + _FLOOR_VARIANCE)
    return max(0.0, 1.0 - both / math.sqrt(each))


def _centred(thumb: UInt8[np.ndarray, "th tw"]) -> Float[np.ndarray, "th tw"]:
    values = thumb.astype(np.float32)
    return values - values.mean()
