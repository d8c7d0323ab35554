"""Speech that registration shows: soft speech and single words, too small for the mesh's opening.

An expression rises and falls once. Around a syllable the mouth turns round again and again: towards
the sound before, and the one after. What is no further from such a movement is speech, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hmrm.spotting.fine import FineMovement
from hmrm.spotting.regional import RegionalMotion, smooth
from hmrm.spotting.speech import turning_points

_MOUTH = ("left_mouth_corner", "right_mouth_corner", "chin")


@dataclass(frozen=True, kw_only=True)
class SyllableConfig:
    """When fine movements of the lower face are speech.

    Attributes:
        longest_s: longer ones are none.
        turns: the mouth turns round so often in a row, and
        near_s: so long before and after a movement counts. An expression has one turn, its apex.
        apart_s: turns of one row follow each other within it: a syllable is over by then, while a
            weak signal wanders more slowly.
        swing: from one turning point to the next, as a part of the movement's size.
        least_px: and at least so far, px of the canonical crop; a coded video wanders by less.
        gap_s: movements no further from one with so many turns are of the same speech.
        smooth_s: standard deviation of the smoothing in time.
    """

    longest_s: float = 1.0
    turns: int = 2
    near_s: float = 0.5
    apart_s: float = 0.45
    swing: float = 0.4
    least_px: float = 0.15
    gap_s: float = 0.5
    smooth_s: float = 0.025


def syllables(
    movements: Sequence[FineMovement],
    motion: RegionalMotion,
    config: SyllableConfig | None = None,
) -> list[FineMovement]:
    """Those of the movements, in order of time, that are speech; never one of a brow."""
    config = config or SyllableConfig()
    time_s = motion.time_s
    short = [
        one
        for one in movements
        if "brow" not in one.region and time_s[one.offset] - time_s[one.onset] <= config.longest_s
    ]
    sure = [one for one in short if turns_around(one, motion, config) >= config.turns]
    return [one for one in short if within_gap(one, sure, motion, config)]


def within_gap(
    one: FineMovement,
    spoken: Sequence[FineMovement],
    motion: RegionalMotion,
    config: SyllableConfig,
) -> bool:
    """Whether a movement is one of those that are speech, or no further than the gap from one."""
    time_s = motion.time_s
    return any(
        time_s[max(one.onset, other.onset)] - time_s[min(one.offset, other.offset)] <= config.gap_s
        for other in spoken
    )


def turns_around(one: FineMovement, motion: RegionalMotion, config: SyllableConfig) -> int:
    """Turning points in a row of that direction of the mouth that has most, near a movement."""
    time_s = motion.time_s
    near = (time_s >= time_s[one.onset] - config.near_s) & (
        time_s <= time_s[one.offset] + config.near_s
    )
    rows = np.flatnonzero(near & (motion.segment == motion.segment[one.onset]))
    mouth = [motion.regions.index(name) for name in _MOUTH if name in motion.regions]
    columns = np.asarray(motion.motion_px)[rows][:, mouth].reshape(len(rows), -1)
    step_s = float(np.median(np.diff(time_s[rows])))
    swing_px = max(config.swing * one.peak_px, config.least_px)
    smoothed = smooth(columns, config.smooth_s / step_s)
    turns_s = (time_s[rows[turning_points(column, swing_px)]] for column in smoothed.T)
    return max((_in_a_row(turns, config.apart_s) for turns in turns_s), default=0)


def _in_a_row(turns_s: Float[np.ndarray, " n"], apart_s: float) -> int:
    """How many at most follow each other within the time."""
    rows = np.split(turns_s, np.flatnonzero(np.diff(turns_s) > apart_s) + 1)
    return max(map(len, rows))
