"""What a camera adds to two clean frames: light that changes, blur, noise, compression, rounding.

Not the benchmark's noise (white, of one size): here it grows with brightness, is often blurred or
sharpened after it arose, and sizes are sampled for each pair.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

Frames = Float[np.ndarray, "2 h w"]


@dataclass(frozen=True, kw_only=True)
class SensorConfig:
    """How strong the errors are at most; each pair samples its own.

    Attributes:
        noise: largest standard deviation, grey levels of 255.
        gain: the apex is brighter or darker by up to this fraction, where light changes.
        light: fraction of pairs in which light changes.
        compressed: fraction of pairs that went through JPEG.
        blurred: fraction of pairs out of focus.
    """

    noise: float = 6.0
    gain: float = 0.1
    light: float = 0.5
    compressed: float = 0.15
    blurred: float = 0.3


def seen(
    frames: Frames, config: SensorConfig, *, rng: np.random.Generator
) -> UInt8[np.ndarray, "2 h w"]:
    """Both frames as a camera would have stored them."""
    frames = frames.astype(np.float32)
    if rng.random() < config.light:
        frames[1] = _other_light(frames[1], config.gain, rng)
    if rng.random() < config.blurred:
        sigma = float(rng.uniform(0.4, 2.0))
        frames = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])
    stored = np.clip(np.rint(_noisy(frames, config.noise, rng)), 0, 255).astype(np.uint8)
    if rng.random() < config.compressed:
        quality = int(rng.integers(60, 98))
        stored = np.stack([_jpeg(frame, quality) for frame in stored])
    return stored


def _other_light(
    frame: Float[np.ndarray, "h w"], most: float, rng: np.random.Generator
) -> Float[np.ndarray, "h w"]:
    frame = frame * np.float32(1 + rng.uniform(-most, most)) + np.float32(rng.uniform(-8, 8))
    if rng.random() < 0.5:
        gamma = float(np.exp(rng.uniform(-most, most)))
        frame = 255 * (np.clip(frame, 0, 255) / 255) ** gamma
    if rng.random() < 0.4:
        coarse = rng.uniform(-most, most, (3, 3)).astype(np.float32)
        shade = cv2.resize(coarse, frame.shape[::-1], interpolation=cv2.INTER_CUBIC)
        frame = frame * (1 + shade)
    return np.asarray(frame, np.float32)


def _noisy(frames: Frames, most: float, rng: np.random.Generator) -> Frames:
    """Shot and read-out noise; half of the cameras smooth or sharpen what they have read."""
    sigma = most * rng.random() ** 1.5
    shot = rng.random()
    level = np.sqrt((1 - shot) + shot * np.clip(frames, 1, 255) / 128)
    noise = rng.standard_normal(frames.shape, np.float32) * (sigma * level).astype(np.float32)
    kind = rng.random()
    if kind < 0.3:
        width = float(rng.uniform(0.3, 0.8))
        noise = np.stack([cv2.GaussianBlur(one, (0, 0), width) for one in noise])
        noise *= np.float32(sigma / max(float(noise.std()), 1e-6))
    elif kind < 0.4:
        noise = np.stack([1.5 * one - 0.5 * cv2.GaussianBlur(one, (0, 0), 1.0) for one in noise])
    return frames + noise


def _jpeg(frame: UInt8[np.ndarray, "h w"], quality: int) -> UInt8[np.ndarray, "h w"]:
    _, content = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)
