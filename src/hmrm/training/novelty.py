"""Fits what distinguishes maps of faces from maps made wrong on purpose, and measures it.

No labels are used. The threshold is that of 5 % false alarms on subjects that the networks did not
learn from; what is measured is measured on subjects that also the threshold did not see.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from hmrm import atomic
from hmrm.errors import DataError
from hmrm.flow.mapset import MapSet, canonical_maps
from hmrm.model.novelty import SIDE, NoveltyDetector, features
from hmrm.synthetic.flow_maps import SynthConfig, synthesize_maps
from hmrm.training.wrong_maps import KINDS, Flows, centred, wrong_maps

FALSE_ALARMS = 0.05
_FOLDS = 5
_INNER_FOLDS = 3


@dataclass(frozen=True, kw_only=True)
class NoveltyConfig:
    """Fixed before it was measured.

    Attributes:
        right, synthetic: maps of faces in one fit, real ones varied and synthetic ones.
        members: networks whose logits are averaged.
        hidden, penalty, rounds: of each network.
    """

    right: int = 6000
    synthetic: int = 3000
    members: int = 3
    hidden: int = 64
    penalty: float = 1.0
    rounds: int = 25
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Out of fold: false alarms on real maps, and the fraction caught of each kind of wrong map."""

    clips: int
    subjects: int
    false_alarms: float
    caught: Mapping[str, float]


SYNTHETIC_ALONE = NoveltyConfig(right=18000, members=2, hidden=128, penalty=0.1, rounds=20)
"""For ``fit_novelty`` without real maps: more maps, and networks that are larger."""


def fit_novelty(
    maps: MapSet, config: NoveltyConfig | None = None, *, synthetic: Flows | None = None
) -> tuple[NoveltyDetector, Measured]:
    """Fit on all subjects, and measure on folds of unseen ones.

    Args:
        synthetic: learn from these synthetic maps' u and v; the real maps give the threshold alone.

    Raises:
        DataError: too few subjects, or maps of another size.
    """
    config = config or (NoveltyConfig() if synthetic is None else SYNTHETIC_ALONE)
    flows = canonical_maps(maps)[:, :2].astype(np.float64)
    if flows.shape[-1] != SIDE:
        raise DataError(f"{maps.source}: maps of {flows.shape[-1]} cells; {SIDE} are needed")
    subjects = maps.subjects
    if len(set(subjects)) < 2 * _FOLDS:
        raise DataError(f"{maps.source}: {len(set(subjects))} subjects; {2 * _FOLDS} are needed")
    if synthetic is None:
        motion = SynthConfig(with_none=True, background=0.0)
        made, _, _ = synthesize_maps(motion, seed=config.seed, start=0, count=config.synthetic)
        fitting = _Fitting(config, made[:, :2].astype(np.float64), real=True)
    else:
        fitting = _Fitting(config, synthetic, real=False)
    return fitting.with_threshold(flows, subjects), fitting.measured(flows, subjects)


class _Fitting:
    def __init__(self, config: NoveltyConfig, synthetic: Flows, *, real: bool) -> None:
        self._config, self._synthetic = config, synthetic
        self._fixed = None if real else self._fit_on(synthetic, synthetic)

    def measured(self, flows: Flows, subjects: Sequence[str]) -> Measured:
        fold = _folds(subjects, _FOLDS, self._config.seed)
        random = np.random.default_rng(self._config.seed + 1)
        wrong = {name: centred(make(flows, random)) for name, make in KINDS.items()}
        alarms = np.zeros(len(flows), bool)
        caught = {name: np.zeros(len(flows), bool) for name in wrong}
        for number in range(_FOLDS):
            test = fold == number
            others = [one for one, inside in zip(subjects, test, strict=True) if not inside]
            detector = self.with_threshold(flows[~test], others)
            alarms[test] = detector.unlike(flows[test])
            for name, changed in wrong.items():
                caught[name][test] = detector.unlike(changed[test])
        return Measured(
            clips=len(flows),
            subjects=len(set(subjects)),
            false_alarms=float(alarms.mean()),
            caught={name: float(found.mean()) for name, found in caught.items()},
        )

    def with_threshold(self, flows: Flows, subjects: Sequence[str]) -> NoveltyDetector:
        """Fit on all of them; the threshold comes from fits without their subject."""
        fold = _folds(subjects, _INNER_FOLDS, self._config.seed)
        scores = np.zeros(len(flows))
        for number in range(_INNER_FOLDS):
            test = fold == number
            scores[test] = self._fit(flows[~test]).scores(flows[test])
        most = float(np.quantile(scores, 1 - FALSE_ALARMS))
        return NoveltyDetector(**{**vars(self._fit(flows)), "most": most})

    def _fit(self, flows: Flows) -> NoveltyDetector:
        return self._fixed or self._fit_on(flows, self._synthetic)

    def _fit_on(self, varied: Flows, plain: Float[np.ndarray, "m 2 28 28"]) -> NoveltyDetector:
        config = self._config
        more = _varied(varied, config.right, np.random.default_rng(config.seed))
        right = np.concatenate([more, plain])
        wrong = wrong_maps(right, len(right), np.random.default_rng(config.seed + 2))
        rows = np.concatenate([features(right), features(wrong)])
        truth = np.repeat([0, 1], [len(right), len(wrong)])
        scaler = StandardScaler().fit(rows)
        members = [
            MLPClassifier(
                (config.hidden,),
                alpha=config.penalty,
                batch_size=128,
                max_iter=config.rounds,
                n_iter_no_change=config.rounds,
                tol=0.0,
                random_state=config.seed + number,
            )
            for number in range(config.members)
        ]
        with warnings.catch_warnings():
            # The rounds are set beforehand; nothing asks for convergence.
            warnings.simplefilter("ignore", ConvergenceWarning)
            for member in members:
                member.fit(scaler.transform(rows), truth)
        return _joined(scaler, members)


def _joined(scaler: StandardScaler, members: Sequence[MLPClassifier]) -> NoveltyDetector:
    """Several networks side by side, whose logits are averaged, as one."""
    weight = 1.0 / len(members)
    return NoveltyDetector(
        mean=np.asarray(scaler.mean_),
        spread=np.asarray(scaler.scale_),
        first=np.concatenate([member.coefs_[0] for member in members], axis=1),
        first_bias=np.concatenate([member.intercepts_[0] for member in members]),
        second=weight * np.concatenate([member.coefs_[1][:, 0] for member in members]),
        second_bias=weight * float(sum(member.intercepts_[1][0] for member in members)),
        most=0.0,
    )


def _varied(
    flows: Flows, count: int, random: np.random.Generator
) -> Float[np.ndarray, "m 2 28 28"]:
    """Maps of faces that are a little other ones: mirrored, mixed two and two, off by a cell."""
    flows = np.concatenate([flows, flows[..., ::-1] * np.array([-1.0, 1.0])[:, None, None]])
    scale = np.sqrt((flows**2).mean(axis=(1, 2, 3), keepdims=True))
    flows = flows / np.maximum(scale, 1e-9)
    one, other = random.integers(0, len(flows), (2, count))
    fraction = random.choice([0.0, 0.0, 0.15, 0.3, 0.5], (count, 1, 1, 1))
    mixed = (1 - fraction) * flows[one] + fraction * flows[other]
    steps = random.integers(-1, 2, (count, 2))
    return np.stack(
        [np.roll(flow, tuple(step), axis=(1, 2)) for flow, step in zip(mixed, steps, strict=True)]
    )


def _folds(subjects: Sequence[str], count: int, seed: int) -> Int[np.ndarray, " n"]:
    names = sorted(set(subjects))
    np.random.default_rng(seed).shuffle(names)
    number = {name: i % count for i, name in enumerate(names)}
    return np.array([number[name] for name in subjects])


def write_novelty(path: Path, novelty: NoveltyDetector) -> None:
    """Write it as ``hmrm.model.novelty.read_novelty`` reads it; float16 is exact enough.

    Raises:
        OutputError: it cannot be written.
    """
    arrays = {name: np.asarray(value) for name, value in vars(novelty).items()}
    small = {"first": np.float16}
    arrays = {name: value.astype(small.get(name, np.float32)) for name, value in arrays.items()}
    with atomic.writing(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)
