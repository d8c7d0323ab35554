"""Several recognisers that decide together, each on a scale of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Float32

from hmrm.errors import ConfigError
from hmrm.flow.mapset import MapSet, canonical_form, canonical_mapset
from hmrm.model.contract import (
    FittedRecogniser,
    HasFeatures,
    MapKind,
    Observer,
    Recogniser,
)
from hmrm.records import formerly


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """A `Recogniser` made of others; see `hmrm.training.registry` for its options.

    Attributes:
        members: each sees the kind of maps it asks for.
        member_weights: weight of each in the mean; None: all alike.
    """

    members: tuple[Recogniser, ...]
    member_weights: tuple[float, ...] | None = field(default=None, metadata=formerly("voices"))

    def __post_init__(self) -> None:
        if not self.members:
            raise ConfigError("ensemble: needs at least one member")
        if self.member_weights is not None and len(self.member_weights) != len(self.members):
            raise ConfigError("ensemble: needs one weight for each member")
        if "frames" in {member.map_kind for member in self.members}:
            raise ConfigError("ensemble: a member reads frames; members read flow maps")

    @property
    def map_kind(self) -> MapKind:
        """The members'; raw where they differ, since canonical maps can be made of raw ones."""
        kinds = {member.map_kind for member in self.members}
        return kinds.pop() if len(kinds) == 1 else "raw"

    @property
    def epochs(self) -> None:
        """None: members have epochs of their own, which are never chosen."""

    def fit(
        self,
        train: MapSet,
        *,
        seed: int,
        epochs: int | None = None,
        observer: Observer | None = None,
    ) -> "FittedEnsemble":
        """Train every member on all of ``train``, each from a seed of its own."""
        del epochs, observer
        views = [
            _Canonical(crop=train.crop, per_channel=train.channels_apart)
            if self.map_kind != member.map_kind
            else None
            for member in self.members
        ]
        fitted, scales = [], []
        for number, (member, view) in enumerate(zip(self.members, views, strict=True)):
            seen = train if view is None else canonical_mapset(train)
            model = member.fit(seen, seed=seed * len(self.members) + number)
            fitted.append(model)
            scales.append(_scale(decisions(model, seen.maps)))
        return FittedEnsemble(
            members=tuple(fitted),
            views=tuple(views),
            scales=tuple(scales),
            member_weights=self.member_weights or (1.0,) * len(fitted),
        )


@dataclass(frozen=True, kw_only=True)
class _Canonical:
    """Makes canonical maps of raw ones, each for itself."""

    crop: str
    per_channel: bool

    def __call__(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float32[np.ndarray, "n 3 s s"]:
        return canonical_form(maps, crop=self.crop, per_channel=self.per_channel)


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedEnsemble:
    """Trained members.

    Attributes:
        views: what makes the maps that a member sees; None where it sees them as they come.
        scales: size of each one's decisions on the training clips.
        member_weights: weight of each in the mean.
    """

    members: tuple[FittedRecogniser, ...]
    views: tuple[_Canonical | None, ...]
    scales: tuple[float, ...]
    member_weights: tuple[float, ...]

    def predict(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n classes"]:
        """Mean of the members' decisions, each centred over classes and divided by its scale."""
        parts = [
            _centred(decisions(member, maps if view is None else view(maps))) / scale
            for member, view, scale in zip(self.members, self.views, self.scales, strict=True)
        ]
        return np.average(parts, axis=0, weights=self.member_weights)

    def features(self, maps: Float32[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "n d"]:
        """Those of the first member that has any; decisions where none has."""
        for member, view in zip(self.members, self.views, strict=True):
            if isinstance(member, HasFeatures):
                return member.features(maps if view is None else view(maps))
        return self.predict(maps)


def decisions(
    member: FittedRecogniser, maps: Float32[np.ndarray, "n 3 s s"]
) -> Float[np.ndarray, "n classes"]:
    """Scores to be added up: logits where a member has them, since probabilities saturate."""
    ask: Callable[[np.ndarray], np.ndarray] = getattr(member, "decisions", member.predict)
    return np.asarray(ask(maps), dtype=np.float64)


def _centred(scores: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    return scores - scores.mean(1, keepdims=True)


def _scale(scores: Float[np.ndarray, "n k"]) -> float:
    size = float(np.sqrt((_centred(scores) ** 2).mean()))
    return size if size > 0 else 1.0
