"""Synthetic frames with a rule that every honest model finds: where a spot moves is the class."""

from pathlib import Path

import numpy as np

from hmrm.flow.aligned_frames import AlignedFrames
from hmrm.flow.mapset import MapSet

CLASSES = ("negative", "positive", "surprise")
SIDE_PX = 64
PLACES = ((12, 32), (32, 32), (50, 32))


def toy_clip(label: int, generator: np.random.Generator, *, frames: int = 7) -> AlignedFrames:
    """A textured square in which one place moves down and back, 4 px at the apex."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float64)
    row, column = PLACES[label]
    near = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 60)
    shifts = 4 * np.sin(np.linspace(0, np.pi, frames))
    phase = generator.uniform(0, 0.5, 2)
    moving = [
        128 + 60 * np.sin((y - shift * near) / 2 + phase[0]) * np.cos(x / 3 + phase[1])
        for shift in shifts
    ]
    noisy = np.stack(moving) + generator.normal(0, 1, (frames, SIDE_PX, SIDE_PX))
    flow = np.stack([np.zeros_like(near), 4 * near]).astype(np.float32)
    grey = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return AlignedFrames(frames=grey, apex=frames // 2, flow=flow, frame_rate=100.0)


def toy_frame_set(folder: Path, count: int, *, seed: int = 0, subjects: int = 5) -> MapSet:
    """``count`` clips as files, classes in turn; ``maps`` are their names."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    ids = tuple(f"toy/s{i // 3 % subjects:02d}/c{seed}{i:03d}" for i in range(count))
    for name, label in zip(ids, labels, strict=True):
        path = folder / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(toy_clip(int(label), generator).file_bytes())
    files = np.array([str(folder / f"{name}.npz") for name in ids])
    return MapSet(ids=ids, labels=labels, maps=files, classes=CLASSES, frames=folder)
