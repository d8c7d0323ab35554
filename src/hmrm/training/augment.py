"""Other views of a movement that keep its class: mirror, place, size, strength, noise.

Everything happens to one map at a time; no clip enters another (mixing is `motionmix`).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from hmrm.errors import ConfigError
from hmrm.flow.pair import mirrored_maps

Map = Float32[np.ndarray, "3 s s"]


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How far a view may lie from the map; every 0 switches its change off.

    Attributes:
        mirror: probability of the mirror image, u negated.
        shift: furthest shift in x and in y, cells of the map.
        scale: furthest zoom, as a fraction: 0.1 samples a factor from 1/1.1 to 1.1.
        turn_deg: furthest turn of the image and its vectors, degrees.
        magnitude: furthest change of the strength of all motion, as a fraction.
        ratio: furthest change of u against v, as a fraction: where both were scaled apart, their
            ratio on file says nothing.
        noise: standard deviation of white noise on u and v, in units of a map.
        rest: standard deviation of a constant added to u and to v: the median misses zero motion.
    """

    mirror: float = 0.5
    shift: float = 2.0
    scale: float = 0.05
    turn_deg: float = 4.0
    magnitude: float = 0.2
    ratio: float = 0.1
    noise: float = 0.1
    rest: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.mirror <= 1:
            raise ConfigError(f"augment: mirror = {self.mirror} is a chance; use 0 to 1")
        for name in ("shift", "scale", "turn_deg", "magnitude", "ratio", "noise", "rest"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"augment: {name} = {getattr(self, name)}: must be 0 or more")


def augment(
    maps: Float32[np.ndarray, "n 3 s s"], config: AugmentConfig, *, generator: np.random.Generator
) -> Float32[np.ndarray, "n 3 s s"]:
    """One new view of each map.

    Args:
        maps: canonical (u, v, strain).
        generator: only source of randomness; map i always samples the same number of values, so
            its view does not depend on the other maps' contents.

    Strain is moved with the image and scaled with the motion; noise and rest leave it alone,
    as in training on synthetic maps.
    """
    return np.stack([_view(values, config, generator) for values in maps])


def _view(values: Map, config: AugmentConfig, generator: np.random.Generator) -> Map:
    flip = generator.random() < config.mirror
    shift = generator.uniform(-config.shift, config.shift, 2)
    zoom = _factor(config.scale, generator)
    angle = math.radians(generator.uniform(-config.turn_deg, config.turn_deg))
    strength = _factor(config.magnitude, generator)
    ratio = math.sqrt(_factor(config.ratio, generator))
    noise = generator.normal(0, 1, values[:2].shape)
    rest = generator.normal(0, 1, (2, 1, 1))
    view = mirrored_maps(values[None])[0] if flip else values.copy()
    if config.shift or config.scale or config.turn_deg:
        view = moved(view, shift_xy=(float(shift[0]), float(shift[1])), zoom=zoom, angle=angle)
    view *= np.array([strength * ratio, strength / ratio, strength], np.float32)[:, None, None]
    view[:2] += (config.noise * noise + config.rest * rest).astype(np.float32)
    return view


def moved(values: Map, *, shift_xy: tuple[float, float], zoom: float, angle: float) -> Map:
    """Shift, zoom and turn a map about its centre; border cells repeat outwards.

    Args:
        shift_xy: cells, to the right and down.
        zoom: above 1 the face grows, and its motion with it; strain, a ratio of lengths, stays.
        angle: radians, clockwise as seen (x right, y down); vectors turn with the image.
    """
    side = values.shape[-1]
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    centre = (side - 1) / 2
    offset = centre + np.array(shift_xy) - zoom * turn @ np.array([centre, centre])
    image = np.ascontiguousarray(values.transpose(1, 2, 0))
    warped = cv2.warpAffine(
        image,
        np.column_stack([zoom * turn, offset]),
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    result = np.ascontiguousarray(warped.transpose(2, 0, 1))
    result[:2] = np.tensordot((zoom * turn).astype(np.float32), result[:2], axes=1)
    return result


def _factor(fraction: float, generator: np.random.Generator) -> float:
    """From 1 / (1 + share) to 1 + share, as likely above 1 as below."""
    limit = math.log1p(fraction)
    return math.exp(generator.uniform(-limit, limit))
