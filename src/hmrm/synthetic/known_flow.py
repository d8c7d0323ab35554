"""Pairs of images with exactly known flow, made from one image.

Both frames are sampled from the source: ``I1(x) = S(x + a(x))`` and ``I2(x) = S(x + b(x))``.
Warping one alone would leave it blurrier than the other, and the blur would tell the flow. What
frame 1 shows at ``x`` frame 2 shows at ``x + f(x)``, so the flow solves the fixed point
``f(x) = a(x) - b(x + f(x))``.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from hmrm.errors import NumericalError
from hmrm.flow.spline import Spline, spline

FieldKind = Literal["bumps", "field"]

_CLOSE_PX = 1e-4
_MOST_ITERATIONS = 60


@dataclass(frozen=True, kw_only=True)
class PairRecipe:
    """How a pair is made.

    Attributes:
        largest_px: length of the longest motion vector; 0 is a static pair.
        kind: ``bumps``, a few local movements as of facial muscles, or ``field``, smooth random
            motion everywhere.
        noise: standard deviation of the sensor's noise on both frames, grey levels of 255.
        gain: the apex is brighter by this fraction.
        blur_sigma_px: Gaussian blur of both frames, before the noise.
    """

    largest_px: float
    kind: FieldKind = "bumps"
    noise: float = 2.0
    gain: float = 0.0
    blur_sigma_px: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownPair:
    """Two frames and the flow between them, px, exact but near the border."""

    onset: UInt8[np.ndarray, "h w"]
    apex: UInt8[np.ndarray, "h w"]
    flow: Float32[np.ndarray, "2 h w"]


def known_pair(
    source: UInt8[np.ndarray, "h w"], recipe: PairRecipe, *, generator: np.random.Generator
) -> KnownPair:
    """Make one pair of ``source``.

    Both frames also share a random offset below one px, and the motion is split between them at
    random, so that neither is resampled less than the other. The flow is exact up to 1e-4 px
    except where it reaches across the border, by ``largest_px`` from it.

    Raises:
        NumericalError: ``largest_px`` is so large for this size that the motion folds.
    """
    motion = _motion(source.shape, recipe, generator)
    offset = generator.uniform(-0.5, 0.5, (2, 1, 1)).astype(np.float32)
    fraction = np.float32(generator.uniform(0.3, 0.7))
    a, b = motion * fraction, motion * (fraction - 1)
    # The common offset is the source's, not motion: solved without it, a static pair is exact.
    flow = flow_between(a, b)
    levels = spline(source[None].astype(np.float32))
    first = _frame(levels, a + offset, recipe, generator)
    second = _frame(levels, b + offset, recipe, generator, gain=recipe.gain)
    return KnownPair(onset=first, apex=second, flow=flow)


def flow_between(
    a: Float32[np.ndarray, "2 h w"], b: Float32[np.ndarray, "2 h w"]
) -> Float32[np.ndarray, "2 h w"]:
    """Solve ``f(x) = a(x) - b(x + f(x))`` by fixed-point iteration.

    Args:
        a: offset in px at which frame 1 samples for each of its pixels, u right and v down.
        b: the same of frame 2.

    Raises:
        NumericalError: the iteration does not settle, because ``b`` folds space.
    """
    flow, second = a - b, spline(b)
    for _ in range(_MOST_ITERATIONS):
        updated = a - second.at(flow)
        change = float(np.abs(updated - flow).max())
        flow = updated
        if change < _CLOSE_PX:
            return flow
    raise NumericalError(
        f"synthetic pair: the flow still changes by {change:.2g} px after {_MOST_ITERATIONS} "
        "steps; make the motion smaller or smoother"
    )


def bump_field(
    height: int, width: int, *, count: int, generator: np.random.Generator
) -> Float32[np.ndarray, "2 h w"]:
    """Motion of ``count`` Gaussian bumps, 4 to 14 % of the width wide, each in one direction."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    motion = np.zeros((2, height, width), np.float32)
    for _ in range(count):
        x_0, y_0 = generator.uniform(0.15, 0.85, 2) * (width, height)
        sigma_x, sigma_y = generator.uniform(0.04, 0.14, 2) * width
        angle, strength = generator.uniform(0, 2 * np.pi), generator.uniform(0.4, 1.0)
        bump = np.exp(-(((x - x_0) / sigma_x) ** 2 + ((y - y_0) / sigma_y) ** 2) / 2)
        motion[0] += np.float32(strength * np.cos(angle)) * bump
        motion[1] += np.float32(strength * np.sin(angle)) * bump
    return motion


def smooth_field(
    height: int, width: int, *, sigma_px: float, generator: np.random.Generator
) -> Float32[np.ndarray, "2 h w"]:
    """Gaussian random motion of unit variance, smooth over ``sigma_px``."""
    noise = generator.standard_normal((2, height, width), np.float32)
    smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), sigma_px) for plane in noise])
    return np.asarray(smooth / smooth.std(), np.float32)


def _motion(
    shape: tuple[int, ...], recipe: PairRecipe, generator: np.random.Generator
) -> Float32[np.ndarray, "2 h w"]:
    height, width = shape
    if recipe.kind == "bumps":
        motion = bump_field(height, width, count=6, generator=generator)
    else:
        sigma_px = generator.uniform(12, 32) * width / 224
        motion = smooth_field(height, width, sigma_px=sigma_px, generator=generator)
    return motion * np.float32(recipe.largest_px / np.linalg.norm(motion, axis=0).max())


def _frame(
    source: Spline,
    displacement: Float32[np.ndarray, "2 h w"],
    recipe: PairRecipe,
    generator: np.random.Generator,
    *,
    gain: float = 0.0,
) -> UInt8[np.ndarray, "h w"]:
    levels = source.at(displacement)[0]
    if recipe.blur_sigma_px > 0:
        levels = np.asarray(cv2.GaussianBlur(levels, (0, 0), recipe.blur_sigma_px))
    noisy = levels * (1.0 + gain) + generator.normal(0.0, recipe.noise, levels.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
