"""One clip's frames from onset to offset in the canonical crop, as one file without pickle.

Arrays: ``frames`` (t, h, w) grey or (t, h, w, 3) RGB uint8; ``apex`` () its position in them;
``flow`` (2, h, w) float32 px, onset→apex; ``frame_rate`` () frames per second, NaN where unknown.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from hmrm import arrays, reading
from hmrm.errors import DataError

FOLDER: Literal["frames"] = "frames"
"""Where a prepared data set keeps them: ``frames/<dataset>/<subject>/<clip>.npz``."""

_KINDS = {"frames": "u", "apex": "i", "flow": "f", "frame_rate": "f"}


@dataclass(frozen=True, kw_only=True, eq=False)
class AlignedFrames:
    """Frames of one clip through one transform, the onset's; see the module's head."""

    frames: UInt8[np.ndarray, "t h w *rgb"]
    apex: int
    flow: Float32[np.ndarray, "2 h w"]
    frame_rate: float = float("nan")

    @property
    def grey(self) -> UInt8[np.ndarray, "t h w"]:
        """All frames in grey."""
        if self.frames.ndim == 3:
            return self.frames
        return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in self.frames])

    def file_bytes(self) -> bytes:
        """The clip's file, to be written as a whole."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            allow_pickle=False,
            frames=self.frames,
            apex=np.int64(self.apex),
            flow=self.flow.astype(np.float32),
            frame_rate=np.float64(self.frame_rate),
        )
        return file.getvalue()


def read_aligned_frames(path: Path) -> AlignedFrames:
    """Read one clip.

    Raises:
        DataError: missing, damaged, or its arrays do not fit each other.
    """
    try:
        found = arrays.read_arrays(path, _KINDS)
    except (OSError, reading.DamagedError) as error:
        raise DataError(
            f"{path}: no frames of a clip ({error}); run hmrm datasets prepare --frames"
        ) from error
    frames, apex, flow = found["frames"], found["apex"], found["flow"]
    fitting = (
        frames.dtype == np.uint8
        and frames.ndim in (3, 4)
        and len(frames) > 0
        and frames.shape[3:] in ((), (3,))
        and apex.shape == found["frame_rate"].shape == ()
        and 0 <= int(apex) < len(frames)
        and flow.shape == (2, *frames.shape[1:3])
        and bool(np.isfinite(flow).all())
    )
    if not fitting:
        raise DataError(f"{path}: its arrays do not fit each other; see hmrm.flow.aligned_frames")
    return AlignedFrames(
        frames=frames,
        apex=int(apex),
        flow=flow.astype(np.float32),
        frame_rate=float(found["frame_rate"]),
    )
