"""From the flow between onset and apex to the map that a recognition network sees."""

import cv2
import numpy as np
from jaxtyping import Float, Float32

from hmrm.clip import FlowMap
from hmrm.errors import InputError, NumericalError
from hmrm.flow.strain import optical_strain

CANONICAL_SIDE_PX = 224
"""Width of the canonical face crop in which ``FlowMap.scale_px`` counts px."""

MAP_SIDE = 28
"""Cells of a map along each side."""

_CLIPPED_ABOVE = 0.98
_SMALLEST_SCALE = 1e-6


def flow_map(
    flow: Float[np.ndarray, "2 h w"],
    *,
    crop: str = "hmrm-1",
    size: int = MAP_SIDE,
    confidence: Float[np.ndarray, "h w"] | None = None,
) -> FlowMap:
    """Flow of a face crop as the (u, v, strain) map of ``size`` × ``size`` cells.

    Each cell is the mean of its pixels (exact where cells cut through pixels). Then u and v are
    centred and scaled as ``centre_and_scale`` says, and strain is taken between cells.

    Args:
        flow: px of this crop, any size from ``size`` up; need not be square.
        crop: name of the crop's geometry (``faces/align.py``).
        confidence: weight of each pixel in its cell's mean, 0 or more; None weighs all alike. A
            cell without any weight takes the plain mean.

    Returns:
        Map whose ``scale_px`` counts px of a crop 224 px wide, whatever the width of ``flow``.
        A flow without motion, or one that only translates, gives zeros and scale 0.

    Raises:
        InputError: the flow is smaller than the map.
        NumericalError: the flow holds NaN or infinity, or the confidence does or is negative.
    """
    height, width = flow.shape[1:]
    if size < 2 or min(height, width) < size:
        raise InputError(
            f"flow map: a flow of {width} x {height} px cannot fill {size} x {size} cells; "
            "give a larger crop, and a size of at least 2"
        )
    if not np.isfinite(flow).all():
        raise NumericalError(
            "flow map: the flow holds NaN or infinity; fill unknown pixels before making a map"
        )
    cells = _cells(flow, confidence, size=size)
    cells *= np.float32(CANONICAL_SIDE_PX / width)
    values, scale_px = centre_and_scale(cells)
    return FlowMap(values=values, crop=crop, scale_px=scale_px)


def _cells(
    flow: Float[np.ndarray, "2 h w"], confidence: Float[np.ndarray, "h w"] | None, *, size: int
) -> Float[np.ndarray, "2 s s"]:
    plain = area_average(flow, size=size)
    if confidence is None:
        return plain
    if not (np.isfinite(confidence).all() and (confidence >= 0).all()):
        raise NumericalError(
            "flow map: the confidence holds NaN, infinity or negative values; give 0 or more"
        )
    sums = area_average(np.concatenate([flow * confidence, confidence[None]]), size=size)
    weighted = sums[2:] > np.finfo(np.float32).tiny
    return np.where(weighted, sums[:2] / np.where(weighted, sums[2:], 1.0), plain)


def area_average(values: Float[np.ndarray, "c h w"], *, size: int) -> Float[np.ndarray, "c s s"]:
    """Mean over each of ``size`` × ``size`` equal cells; pixels on an edge count in parts."""
    pixels_last = np.ascontiguousarray(values.transpose(1, 2, 0), dtype=np.float32)
    cells = cv2.resize(pixels_last, (size, size), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(cells.reshape(size, size, -1).transpose(2, 0, 1))


def centre_and_scale(
    uv: Float[np.ndarray, "2 s s"], *, per_channel: bool = False
) -> tuple[Float[np.ndarray, "3 s s"], float]:
    """Centre u and v by their medians, divide by a robust scale, and append strain.

    The median removes head translation and the unknown zero of maps that were stored min–max
    scaled. The scale is the r.m.s. of the centred vectors with lengths clipped at their 98th
    percentile, so that no single cell sets it, but at least their mean length, so that a movement
    of very few cells is not blown up. (Not a median of lengths: most of a face stands still, and
    its median is noise.)

    Args:
        uv: in any unit; importers of external maps pass their channels as they are.
        per_channel: scale u and v each by its own r.m.s. This makes the result independent of a
            scale that was lost for each channel, and loses which of the two moved more.

    Returns:
        Values (u, v, strain between cells of the scaled u and v), and the number of the input's
        units that 1 stands for: NaN when ``per_channel``, 0 (and all values 0) without motion.

    Raises:
        NumericalError: a value is not finite.
    """
    if not np.isfinite(uv).all():
        raise NumericalError("flow map: u or v holds NaN or infinity; no map can be made of it")
    centred = uv - np.median(uv, axis=(1, 2), keepdims=True)
    groups = [centred[:1], centred[1:]] if per_channel else [centred]
    # What averaging leaves of a pure translation is rounding, not motion.
    smallest = max(_SMALLEST_SCALE, 1e-6 * float(np.abs(uv).max(initial=0.0)))
    found = [_robust_scale(group) for group in groups]
    scales = [scale if scale > smallest else 0.0 for scale in found]
    scaled = np.concatenate(
        [
            group / group.dtype.type(scale) if scale > 0 else np.zeros_like(group)
            for group, scale in zip(groups, scales, strict=True)
        ]
    )
    values = np.concatenate([scaled, optical_strain(scaled)[None]]).astype(np.float32)
    return values, float("nan") if per_channel else scales[0]


def _robust_scale(vectors: Float[np.ndarray, "c s s"]) -> float:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=0)
    clipped = np.minimum(lengths, np.quantile(lengths, _CLIPPED_ABOVE))
    return max(float(np.sqrt(np.mean(clipped**2))), float(lengths.mean()))


def mirrored_maps(maps: Float32[np.ndarray, "n 3 s s"]) -> Float32[np.ndarray, "n 3 s s"]:
    """The other side of a face: maps flip left to right, and u changes its sign.

    For canonical maps, in which no motion is 0; twice mirrored is the map itself, to the last bit.
    """
    flipped = maps[..., ::-1].copy()
    flipped[:, 0] *= -1
    return flipped


def mirrored_about_median(maps: Float[np.ndarray, "n 3 h w"]) -> Float[np.ndarray, "n 3 h w"]:
    """The same for maps in which no motion may have any value: u changes sign about its median.

    Maps scaled per image do not say where their zero lies. Twice mirrored is the map itself, up
    to rounding.
    """
    flipped = maps[..., ::-1].copy()
    rest = np.median(maps[:, 0], axis=(1, 2), keepdims=True)
    flipped[:, 0] = 2 * rest - flipped[:, 0]
    return flipped
