"""From pretrained weights to a network for the classes at hand, and to frozen features."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch

from hmrm.errors import SeenInTrainingError, WeightsError
from hmrm.model.checkpoints import load_checkpoint
from hmrm.model.fitted_network import FrozenFeatures
from hmrm.model.network import HMRM, SCALES
from hmrm.model.sizes import HMRMConfig
from hmrm.model.weight_card import WeightCard, weights_path


def start_network(
    config: HMRMConfig,
    *,
    classes: tuple[str, ...],
    pretrained: str | None,
    seen: Sequence[str],
    generator: torch.Generator,
) -> HMRM:
    """A network to train: random, or with pretrained weights.

    Heads take over the rows of classes that the pretrained network knows by the same name; other
    classes start randomly. Classes and action units that are not requested are dropped.

    Args:
        pretrained: name of shipped weights, or a path.
        seen: ``dataset/subject`` of the subjects that training may see.
        generator: only source of randomness.

    Raises:
        WeightsError: no such weights, or of other sizes than ``config``.
        SeenInTrainingError: they were trained on subjects outside ``seen``.
    """
    network = HMRM(config, classes=classes, generator=generator)
    if pretrained is None:
        return network
    source, card = pretrained_network(pretrained)
    require_sizes(pretrained, card.config, config)
    require_unseen(pretrained, card, seen)
    state = network.state_dict()
    heads = tuple(f"{scale}_head." for scale in SCALES)
    for name, value in source.state_dict().items():
        if name.startswith(heads):
            for row, label in enumerate(classes):
                if label in card.classes:
                    state[name][row] = value[card.classes.index(label)]
        elif name in state:
            state[name] = value
    network.load_state_dict(state)
    return network


def pretrained_network(name: str) -> tuple[HMRM, WeightCard]:
    """Shipped weights by name or any by path; read once per process, never to be changed.

    Raises:
        WeightsError: see `hmrm.model.checkpoints.load_checkpoint`.
    """
    path = weights_path(name)
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, changed_ns: int, size: int) -> tuple[HMRM, WeightCard]:
    del changed_ns, size
    network, card = load_checkpoint(path)
    network.requires_grad_(False)
    return network, card


def require_sizes(name: str, got: HMRMConfig, expected: HMRMConfig) -> None:
    """Refuse weights of another network; how it was initialised or dropped out is no size.

    Raises:
        WeightsError: a size differs.
    """
    same = replace(
        got, dropout=expected.dropout, step_min=expected.step_min, step_max=expected.step_max
    )
    if same != expected:
        names = [key for key in vars(expected) if getattr(same, key) != getattr(expected, key)]
        words = ", ".join(f"{n} = {getattr(same, n)}, not {getattr(expected, n)}" for n in names)
        raise WeightsError(
            f"weights {name}: made for another network: {words}; set network to their sizes, or "
            "take weights of this preset"
        )


def require_unseen(name: str, card: WeightCard, seen: Sequence[str]) -> None:
    """Refuse weights that know people this training must not know: a test subject may be one.

    Raises:
        SeenInTrainingError: somebody in the card is not in ``seen``.
    """
    others = sorted(set(card.trained_subjects) - set(seen))
    if others:
        raise SeenInTrainingError(
            f"weights {name}: were trained on {len(others)} subjects outside this training set, "
            f"e.g. {others[0]}, which may be tested on; take weights that saw synthetic maps only"
        )


def frozen_features(name: str) -> FrozenFeatures:
    """The features of pretrained weights; one object per process and file.

    Raises:
        WeightsError: see `pretrained_network`.
    """
    path = weights_path(name)
    status = path.stat()
    return _features(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _features(path: Path, changed_ns: int, size: int) -> FrozenFeatures:
    return FrozenFeatures(_read(path, changed_ns, size)[0])
