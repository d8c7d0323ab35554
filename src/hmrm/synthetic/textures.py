"""Images that nobody took: what flow is learned on, made from random numbers alone."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from jaxtyping import Float, Float32

Plane = Float32[np.ndarray, "h w"]


def render_image(side_px: int, rng: np.random.Generator) -> Plane:
    """One square image of a random kind, grey levels 0 to 255, unrounded."""
    kinds = tuple(IMAGES)
    kind = kinds[int(rng.choice(len(kinds), p=_FRACTIONS))]
    return graded(IMAGES[kind](side_px, rng), rng)


def graded(image: Plane, rng: np.random.Generator) -> Plane:
    """The image with a random brightness and contrast, held to 0 to 255."""
    contrast = float(np.exp(rng.uniform(np.log(9.0), np.log(75.0))))
    centred = (image - image.mean()) / max(float(image.std()), 1e-3)
    levels = rng.uniform(70, 180) + contrast * centred
    return np.clip(levels, 0, 255).astype(np.float32)


def power_noise(
    side_px: int, exponent: float, rng: np.random.Generator, *, longest_px: float | None = None
) -> Plane:
    """Random image whose amplitude falls with frequency to the power of ``-exponent``.

    Mean 0, standard deviation 1. Waves longer than ``longest_px`` (default: the side) are as weak.
    """
    frequency_y = np.fft.fftfreq(side_px)[:, None]
    frequency = np.hypot(frequency_y, np.fft.rfftfreq(side_px)[None, :])
    lowest = 1.0 / (longest_px or side_px)
    amplitude = np.maximum(frequency, lowest) ** -exponent
    amplitude[0, 0] = 0.0
    phase = rng.uniform(0, 2 * np.pi, amplitude.shape)
    size = rng.rayleigh(1.0, amplitude.shape)
    image = np.fft.irfft2(amplitude * size * np.exp(1j * phase), s=(side_px, side_px))
    return np.asarray(image / image.std(), np.float32)


def _clouds(side_px: int, rng: np.random.Generator) -> Plane:
    coarse = power_noise(side_px, rng.uniform(1.0, 2.2), rng)
    fine = power_noise(side_px, rng.uniform(0.3, 1.0), rng, longest_px=rng.uniform(3, 24))
    return coarse + np.float32(rng.uniform(0.0, 0.7)) * fine


def _leaves(side_px: int, rng: np.random.Generator) -> Plane:
    """Dead leaves: shapes of all sizes hide each other, each with a texture of its own."""
    twice = 2 * side_px
    grey = np.full((twice, twice), rng.uniform(60, 190), np.float32)
    rough = np.zeros_like(grey)
    smallest = rng.uniform(4, 16)
    for _ in range(int(rng.integers(60, 500))):
        # Areas follow a power law, as objects' in photographs do.
        radius = min(smallest / rng.uniform(0.02, 1.0), twice / 2)
        shape = _shape(radius, rng) + rng.uniform(0, twice, 2)
        fixed = [np.rint(shape * 16).astype(np.int32)]
        cv2.fillPoly(grey, fixed, float(rng.uniform(20, 235)), cv2.LINE_AA, shift=4)
        cv2.fillPoly(rough, fixed, float(rng.exponential(12.0)), cv2.LINE_AA, shift=4)
    texture = power_noise(twice, rng.uniform(0.5, 1.6), rng, longest_px=60.0)
    return _halved(grey + rough * texture)


def _shape(radius: float, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    corners = int(rng.choice([3, 4, 4, 24]))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    if corners == 24:
        angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points *= radius * np.array([1.0, rng.uniform(0.3, 1.0)])
    turn = rng.uniform(0, np.pi)
    return points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def _strands(side_px: int, rng: np.random.Generator) -> Plane:
    """Hair, grass, cloth: thin lines that mostly run one way."""
    twice = 2 * side_px
    canvas = 128 + 20 * power_noise(twice, 1.5, rng)
    main, spread = rng.uniform(0, np.pi), rng.exponential(0.3)
    for _ in range(int(rng.integers(200, 1200))):
        angle = main + spread * rng.standard_normal()
        start = rng.uniform(0, twice, 2)
        end = start + rng.uniform(10, 120) * np.array([np.cos(angle), np.sin(angle)])
        ends = np.rint(np.stack([start, end]) * 16).astype(int)
        colour, thick = float(rng.uniform(0, 255)), int(rng.integers(1, 5))
        cv2.line(canvas, ends[0].tolist(), ends[1].tolist(), colour, thick, cv2.LINE_AA, shift=4)
    return _halved(canvas)


def _grid(side_px: int, rng: np.random.Generator) -> Plane:
    """Bricks, gravel, woven things: cells that repeat, bent and uneven."""
    straight = np.meshgrid(*[np.arange(side_px, dtype=np.float32)] * 2)
    bend = np.float32(rng.uniform(0, 4))
    x, y = (axis + bend * power_noise(side_px, 2.0, rng) for axis in straight)
    turn, period = rng.uniform(0, np.pi), rng.uniform(5, 40, 2)
    along = (np.cos(turn) * x + np.sin(turn) * y) * np.float32(2 * np.pi / period[0])
    across = (np.cos(turn) * y - np.sin(turn) * x) * np.float32(2 * np.pi / period[1])
    sharp = np.float32(rng.uniform(0.5, 4))
    cells = np.tanh(sharp * np.sin(along)) * np.tanh(sharp * np.sin(across))
    texture = power_noise(side_px, rng.uniform(0.5, 1.8), rng)
    return (cells + np.float32(rng.uniform(0.2, 2.0)) * texture).astype(np.float32)


def _halved(canvas: Float32[np.ndarray, "i j"]) -> Plane:
    side = canvas.shape[0] // 2
    return np.asarray(cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA), np.float32)


IMAGES: Mapping[str, Callable[[int, np.random.Generator], Plane]] = {
    "clouds": _clouds,
    "leaves": _leaves,
    "strands": _strands,
    "grid": _grid,
}
"""Kinds of images; faces are rendered in ``moving_faces.py``, together with their motion."""

_FRACTIONS = (0.3, 0.45, 0.13, 0.12)
