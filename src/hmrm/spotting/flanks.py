"""Where a movement begins and ends: a flank fitted to the motion, between the frames measured.

A threshold is passed late where a movement starts gently, and rest that is read while it is under
way follows it. So each flank is compared with rest before it alone, projected on what the face did
at the apex, and described as half a cosine wave: how muscles of the face, and of limbs, start and
stop (minimum jerk; Flash and Hogan 1985), here with two numbers, its start and its duration.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hmrm.spotting.regional import RegionalMotion, segments, smooth

_FEWEST = 5  # rows that two numbers and two levels can be fitted to


@dataclass(frozen=True, kw_only=True)
class FlankConfig:
    """How a flank is fitted. Times in s.

    Attributes:
        smooth_s: standard deviation of the smoothing in time, of the motion and of the fit alike.
        before_s: so much is looked at before the start that a threshold gave,
        after_s: and so much after the flank has reached its top.
        rest_gap_s: rest is read this long before that start and earlier.
        reach_s: the start is looked for so near to that start.
        shortest_s, longest_s: of a flank.
        top: part of the displacement at the apex at which a flank is over.
        away: part of it above which, before the start, another movement is under way.
        explained: part of the variance that the fit must explain; else the start stays.
        least_times: least displacement at the apex, in its noise from frame to frame.
        least_frames_per_s: with fewer, a flank holds too few frames to be fitted.
        noise_floor_px: least noise assumed.
    """

    smooth_s: float = 0.015
    before_s: float = 0.1
    after_s: float = 0.03
    rest_gap_s: float = 0.06
    reach_s: float = 0.12
    shortest_s: float = 0.05
    longest_s: float = 1.0
    top: float = 0.97
    away: float = 0.35
    explained: float = 0.9
    least_times: float = 4.0
    least_frames_per_s: float = 50.0
    noise_floor_px: float = 0.01


def fitted_ends(
    signal: RegionalMotion,
    frames: tuple[int, int, int],
    config: FlankConfig | None = None,
    *,
    blinking: Bool[np.ndarray, " t"] | None = None,
    near_eyes: tuple[str, ...] = (),
) -> tuple[int, int]:
    """Frames, measured or not, in which a movement begins and ends.

    Args:
        frames: onset, apex and offset as thresholds gave them; an end whose flank cannot be fitted
            stays.
        blinking: rows in which the eyes blink,
        near_eyes: and regions that are not read near those.
    """
    config = config or FlankConfig()
    onset, apex, offset = frames
    onset_s, apex_s, offset_s = np.interp(frames, signal.index, signal.time_s).tolist()
    rows = next(
        (r for r in segments(signal) if r[0] <= np.searchsorted(signal.index, apex) <= r[-1]), None
    )
    if rows is None or len(rows) < _FEWEST:
        return onset, offset
    time_s, motion = signal.time_s[rows], np.asarray(signal.motion_px)[rows]
    if np.median(np.diff(time_s)) > 1 / config.least_frames_per_s + 1e-6:
        return onset, offset
    bends = np.diff(motion, n=2, axis=0)
    noise = np.maximum(np.median(np.abs(bends), axis=(0, 2)), config.noise_floor_px)
    weight = noise**-2.0
    if blinking is not None:
        near = (time_s >= onset_s - config.before_s) & (time_s <= offset_s + config.before_s)
        if (blinking[rows] & near).any():
            weight[[name in near_eyes for name in signal.regions]] = 0.0
    start_s = _start_s(time_s, motion, weight, onset_s, apex_s, config)
    # An end is a start in time that runs backwards.
    back_s = _start_s(-time_s[::-1], motion[::-1], weight, -offset_s, -apex_s, config)
    if start_s is not None:
        onset = round(float(np.interp(start_s, signal.time_s, signal.index)))
    if back_s is not None:
        offset = round(float(np.interp(-back_s, signal.time_s, signal.index)))
    return onset, offset


def _start_s(
    time_s: Float[np.ndarray, " t"],
    motion: Float[np.ndarray, "t r 2"],
    weight: Float[np.ndarray, " r"],
    guess_s: float,
    apex_s: float,
    config: FlankConfig,
) -> float | None:
    """When the flank begins that leads to the apex; None where none is seen."""
    step_s = float(np.median(np.diff(time_s)))
    begins_s = max(float(time_s[0]), guess_s - config.rest_gap_s - config.before_s)
    ends_s = min(float(time_s[-1]), apex_s + config.after_s)
    even = np.arange(begins_s, ends_s + step_s / 2, step_s)
    if len(even) < _FEWEST:
        return None
    columns = motion.reshape(len(motion), -1)
    columns = np.stack([np.interp(even, time_s, column) for column in columns.T], axis=1)
    columns = smooth(columns, config.smooth_s / step_s)
    rest = columns[even <= max(guess_s - config.rest_gap_s, float(even[1]))]
    moved = (columns - np.median(rest, axis=0)).reshape(len(even), -1, 2)
    apex, guess = (int(np.abs(even - s).argmin()) for s in (apex_s, guess_s))
    shape = moved[apex] * weight[:, None]
    strength = float((moved[apex] * shape).sum())
    if strength < config.least_times**2 or apex <= guess:
        return None
    along = np.einsum("trd,rd->t", moved, shape) / strength
    top = guess + int((along[guess : apex + 1] >= config.top).argmax())
    stop = min(len(even), top + 1 + round(config.after_s / step_s))
    away = np.flatnonzero(np.abs(along[:guess]) > config.away)
    first = int(away[-1]) + 1 if len(away) else 0
    if stop - first < _FEWEST:
        return None
    return _fitted_s(even[first:stop], along[first:stop], guess_s, step_s, config)


def _fitted_s(
    time_s: Float[np.ndarray, " n"],
    along: Float[np.ndarray, " n"],
    guess_s: float,
    step_s: float,
    config: FlankConfig,
) -> float | None:
    """Start of the half cosine wave, between two free levels, that is nearest to a displacement."""
    starts = guess_s + np.arange(-config.reach_s, config.reach_s + 1e-9, 0.0025)
    lengths = np.geomspace(config.shortest_s, config.longest_s, 25)
    start, length = (grid.ravel() for grid in np.meshgrid(starts, lengths, indexing="ij"))
    # Smoothing must not see the ends of the stretch, where the motion goes on.
    margin = int(np.ceil(3 * config.smooth_s / step_s)) + 1
    wider = time_s[0] + step_s * np.arange(-margin, len(time_s) + margin)
    phase = np.clip((wider[:, None] - start) / length, 0, 1)
    waves = smooth(0.5 - 0.5 * np.cos(np.pi * phase), config.smooth_s / step_s)[margin:-margin]
    waves = waves - waves.mean(axis=0)
    level = along - along.mean()
    common = level @ waves
    power = np.maximum((waves**2).sum(axis=0), 1e-12)
    explained = np.where(common > 0, common**2 / power, 0.0) / max(float(level @ level), 1e-12)
    # Absolute residuals: codecs let motion fade out slowly, which squares would make much of.
    left = np.abs(level[:, None] - waves * (common / power)).sum(axis=0)
    best = int(np.where(common > 0, left, np.inf).argmin())
    return float(start[best]) if explained[best] >= config.explained else None
