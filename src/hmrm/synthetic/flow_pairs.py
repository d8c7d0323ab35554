"""Endless pairs of synthetic images with exactly known flow.

Both frames are read from one source, as in ``known_flow.py`` (the benchmark's pairs, with which
this file has neither images nor motion nor noise in common). Frames are kept without noise; the
sensor's errors are new each time a pair is used (``sensor.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float16, Float32, UInt16

from hmrm import atomic, parallel
from hmrm.errors import ConfigError, DataError
from hmrm.flow.spline import spline
from hmrm.progress import Progress, silent
from hmrm.synthetic.flow_fields import Motion, sample_motion, scaled
from hmrm.synthetic.known_flow import flow_between
from hmrm.synthetic.moving_faces import render_moving_face
from hmrm.synthetic.shards import read_shard
from hmrm.synthetic.textures import Plane, graded, render_image

LEVEL_STEPS = 256
"""Stored frames are grey levels times this, as uint16."""

MIRRORED_X = np.array([-1, 1], np.float32)[:, None, None]
MIRRORED_Y = np.array([1, -1], np.float32)[:, None, None]
"""What mirroring the image from left to right, and from top to bottom, makes of its flow."""

_MARGIN_PX = 16


@dataclass(frozen=True, kw_only=True)
class PairsConfig:
    """What the pairs are like.

    Attributes:
        pairs: in the training's pool, which crops, mirroring and fresh noise make endless.
        held_out_pairs: further ones, of another seed, that no step is taken on.
        side_px: of the stored pairs.
        low_px, high_px: longest vector of a pair, log-uniform between them.
        static: fraction of pairs in which nothing moves.
        faces: fraction of pairs that are rendered faces moved by action units.
        occluded: fraction in which something passes in front with a motion of its own.
        layered: fraction in which several things do, small and large: sharp edges of the motion.
        model_path: the morphable face, for some of the faces; None does without.
        identities: faces of the morphable model.
    """

    pairs: int = 2000
    held_out_pairs: int = 48
    side_px: int = 192
    low_px: float = 0.05
    high_px: float = 8.0
    static: float = 0.1
    faces: float = 0.25
    occluded: float = 0.12
    layered: float = 0.0
    model_path: Path | None = None
    identities: int = 24

    def __post_init__(self) -> None:
        if min(self.pairs, self.held_out_pairs, self.identities) < 1 or self.side_px < 32:
            raise ConfigError("pairs: needs a pair, a held-out pair, an identity, and 32 px a side")
        if not 0 < self.low_px <= self.high_px <= _MARGIN_PX:
            raise ConfigError(f"pairs: needs 0 < low_px <= high_px <= {_MARGIN_PX}")
        for name in ("static", "faces", "occluded", "layered"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"pairs: {name} is a fraction; use 0 to 1")


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Frames (onset, apex), grey levels times ``LEVEL_STEPS``, and the flow between them, px."""

    frames: UInt16[np.ndarray, "n 2 s s"]
    flow: Float16[np.ndarray, "n 2 s s"]


def synthesize_pair(
    config: PairsConfig, *, seed: Sequence[int]
) -> tuple[Float32[np.ndarray, "2 s s"], Float32[np.ndarray, "2 s s"]]:
    """One pair: frames in grey levels 0 to 255, and flow in px; a seed gives one pair for ever."""
    rng = np.random.default_rng(list(seed))
    side = config.side_px + 2 * _MARGIN_PX
    largest_px = float(np.exp(rng.uniform(np.log(config.low_px), np.log(config.high_px))))
    if rng.random() < config.static:
        largest_px = 0.0
    frames, flow = _layer(*_moving_image(config, side, rng), largest_px, rng)
    if rng.random() < config.occluded:
        frames, flow = _occlude(frames, flow, largest_px, rng)
    # Nothing is sampled for a fraction of 0: pairs of earlier configs stay the same.
    if config.layered > 0 and rng.random() < config.layered:
        for _ in range(int(rng.integers(2, 7))):
            frames, flow = _occlude(frames, flow, largest_px, rng, widest=0.4)
    inside = slice(_MARGIN_PX, -_MARGIN_PX)
    return np.clip(frames[:, inside, inside], 0, 255), flow[:, inside, inside]


def synthesize_pool(
    config: PairsConfig,
    folder: Path,
    *,
    seed: int,
    held_out: bool,
    workers: int = 1,
    shard: int = 50,
    progress: Progress = silent,
) -> Pairs:
    """All pairs of the training or the held-out pool; shards on disk are not synthesized again.

    Raises:
        OutputError: ``folder`` cannot be written.
    """
    name, count = ("held-out", config.held_out_pairs) if held_out else ("train", config.pairs)
    jobs = [
        (
            (seed, int(held_out)),
            start,
            min(shard, count - start),
            folder / f"{name}-{start:06d}.npz",
        )
        for start in range(0, count, shard)
    ]
    missing = [job for job in jobs if not job[3].exists()]
    done = len(jobs) - len(missing)
    for _ in parallel.run_all(partial(_synthesize_shard, config), missing, workers=workers):
        done += 1
        progress(f"drawing {name} pairs", done, len(jobs))
    frames = np.empty((count, 2, config.side_px, config.side_px), np.uint16)
    flow = np.empty(frames.shape, np.float16)
    for _, start, size, path in jobs:
        stored = read_shard(path, {"frames": ("u", 4), "flow": ("f", 4)}, size)
        if any(values.shape[1:] != frames.shape[1:] for values in stored.values()):
            raise DataError(f"{path}: holds pairs of another size; delete it, and it is made again")
        frames[start : start + size] = stored["frames"]
        flow[start : start + size] = stored["flow"]
    return Pairs(frames=frames, flow=flow)


def _synthesize_shard(config: PairsConfig, job: tuple[tuple[int, int], int, int, Path]) -> None:
    seed, start, count, path = job
    synthetic = [synthesize_pair(config, seed=(*seed, start + i)) for i in range(count)]
    frames = np.stack([np.rint(pair[0] * LEVEL_STEPS).astype(np.uint16) for pair in synthetic])
    flow = np.stack([pair[1].astype(np.float16) for pair in synthetic])
    with atomic.writing(path) as temporary:
        np.savez(temporary, frames=frames, flow=flow)


def _moving_image(
    config: PairsConfig, side_px: int, rng: np.random.Generator
) -> tuple[Plane, Motion]:
    if rng.random() >= config.faces:
        return render_image(side_px, rng), sample_motion(side_px, rng)
    image, motion = render_moving_face(
        side_px, rng, model_path=config.model_path, identities=config.identities
    )
    if rng.random() < 0.4:
        # The head or the camera moves too.
        motion = scaled(motion, 1.0) + rng.uniform(0.2, 1.0) * scaled(
            sample_motion(side_px, rng), 1.0
        )
    return graded(image, rng), motion.astype(np.float32)


def _layer(
    image: Plane, motion: Motion, largest_px: float, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "c h w"], Float32[np.ndarray, "2 h w"]]:
    """Both frames of an image (then of its mask, if it has one) and the flow."""
    motion = scaled(motion, largest_px)
    fraction = np.float32(rng.uniform(0.2, 0.8))
    a, b = motion * fraction, motion * (fraction - 1)
    flow = flow_between(a, b)
    offset = rng.uniform(-0.5, 0.5, (2, 1, 1)).astype(np.float32)
    soft = float(rng.exponential(0.4))
    source = image if soft < 0.3 else cv2.GaussianBlur(image, (0, 0), soft)
    read = spline(source[None].astype(np.float32))
    return np.concatenate([read.at(a + offset), read.at(b + offset)]), flow


def _occlude(
    frames: Float32[np.ndarray, "2 h w"],
    flow: Float32[np.ndarray, "2 h w"],
    largest_px: float,
    rng: np.random.Generator,
    *,
    widest: float = 0.25,
) -> tuple[Float32[np.ndarray, "2 h w"], Float32[np.ndarray, "2 h w"]]:
    """Something stiff in front, with edges as sharp as a lens leaves them: glasses, hair, hands."""
    side = frames.shape[1]
    x, y = np.meshgrid(*[np.arange(side, dtype=np.float32)] * 2)
    step = rng.uniform(-1, 1, 2) * min(largest_px, 6.0)
    image = spline(render_image(side, rng)[None])
    front, turn = rng.uniform(0.1, 0.9, 2) * side, rng.uniform(0, np.pi)
    radii = rng.uniform(0.03, widest, 2) * side
    seen, masks = [], []
    for fraction in (0.0, 1.0):
        move = fraction * step
        far_x, far_y = x - front[0] - move[0], y - front[1] - move[1]
        along = np.abs(np.cos(turn) * far_x + np.sin(turn) * far_y) / radii[0]
        across = np.abs(np.cos(turn) * far_y - np.sin(turn) * far_x) / radii[1]
        edge = (1 - (along**4 + across**4) ** 0.25) * radii.min()
        masks.append(np.clip(edge + 0.5, 0, 1))
        shift = np.broadcast_to(-move[:, None, None], (2, side, side)).astype(np.float32)
        seen.append(image.at(shift)[0])
    frames = np.stack([f + m * (s - f) for f, m, s in zip(frames, masks, seen, strict=True)])
    flow = np.where(masks[0] > 0.5, step[:, None, None], flow)
    return frames.astype(np.float32), flow.astype(np.float32)


def crop_of(
    pairs: Pairs,
    index: int,
    size_hw_px: tuple[int, int],
    rng: np.random.Generator,
    *,
    shrunk: float = 0.0,
) -> tuple[Float[np.ndarray, "2 h w"], Float[np.ndarray, "2 h w"]]:
    """A random part of a pair, turned and mirrored at random: frames 0 to 255, flow px.

    Args:
        shrunk: fraction of the crops before which the pair is reduced, at most to the crop's size.
    """
    frames, flow = pairs.frames[index], pairs.flow[index].astype(np.float32)
    if shrunk > 0 and rng.random() < shrunk:
        frames, flow = _reduced(frames, flow, int(rng.integers(max(size_hw_px), frames.shape[-1])))
    if rng.random() < 0.5:
        frames, flow = frames.transpose(0, 2, 1), flow[::-1].transpose(0, 2, 1)
    side = frames.shape[-1]
    top, left = (int(rng.integers(side - size + 1)) for size in size_hw_px)
    rows, columns = slice(top, top + size_hw_px[0]), slice(left, left + size_hw_px[1])
    frames, flow = frames[:, rows, columns], flow[:, rows, columns]
    if rng.random() < 0.5:
        frames, flow = frames[..., ::-1], flow[..., ::-1] * MIRRORED_X
    if rng.random() < 0.5:
        frames, flow = frames[:, ::-1], flow[:, ::-1] * MIRRORED_Y
    return frames.astype(np.float32) / LEVEL_STEPS, flow


def _reduced(
    frames: UInt16[np.ndarray, "2 s s"], flow: Float32[np.ndarray, "2 s s"], side_px: int
) -> tuple[UInt16[np.ndarray, "2 t t"], Float32[np.ndarray, "2 t t"]]:
    """The pair as a smaller image; its flow is in the new px."""
    planes = [
        cv2.resize(plane, (side_px, side_px), interpolation=cv2.INTER_AREA)
        for plane in (*frames.astype(np.float32), *flow)
    ]
    smaller = np.rint(np.stack(planes[:2])).astype(np.uint16)
    return smaller, np.stack(planes[2:]) * np.float32(side_px / frames.shape[-1])
