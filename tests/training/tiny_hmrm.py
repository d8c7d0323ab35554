"""A network small enough for tests, its checkpoints, and clips it can learn from."""

from pathlib import Path

import numpy as np
import torch

from hmrm.model.checkpoints import save_checkpoint
from hmrm.model.contract import TrainingSet
from hmrm.model.network import HMRM
from hmrm.model.sizes import HMRMConfig
from hmrm.model.weight_card import WeightCard

CLASSES = ("negative", "positive", "surprise")
TINY = HMRMConfig(dim=8, depth=2, state=2, heads=2, coarse_grid=2, fine_grid=1, fine_kernel=1)
PRETRAINED_CLASSES = ("none", "surprise", "positive", "negative")


def toy_clips(count: int, *, seed: int = 0) -> TrainingSet:
    """Maps whose upper, middle or lower third moves down: classes 0, 1, 2."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    maps = generator.normal(0, 0.3, (count, 3, 28, 28)).astype(np.float32)
    for clip, label in zip(maps, labels, strict=True):
        clip[1, 9 * label : 9 * label + 9] += 1
    # Zero motion lies at 0, as in every canonical map.
    maps[:, :2] -= np.median(maps[:, :2], axis=(2, 3), keepdims=True)
    ids = tuple(f"toy/s{i % 4}/c{i}" for i in range(count))
    back = -maps + generator.normal(0, 0.1, maps.shape).astype(np.float32)
    return TrainingSet(ids=ids, maps=maps, labels=labels, classes=CLASSES, offset_maps=back)


def tiny_checkpoint(
    folder: Path, *, subjects: tuple[str, ...] = (), config: HMRMConfig = TINY, name: str = "tiny"
) -> str:
    """Random weights that say they were trained; classes in another order, with `none`."""
    network = HMRM(
        config,
        classes=PRETRAINED_CLASSES,
        action_units=("AU1", "AU12"),
        generator=torch.Generator().manual_seed(7),
    )
    card = WeightCard(
        config=config,
        classes=PRETRAINED_CLASSES,
        action_units=network.action_units,
        crop="hmrm-1",
        trained_on="nothing: random numbers for tests",
        steps=1,
        trained_subjects=subjects,
    )
    path = folder / f"{name}.safetensors"
    save_checkpoint(path, network, card)
    return str(path)
