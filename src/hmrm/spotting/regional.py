"""Displacement of a face's regions over time: its shape, smoothing, and where rest lies in it."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from hmrm.spotting.disk_rows import DiskRows


@runtime_checkable
class RegionalMotion(Protocol):
    """What registration gives for one face; see ``MotionSignal``."""

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions."""

    @property
    def index(self) -> Int[np.ndarray, " t"]:
        """Zero-based frames, increasing."""

    @property
    def time_s(self) -> Float[np.ndarray, " t"]:
        """Their times."""

    @property
    def motion_px(self) -> "Float[np.ndarray, 't r 2'] | DiskRows":
        """Displacement of each region against the head, px of the canonical crop."""

    @property
    def eye_change(self) -> Float[np.ndarray, " t"]:
        """How different the eyes look than shortly before, 0 to 2."""

    @property
    def segment(self) -> Int[np.ndarray, " t"]:
        """Rows of one number belong together."""


def segments(signal: RegionalMotion) -> list[Int[np.ndarray, " n"]]:
    """Rows of every stretch within which displacement may be compared."""
    edges = np.flatnonzero(np.diff(signal.segment)) + 1
    return np.split(np.arange(len(signal.index)), edges)


def smooth(columns: Float[np.ndarray, "t k"], sigma: float) -> Float[np.ndarray, "t k"]:
    """Gaussian along time; the ends are repeated."""
    reach = int(np.ceil(3 * sigma))
    if sigma < 0.3 or len(columns) < 2:
        return columns
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(columns, ((reach, reach), (0, 0)), mode="edge")
    smooth = np.zeros_like(columns)
    for i, weight in enumerate(kernel.tolist()):
        smooth += weight * padded[i : i + len(columns)]
    return smooth


def bridged(
    columns: Float[np.ndarray, "t k"], away: Bool[np.ndarray, " t"]
) -> Float[np.ndarray, "t k"]:
    """Straight lines across blinks and displacements: they would pass for the resting place."""
    if away.all():
        return columns
    rows, rest = np.arange(len(columns)), np.flatnonzero(~away)
    return np.stack([np.interp(rows, rest, column[rest]) for column in columns.T], axis=1)


def running_rest(columns: Float[np.ndarray, "t k"], window: float) -> Float[np.ndarray, "t k"]:
    """Running median along time, on every few rows and straight lines between."""
    stride = max(1, int(window / 24))
    half = max(1, round(window / 2))
    centres = np.unique(np.append(np.arange(0, len(columns), stride), len(columns) - 1))
    medians = np.stack(
        [np.median(columns[max(0, c - half) : c + half + 1 : stride], axis=0) for c in centres]
    )
    rows = np.arange(len(columns))
    return np.stack([np.interp(rows, centres, column) for column in medians.T], axis=1)


def rest_between_ends(
    columns: Float[np.ndarray, "t k"], away: Bool[np.ndarray, " t"]
) -> Float[np.ndarray, "t k"]:
    """A straight line from the first quiet rows to the last.

    A clip that was cut around a movement is at rest at its ends.
    """
    quiet = np.flatnonzero(~away)
    if len(quiet) < 2:
        quiet = np.arange(len(columns))
    some = max(1, len(quiet) // 10)
    first, last = quiet[:some], quiet[-some:]
    rows = np.arange(len(columns), dtype=np.float64)
    ends = [float(first.mean()), float(last.mean())]
    return np.stack(
        [
            np.interp(rows, ends, [np.median(column[first]), np.median(column[last])])
            for column in columns.T
        ],
        axis=1,
    )


def values_at(
    index: Int[np.ndarray, " n"], values: Bool[np.ndarray, " n"], expected: Int[np.ndarray, " m"]
) -> Bool[np.ndarray, " m"]:
    """Values at other frames: of the nearest frame before, the first one's before all."""
    place: Float[np.ndarray, " m"] | Int[np.ndarray, " m"] = np.searchsorted(
        index, expected, side="right"
    )
    return values[np.clip(place - 1, 0, len(values) - 1)]
