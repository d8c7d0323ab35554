"""Things that pass in front of each other: ``python -m benchmarks.flow.passing``.

Faces have few sharp edges of motion, filmed scenes have many, and no column of
``benchmarks.flow`` holds one. Here seven textured things, each with an affine motion of its own (3
to 7 px at the fastest pixel of a scene), lie upon each other, with edges as sharp as a lens leaves
them. What is hidden in the apex keeps the motion of the thing that it belongs to. Writes the JSON,
and the table into the page of ``benchmarks.flow``. The seed of these scenes was fixed before
``flow/edges.py`` was written.
"""

import argparse
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from benchmarks.flow.measure import METHODS
from benchmarks.flow.page import PASSING, page
from benchmarks.flow.suite import images, images_hash
from hmrm import atomic, provenance
from hmrm.cli.terminal import progress_bar
from hmrm.flow.gru_aofe.estimator import GruAofeFlow
from hmrm.flow.metrics import flow_scores
from hmrm.flow.spline import Spline, spline
from hmrm.parallel import single_thread
from hmrm.progress import Progress
from hmrm.synthetic.known_flow import KnownPair

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_252
HEIGHT_PX, WIDTH_PX = 388, 584
GAINS = (0.0, 0.03)
ALONE = "gru-aofe, network alone"
KNOWN = {**METHODS, ALONE: partial(GruAofeFlow, edges=False)}
ROWS = ("zero flow", "tvl1", "deepflow", "dis", "farneback", "gru-aofe", ALONE, "gru-aofe-fast")
_THINGS = 6
_EDGE_PX = 1.2
_NOISE = 1.5
_MARGIN_PX = 24
_SEEN = (slice(_MARGIN_PX, -_MARGIN_PX), slice(_MARGIN_PX, -_MARGIN_PX))
_NEAR_EDGE_PX = 10.0


def main() -> None:
    """Draw, estimate, compare; write the JSON and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flow.passing", description=__doc__)
    parser.add_argument("--scenes", type=int, default=10)
    parser.add_argument("--methods", nargs="+", choices=list(KNOWN), default=list(ROWS))
    parser.add_argument("--json", type=Path, default=PASSING, help="another leaves the page alone")
    given = parser.parse_args()
    single_thread()
    sources = images()
    with progress_bar(enabled=True) as bar:
        methods = measure(given.methods, list(sources.values()), given.scenes, bar)
    result = {
        "provenance": provenance.stamp(data_hash=images_hash(sources), seeds=(SEED,)),
        "scenes": given.scenes,
        "size_wh_px": [WIDTH_PX, HEIGHT_PX],
        "gains": list(GAINS),
        "methods": methods,
    }
    atomic.write_text(given.json, json.dumps(result, indent=1) + "\n")
    if given.json == PASSING:
        measured = json.loads((ROOT / "benchmarks/flow/results.json").read_text(encoding="utf-8"))
        atomic.write_text(ROOT / "docs/benchmarks/flow.md", page(measured))


def measure(
    names: Sequence[str], sources: Sequence[np.ndarray], count: int, progress: Progress
) -> dict[str, dict[str, list[float]]]:
    """Method → errors of each scene (by gain; near edges; median), px, and seconds of one core."""
    estimators = {name: KNOWN[name]() for name in names}
    found: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    for index in range(count):
        for gain in GAINS:
            pair = scene(index, sources, gain=gain)
            near = near_edges(pair.flow)
            for name, estimator in estimators.items():
                start = time.process_time()
                flow = estimator(pair.onset, pair.apex)
                spent = time.process_time() - start
                error = np.linalg.norm(flow - pair.flow, axis=0)
                row = {f"epe_px gain {gain}": flow_scores(flow, pair.flow, border_px=0).epe_px}
                if gain == 0:
                    row["median_px"] = float(np.median(error))
                    row["near_edges_px"] = float(error[near].mean())
                    row["elsewhere_px"] = float(error[~near].mean())
                    row["cpu_s"] = spent
                for key, value in row.items():
                    found[name].setdefault(key, []).append(round(float(value), 5))
        progress("scenes", index + 1, count)
    return found


def scene(index: int, sources: Sequence[np.ndarray], *, gain: float) -> KnownPair:
    """Scene ``index``: the same for ever, whatever else is rendered; the noise, too."""
    rng = np.random.default_rng([SEED, index])
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX].astype(np.float64)
    here = np.stack([x, y])
    frames = np.zeros((2, HEIGHT_PX, WIDTH_PX))
    flow = np.zeros((2, HEIGHT_PX, WIDTH_PX))
    for thing in range(1 + _THINGS):
        moved, origin = _affine(here, scale_px=0.6 if thing == 0 else 1.2, rng=rng)
        levels = _texture(sources, rng)
        shape = _outline(rng) if thing else None
        for frame, at in enumerate((here, origin)):
            mask = 1.0 if shape is None else _covered(shape, at)
            frames[frame] = frames[frame] * (1 - mask) + mask * levels.at(_in_texture(at))[0][_SEEN]
        inside = True if shape is None else _covered(shape, here) > 0.5
        flow = np.where(inside, moved - here, flow)
    frames[1] *= 1 + gain
    noisy = frames + rng.normal(0.0, _NOISE, frames.shape)
    onset, apex = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return KnownPair(onset=onset, apex=apex, flow=flow.astype(np.float32))


def near_edges(flow: Float[np.ndarray, "2 h w"]) -> np.ndarray:
    """Pixels within 10 px of a jump of the motion by .3 px or more."""
    across = np.abs(np.diff(flow, axis=2, prepend=flow[:, :, :1])).sum(axis=0)
    down = np.abs(np.diff(flow, axis=1, prepend=flow[:, :1])).sum(axis=0)
    still = ((across + down) < 0.3).astype(np.uint8)
    return cv2.distanceTransform(still, cv2.DIST_L2, 5) < _NEAR_EDGE_PX


def _affine(
    here: Float[np.ndarray, "2 h w"], *, scale_px: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of the onset goes, and where each of the apex comes from."""
    shift = rng.normal(0.0, scale_px, (2, 1, 1))
    turn = rng.normal(0.0, 0.004 * scale_px, (2, 2))
    centre = (rng.random(2) * (WIDTH_PX, HEIGHT_PX)).reshape(2, 1, 1)
    forward = np.eye(2) + turn
    moved = centre + shift + np.tensordot(forward, here - centre, axes=1)
    origin = centre + np.tensordot(np.linalg.inv(forward), here - shift - centre, axes=1)
    return moved, origin


def _texture(sources: Sequence[np.ndarray], rng: np.random.Generator) -> Spline:
    """An image, mirrored at random, tiled and enlarged by 1.4 to 1.6 times to fill the scene."""
    source = sources[int(rng.integers(len(sources)))]
    if rng.random() < 0.5:
        source = source[:, ::-1]
    size = (WIDTH_PX + 2 * _MARGIN_PX, HEIGHT_PX + 2 * _MARGIN_PX)
    tiled = np.concatenate([source, source[:, ::-1]], axis=1)
    tiled = np.concatenate([tiled, tiled[::-1]], axis=0)
    factor = max(float(rng.uniform(1.0, 1.6)), size[0] / tiled.shape[1], size[1] / tiled.shape[0])
    large = cv2.resize(tiled, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return spline(large[None, : size[1], : size[0]].astype(np.float32))


def _in_texture(at: Float[np.ndarray, "2 h w"]) -> np.ndarray:
    """Displacement at every pixel of the texture, of which only the scene's are used."""
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    wide = ((0, 0), (_MARGIN_PX, _MARGIN_PX), (_MARGIN_PX, _MARGIN_PX))
    return np.pad(at - np.stack([x, y]), wide)


def _outline(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A lobed thing: middle, radius, and the lobes' sizes and phases."""
    return {
        "middle": rng.random(2) * (WIDTH_PX, HEIGHT_PX),
        "radius": np.array(rng.uniform(40, 120)),
        "size": rng.uniform(0, 0.15, 6),
        "phase": rng.uniform(0, 2 * np.pi, 6),
    }


def _covered(shape: dict[str, np.ndarray], at: Float[np.ndarray, "2 h w"]) -> np.ndarray:
    """Fraction of each pixel that the thing covers, where ``at`` states what is seen there."""
    x, y = at - shape["middle"].reshape(2, 1, 1)
    angle = np.arctan2(y, x)
    lobes = zip(shape["size"], shape["phase"], strict=True)
    waves = sum(size * np.cos((k + 1) * angle + phase) for k, (size, phase) in enumerate(lobes))
    return np.clip(0.5 + (shape["radius"] * (1 + waves) - np.hypot(x, y)) / _EDGE_PX, 0, 1)


if __name__ == "__main__":
    main()
