"""Reading an image between its pixels, exactly enough for motion of a hundredth of a px.

OpenCV's ``remap`` is not: its Lanczos kernel rounds coordinates to 1/32 px and its cubic kernel
moves a ramp by .34 px when asked for .30. An interpolating cubic B-spline reproduces ramps and
parabolas, and coordinates keep their precision.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32

# The inverse of the B-spline's samples (1/6, 4/6, 1/6) is sqrt(3) z^|k|; z^14 is 1e-8.
_POLE = np.sqrt(3.0) - 2.0
_PREFILTER = np.sqrt(3.0) * _POLE ** np.abs(np.arange(-14, 15))


@dataclass(frozen=True, kw_only=True, eq=False)
class Spline:
    """Planes of numbers that can be read anywhere; beyond the border they are mirrored."""

    coefficients: Float32[np.ndarray, "c h w"]

    def at(self, displacement: Float[np.ndarray, "2 h w"]) -> Float32[np.ndarray, "c h w"]:
        """Values at ``x + displacement(x)`` for each pixel ``x``.

        Args:
            displacement: px, u right and v down, of the same height and width.
        """
        _, height, width = self.coefficients.shape
        y, x = np.mgrid[:height, :width].astype(np.float32)
        columns, column_weights = _taps(x + displacement[0], width)
        rows, row_weights = _taps(y + displacement[1], height)
        flat = self.coefficients.reshape(len(self.coefficients), -1)
        total = np.zeros_like(flat)
        for row, row_weight in zip(rows, row_weights, strict=True):
            for column, column_weight in zip(columns, column_weights, strict=True):
                index = (row * width + column).ravel()
                total += flat[:, index] * (row_weight * column_weight).ravel()
        return total.reshape(self.coefficients.shape)


def spline(planes: Float[np.ndarray, "c h w"]) -> Spline:
    """The spline that passes through every pixel of ``planes``, each at least 2 × 2 px."""
    filtered = [
        cv2.sepFilter2D(
            plane, cv2.CV_64F, _PREFILTER, _PREFILTER, borderType=cv2.BORDER_REFLECT_101
        )
        for plane in planes.astype(np.float64)
    ]
    return Spline(coefficients=np.stack(filtered).astype(np.float32))


def _taps(
    position: Float[np.ndarray, "h w"], length: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The four neighbours (mirrored into the image) of each position, and their weights."""
    first = np.floor(position)
    t = (position - first).astype(np.float32)
    rest = 1 - t
    weights = [
        rest**3 / 6,
        (4 - 6 * t**2 + 3 * t**3) / 6,
        (4 - 6 * rest**2 + 3 * rest**3) / 6,
        t**3 / 6,
    ]
    start = first.astype(np.intp)
    return [_mirrored(start + k, length) for k in (-1, 0, 1, 2)], weights


def _mirrored(index: np.ndarray, length: int) -> np.ndarray:
    period = 2 * (length - 1)
    folded = np.abs(index) % period
    return np.minimum(folded, period - folded)
