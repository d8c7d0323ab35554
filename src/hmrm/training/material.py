"""What a fold's training sees: its clips, their way back to rest, and drawn maps beside them."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int

from hmrm.errors import ConfigError
from hmrm.model.contract import TrainingSet
from hmrm.synthetic.flow_maps import SynthConfig, class_names, draw_maps


@dataclass(frozen=True, kw_only=True)
class DrawnConfig:
    """Drawn maps that go through training beside the clips.

    Attributes:
        share: drawn maps per clip of a batch; 0 draws none.
        maps: size of the pool they are taken from, drawn once per process.
        seed: of the pool.
        data: what they look like; classes that the clips do not have are left out.
    """

    share: float = 0.0
    maps: int = 2000
    seed: int = 0
    data: SynthConfig = field(default_factory=SynthConfig)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 10:
            raise ConfigError(f"drawn: share = {self.share}: use 0 to 10 maps per clip")
        if self.maps < 1:
            raise ConfigError(f"drawn: maps = {self.maps}: must be at least 1")


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """Canonical maps and their labels."""

    maps: Float32[np.ndarray, "n 3 s s"]
    labels: Int[np.ndarray, " n"]


def clips(train: TrainingSet, *, offset_maps: bool) -> Labelled:
    """The training clips; with ``offset_maps`` also the way back from apex to rest, reversed.

    A face that returns moves against its expression, so u and v change their sign; strain, which
    has none, stays.

    Raises:
        ConfigError: the way back is asked for and not there.
    """
    if not offset_maps:
        return Labelled(maps=train.maps, labels=train.labels)
    if train.offset_maps is None:
        raise ConfigError(
            "offset_maps: the training set has none; set offset_maps = true in [evaluation] too, "
            "and use data that holds apex→offset maps"
        )
    reversed_maps = train.offset_maps * np.array([-1, -1, 1], np.float32)[:, None, None]
    # A clip whose apex and offset are the same picture shows no way back.
    moving = np.abs(reversed_maps).max((1, 2, 3)) > 0
    return Labelled(
        maps=np.concatenate([train.maps, reversed_maps[moving]]),
        labels=np.concatenate([train.labels, train.labels[moving]]),
    )


@lru_cache(maxsize=2)
def drawn(config: DrawnConfig, classes: tuple[str, ...]) -> Labelled:
    """The pool of drawn maps, with labels that index ``classes``.

    Raises:
        ConfigError: no drawn class is among ``classes``, or see `SynthConfig`.
    """
    names = class_names(config.data)
    column = np.array([classes.index(name) if name in classes else -1 for name in names])
    if (column < 0).all():
        raise ConfigError(
            f"drawn: classes {', '.join(names)} are none of the data's ({', '.join(classes)}); "
            "set share = 0"
        )
    maps, labels, _ = draw_maps(config.data, seed=config.seed, start=0, count=config.maps)
    labels = column[labels]
    return Labelled(maps=maps[labels >= 0], labels=labels[labels >= 0])
