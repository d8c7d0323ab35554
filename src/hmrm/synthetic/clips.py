"""Short clips with exact truth: a photograph warped by action units, head motion and a camera."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from hmrm.clip import Frame
from hmrm.errors import ConfigError
from hmrm.facs.atlas import ActionUnit, AtlasSource, MotionSource
from hmrm.synthetic.placement import Placement

_SAMPLES, _MARGIN = 256, 0.4
_INVERSE_ROUNDS = 12
_INVERSE_TOLERANCE_PX = 1e-3

# Oversampling of the placed photo: OpenCV rounds sample positions to 1/32 px of the image it
# reads, which is 1/64 px of a frame; and a cubic kernel loses no detail there.
_FINER = 2


@dataclass(frozen=True, kw_only=True)
class Expression:
    """Action units that rise together, stay and fade: raised-cosine flanks around a hold."""

    units: tuple[ActionUnit, ...]
    onset_s: float
    rise_s: float = 0.12
    hold_s: float = 0.04
    decay_s: float = 0.14

    def __post_init__(self) -> None:
        """Refuse times no clip can hold."""
        times = (self.onset_s, self.rise_s, self.hold_s, self.decay_s)
        if not all(math.isfinite(t) and t >= 0 for t in times):
            raise ConfigError(f"expression: times {times} s; use finite seconds of 0 or more")

    def amplitude(self, time_s: float) -> float:
        """How much of the units' intensity shows at a time: 0 to 1."""
        since = time_s - self.onset_s
        if since <= 0 or since >= self.rise_s + self.hold_s + self.decay_s:
            return 0.0
        if since < self.rise_s:
            return 0.5 - 0.5 * math.cos(math.pi * since / self.rise_s)
        if since <= self.rise_s + self.hold_s:
            return 1.0
        fading = (since - self.rise_s - self.hold_s) / self.decay_s
        return 0.5 + 0.5 * math.cos(math.pi * fading)


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """Camera and head; amplitudes are peak values over the clip.

    ``sway_px`` and ``drift_px`` are frame px, ``noise_sigma`` grey levels of 255, ``flicker`` the
    relative change of brightness.
    """

    size_wh_px: tuple[int, int] = (640, 480)
    frames_per_s: float = 100.0
    duration_s: float = 4.0
    eye_distance_px: float = 108.0
    sway_px: float = 1.5
    drift_px: float = 3.0
    roll_deg: float = 0.5
    zoom: float = 0.004
    noise_sigma: float = 2.0
    flicker: float = 0.01
    blinks_per_min: float = 15.0

    def __post_init__(self) -> None:
        """Refuse clips without a frame and faces without pixels."""
        if self.frame_count < 2 or min(self.size_wh_px) < 16 or self.eye_distance_px < 8:
            raise ConfigError(
                f"clip config: {self.frame_count} frames of {self.size_wh_px} px with eyes "
                f"{self.eye_distance_px} px apart; need 2 frames, 16 px and 8 px at least"
            )
        if min(self.noise_sigma, self.flicker, self.blinks_per_min) < 0:
            raise ConfigError("clip config: noise, flicker and blinks must be 0 or more")

    @property
    def frame_count(self) -> int:
        """Frames in the clip."""
        return round(self.duration_s * self.frames_per_s)


@dataclass(frozen=True, kw_only=True)
class TruthEvent:
    """When some units move: last neutral frame, first frame of full strength, next neutral one."""

    onset_index: int
    apex_index: int
    offset_index: int
    units: tuple[ActionUnit, ...]


@dataclass(frozen=True, kw_only=True)
class ClipTruth:
    """What was put into a clip: expressions apart from nuisance (blinks, gaze and the like)."""

    frames_per_s: float
    frame_count: int
    events: tuple[TruthEvent, ...]
    nuisances: tuple[TruthEvent, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RenderedClip:
    """A clip that renders its frames on demand, and the exact motion between any two of them.

    Frame ``i`` is the same whenever and however often it is rendered. A point x of the placed
    photograph lies at ``M_i (x + D_i(x))`` in frame i, with D the sum of the active fields and M
    the head's similarity transform.
    """

    config: ClipConfig
    truth: ClipTruth
    image: UInt8[np.ndarray, "a b"] | UInt8[np.ndarray, "a b 3"]
    points_xy_px: Float[np.ndarray, "n 2"]
    expressions: tuple[Expression, ...]
    fields: tuple[Float32[np.ndarray, "h w 2"], ...] = field(repr=False)
    head: Float[np.ndarray, "t 2 3"] = field(repr=False)
    gains: Float[np.ndarray, " t"] = field(repr=False)
    noise_seed: int = 0

    @cached_property
    def noise_tape(self) -> Float32[np.ndarray, " k"]:
        """Normal numbers, half as many again as a frame has values."""
        count = int(1.5 * math.prod(self.config.size_wh_px) * (self.image[0, 0].size))
        return np.random.default_rng(self.noise_seed).standard_normal(count, np.float32)

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Draw the frames one after another; memory does not grow with their number."""
        for index in range(start, self.config.frame_count):
            yield self.frame(index)

    def frame(self, index: int) -> Frame:
        """Draw one frame."""
        x, y = self._origin(index)
        to_finer = (_FINER - 1) / 2
        moved = cv2.remap(
            self.image,
            x * _FINER + to_finer,
            y * _FINER + to_finer,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        # A slice of one long noise tape at a random place: sampling normal numbers again for every
        # frame would take longer than the warp.
        generator = np.random.default_rng([self.noise_seed, index])
        start = int(generator.integers(self.noise_tape.size - moved.size))
        noise = self.noise_tape[start : start + moved.size].reshape(moved.shape)
        image = cv2.addWeighted(
            moved, self.gains[index], noise, self.config.noise_sigma, 0.0, dtype=cv2.CV_8U
        )
        return Frame(index=index, time_s=index / self.config.frames_per_s, image=image)

    def flow(self, first: int, second: int) -> Float32[np.ndarray, "2 h w"]:
        """Exact motion from one frame to another, px of the frame, noise and light aside."""
        x, y = self._origin(first)
        moved_x, moved_y = x, y
        displacement = self._displacement(second)
        if displacement is not None:
            at = _sample(displacement, x, y)
            moved_x, moved_y = x + at[..., 0], y + at[..., 1]
        m = self.head[second].astype(np.float64)
        grid_y, grid_x = np.indices(x.shape, dtype=np.float64)
        u = m[0, 0] * moved_x + m[0, 1] * moved_y + m[0, 2] - grid_x
        v = m[1, 0] * moved_x + m[1, 1] * moved_y + m[1, 2] - grid_y
        return np.stack([u, v]).astype(np.float32)

    def points_at(self, index: int) -> Float[np.ndarray, "n 2"]:
        """Where the given landmarks lie in a frame."""
        points = self.points_xy_px
        displacement = self._displacement(index)
        if displacement is not None:
            xy = points.astype(np.float32)
            points = points + _sample(displacement, xy[:, 0], xy[:, 1])[:, 0]
        return points @ self.head[index][:, :2].T + self.head[index][:, 2]

    def _displacement(self, index: int) -> Float32[np.ndarray, "h w 2"] | None:
        time_s = index / self.config.frames_per_s
        amplitudes = [e.amplitude(time_s) for e in self.expressions]
        total: np.ndarray | None = None
        for amplitude, one in zip(amplitudes, self.fields, strict=True):
            if amplitude > 0:
                part = one * np.float32(amplitude)
                total = part if total is None else total + part
        return total

    def _origin(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Point of the placed photograph that each pixel of a frame shows."""
        width, height = self.config.size_wh_px
        inverse = cv2.invertAffineTransform(self.head[index])
        rows, columns = np.arange(height)[:, None], np.arange(width)
        x, y = (
            (one[1] * rows).astype(np.float32) + (one[0] * columns + one[2]).astype(np.float32)
            for one in inverse
        )
        displacement = self._displacement(index)
        if displacement is None:
            return x, y
        return _solve_origin(displacement, x, y)


def render_clip(
    photo: UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"],
    points_xy_px: Float[np.ndarray, "n 2"],
    expressions: Sequence[Expression],
    config: ClipConfig,
    *,
    rng: np.random.Generator,
    nuisances: Sequence[Expression] = (),
    source: MotionSource | None = None,
) -> RenderedClip:
    """Turn one photograph into a clip.

    Args:
        photo: any face, grey or RGB; it is scaled so that its eyes lie ``eye_distance_px`` apart
            and put in the middle of the frame, mirrored at its borders where it does not fill it.
        points_xy_px: 5 points (image-left eye, image-right eye, nose, image-left and image-right
            mouth corner) or 68 landmarks, px of the photo.
        nuisances: movements that are no expression, besides the blinks of the config.
        source: where the motion comes from; the atlas on this face by default.
        rng: the only source of randomness.

    Raises:
        ConfigError: neither 5 nor 68 points, or an expression that the clip does not hold whole.
    """
    placement = Placement.of(
        points_xy_px, size_wh_px=config.size_wh_px, eye_distance_px=config.eye_distance_px
    )
    source = source or AtlasSource(placement.landmarks_crop_px)
    _check_whole(expressions, config)
    others = (*nuisances, *_blinks(config, placement, rng))
    image = placement.place(photo, finer=_FINER)
    everything = (*expressions, *others)
    crop_flows = [source.flow(e.units, _SAMPLES, _MARGIN) for e in everything]
    return RenderedClip(
        config=config,
        truth=ClipTruth(
            frames_per_s=config.frames_per_s,
            frame_count=config.frame_count,
            events=tuple(_truth(e, config) for e in expressions),
            nuisances=tuple(_truth(e, config) for e in others),
        ),
        image=image,
        points_xy_px=placement.points_frame_px,
        expressions=everything,
        fields=tuple(placement.to_frame(flow, size=_SAMPLES) for flow in crop_flows),
        head=_head_motion(config, placement, rng),
        gains=1.0 + config.flicker * _wander(config, rng, slowest_hz=0.3, fastest_hz=8.0),
        noise_seed=int(rng.integers(2**31)),
    )


def _check_whole(expressions: Sequence[Expression], config: ClipConfig) -> None:
    for expression in expressions:
        end_s = expression.onset_s + expression.rise_s + expression.hold_s + expression.decay_s
        if end_s > config.duration_s:
            raise ConfigError(
                f"expression: ends at {end_s:.2f} s in a clip of {config.duration_s:.2f} s; "
                "make the clip longer or the expression earlier"
            )


def _truth(expression: Expression, config: ClipConfig) -> TruthEvent:
    rate = config.frames_per_s
    apex_s = expression.onset_s + expression.rise_s
    return TruthEvent(
        onset_index=round(expression.onset_s * rate),
        apex_index=round((apex_s + expression.hold_s / 2) * rate),
        offset_index=round((apex_s + expression.hold_s + expression.decay_s) * rate),
        units=expression.units,
    )


def _blinks(config: ClipConfig, placement: Placement, rng: np.random.Generator) -> list[Expression]:
    blinks = []
    time_s = rng.exponential(60.0 / config.blinks_per_min) if config.blinks_per_min else math.inf
    while time_s < config.duration_s:
        # Lids meet when the upper one has covered most of the aperture. Closing is fast (about
        # 0.1 s), opening slower, as in eyelid kinematics.
        depth_px = placement.eye_aperture_crop_px * rng.uniform(0.6, 0.85)
        blinks.append(
            Expression(
                units=(ActionUnit(45, "both", depth_px),),
                onset_s=time_s,
                rise_s=rng.uniform(0.07, 0.11),
                hold_s=rng.uniform(0.01, 0.06),
                decay_s=rng.uniform(0.12, 0.2),
            )
        )
        time_s += 0.5 + rng.exponential(60.0 / config.blinks_per_min)
    return blinks


def _head_motion(
    config: ClipConfig, placement: Placement, rng: np.random.Generator
) -> Float[np.ndarray, "t 2 3"]:
    """Similarity transform of each frame about the face's middle; the first one is the identity."""
    sway = [config.sway_px * _wander(config, rng) for _ in range(2)]
    heading = rng.uniform(0.0, 2.0 * math.pi)
    progress = np.linspace(0.0, config.drift_px, config.frame_count)
    angle = np.deg2rad(config.roll_deg) * _wander(config, rng)
    scale = 1.0 + config.zoom * _wander(config, rng)
    middle = placement.face_middle_frame_px
    transforms = np.zeros((config.frame_count, 2, 3))
    transforms[:, 0, 0] = transforms[:, 1, 1] = scale * np.cos(angle)
    transforms[:, 1, 0] = scale * np.sin(angle)
    transforms[:, 0, 1] = -transforms[:, 1, 0]
    moved = np.stack(
        [sway[0] + progress * math.cos(heading), sway[1] + progress * math.sin(heading)], axis=1
    )
    transforms[:, :, 2] = middle + moved - transforms[:, :, :2] @ middle
    return transforms


def _wander(
    config: ClipConfig,
    rng: np.random.Generator,
    *,
    slowest_hz: float = 0.1,
    fastest_hz: float = 1.2,
) -> Float[np.ndarray, " t"]:
    """A smooth random path from 0, within about ±1: few sines whose power falls with frequency."""
    times_s = np.arange(config.frame_count) / config.frames_per_s
    total = np.zeros(config.frame_count)
    for _ in range(6):
        frequency = math.exp(rng.uniform(math.log(slowest_hz), math.log(fastest_hz)))
        phase = rng.uniform(0.0, 2.0 * math.pi)
        weight = rng.normal() * (slowest_hz / frequency) ** 0.5
        total += weight * (np.sin(2.0 * math.pi * frequency * times_s + phase) - math.sin(phase))
    return total / max(1.0, float(np.abs(total).max()))


def _solve_origin(
    displacement: Float32[np.ndarray, "h w 2"],
    x: Float32[np.ndarray, "a b"],
    y: Float32[np.ndarray, "a b"],
) -> tuple[np.ndarray, np.ndarray]:
    """Solve ``p + D(p) = (x, y)`` by fixed point; the error shrinks by D's slope every round."""
    before = _sample(displacement, x, y)
    for _ in range(_INVERSE_ROUNDS):
        moved = _sample(displacement, x - before[..., 0], y - before[..., 1])
        change = cv2.norm(moved, before, cv2.NORM_INF)
        before = moved
        if change < _INVERSE_TOLERANCE_PX:
            break
    return x - before[..., 0], y - before[..., 1]


def _sample(
    values: Float32[np.ndarray, "h w 2"], x: np.ndarray, y: np.ndarray
) -> Float32[np.ndarray, "a b 2"]:
    sampled = cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return sampled.reshape(x.shape[0], -1, 2)
