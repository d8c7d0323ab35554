"""How probable it is that a spotted movement is an expression.

Salience is an order; here it becomes a probability, counted on synthetic development videos
(``python -m benchmarks.spotting.probability``): of the events that the spotter found there, how
many were expressions, and how many were blinks, words, turns or noise. No real video was used.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hmrm import records

FITTED = Path(__file__).with_name("probability.json")


@dataclass(frozen=True, kw_only=True)
class FittedProbability:
    """Logistic regression on the logarithm of the salience, peak over threshold.

    Attributes:
        intercept, slope: probability = sigmoid(intercept + slope · ln(peak / threshold)).
        events, expressions: events of the fit, and how many of them were expressions.
        videos: how many videos they are from.
        fitted_on, limits: one sentence each.
    """

    intercept: float
    slope: float
    events: int
    expressions: int
    videos: int
    fitted_on: str
    limits: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.intercept) and self.slope >= 0):
            raise ValueError("intercept must be finite, and slope 0 or more")

    def of(self, peak_over_threshold: float) -> float:
        """Probability, 0 to 1, of an event whose peak is so many thresholds high.

        Raises:
            ValueError: not above 0.
        """
        return 1 / (1 + math.exp(-(self.intercept + self.slope * math.log(peak_over_threshold))))


@lru_cache(maxsize=1)
def fitted_probability() -> FittedProbability:
    """The fit that is shipped."""
    return records.read(FittedProbability, FITTED)


def expression_probability(peak_over_threshold: float) -> float:
    """Probability that a movement that high is an expression, by the shipped fit.

    It holds where expressions and distractors are as frequent as in the videos of the fit; how
    frequent they are in a user's video nobody knows.

    Example:
        >>> from hmrm.spotting.probability import expression_probability
        >>> expression_probability(1.0) < expression_probability(3.0) < 1.0
        True
    """
    return fitted_probability().of(peak_over_threshold)
