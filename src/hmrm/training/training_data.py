"""What a fold's training sees: clips, their way back to rest, and synthetic maps alongside."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from hmrm.errors import ConfigError
from hmrm.flow.mapset import MapSet
from hmrm.records import formerly
from hmrm.synthetic.flow_maps import SynthConfig, class_names, synthesize_maps


@dataclass(frozen=True, kw_only=True)
class SyntheticMapsConfig:
    """Synthetic maps that go through training with the clips.

    Attributes:
        fraction: synthetic maps per clip of a batch; 0 takes none.
        maps: size of the pool they are taken from, synthesized once per process.
        seed: of the pool.
        data: what they look like; classes that the clips do not have are excluded.
    """

    fraction: float = field(default=0.0, metadata=formerly("share"))
    maps: int = 2000
    seed: int = 0
    data: SynthConfig = field(default_factory=SynthConfig)

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 10:
            raise ConfigError(f"synthetic: fraction = {self.fraction}: use 0 to 10 maps per clip")
        if self.maps < 1:
            raise ConfigError(f"synthetic: maps = {self.maps}: must be at least 1")


def real_maps(train: MapSet, *, offset_maps: bool) -> MapSet:
    """The training clips; with ``offset_maps`` also the way back from apex to rest, reversed.

    A face that returns moves against its expression, so u and v change their sign; strain, which
    has none, stays. The way back of ``dataset/subject/clip`` is ``dataset/subject/clip:back``.

    Raises:
        ConfigError: the way back is asked for and not there.
    """
    if not offset_maps:
        return train
    if train.offset_maps is None:
        raise ConfigError(
            "offset_maps: the training set has none; set offset_maps = true in [evaluation] too, "
            "and use data that holds apex→offset maps"
        )
    reversed_maps = train.offset_maps * np.array([-1, -1, 1], np.float32)[:, None, None]
    # A clip whose apex and offset are the same image shows no way back.
    moving = np.flatnonzero(np.abs(reversed_maps).max((1, 2, 3)) > 0)
    return replace(
        train,
        ids=(*train.ids, *(f"{train.ids[i]}:back" for i in moving)),
        maps=np.concatenate([train.maps, reversed_maps[moving]]),
        labels=np.concatenate([train.labels, train.labels[moving]]),
        offset_maps=None,
        units=None,
    )


@lru_cache(maxsize=2)
def synthetic_maps(config: SyntheticMapsConfig, classes: tuple[str, ...]) -> MapSet:
    """The pool of synthetic maps, with labels that index ``classes``.

    Raises:
        ConfigError: no synthetic class is among ``classes``, or see `SynthConfig`.
    """
    names = class_names(config.data)
    column = np.array([classes.index(name) if name in classes else -1 for name in names])
    if (column < 0).all():
        raise ConfigError(
            f"synthetic: classes {', '.join(names)} are none of the data's ({', '.join(classes)}); "
            "set fraction = 0"
        )
    maps, labels, _ = synthesize_maps(config.data, seed=config.seed, start=0, count=config.maps)
    found = np.flatnonzero(column[labels] >= 0)
    return MapSet(
        ids=tuple(f"synthetic/seed{config.seed}/{i}" for i in found),
        maps=maps[found],
        labels=column[labels[found]],
        classes=classes,
        source="synthetic",
    )
