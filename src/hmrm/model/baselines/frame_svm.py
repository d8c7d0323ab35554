"""What the machines on frame sequences share: clips read from files, each described once.

Their ``maps`` are the names of files that `hmrm.flow.aligned_frames` reads (`MapKind` ``frames``).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float64, Shaped, UInt8

from hmrm.flow.aligned_frames import AlignedFrames, read_aligned_frames
from hmrm.model.baselines.kernel_svm import KernelSvm, Rows
from hmrm.model.contract import MapKind

SIDE_PX = 160
TIME_RADIUS_S = 0.02
"""Half a neighbourhood in time: 4 frames at 200 a second, the best radius reported (CASME II)."""


@dataclass(frozen=True, kw_only=True)
class FrameSvm(KernelSvm):
    """A linear `KernelSvm` on a description of each clip's frames; C = 1, balanced classes.

    Attributes:
        time_radius: frames; 0 takes `TIME_RADIUS_S` at the clip's frame rate, at least 1.
    """

    cost: float = 1.0
    map_kind: MapKind = "frames"
    time_radius: int = 0

    def rows(self, maps: Shaped[np.ndarray, " n"]) -> Rows:
        """One description per file."""
        return np.stack([_described(self, str(name)) for name in maps])

    def describe_clip(self, clip: AlignedFrames) -> Float64[np.ndarray, " d"]:
        """One row of numbers for one clip; each machine's own."""
        raise NotImplementedError

    def radius_of(self, clip: AlignedFrames) -> int:
        """The radius in time of this clip, frames; 4 where its frame rate is unknown."""
        if self.time_radius:
            return self.time_radius
        known = math.isfinite(clip.frame_rate)
        return max(1, round(TIME_RADIUS_S * clip.frame_rate)) if known else 4


@lru_cache(maxsize=1024)
def _described(machine: FrameSvm, name: str) -> Float64[np.ndarray, " d"]:
    return machine.describe_clip(read_aligned_frames(Path(name)))


def shaped_frames(
    frames: UInt8[np.ndarray, "t h w"], *, least: int, side_px: int = SIDE_PX
) -> UInt8[np.ndarray, "s side side"]:
    """Squares of ``side_px``; a clip of fewer than ``least`` frames is stretched to ``least``.

    Stretched linearly in time, rounded to grey levels.
    """
    squares = np.stack(
        [cv2.resize(f, (side_px, side_px), interpolation=cv2.INTER_AREA) for f in frames]
    )
    if len(squares) >= least:
        return squares
    at = np.linspace(0, len(squares) - 1, least)
    before = np.floor(at).astype(int)
    after = np.minimum(before + 1, len(squares) - 1)
    part = (at - before)[:, None, None]
    return np.rint(squares[before] * (1 - part) + squares[after] * part).astype(np.uint8)
