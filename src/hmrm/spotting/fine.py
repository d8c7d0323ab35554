"""Movements too fine for the mesh, in the displacement that sub-pixel registration gives.

Registration knows hundredths of a px, but only against a moment ago; the mesh knows where the face
is, but only to half a px. So the mesh says which frames are rest, and rest and noise are read
there: a clip that is busy half of its time still has a quiet half. A clip too short to show its
own noise is compared with the noise that registration is known to have.

Thresholds are made of the face's own noise, medians throughout, because a part of the maximum
always finds something (against Liong et al. 2021). An interval is read off the displacement of all
regions that take part, not set around the peak.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hmrm.spotting.regional import (
    RegionalMotion,
    bridged,
    rest_between_ends,
    running_rest,
    segments,
    smooth,
)

_USUAL_FRAMES = 50  # in half a second at the rate that thresholds are given for
_NORMAL_MEDIAN = 0.6745  # median of the absolute value of a normal number, in standard deviations


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Movements of one order of length. Times in s, lengths in px of the crop (224 wide).

    Attributes:
        rest_s: window of the median that is the resting place; movements up to half of it remain.
        smooth_s: standard deviation of the smoothing in time.
        least_px: least threshold.
        noise_times: least threshold in standard deviations of the face's own noise.
        usual_times: least threshold in the noise's usual maxima over half a second of 50 frames.
        preference: a movement found at several scales is taken where preference times salience
            is largest.
    """

    rest_s: float
    smooth_s: float
    least_px: float
    noise_times: float
    usual_times: float
    preference: float = 1.0


@dataclass(frozen=True, kw_only=True)
class FineConfig:
    """What counts as a fine movement.

    Attributes:
        scales: micro-expressions, and weak movements of up to about 2 s and 4 s.
        noise_floor_px: least noise assumed.
        decided_s: so much quiet time shows a face's own noise; with less, the known one stands,
        heard_s: unless at least so much shows a larger one.
        known_times: registration's wandering at rest in its scatter from frame to frame.
        known_floor_px: and at least this.
        known_px: least threshold while the known noise stands.
        swallowed: a movement is only what the resting place of its scale left of a longer one that
            a slower scale shows so many times as large.
        apart_s: apexes are at least this far apart.
        edge: onset and offset lie where the displacement passes this part of the apex.
        least_s: shorter excursions are glitches.
        blink_peak, blink_edge: change of the eyes' look that only a blink makes, and at which it
            begins and ends.
        blink_margin_s: added on both sides of a blink.
        longest_blink_s: eyes that look different for longer are squeezed or shut, not blinking.
        near_eyes: regions that lids pull along; not read during a blink.
        ignored: regions that are not expression.
    """

    scales: tuple[Scale, ...] = (
        Scale(rest_s=1.0, smooth_s=0.025, least_px=0.1, noise_times=5.3, usual_times=3.5),
        Scale(
            rest_s=5.0,
            smooth_s=0.06,
            least_px=0.4,
            noise_times=7.5,
            usual_times=3.8,
            preference=0.6,
        ),
        Scale(
            rest_s=10.0,
            smooth_s=0.12,
            least_px=0.64,
            noise_times=7.5,
            usual_times=3.8,
            preference=0.5,
        ),
    )
    noise_floor_px: float = 0.01
    decided_s: float = 3.0
    heard_s: float = 0.75
    known_times: float = 4.2
    known_floor_px: float = 0.032
    known_px: float = 0.2
    swallowed: float = 2.0
    apart_s: float = 0.125
    edge: float = 0.08
    least_s: float = 0.08
    blink_peak: float = 0.25
    blink_edge: float = 0.03
    blink_margin_s: float = 0.05
    longest_blink_s: float = 0.4
    near_eyes: tuple[str, ...] = ("left_brow", "right_brow", "left_cheek", "right_cheek")
    ignored: tuple[str, ...] = ("nose",)

    @property
    def floor_px(self) -> float:
        """Motion below it cannot be distinguished from none, px of the crop."""
        return min(scale.least_px for scale in self.scales)


@dataclass(frozen=True, kw_only=True)
class FineMovement:
    """One fine movement; rows count in the signal, px in the canonical crop.

    Attributes:
        region: the one whose displacement stood highest above its threshold.
        peak_px: that region's displacement at the apex, from the onset.
        salience: displacement over the threshold, 1 the least that counts.
        blink_fraction: part of the movement during which the eyes blink.
    """

    onset: int
    apex: int
    offset: int
    region: str
    peak_px: float
    salience: float
    blink_fraction: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """One segment on an even time grid, smoothed, displacement from rest."""

    first: int
    rows_s: Float[np.ndarray, " n"]
    time_s: Float[np.ndarray, " t"]
    step_s: float
    away: Float[np.ndarray, "t r 2"]
    scatter: Float[np.ndarray, "r 2"]
    blink: Bool[np.ndarray, " t"]
    busy: Bool[np.ndarray, " t"]
    closed: Bool[np.ndarray, " t"]
    brief: bool

    def row(self, position: int) -> int:
        """The signal's row nearest in time to a position on the even grid."""
        return self.first + int(np.argmin(np.abs(self.rows_s - self.time_s[position])))


def find_fine(
    signal: RegionalMotion,
    config: FineConfig | None = None,
    *,
    displaced: Bool[np.ndarray, " t"] | None = None,
    excluded: Bool[np.ndarray, " t"] | None = None,
    least: float = 1.0,
) -> list[FineMovement]:
    """Fine movements in order of time; none where nothing rises above its noise.

    Args:
        displaced: rows in which the mesh shows the face away from neutral, or speaking: neither
            rest nor noise is read there.
        excluded: rows in which nothing is looked for.
        least: salience from which on a movement is given; those of 1 and more do not depend on it.
    """
    config = config or FineConfig()
    nowhere = np.zeros(len(signal.index), dtype=bool)
    away = nowhere if displaced is None else displaced
    closed = nowhere if excluded is None else excluded
    found: list[tuple[float, FineMovement]] = []
    for scale in reversed(config.scales):
        near = _at_scale(signal, scale, config, away, closed, least)
        found += [pair for pair in near if not _is_remainder(pair[1], found, config.swallowed)]
    taken = nowhere.copy()
    kept = []
    for _, movement in sorted(
        found, key=lambda pair: (pair[1].salience < 1, -pair[0], pair[1].onset)
    ):
        rows = slice(movement.onset, movement.offset + 1)
        if not taken[rows].any():
            taken[rows] = True
            kept.append(movement)
    return sorted(kept, key=lambda movement: movement.onset)


def _is_remainder(
    one: FineMovement, slower: Sequence[tuple[float, FineMovement]], swallowed: float
) -> bool:
    """Whether a slower scale shows that this one's quick rest has followed the movement itself."""
    return any(
        other.onset <= one.apex <= other.offset
        and other.salience >= 1
        and other.peak_px >= swallowed * one.peak_px
        for _, other in slower
    )


def blinks(signal: RegionalMotion, config: FineConfig | None = None) -> Bool[np.ndarray, " t"]:
    """Rows of the signal in which the eyes look as only a blink makes them."""
    config = config or FineConfig()
    blink = np.zeros(len(signal.index), dtype=bool)
    for rows in segments(signal):
        if len(rows) > 1:
            step_s = float(np.median(np.diff(signal.time_s[rows])))
            blink[rows] = _blinks(signal.eye_change[rows], config, step_s)
    return blink


def _expressive_regions(signal: RegionalMotion, config: FineConfig) -> list[int]:
    return [i for i, name in enumerate(signal.regions) if name not in config.ignored]


def _parts(
    signal: RegionalMotion,
    scale: Scale,
    config: FineConfig,
    displaced: Bool[np.ndarray, " t"],
    excluded: Bool[np.ndarray, " t"],
) -> Iterator[_Part]:
    expressive = np.array(_expressive_regions(signal, config))
    motion_px = np.asarray(signal.motion_px)
    for rows in segments(signal):
        if len(rows) < 5:
            continue
        times = signal.time_s[rows]
        step_s = float(np.median(np.diff(times)))
        even = times[0] + step_s * np.arange(int((times[-1] - times[0]) / step_s + 0.5) + 1)
        raw = motion_px[np.ix_(rows, expressive)].reshape(len(rows), -1)
        raw = np.stack([np.interp(even, times, column) for column in raw.T], axis=1)
        motion = smooth(raw, scale.smooth_s / step_s)
        blink = _blinks(np.interp(even, times, signal.eye_change[rows]), config, step_s)
        busy = np.interp(even, times, displaced[rows].astype(float)) > 0.5
        quiet_s = float((~(blink | busy)).sum() * step_s)
        brief = quiet_s < config.decided_s
        if quiet_s < scale.rest_s:
            rest = rest_between_ends(motion, blink | busy)
        else:
            rest = running_rest(bridged(motion, blink | busy), scale.rest_s / step_s)
        # Second differences: a movement's own speed must not pass for noise in a short clip.
        bends = np.diff(raw, n=2, axis=0)
        scatter = np.median(np.abs(bends), axis=0) / _NORMAL_MEDIAN / np.sqrt(6)
        yield _Part(
            first=int(rows[0]),
            rows_s=times,
            time_s=even,
            step_s=step_s,
            away=(motion - rest).reshape(len(even), len(expressive), 2),
            scatter=scatter.reshape(len(expressive), 2),
            blink=blink,
            busy=busy,
            closed=np.interp(even, times, excluded[rows].astype(float)) > 0.5,
            brief=brief,
        )


def _at_scale(
    signal: RegionalMotion,
    scale: Scale,
    config: FineConfig,
    displaced: Bool[np.ndarray, " t"],
    excluded: Bool[np.ndarray, " t"],
    least: float,
) -> list[tuple[float, FineMovement]]:
    """Movements of one scale with their rank among those of all scales."""
    parts = list(_parts(signal, scale, config, displaced, excluded))
    names = [signal.regions[i] for i in _expressive_regions(signal, config)]
    pulled = np.array([name in config.near_eyes for name in names])
    reported = [part for part in parts if not part.brief]
    own = _own_noise(reported, scale, config) if reported else None
    found = []
    for part in parts:
        if part.brief or own is None:
            noise = _known_noise(part, config)
            threshold = np.full(len(names), scale.noise_times)
            least_px = max(scale.least_px, config.known_px)
        else:
            noise, threshold, least_px = own[0], own[1], scale.least_px
        over_noise = np.linalg.norm(part.away / noise, axis=2) / threshold
        salience = np.minimum(over_noise, np.linalg.norm(part.away, axis=2) / least_px)
        salience[np.ix_(part.blink, pulled)] = 0.0
        salience[part.closed] = 0.0
        found += _movements(part, salience, noise, names, config, least)
    return [(scale.preference * movement.salience, movement) for movement in found]


def _known_noise(part: _Part, config: FineConfig) -> Float[np.ndarray, "r 2"]:
    """What registration is known to wander by, and what little the part shows if that is more."""
    known = np.maximum(config.known_times * part.scatter, config.known_floor_px)
    quiet = part.away[~(part.blink | part.busy)]
    if len(quiet) * part.step_s < config.heard_s:
        return known
    return np.maximum(known, np.median(np.abs(quiet), axis=0) / _NORMAL_MEDIAN)


def _own_noise(
    parts: Sequence[_Part], scale: Scale, config: FineConfig
) -> tuple[Float[np.ndarray, "r 2"], Float[np.ndarray, " r"]]:
    """Noise of the face at rest, and the threshold in it, by region."""
    quiet = np.concatenate([part.away[~(part.blink | part.busy)] for part in parts])
    noise = np.median(np.abs(quiet), axis=0) / _NORMAL_MEDIAN
    noise = np.maximum(noise, config.noise_floor_px)
    block = max(1, round(0.5 / float(np.median([part.step_s for part in parts]))))
    over_noise = np.linalg.norm(quiet / noise, axis=2)
    blocks = np.array_split(over_noise, max(1, len(over_noise) // block))
    usual = np.median(np.stack([rows.max(axis=0) for rows in blocks]), axis=0)
    # The largest of few frames is smaller than that of many: thresholds hold for all frame rates.
    usual = usual * np.sqrt(np.log(_USUAL_FRAMES) / np.log(max(2, block)))
    return noise, np.maximum(scale.noise_times, scale.usual_times * usual)


def _movements(
    part: _Part,
    salience: Float[np.ndarray, "t r"],
    noise: Float[np.ndarray, "r 2"],
    names: Sequence[str],
    config: FineConfig,
    least: float,
) -> list[FineMovement]:
    """Peaks of one segment, highest first; intervals do not overlap."""
    strongest = salience.max(axis=1)
    taken = part.closed.copy()
    apart = max(1, round(config.apart_s / part.step_s))
    found = []
    order = np.argsort(-strongest, kind="stable")
    for peak in order[strongest[order] >= least].tolist():
        if taken[max(0, peak - apart) : peak + apart + 1].any():
            continue
        interval = _interval(part, peak, noise, config)
        if interval is None:
            taken[peak] = True
            continue
        onset, apex, offset = interval
        # The flank of a taken movement rises above the threshold too.
        overlap = taken[onset : offset + 1].any()
        taken[onset : offset + 1] = True
        if overlap or (offset - onset) * part.step_s < config.least_s:
            continue
        region = int(salience[peak].argmax())
        moved = part.away[apex, region] - part.away[onset, region]
        found.append(
            FineMovement(
                onset=part.row(onset),
                apex=part.row(apex),
                offset=part.row(offset),
                region=names[region],
                peak_px=float(np.linalg.norm(moved)),
                salience=float(strongest[peak]),
                blink_fraction=float(part.blink[onset : offset + 1].mean()),
            )
        )
    return found


def _interval(
    part: _Part, peak: int, noise: Float[np.ndarray, "r 2"], config: FineConfig
) -> tuple[int, int, int] | None:
    """Onset, apex and offset on the displacement along what the face did at the peak.

    All regions are projected on their displacement at the peak and summed by their precision, the
    matched filter for a movement that keeps its shape. None where the segment begins or ends
    before the displacement does.
    """
    shape = part.away[peak] / noise**2
    strength = float((part.away[peak] * shape).sum())
    along = np.einsum("trd,rd->t", part.away, shape) / strength
    # The noise of the projection, so that onset and offset are not lost in it.
    edge = max(config.edge, 2.0 / np.sqrt(strength))
    before = np.flatnonzero(along[:peak] < edge)
    after = np.flatnonzero(along[peak:] < edge)
    if not (len(before) and len(after)):
        return None
    onset, offset = int(before[-1]), peak + int(after[0])
    return onset, onset + int(along[onset : offset + 1].argmax()), offset


def _blinks(
    eyes: Float[np.ndarray, " t"], config: FineConfig, step_s: float
) -> Bool[np.ndarray, " t"]:
    """Runs of changed eyes that hold a change as large as only blinks make."""
    changed = eyes > max(config.blink_edge, 5 * float(np.median(eyes)))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], changed, [False]])))
    margin = round(config.blink_margin_s / step_s)
    blink = np.zeros(len(eyes), dtype=bool)
    for start, stop in edges.reshape(-1, 2).tolist():
        lasts_s = (stop - start) * step_s
        if eyes[start:stop].max() > config.blink_peak and lasts_s <= config.longest_blink_s:
            blink[max(0, start - margin) : stop + margin] = True
    return blink
