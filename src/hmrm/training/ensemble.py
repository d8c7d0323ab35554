"""Several recognisers that judge together: equal weights, each on its own scale."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from hmrm.errors import ConfigError
from hmrm.model.contract import (
    FittedRecogniser,
    HasFeatures,
    MapKind,
    Observer,
    Recogniser,
    TrainingSet,
)

DEFAULT_MEMBERS: tuple[Mapping[str, Any], ...] = (
    {"name": "hmrm"},
    {"name": "svm-mirrored", "map_kind": "canonical"},
)


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """A `Recogniser` made of others; see `build_ensemble` for its options.

    Attributes:
        members: all on the same kind of maps.
    """

    members: tuple[Recogniser, ...]

    def __post_init__(self) -> None:
        if not self.members:
            raise ConfigError("ensemble: needs at least one member")
        kinds = sorted({member.map_kind for member in self.members})
        if len(kinds) > 1:
            raise ConfigError(
                f"ensemble: members on {' and '.join(kinds)} maps; all must see the same: set "
                "map_kind where a member has that option"
            )

    @property
    def map_kind(self) -> MapKind:
        """The members'."""
        return self.members[0].map_kind

    @property
    def epochs(self) -> None:
        """None: members have epochs of their own, which are never chosen."""

    def fit(
        self,
        train: TrainingSet,
        *,
        seed: int,
        epochs: int | None = None,
        observer: Observer | None = None,
    ) -> "FittedEnsemble":
        """Train every member on all of ``train``, each from a seed of its own."""
        del epochs, observer
        fitted = tuple(
            member.fit(train, seed=seed * len(self.members) + number)
            for number, member in enumerate(self.members)
        )
        scales = tuple(_scale(decisions(member, train.maps)) for member in fitted)
        return FittedEnsemble(members=fitted, scales=scales)


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedEnsemble:
    """Trained members, and the size of each one's decisions on the training clips."""

    members: tuple[FittedRecogniser, ...]
    scales: tuple[float, ...]

    def predict(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n classes"]:
        """Mean of the members' decisions, each centred over classes and divided by its scale."""
        parts = [
            _centred(decisions(member, maps)) / scale
            for member, scale in zip(self.members, self.scales, strict=True)
        ]
        return np.mean(parts, axis=0)

    def features(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n d"]:
        """Those of the first member that has any; decisions where none has."""
        for member in self.members:
            if isinstance(member, HasFeatures):
                return member.features(maps)
        return self.predict(maps)


def decisions(
    member: FittedRecogniser, maps: Float32[np.ndarray, "n 3 s s"]
) -> Float[np.ndarray, "n classes"]:
    """Scores to be added up: logits where a member has them, since probabilities saturate."""
    ask: Callable[[np.ndarray], np.ndarray] = getattr(member, "decisions", member.predict)
    return np.asarray(ask(maps), dtype=np.float64)


def build_ensemble(
    options: Mapping[str, Any], *, build: Callable[[str, Mapping[str, Any]], Recogniser]
) -> Ensemble:
    """An ensemble from a config table.

    Args:
        options: ``members``, a list of tables: ``name`` of a recogniser, how often to ``repeat``
            it (from other seeds; default 1), and its own options. None given: `DEFAULT_MEMBERS`.
        build: from name and options to a recogniser.

    Raises:
        ConfigError: unknown key, no name, an ensemble inside, or members on other maps.
    """
    unknown = sorted(set(options) - {"members"})
    if unknown:
        raise ConfigError(f"model ensemble: unknown key {unknown[0]!r}; expected members")
    tables = options.get("members", DEFAULT_MEMBERS)
    if not isinstance(tables, Sequence) or not all(isinstance(t, Mapping) for t in tables):
        raise ConfigError("model ensemble: members must be tables, [[model.members]]")
    members: list[Recogniser] = []
    for table in tables:
        rest = dict(table)
        name, repeat = rest.pop("name", None), rest.pop("repeat", 1)
        if not isinstance(name, str) or name == "ensemble":
            raise ConfigError(f"model ensemble: name of a member is {name!r}; name a recogniser")
        if type(repeat) is not int or repeat < 1:
            raise ConfigError(f"model ensemble: {name}: repeat = {repeat!r}: use 1 or more")
        members += [build(name, rest)] * repeat
    return Ensemble(members=tuple(members))


def _centred(scores: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    return scores - scores.mean(1, keepdims=True)


def _scale(scores: Float[np.ndarray, "n k"]) -> float:
    size = float(np.sqrt((_centred(scores) ** 2).mean()))
    return size if size > 0 else 1.0
