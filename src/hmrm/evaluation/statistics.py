"""How far a score can be trusted: intervals over subjects, paired tests, chance, seeds.

Clips of one subject are alike, so subjects are resampled, never clips. All clips of a sampled
subject are pooled as often as it was sampled, and the pooled score is computed again: the statistic
is the one that is reported. Several seeds of one model share the sampled subjects; their scores are
averaged inside each draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from hmrm.errors import DataError
from hmrm.evaluation.metrics import confusion_matrix, per_class, score
from hmrm.evaluation.predictions import Predictions, match

SAMPLES = 5000
_BLOCK = 500


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A value with the percentile interval of its bootstrap draws, and their standard deviation."""

    value: float
    low: float
    high: float
    sd: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Second run minus first: value, percentile interval, two-sided bootstrap p."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, kw_only=True)
class MeanSd:
    """Mean over seeds, and the sample standard deviation (None for one seed)."""

    mean: float
    sd: float | None
    count: int


@dataclass(frozen=True, kw_only=True)
class Chance:
    """What guessing gives on the same true labels.

    Attributes:
        majority: always the most frequent class.
        uniform: each class equally often, mean over draws.
        permuted: the model's own predictions dealt out to random clips, mean over draws.
        permuted_high: what one in twenty such deals exceeds.
    """

    majority: float
    uniform: float
    permuted: float
    permuted_high: float


def mean_sd(values: Sequence[float]) -> MeanSd:
    """Mean and sample standard deviation over seeds."""
    numbers = np.asarray(values, dtype=np.float64)
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else None
    return MeanSd(mean=float(numbers.mean()), sd=sd, count=len(numbers))


def bootstrap(
    seeds: Sequence[Predictions],
    *,
    generator: np.random.Generator,
    samples: int = SAMPLES,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Intervals of UF1, UAR and accuracy over resampled subjects.

    Args:
        seeds: the same clips predicted by each seed.
        level: fraction of draws inside the interval.

    Raises:
        DataError: seeds that do not speak of the same clips.
    """
    counts = _counts_by_subject(seeds)
    values = _scores(counts.sum(0)[None])
    synthetic = _sampled_scores(counts, _sample_subjects(len(counts), samples, generator))
    return {name: _interval(float(values[name][0]), synthetic[name], level) for name in values}


def paired_bootstrap(
    first: Sequence[Predictions],
    second: Sequence[Predictions],
    *,
    generator: np.random.Generator,
    samples: int = SAMPLES,
    level: float = 0.95,
) -> dict[str, Difference]:
    """Is the second run better than the first? Both on the same sampled subjects.

    Clips are matched by id. ``p`` is twice the smaller fraction of draws on either side of 0, with
    one draw added to either side, so it is never 0; it tests "no difference between the two
    models on subjects like these", not "on these subjects".

    Raises:
        DataError: the runs do not speak of the same clips.
    """
    for one in (*first, *second):
        match(first[0], one)
    both = [_counts_by_subject(first), _counts_by_subject(second)]
    # The same subjects for both runs: that is what makes the test paired.
    weights = _sample_subjects(len(both[0]), samples, generator)
    synthetic = [_sampled_scores(counts, weights) for counts in both]
    values = [_scores(c.sum(0)[None]) for c in both]
    tail = (1 - level) / 2
    found = {}
    for name in values[0]:
        difference = synthetic[1][name] - synthetic[0][name]
        below, above = int((difference <= 0).sum()), int((difference >= 0).sum())
        found[name] = Difference(
            value=float(values[1][name][0] - values[0][name][0]),
            low=float(np.quantile(difference, tail)),
            high=float(np.quantile(difference, 1 - tail)),
            p=min(1.0, 2 * (min(below, above) + 1) / (samples + 1)),
        )
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for as many tests, in the order given."""
    corrected, largest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, p_values[place] * (len(p_values) - rank)))
        corrected[place] = largest
    return corrected


def chance_levels(
    predictions: Predictions, *, generator: np.random.Generator, samples: int = 1000
) -> dict[str, Chance]:
    """UF1, UAR and accuracy of guessers on the same true labels."""
    truth, classes = predictions.truth, predictions.classes
    majority = np.full_like(truth, np.bincount(truth, minlength=len(classes)).argmax())
    exact = score(truth, majority, classes=classes)
    uniform = np.stack(
        [
            confusion_matrix(
                truth, generator.integers(0, len(classes), len(truth)), classes=len(classes)
            )
            for _ in range(samples)
        ]
    )
    permuted = np.stack(
        [
            confusion_matrix(
                truth, generator.permutation(predictions.predicted), classes=len(classes)
            )
            for _ in range(samples)
        ]
    )
    of_uniform, of_permuted = _scores(uniform[:, None]), _scores(permuted[:, None])
    return {
        name: Chance(
            majority=value,
            uniform=float(of_uniform[name].mean()),
            permuted=float(of_permuted[name].mean()),
            permuted_high=float(np.quantile(of_permuted[name], 0.95)),
        )
        for name, value in (("uf1", exact.uf1), ("uar", exact.uar), ("accuracy", exact.accuracy))
    }


def mean_over_subjects(
    values: Float[np.ndarray, " n"],
    subjects: Sequence[str],
    *,
    generator: np.random.Generator,
    samples: int = SAMPLES,
    level: float = 0.95,
) -> Interval:
    """Mean of a number that each clip has, its interval over resampled subjects.

    Args:
        values: one per clip.
        subjects: whose each clip is.
    """
    names, places = np.unique(np.array(subjects), return_inverse=True)
    sums = np.stack([np.bincount(places), np.bincount(places, weights=values)], axis=1)
    sampled = _sample_subjects(len(names), samples, generator) @ sums
    return _interval(float(values.mean()), sampled[:, 1] / sampled[:, 0], level)


def gain_of_subset(
    seeds: Sequence[Predictions],
    kept: Sequence[Bool[np.ndarray, " n"]],
    *,
    generator: np.random.Generator,
    samples: int = SAMPLES,
    level: float = 0.95,
) -> Interval:
    """UF1 of the kept clips minus UF1 of all, on the same sampled subjects.

    Args:
        kept: which clips, for each seed.

    Raises:
        DataError: seeds that do not speak of the same clips.
    """
    counts = [_counts_by_subject(seeds), _counts_by_subject(seeds, kept)]
    weights = _sample_subjects(len(counts[0]), samples, generator)
    # A draw of subjects of whom no clip is kept, in one of the seeds, has no score of the part.
    sizes = np.tensordot(weights, counts[1].sum(axis=(2, 3)), axes=1)
    weights = weights[(sizes > 0).all(axis=1)]
    everything, part = (_sampled_scores(one, weights)["uf1"] for one in counts)
    values = [float(_scores(one.sum(0)[None])["uf1"][0]) for one in counts]
    return _interval(values[1] - values[0], part - everything, level)


def _interval(value: float, sampled: Float[np.ndarray, " draws"], level: float) -> Interval:
    tail = (1 - level) / 2
    return Interval(
        value=value,
        low=float(np.quantile(sampled, tail)),
        high=float(np.quantile(sampled, 1 - tail)),
        sd=float(sampled.std(ddof=1)),
    )


def _counts_by_subject(
    seeds: Sequence[Predictions], kept: Sequence[Bool[np.ndarray, " n"]] | None = None
) -> Int[np.ndarray, "subjects seeds k k"]:
    """Confusion matrix of each subject and seed; subjects in the order of their names.

    Args:
        kept: count only these clips of each seed.
    """
    if not seeds:
        raise DataError("no predictions to resample")
    for one in seeds[1:]:
        match(seeds[0], one)
    subjects = np.array(seeds[0].subjects)
    classes = len(seeds[0].classes)
    rows = kept or [np.ones(len(subjects), dtype=bool)] * len(seeds)

    def matrix(one: Predictions, chosen: Bool[np.ndarray, " n"]) -> Int[np.ndarray, "k k"]:
        return confusion_matrix(one.truth[chosen], one.predicted[chosen], classes=classes)

    return np.stack(
        [
            np.stack(
                [
                    matrix(one, (subjects == name) & chosen)
                    for one, chosen in zip(seeds, rows, strict=True)
                ]
            )
            for name in sorted(set(seeds[0].subjects))
        ]
    )


def _sample_subjects(
    subjects: int, samples: int, generator: np.random.Generator
) -> Int[np.ndarray, "draws subjects"]:
    """How often each subject occurs in each draw of as many subjects, with replacement."""
    return generator.multinomial(subjects, np.full(subjects, 1 / subjects), size=samples)


def _sampled_scores(
    counts: Int[np.ndarray, "subjects seeds k k"], weights: Int[np.ndarray, "draws subjects"]
) -> dict[str, Float[np.ndarray, " draws"]]:
    blocks = [
        _scores(np.tensordot(weights[start : start + _BLOCK], counts, axes=1))
        for start in range(0, len(weights), _BLOCK)
    ]
    return {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}


def _scores(
    confusions: Int[np.ndarray, "draws seeds k k"],
) -> dict[str, Float[np.ndarray, " draws"]]:
    """Each score of each draw, averaged over seeds."""
    f1, recall, _ = per_class(confusions)
    hits = np.trace(confusions, axis1=-2, axis2=-1)
    return {
        "uf1": f1.mean((-1, -2)),
        "uar": recall.mean((-1, -2)),
        "accuracy": (hits / confusions.sum((-1, -2))).mean(-1),
    }
