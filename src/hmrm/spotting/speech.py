"""When a face speaks: its mouth opens and closes faster than expressions follow each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hmrm.spotting.measures import FaceMeasures
from hmrm.spotting.position import smooth_within

_CLOSED = 0.05  # eye distances; the mesh's opening of closed lips, twice


@dataclass(frozen=True, kw_only=True)
class SpeechConfig:
    """When movements of the mouth are speech.

    Attributes:
        swing: change of the mouth's opening from one turning point to the next, as a natural
            logarithm: a laugh's trembling wide-open mouth is no syllable.
        gap_s: turning points no further apart belong together.
        count: as many in a row are speech; two quick gasps have fewer.
        lasting_swing: once a face speaks, turning points so weak show that it goes on.
        margin_s: a row stands for this much around it: phrases begin and end softly.
        smooth_s: standard deviation of the smoothing in time.
    """

    swing: float = 0.25
    gap_s: float = 0.35
    count: int = 4
    lasting_swing: float = 0.15
    margin_s: float = 1.0
    smooth_s: float = 0.025


def speech(measures: FaceMeasures, config: SpeechConfig | None = None) -> Bool[np.ndarray, " n"]:
    """Whether the face speaks, in every frame."""
    config = config or SpeechConfig()
    opening = smooth_within(measures.mouth_opening[:, None], measures, config.smooth_s)[:, 0]
    logarithm, time_s = np.log(np.maximum(opening, 0) + _CLOSED), measures.time_s
    weak_s = time_s[turning_points(logarithm, config.lasting_swing)].tolist()
    spoken = np.zeros(len(measures), dtype=bool)
    for run in _runs(time_s[turning_points(logarithm, config.swing)].tolist(), config.gap_s):
        if len(run) >= config.count:
            low_s, high_s = run[0], run[-1]
            for moment in weak_s:
                high_s = moment if high_s < moment <= high_s + config.margin_s else high_s
            for moment in reversed(weak_s):
                low_s = moment if low_s - config.margin_s <= moment < low_s else low_s
            spoken |= (time_s >= low_s - config.margin_s) & (time_s <= high_s + config.margin_s)
    return spoken


def _runs(moments_s: list[float], gap_s: float) -> list[list[float]]:
    """Moments no further apart than the gap, together."""
    runs: list[list[float]] = []
    for moment in moments_s:
        if runs and moment - runs[-1][-1] <= gap_s:
            runs[-1].append(moment)
        else:
            runs.append([moment])
    return runs


def turning_points(values: Float[np.ndarray, " n"], swing: float) -> list[int]:
    """Rows of the maxima and minima that the values leave by at least ``swing``."""
    found: list[int] = []
    direction, extreme = 0, 0
    for row in range(1, len(values)):
        if direction == 0:
            if abs(values[row] - values[0]) >= swing:
                direction, extreme = (1 if values[row] > values[0] else -1), row
        elif direction * (values[row] - values[extreme]) > 0:
            extreme = row
        elif direction * (values[extreme] - values[row]) >= swing:
            found.append(extreme)
            direction, extreme = -direction, row
    return found
