"""Flow between any two images a user has: checked, converted, estimated."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from hmrm import provenance
from hmrm.errors import InputError, WeightsError
from hmrm.flow.aligned import Aligned
from hmrm.flow.classical import DeepFlow, Dis, DualTVL1, Farneback, FlowEstimator
from hmrm.flow.gru_aofe.estimator import GruAofeFlow
from hmrm.flow.raft.estimator import PREFIX as RAFT
from hmrm.flow.raft.estimator import RaftFlow

ESTIMATORS: Mapping[str, Callable[[], FlowEstimator]] = {
    "tvl1": DualTVL1,
    "deepflow": DeepFlow,
    "dis": Dis,
    "farneback": Farneback,
    "gru-aofe": GruAofeFlow,
    "gru-aofe-fast": partial(GruAofeFlow, iterations=2, edges=False),
}
"""Method name → what builds its estimator."""

SMALLEST_SIDE_PX = 16
"""Below this no estimator has a neighbourhood to look at."""

NOISE_FLOOR_PX: Mapping[str, float] = {
    "tvl1": 0.016,
    "deepflow": 0.011,
    "dis": 0.103,
    "farneback": 0.056,
    "gru-aofe": 0.002,
    "gru-aofe-fast": 0.002,
}
"""Mean flow where nothing moved: static column of ``python -m benchmarks.flow``."""

# Sixteen of the 256 grey levels that are kept: less is an image of another depth.
_FEWEST_16_BIT = 4096

# ITU-R BT.601 luma, as video decoders use.
_LUMA = np.array([0.299, 0.587, 0.114])


def estimate_flow(
    onset: np.ndarray, apex: np.ndarray, *, method: str = "dis", align: bool = False
) -> Float32[np.ndarray, "2 h w"]:
    """Optical flow from ``onset`` to ``apex``.

    Args:
        onset: ``(h, w)`` grey, ``(h, w, 1)``, ``(h, w, 3)`` RGB or ``(h, w, 4)`` RGB with alpha
            (dropped); uint8, uint16 over its full range, or float in 0 to 1.
        apex: an image of the same height and width.
        method: a key of ``ESTIMATORS``, or ``raft:FILE``.
        align: take the head's own motion out of the apex first and add it again (``aligned.py``).

    Returns:
        Px, u right and v down. Identical images give exactly zero.

    Raises:
        MissingExtraError: ``method`` is a network and torch is not installed.
        InputError: unknown method, sizes that differ or are below 16 px, a shape, type or value
            that is not an image.

    Example:
        A pattern that moves by one px to the right:

        >>> import hmrm
        >>> import numpy as np
        >>> y, x = np.mgrid[:96, :96]
        >>> onset = (128 + 60 * np.sin(x / 3) * np.sin(y / 4)).astype(np.uint8)
        >>> apex = np.roll(onset, 1, axis=1)
        >>> u, v = hmrm.estimate_flow(onset, apex, method="dis")
        >>> round(float(np.median(u))), round(float(abs(np.median(v))))
        (1, 0)
    """
    estimator = build_estimator(method)
    first, second = to_grey(onset, name="onset"), to_grey(apex, name="apex")
    check_pair(first, second)
    if np.array_equal(first, second):
        return np.zeros((2, *first.shape), np.float32)
    return Aligned(estimator=estimator)(first, second) if align else estimator(first, second)


def build_estimator(method: str) -> FlowEstimator:
    """The estimator of that name, for many pairs of ``(h, w)`` uint8 images.

    Args:
        method: a key of ``ESTIMATORS``, or ``raft:FILE`` with weights of RAFT or RAFT-small.

    Raises:
        MissingExtraError: another OpenCV package has replaced the one that holds it.
        InputError: no estimator has that name.
    """
    if method.startswith(RAFT) and method != RAFT:
        return RaftFlow(weights=Path(method.removeprefix(RAFT)))
    if method not in ESTIMATORS:
        known = ", ".join(ESTIMATORS)
        raise InputError(f"flow method: unknown {method!r}; choose one of {known}, or raft:FILE")
    return ESTIMATORS[method]()


@cache
def weights_sha256(method: str) -> str:
    """Of a trained estimator's weights, which a new version may replace; empty for others.

    Raises:
        InputError: no estimator has that name.
        WeightsError: a user's weights cannot be read.
    """
    weights = getattr(build_estimator(method), "weights", None)
    try:
        return provenance.sha256(weights) if weights else ""
    except OSError as error:
        raise WeightsError(f"flow method {method}: {error}; name a file of weights") from error


def noise_floor_px(method: str) -> float:
    """Mean length of the flow a method reports on a static face with sensor noise, px.

    Measured with noise of 2 grey levels on four images of 224 × 224 px, two of them faces
    (``python -m benchmarks.flow --quick``); motion below it is indistinguishable from 0. It grows
    with noise and where texture is missing.

    Raises:
        InputError: no estimator has that name, or it was not measured, as weights of a user's.
    """
    if method not in NOISE_FLOOR_PX:
        known = ", ".join(NOISE_FLOOR_PX)
        raise InputError(f"flow method: {method!r} was not measured; choose one of {known}")
    return NOISE_FLOOR_PX[method]


def check_pair(onset: UInt8[np.ndarray, "a b"], apex: UInt8[np.ndarray, "c d"]) -> None:
    """Refuse two images between which no flow can be estimated.

    Raises:
        InputError: sizes differ, or a side is below 16 px.
    """
    if onset.shape != apex.shape:
        raise InputError(
            f"flow: onset is {onset.shape[1]} x {onset.shape[0]} px and apex {apex.shape[1]} x "
            f"{apex.shape[0]} px; give two images of the same size, in the same crop"
        )
    if min(onset.shape) < SMALLEST_SIDE_PX:
        raise InputError(
            f"flow: images of {onset.shape[1]} x {onset.shape[0]} px are too small; "
            f"both sides must have at least {SMALLEST_SIDE_PX} px"
        )


def to_grey(image: np.ndarray, *, name: str) -> UInt8[np.ndarray, "h w"]:
    """An image of any usual kind as grey uint8.

    Args:
        image: see ``estimate_flow``.
        name: what messages call it.

    Raises:
        InputError: not the shape, type or range of an image.
    """
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise InputError(
            f"flow: {name} has shape {image.shape}; give (h, w) grey, (h, w, 3) RGB or (h, w, 4) "
            "RGB with alpha"
        )
    if image.size == 0:
        raise InputError(f"flow: {name} is empty, shape {image.shape}; give an image")
    levels = _grey_levels(image, name=name)
    if levels.ndim == 3:
        levels = levels[..., 0] if levels.shape[2] == 1 else levels[..., :3] @ _LUMA
    rounded = levels if levels.dtype == np.uint8 else np.rint(levels).astype(np.uint8)
    return np.ascontiguousarray(rounded)


def _grey_levels(image: np.ndarray, *, name: str) -> np.ndarray:
    """Values on the scale 0 to 255, unrounded."""
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.uint16:
        return _from_16_bits(image, name=name)
    if not np.issubdtype(image.dtype, np.floating):
        raise InputError(
            f"flow: {name} has type {image.dtype}; give uint8, uint16 or float in 0 to 1"
        )
    if not np.isfinite(image).all():
        raise InputError(f"flow: {name} holds NaN or infinity; give finite values in 0 to 1")
    low, high = float(image.min()), float(image.max())
    if low < 0.0 or high > 1.0:
        raise InputError(
            f"flow: {name} is float with values {low:g} to {high:g}; scale it to 0 to 1, "
            "or give uint8"
        )
    return image.astype(np.float64) * 255.0


def _from_16_bits(image: UInt16[np.ndarray, "..."], *, name: str) -> np.ndarray:
    """Cameras of 10 or 12 bits may leave the upper ones empty: hardly a grey level would remain."""
    highest = int(image.max())
    if 0 < highest < _FEWEST_16_BIT:
        bits = max(highest.bit_length(), 8)
        raise InputError(
            f"flow: {name} has 16 bits, but no value above {highest} of 65535; if its camera has "
            f"{bits} bits, multiply by {2 ** (16 - bits)}, or give uint8"
        )
    return image / 257.0
