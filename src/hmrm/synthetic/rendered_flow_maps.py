"""Synthetic maps whose flow was estimated: two images of a moving face, and an estimator between.

The other way to the maps of ``flow_maps.py``: classes, action units, faces, head motion and crop
errors are sampled as there, but what an estimator does to motion is not modelled, it happens. Both
frames are read from one synthetic source, as in ``flow_pairs.py``, already through the wrong crop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from hmrm.errors import ConfigError
from hmrm.facs.atlas import EYE_DISTANCE_PX, IMAGE_PX, ActionUnit
from hmrm.facs.basis import (
    BORDER,
    MAP_SIDE,
    SIDES,
    FaceSource,
    inside_face,
    load_source,
)
from hmrm.flow.classical import DeepFlow, Dis, DualTVL1, Farneback, FlowEstimator
from hmrm.flow.pair import area_average
from hmrm.flow.spline import spline
from hmrm.parallel import one_opencv_thread
from hmrm.records import formerly
from hmrm.synthetic import distort
from hmrm.synthetic.flow_maps import SynthConfig, choose_face, finish_map, synthesize_map
from hmrm.synthetic.rendered_face import render_face
from hmrm.synthetic.sensor import SensorConfig, seen

# Samples of the motion across a cell of the map: lids and lips move apart within one.
_FINER = 3

_NOSE = slice(27, 36)
_AROUND = 0.125


@dataclass(frozen=True, kw_only=True)
class EstimatorFractions:
    """How often each estimator is used on a pair, relative to the others."""

    dis: float = 0.35
    farneback: float = 0.3
    deepflow: float = 0.15
    tvl1: float = 0.2

    def __post_init__(self) -> None:
        values = [getattr(self, one.name) for one in fields(self)]
        if not all(0 <= value < float("inf") for value in values) or sum(values) <= 0:
            raise ConfigError("estimated: fractions of estimators are 0 or more, one above 0")


def _indoor_sensor() -> SensorConfig:
    return SensorConfig(noise=4.0, gain=0.03, light=0.25)


@dataclass(frozen=True, kw_only=True)
class EstimatedConfig:
    """How flow between rendered images is estimated.

    ``noise_px``, ``estimator_loss`` and ``outliers`` of the ``SynthConfig`` with it are not used.

    Attributes:
        fraction: of maps that are made so, the others as without this table. Below 1 its coin comes
            before the face: labels and units stay, faces are others than without the table.
        narrowest_px, widest_px: width of the face's crop in the images, log-uniform.
        tight: fraction of pairs cut to the crop before the estimate; others show an eighth more on
            every side, which is cut off after it.
        estimators: whose estimate a map is.
        sensor: what the camera adds; by default less than in ``flow_pairs``: laboratories are
            well lit, and lamps change little in a tenth of a second.
    """

    fraction: float = field(default=1.0, metadata=formerly("share"))
    narrowest_px: int = 96
    widest_px: int = 170
    tight: float = 0.5
    estimators: EstimatorFractions = field(default_factory=EstimatorFractions)
    sensor: SensorConfig = field(default_factory=_indoor_sensor)

    def __post_init__(self) -> None:
        # DeepFlow's pyramid needs 32 px; the map has 28 cells.
        if not 32 <= self.narrowest_px <= self.widest_px:
            raise ConfigError("estimated: needs 32 <= narrowest_px <= widest_px")
        for name in ("fraction", "tight"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"estimated: {name} = {getattr(self, name)}; use 0 to 1")


def synthesize_estimated_map(
    settings: EstimatedConfig,
    config: SynthConfig,
    units: list[ActionUnit],
    rng: np.random.Generator,
) -> Float32[np.ndarray, "3 s s"]:
    """One map of moving units, for ``synthesize_maps``; it does not depend on threads.

    Raises:
        ConfigError: a unit that the source cannot show.
        DataError: ``config.model_path`` cannot be read.
    """
    if settings.fraction < 1 and rng.random() >= settings.fraction:
        return synthesize_map(config, units, rng)
    return finish_map(estimated_flow(settings, config, units, rng), config, rng)


def estimated_flow(
    settings: EstimatedConfig,
    config: SynthConfig,
    units: list[ActionUnit],
    rng: np.random.Generator,
) -> Float32[np.ndarray, "2 s s"]:
    """Flow of units on a face of the pool, as estimated, px of the canonical crop once a cell."""
    source, number = choose_face(config, rng)
    face = load_source(source, number, config.pool_seed, config.model_path)
    motion = _motion(config, face, units, rng)
    low, high = np.log(settings.narrowest_px), np.log(settings.widest_px + 1)
    width_px = min(int(np.exp(rng.uniform(low, high))), settings.widest_px)
    around_px = round(_AROUND * width_px)
    frames = _frames(face, motion, width_px, around_px, config.misalignment, rng)
    stored = seen(np.clip(frames, 0, 255), settings.sensor, rng=rng)
    inside = slice(around_px, -around_px)
    estimator = sample_estimator(settings.estimators, rng)
    tight = rng.random() < settings.tight
    if tight:
        stored = np.ascontiguousarray(stored[:, inside, inside])
    flow = _estimate(estimator, stored)
    if not tight:
        flow = flow[:, inside, inside]
    return area_average(flow, size=MAP_SIDE) * np.float32(IMAGE_PX[0] / width_px)


def sample_estimator(fractions: EstimatorFractions, rng: np.random.Generator) -> FlowEstimator:
    """One of the estimators by its fraction, with settings that people choose differently."""
    values = np.array([getattr(fractions, name) for name in ESTIMATORS])
    name = tuple(ESTIMATORS)[int(rng.choice(len(values), p=values / values.sum()))]
    return ESTIMATORS[name](rng)


def _dis(rng: np.random.Generator) -> FlowEstimator:
    return Dis(finest_scale=int(rng.integers(2)))


def _deepflow(rng: np.random.Generator) -> FlowEstimator:
    del rng
    return DeepFlow()


def _farneback(rng: np.random.Generator) -> FlowEstimator:
    return Farneback(window_px=2 * int(rng.integers(4, 13)) + 1)


def _tvl1(rng: np.random.Generator) -> FlowEstimator:
    """A quarter of the default's cost: motion is small, one warp on three levels nearly does it."""
    return DualTVL1(matched=bool(rng.random() < 0.5), scales=3, scale_step=0.5, warps=1)


ESTIMATORS: Mapping[str, Callable[[np.random.Generator], FlowEstimator]] = {
    "dis": _dis,
    "farneback": _farneback,
    "deepflow": _deepflow,
    "tvl1": _tvl1,
}
"""Field of ``EstimatorFractions`` → what samples such an estimator."""


def _motion(
    config: SynthConfig, face: FaceSource, units: list[ActionUnit], rng: np.random.Generator
) -> Float32[np.ndarray, "2 s s"]:
    """Motion of face and head, px of the canonical crop, ``_FINER`` samples a cell."""
    side = _FINER * (MAP_SIDE + 2 * BORDER)
    total = np.zeros((2, side, side), np.float32)
    for unit in units:
        # As ``basis.Face.flow`` has it: a unit of both sides is its two halves together.
        for half in SIDES if unit.side == "both" else (unit.side,):
            at_one_px = [ActionUnit(unit.number, half)]
            field = face.motion.flow(at_one_px, _FINER * MAP_SIDE, BORDER / MAP_SIDE)
            total += np.float32(unit.intensity_px) * field
    if config.head_px > 0:
        head = distort.head_motion(face.depth, rng, most_px=config.head_px)
        total += _resized(head, side)
    if rng.random() < config.background:
        total *= _resized(inside_face(face.landmarks_xy_px)[None], side)
    return total


def _resized(planes: Float32[np.ndarray, "c h w"], side: int) -> Float32[np.ndarray, "c s s"]:
    return np.stack([cv2.resize(plane, (side, side)) for plane in planes])


def _frames(
    face: FaceSource,
    motion: Float32[np.ndarray, "2 s s"],
    width_px: int,
    around_px: int,
    misalignment: float,
    rng: np.random.Generator,
) -> Float32[np.ndarray, "2 h w"]:
    """Onset and apex, grey levels: a crop ``width_px`` wide, and ``around_px`` on every side."""
    scale = width_px / IMAGE_PX[0]
    size = np.array([width_px, round(scale * IMAGE_PX[1])])
    whole = size + 2 * around_px
    colour, points = render_face(
        rng,
        size_wh_px=(int(whole[0]), int(whole[1])),
        eye_distance_px=EYE_DISTANCE_PX * scale,
        landmarks=face.landmarks_xy_px,
    )
    image = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # Rendering puts every nose at one place; the crop looks where the landmarks say.
    to_rendered = points[_NOSE].mean(axis=0) - scale * face.landmarks_xy_px[_NOSE].mean(axis=0)
    across, down = (
        ((np.arange(n) + 0.5 - around_px) / m * MAP_SIDE - MAP_SIDE / 2).astype(np.float32)
        for n, m in zip(whole, size, strict=True)
    )
    cells = np.stack(
        distort.wrong_crop(across, down, rng, amount=misalignment, middle=MAP_SIDE / 2)
    )
    at = (cells + BORDER) * _FINER - 0.5
    moved = scale * np.stack(
        [
            cv2.remap(plane, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for plane in motion
        ]
    )
    y, x = np.mgrid[: whole[1], : whole[0]].astype(np.float32)
    looked_at = (
        cells / MAP_SIDE * size[:, None, None] + to_rendered[:, None, None] - np.stack([x, y])
    )
    fraction = np.float32(rng.uniform(0.2, 0.8))
    soft = float(rng.exponential(0.4))
    if soft >= 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), soft), np.float32)
    read = spline(image[None])
    return np.concatenate(
        [read.at(looked_at + part * moved) for part in (fraction, fraction - np.float32(1))]
    )


def _estimate(
    estimator: FlowEstimator, frames: UInt8[np.ndarray, "2 h w"]
) -> Float32[np.ndarray, "2 h w"]:
    # Dense inverse search cuts an image into as many strips as there are threads.
    with one_opencv_thread():
        return estimator(frames[0], frames[1])
