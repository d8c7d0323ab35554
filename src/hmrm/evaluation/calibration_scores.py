"""How well a run's probabilities and class sets hold on clips of subjects that calibrated nothing.

Values are means over seeds; intervals resample subjects, with a fixed seed of their own, so the
same predictions give the same bytes.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hmrm.evaluation.calibration import LEVEL, Calibrated, calibrate_on_others
from hmrm.evaluation.predictions import Predictions
from hmrm.evaluation.statistics import SAMPLES, Interval, gain_of_subset, mean_over_subjects
from hmrm.model.calibration import logits_of
from hmrm.model.inference import softmax

BINS = 10
SIMULATED = 1000


@dataclass(frozen=True, kw_only=True)
class CalibrationError:
    """Expected calibration error of the most probable class, 10 bins of equally many clips.

    Attributes:
        value: 0 to 1. Above 0 for any finite number of clips, however well calibrated.
        perfect_low, perfect_high: 95 % of the errors of a perfectly calibrated model with the same
            probabilities on as many clips.
    """

    value: float
    perfect_low: float
    perfect_high: float


@dataclass(frozen=True, kw_only=True)
class SetScores:
    """Class sets of one rule.

    Attributes:
        coverage: fraction of clips whose set holds the true class.
        size: mean number of classes of a set.
        by_class: coverage in label order; None where no clip has the class.
        by_data_set: coverage.
    """

    coverage: Interval
    size: float
    by_class: tuple[float | None, ...]
    by_data_set: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Abstention:
    """UF1 without the clips that the recogniser is least certain of.

    Certainty is the highest softmax of its own scores; the limit is the 20 % quantile of other
    subjects' clips.

    Attributes:
        excluded: fraction of clips below the limit.
        uf1: of the clips that remain.
        gain: ``uf1`` minus the UF1 of all clips.
        curve: UF1 of the most certain 100, 90, … 50 % of clips.
    """

    excluded: float
    uf1: float
    gain: Interval
    curve: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class CalibrationScores:
    """Probabilities and sets of a run, calibrated on other subjects.

    Attributes:
        level: fraction of clips whose set was to hold the true class.
        nll, brier: of calibrated probabilities; ``…_uncalibrated`` of the softmax of the scores.
        other_subjects: sets by rule, each subject calibrated on all others.
        other_data_sets: sets by rule, each data set calibrated on the others; None where there are
            fewer than three.
    """

    level: float
    nll: Interval
    nll_uncalibrated: Interval
    brier: Interval
    brier_uncalibrated: Interval
    error: CalibrationError
    error_uncalibrated: CalibrationError
    other_subjects: Mapping[str, SetScores]
    other_data_sets: Mapping[str, SetScores] | None = None
    abstention: Abstention


_LARGEST_LOGIT = 1e6
"""Scores beyond are no logits of a model: their squares would overflow a fit."""


def score_calibration(seeds: Sequence[Predictions]) -> CalibrationScores | None:
    """Calibrate each subject on the others, and measure.

    None without usable scores or other subjects.

    Args:
        seeds: the same clips predicted by each seed.
    """
    first = seeds[0]
    scored = [one.scores for one in seeds if one.scores is not None]
    if len(scored) < len(seeds) or len(set(first.subjects)) < 2:
        return None
    logits = [logits_of(scores) for scores in scored]
    if any(not (np.abs(one) <= _LARGEST_LOGIT).all() for one in logits):
        return None
    raw = [softmax(one) for one in logits]
    found = [
        calibrate_on_others(one, first.truth, first.subjects, first.datasets) for one in logits
    ]
    calibrated = [one.probabilities for one in found]
    abroad = None
    if len(set(first.datasets)) > 2:
        others = [
            calibrate_on_others(z, first.truth, first.datasets, first.datasets) for z in logits
        ]
        abroad = _sets(others, first)
    return CalibrationScores(
        level=LEVEL,
        nll=_nll(calibrated, first),
        nll_uncalibrated=_nll(raw, first),
        brier=_brier(calibrated, first),
        brier_uncalibrated=_brier(raw, first),
        error=_error(calibrated, first.truth),
        error_uncalibrated=_error(raw, first.truth),
        other_subjects=_sets(found, first),
        other_data_sets=abroad,
        abstention=_abstention(seeds, raw, [one.certain for one in found]),
    )


def _interval(values: Sequence[Float[np.ndarray, " n"]], clips: Predictions) -> Interval:
    return mean_over_subjects(
        np.mean(values, axis=0), clips.subjects, generator=np.random.default_rng(0)
    )


def _nll(probabilities: Sequence[Float[np.ndarray, "n k"]], clips: Predictions) -> Interval:
    rows = np.arange(len(clips.truth))
    return _interval(
        [-np.log(np.maximum(p[rows, clips.truth], 1e-12)) for p in probabilities], clips
    )


def _brier(probabilities: Sequence[Float[np.ndarray, "n k"]], clips: Predictions) -> Interval:
    true = np.eye(len(clips.classes))[clips.truth]
    return _interval([((p - true) ** 2).sum(axis=1) for p in probabilities], clips)


def calibration_error(
    probabilities: Float[np.ndarray, "n k"], truth: Int[np.ndarray, " n"], *, bins: int = BINS
) -> float:
    """Mean over bins of |accuracy - mean probability of the most probable class|, by clips.

    Args:
        bins: of equally many clips, by that probability.

    Example:
        >>> import numpy as np
        >>> from hmrm.evaluation.calibration_scores import calibration_error
        >>> sure_and_half_right = np.tile([1.0, 0.0], (40, 1))
        >>> calibration_error(sure_and_half_right, np.arange(40) % 2)
        0.5
    """
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    order = np.argsort(sure, kind="stable")
    off = np.array_split((right - sure)[order], bins)
    return float(sum(abs(one.sum()) for one in off) / len(truth))


def _error(
    probabilities: Sequence[Float[np.ndarray, "n k"]], truth: Int[np.ndarray, " n"]
) -> CalibrationError:
    values = [calibration_error(p, truth) for p in probabilities]
    bands = np.array([_perfect(p) for p in probabilities]).mean(axis=0)
    return CalibrationError(
        value=float(np.mean(values)), perfect_low=float(bands[0]), perfect_high=float(bands[1])
    )


def _perfect(probabilities: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "2"]:
    """95 % of the errors where truth is sampled from the probabilities themselves."""
    generator = np.random.default_rng(0)
    steps = probabilities.cumsum(axis=1)[:, :-1]
    errors = []
    for _ in range(SIMULATED):
        sampled = (generator.random((len(steps), 1)) > steps).sum(axis=1)
        errors.append(calibration_error(probabilities, sampled))
    return np.quantile(errors, [0.025, 0.975])


def _sets(found: Sequence[Calibrated], clips: Predictions) -> dict[str, SetScores]:
    return {rule: _set_scores([one.sets[rule] for one in found], clips) for rule in found[0].sets}


def _set_scores(sets: Sequence[Bool[np.ndarray, "n k"]], clips: Predictions) -> SetScores:
    rows = np.arange(len(clips.truth))
    covered = np.mean([one[rows, clips.truth] for one in sets], axis=0)
    homes = np.array(clips.datasets)
    of_class = [covered[clips.truth == k] for k in range(len(clips.classes))]
    return SetScores(
        coverage=_interval([covered], clips),
        size=float(np.mean([one.sum(axis=1).mean() for one in sets])),
        by_class=tuple(float(one.mean()) if len(one) else None for one in of_class),
        by_data_set={
            name: float(covered[homes == name].mean()) for name in sorted(set(clips.datasets))
        },
    )


def _abstention(
    seeds: Sequence[Predictions],
    probabilities: Sequence[Float[np.ndarray, "n k"]],
    certain: Sequence[Bool[np.ndarray, " n"]],
) -> Abstention:
    curve = [
        np.mean(
            [
                _most_certain(one, p, part).score().uf1
                for one, p in zip(seeds, probabilities, strict=True)
            ]
        )
        for part in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
    ]
    kept = [_rows(one, rows) for one, rows in zip(seeds, certain, strict=True)]
    return Abstention(
        excluded=float(1 - np.mean(certain)),
        uf1=float(np.mean([one.score().uf1 for one in kept])),
        gain=gain_of_subset(seeds, certain, generator=np.random.default_rng(0), samples=SAMPLES),
        curve=tuple(float(value) for value in curve),
    )


def _most_certain(
    clips: Predictions, probabilities: Float[np.ndarray, "n k"], part: float
) -> Predictions:
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[: round(part * len(order))]] = True
    return _rows(clips, chosen)


def _rows(clips: Predictions, chosen: Bool[np.ndarray, " n"]) -> Predictions:
    return dataclasses.replace(
        clips,
        ids=tuple(name for name, inside in zip(clips.ids, chosen, strict=True) if inside),
        truth=clips.truth[chosen],
        predicted=clips.predicted[chosen],
        scores=None,
    )
