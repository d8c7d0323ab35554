"""The measurement: errors, CPU time and memory of each method."""

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from skimage.registration import optical_flow_ilk

from benchmarks.flow.suite import COLUMNS, SIDE_PX, border_px, images, pairs
from hmrm.flow.classical import DualTVL1, FlowEstimator
from hmrm.flow.estimate import ESTIMATORS
from hmrm.flow.gru_aofe.estimator import GruAofeFlow
from hmrm.flow.metrics import flow_scores, mean_scores
from hmrm.parallel import single_thread
from hmrm.progress import Progress


def _zero(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    del apex
    return np.zeros((2, *onset.shape), np.float32)


def _sparse_to_dense(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    flow = cv2.optflow.calcOpticalFlowSparseToDense(onset, apex)
    return np.ascontiguousarray(flow.transpose(2, 0, 1))


def _ilk(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    v, u = optical_flow_ilk(onset, apex, radius=12, dtype=np.float32)
    return np.stack([u, v])


METHODS: Mapping[str, Callable[[], FlowEstimator]] = {
    "zero flow": lambda: _zero,
    **ESTIMATORS,
    "tvl1 without matching": lambda: DualTVL1(matched=False),
    "SparseToDense (OpenCV)": lambda: _sparse_to_dense,
    "iLK r = 12 (scikit-image)": lambda: _ilk,
}
"""All registered methods, and baselines that the package does not wrap."""


def with_learned(
    weights: Mapping[str, Path], iterations: Sequence[int] = ()
) -> dict[str, Callable[[], FlowEstimator]]:
    """``METHODS``, and GRU-AOFE with weights that are not shipped, by the name of their row.

    Args:
        iterations: further rows of each, with so many refinements.
    """
    found = dict(METHODS)
    for name, path in weights.items():
        found[name] = partial(GruAofeFlow, weights=path)
        for count in iterations:
            row = f"{name}, {count} iterations"
            found[row] = partial(GruAofeFlow, weights=path, iterations=count)
    return found


def measure(
    methods: Mapping[str, Callable[[], FlowEstimator]],
    *,
    image_count: int,
    per_image: int,
    progress: Progress,
) -> dict[str, dict[str, object]]:
    """Method → column → mean scores and spread; and CPU ms at 224 × 224, and memory.

    One thread throughout. CPU time is the process's own, the median over all pairs of 224 px.
    """
    single_thread()
    sources = list(images().values())[:image_count]
    estimators = {name: build() for name, build in methods.items()}
    cpu_ms: dict[str, list[float]] = {name: [] for name in methods}
    columns: dict[str, dict[str, object]] = {name: {} for name in methods}
    total, done = len(COLUMNS) * len(sources) * per_image, 0
    for key, column in COLUMNS.items():
        scores: dict[str, list] = {name: [] for name in methods}
        for pair in pairs(column, sources, per_image):
            side = pair.onset.shape[0]
            for name, estimator in estimators.items():
                start = time.process_time()
                flow = estimator(pair.onset, pair.apex)
                if side == SIDE_PX:
                    cpu_ms[name].append(1000 * (time.process_time() - start))
                scores[name].append(flow_scores(flow, pair.flow, border_px=border_px(side)))
            done += 1
            progress("flow benchmark", done, total)
        for name in methods:
            columns[name][key] = _summary(scores[name])
    return {
        name: {
            "columns": columns[name],
            "cpu_ms_224": round(float(np.median(cpu_ms[name])), 1),
            "peak_memory_mb_224": peak_memory_mb(name, methods[name]),
        }
        for name in methods
    }


def peak_memory_mb(name: str, build: Callable[[], FlowEstimator]) -> float | None:
    """What a process grows by while it estimates one pair of 224 × 224; None if not on Linux."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        # Those of METHODS are lambdas, which another process finds by their name only.
        return pool.apply(_peak_memory_mb, (name, None if name in METHODS else build))


def _peak_memory_mb(name: str, build: Callable[[], FlowEstimator] | None) -> float | None:
    single_thread()
    rng = np.random.default_rng(0)
    onset, apex = (rng.integers(0, 255, (SIDE_PX, SIDE_PX), np.uint8) for _ in range(2))
    estimator = (build or METHODS[name])()
    # A first, tiny pair loads what is loaded once.
    estimator(onset[:32, :32], apex[:32, :32])
    try:
        # Linux: sets the peak back to what is held now; the imports' own peak would hide ours.
        Path("/proc/self/clear_refs").write_text("5")
        before = _peak_kb()
        estimator(onset, apex)
        return round((_peak_kb() - before) / 1024, 1)
    except OSError:
        return None


def _peak_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def _summary(scores: list) -> dict[str, object]:
    epe = [score.epe_px for score in scores]
    spread = float(np.std(epe, ddof=1) / np.sqrt(len(epe))) if len(epe) > 1 else 0.0
    mean = {key: _rounded(value) for key, value in asdict(mean_scores(scores)).items()}
    each = {
        part: [round(getattr(score, part), 5) for score in scores]
        for part in ("epe_px", "epe_fastest_px", "length_px")
    }
    return {
        "pairs": len(scores),
        **mean,
        "epe_standard_error_px": _rounded(spread),
        "pairs_px": each,
    }


def _rounded(value: float | tuple[float, ...]) -> object:
    if isinstance(value, tuple):
        return [round(v, 5) for v in value]
    return round(value, 5)
