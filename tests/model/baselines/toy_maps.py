"""Synthetic maps with a rule that every honest model finds: where the face moves is the class."""

import numpy as np

from hmrm.model.contract import TrainingSet

CLASSES = ("negative", "positive", "surprise")
BOXES = ((slice(2, 9), slice(4, 24)), (slice(12, 18), slice(9, 19)), (slice(20, 27), slice(4, 24)))


def toy_set(
    count: int, *, seed: int = 0, classes: tuple[int, ...] = (0, 1, 2), noise: float = 0.05
) -> TrainingSet:
    """``count`` maps, u and v in 0 to 1 around ½, strain from 0; classes in turn."""
    generator = np.random.default_rng(seed)
    labels = np.array([classes[i % len(classes)] for i in range(count)])
    maps = np.tile(np.array([0.5, 0.5, 0.0])[:, None, None], (count, 1, 28, 28))
    maps += generator.normal(0, noise, maps.shape)
    for clip, label in zip(maps, labels, strict=True):
        rows, columns = BOXES[label]
        clip[1, rows, columns] += 0.3
        clip[2, rows, columns] += 0.4
    ids = tuple(f"toy/s{i % 5:02d}/c{i:03d}" for i in range(count))
    return TrainingSet(ids=ids, maps=maps.astype(np.float32), labels=labels, classes=CLASSES)
