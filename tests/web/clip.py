"""The demo clip, shortened: a second and a half around its smile, at half the size."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from hmrm.clip import Image
from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video

FIRST, LAST = 120, 260
RATE = 100.0


@cache
def images() -> tuple[Image, ...]:
    """The clip's frames, 480 × 360 px."""
    return tuple(
        np.asarray(cv2.resize(frame.image, (480, 360), interpolation=cv2.INTER_AREA), np.uint8)
        for frame in demo_clip().frames()
        if FIRST <= frame.index < LAST
    )


def write_clip(path: Path, count: int = LAST - FIRST) -> Path:
    """Write it, or its first frames, as a video."""
    write_video(path, images()[:count], RATE)
    return path
