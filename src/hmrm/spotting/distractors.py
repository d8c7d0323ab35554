"""Movements of a face that are no expression: speech, blinks, turns of the head.

Used on long videos, where such movements outnumber expressions. Each rule looks at what surrounds
a movement, which the search for movements (``movements.py``) does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hmrm.intervals import MICRO_S
from hmrm.spotting.motion import MotionSignal
from hmrm.spotting.movements import Movement

Reason = Literal["speech", "blink", "head_turn"]
"""Why a movement is no expression."""


@dataclass(frozen=True, kw_only=True)
class DistractorConfig:
    """When a movement counts as no expression.

    Attributes:
        speech_regions: where speech moves a face.
        speech_gap_s: short movements of these regions no further apart belong together.
        speech_count: as many of them in a row are speech; 0 switches the rule off. Expressions
            during speech are lost with it.
        eye_regions: regions that lids pull along.
        eye_change: a change of the eyes' appearance that is a blink rather than raised brows.
        eye_margin_s: the eyes count this long before and after a movement, too.
        turn_ratio: the nose, which no muscle moves sideways, moves with a turning head; a movement
            in which it moves at least this fraction of the strongest region's way is a turn.
        turn_px: and at least this far, px of the canonical crop.
    """

    speech_regions: tuple[str, ...] = (
        "left_mouth_corner",
        "right_mouth_corner",
        "chin",
        "left_cheek",
        "right_cheek",
    )
    speech_gap_s: float = 0.75
    speech_count: int = 3
    eye_regions: tuple[str, ...] = ("left_brow", "right_brow", "left_cheek", "right_cheek")
    eye_change: float = 0.15
    eye_margin_s: float = 0.1
    turn_ratio: float = 0.6
    turn_px: float = 0.08


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A movement that is no expression, and why."""

    movement: Movement
    reason: Reason


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Movements of one face that are expressions, and those that are not, in order of time."""

    kept: tuple[Movement, ...]
    rejected: tuple[Rejected, ...] = ()


def reject_distractors(
    movements: Sequence[Movement],
    signal: MotionSignal,
    config: DistractorConfig | None = None,
) -> Candidates:
    """Reject movements that are speech, a blink or a turn of the head."""
    config = config or DistractorConfig()
    speech = _speech(movements, signal, config)
    kept, rejected = [], []
    for one in movements:
        reason: Reason | None = None
        if one in speech:
            reason = "speech"
        elif _is_blink(one, signal, config):
            reason = "blink"
        elif _is_turn(one, signal, config):
            reason = "head_turn"
        if reason is None:
            kept.append(one)
        else:
            rejected.append(Rejected(movement=one, reason=reason))
    return Candidates(kept=tuple(kept), rejected=tuple(rejected))


def _speech(
    movements: Sequence[Movement], signal: MotionSignal, config: DistractorConfig
) -> list[Movement]:
    """Runs of short movements about the mouth."""
    time_s = signal.time_s
    short = [
        one
        for one in sorted(movements, key=lambda m: m.onset)
        if one.region in config.speech_regions
        and time_s[one.offset] - time_s[one.onset] <= 2 * MICRO_S
    ]
    runs: list[list[Movement]] = []
    for one in short:
        if runs and time_s[one.onset] - time_s[runs[-1][-1].offset] <= config.speech_gap_s:
            runs[-1].append(one)
        else:
            runs.append([one])
    if not config.speech_count:
        return []
    return [one for run in runs if len(run) >= config.speech_count for one in run]


def _is_blink(one: Movement, signal: MotionSignal, config: DistractorConfig) -> bool:
    if one.region not in config.eye_regions:
        return False
    time_s, margin = signal.time_s, config.eye_margin_s
    if time_s[one.offset] - time_s[one.onset] > MICRO_S + 1e-9:
        return False
    near = (time_s >= time_s[one.onset] - margin) & (time_s <= time_s[one.offset] + margin)
    return bool(signal.eye_change[near].max() >= config.eye_change)


def _is_turn(one: Movement, signal: MotionSignal, config: DistractorConfig) -> bool:
    if "nose" not in signal.regions:
        return False
    rows = signal.motion_px[one.onset : one.offset + 1]
    lengths = np.linalg.norm(rows - rows[0], axis=2).max(axis=0)
    nose = float(lengths[signal.regions.index("nose")])
    strongest = float(lengths[signal.regions.index(one.region)])
    return nose >= config.turn_px and nose >= config.turn_ratio * strongest
