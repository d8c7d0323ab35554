"""What GRU-AOFE alone can be asked: its error after each refinement, and its expected error."""

import time
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from benchmarks.flow.suite import COLUMNS, SIDE_PX, border_px, pairs
from hmrm.flow.gru_aofe.estimator import SHIPPED, GruAofeFlow
from hmrm.flow.gru_aofe.weights import load_flow_weights
from hmrm.flow.metrics import FASTEST_FRACTION, endpoint_error
from hmrm.progress import Progress

LOOKED_AT = ("px_0.3", "px_1", "px_3", "noise_5")
MOST_ITERATIONS = 8
_EXCLUDED = np.arange(0.0, 1.0, 0.05)


def look_inside(
    sources: Sequence[np.ndarray], per_image: int, progress: Progress
) -> dict[str, object]:
    """Curves over iterations and the ranking of pixels, of the network alone with shipped weights.

    Returns:
        ``iterations``: column → one (mean error, error on the fastest tenth, px) after each
        refinement; ``iteration_cpu_ms``: processor time with so many; ``ranking``: column → means
        over pairs of what ``ranking`` returns.
    """
    network, card = load_flow_weights(SHIPPED)
    curves: dict[str, list[list[float]]] = {}
    ranked: dict[str, dict[str, float]] = {}
    total, done = len(LOOKED_AT) * len(sources) * per_image, 0
    for key in LOOKED_AT:
        errors, rankings = [], []
        for pair in pairs(COLUMNS[key], sources, per_image):
            frames = (
                torch.from_numpy(f.astype(np.float32))[None, None] for f in (pair.onset, pair.apex)
            )
            with torch.inference_mode():
                found = network(*frames, iterations=MOST_ITERATIONS, every=True)
            border = border_px(SIDE_PX)
            inside = slice(border, -border)
            truth = pair.flow[:, inside, inside]
            speed = np.linalg.norm(truth, axis=0)
            fastest = speed >= np.quantile(speed, 1.0 - FASTEST_FRACTION)
            maps = [endpoint_error(one.flow[0, :, inside, inside].numpy(), truth) for one in found]
            errors.append([(float(m.mean()), float(m[fastest].mean())) for m in maps])
            last = card.config.iterations - 1
            expected = found[last].log_error[0, 0, inside, inside].exp().numpy()
            rankings.append(ranking(maps[last], expected, pair.onset[inside, inside]))
            done += 1
            progress("each refinement, and expected errors", done, total)
        curves[key] = np.mean(errors, axis=0).round(5).tolist()
        ranked[key] = {
            name: round(float(np.mean([one[name] for one in rankings])), 5) for name in rankings[0]
        }
    return {
        "iterations": curves,
        "iteration_cpu_ms": [_cpu_ms(count) for count in range(1, MOST_ITERATIONS + 1)],
        "ranking": ranked,
    }


def ranking(
    error: Float[np.ndarray, "h w"],
    expected: Float[np.ndarray, "h w"],
    image: UInt8[np.ndarray, "h w"],
) -> dict[str, float]:
    """How well the expected error ranks the pixels of one pair.

    Returns:
        ``surest_half_px`` and ``other_half_px``, mean errors; ``expected_px`` and ``error_px``;
        ``ause``, the area between the curve of the mean error that is left as the pixels expected
        to be worst are removed, and the same curve by the true error, in parts of the mean error
        (0: perfect order); the same for the image's gradient (flat pixels out first), the order
        that costs nothing, and for no order at all.
    """
    smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 2.0)
    gradient = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    sure = expected <= np.median(expected)
    best = _left(error, error)
    mean = float(error.mean())
    return {
        "error_px": mean,
        "expected_px": float(expected.mean()),
        "surest_half_px": float(error[sure].mean()),
        "other_half_px": float(error[~sure].mean()),
        "ause": float((_left(error, expected) - best).mean()) / mean,
        "ause_gradient": float((_left(error, -gradient) - best).mean()) / mean,
        "ause_no_order": float((mean - best).mean()) / mean,
    }


def _left(
    error: Float[np.ndarray, "h w"], out_first: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, " k"]:
    """Mean error of what is left when a growing fraction of the pixels is removed."""
    ordered = error.ravel()[np.argsort(out_first.ravel(), kind="stable")]
    counts = np.ceil(ordered.size * (1.0 - _EXCLUDED)).astype(int)
    return np.cumsum(ordered, dtype=np.float64)[counts - 1] / counts


def _cpu_ms(iterations: int) -> float:
    rng = np.random.default_rng(0)
    onset, apex = (rng.integers(0, 255, (SIDE_PX, SIDE_PX), np.uint8) for _ in range(2))
    estimator = GruAofeFlow(iterations=iterations, edges=False)
    times = []
    for _ in range(5):
        start = time.process_time()
        estimator(onset, apex)
        times.append(1000 * (time.process_time() - start))
    return round(float(np.median(times)), 1)
