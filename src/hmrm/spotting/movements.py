"""Movements in a face's regional motion: onset, apex and offset of each.

A movement leaves the region's resting place and comes back. The resting place is the median over
a window more than twice as long as the movements looked for, so that slow drift and a held pose
are rest. What exceeds a threshold made of the face's own noise is a movement; its interval is read
off the displacement of all regions that take part, not set around the peak.

Source: regions, threshold and peaks as in the classic recipe (SOFTNet, Liong et al. 2021), with
the median noise instead of mean and maximum, because a part of the maximum always finds something.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hmrm.spotting.motion import MotionSignal
from hmrm.spotting.salience import noise_px, salience, usual_peak


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Movements of one order of length. Times in s, lengths in px of the crop (224 wide).

    Attributes:
        rest_s: window of the median that is the resting place; movements up to half of it remain.
        smooth_s: standard deviation of the smoothing in time.
        least_px: least threshold; below it is what registration makes of sensor noise.
        noise_times: least threshold in standard deviations of the face's own noise.
        usual_times: least threshold in the noise's usual maxima over half a second.
        preference: a movement found at several scales is kept at the one where preference times
            peak over threshold is largest.
    """

    rest_s: float
    smooth_s: float
    least_px: float
    noise_times: float
    usual_times: float
    preference: float = 1.0


@dataclass(frozen=True, kw_only=True)
class SpotConfig:
    """What counts as a movement.

    Attributes:
        scales: micro-expressions, and movements of up to about 2 s.
        noise_floor_px: least noise assumed.
        apart_s: apexes are at least this far apart (half a usual micro-expression).
        edge: onset and offset lie where the displacement passes this part of the apex.
        least_s: shorter excursions are glitches.
        blink_peak: change of the eyes' look (``MotionSignal.eye_change``) that only a blink makes.
        blink_edge: change at which a blink begins and ends.
        blink_margin_s: added on both sides of a blink.
        blink_times: factor on every threshold during a blink, which moves what the head's motion
            is read from.
        near_eyes: regions that lids pull along; not read during a blink.
        ignored: regions that are not expression.
    """

    scales: tuple[Scale, ...] = (
        Scale(rest_s=1.0, smooth_s=0.025, least_px=0.1, noise_times=5.0, usual_times=3.3),
        Scale(
            rest_s=5.0,
            smooth_s=0.06,
            least_px=0.5,
            noise_times=8.0,
            usual_times=4.0,
            preference=0.6,
        ),
    )
    noise_floor_px: float = 0.01
    apart_s: float = 0.125
    edge: float = 0.08
    least_s: float = 0.08
    blink_peak: float = 0.25
    blink_edge: float = 0.03
    blink_margin_s: float = 0.05
    blink_times: float = 2.0
    near_eyes: tuple[str, ...] = ("left_brow", "right_brow", "left_cheek", "right_cheek")
    ignored: tuple[str, ...] = ("nose",)

    @property
    def floor_px(self) -> float:
        """Motion below it cannot be distinguished from none, px of the crop."""
        return min(scale.least_px for scale in self.scales)


LONG_VIDEO = SpotConfig(
    scales=(
        Scale(rest_s=1.0, smooth_s=0.025, least_px=0.11, noise_times=5.6, usual_times=3.7),
        *SpotConfig().scales[1:],
        Scale(
            rest_s=10.0,
            smooth_s=0.12,
            least_px=0.8,
            noise_times=8.0,
            usual_times=4.0,
            preference=0.5,
        ),
    ),
    # A syllable during a blink is one of a row that is speech; ``distractors.py`` decides.
    blink_times=1.0,
)
"""For long videos: macro-expressions of up to about 4 s as well, and the thresholds of micro-
expressions an eighth higher, because minutes give noise more chances than seconds."""


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One spotted movement; rows count in the signal, px in the canonical crop.

    Attributes:
        onset, apex, offset: rows of the ``MotionSignal``.
        region: the one whose displacement was the largest multiple of its threshold.
        peak_px: that region's displacement at the apex, from the onset.
        salience: see ``salience.py``.
        blink: the eyes changed their look during the movement.
    """

    onset: int
    apex: int
    offset: int
    region: str
    peak_px: float
    salience: float
    blink: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """One segment of a signal on an even time grid, smoothed, displacement from rest."""

    first: int
    rows_s: Float[np.ndarray, " n"]
    time_s: Float[np.ndarray, " t"]
    step_s: float
    away: Float[np.ndarray, "t r 2"]
    blink: Bool[np.ndarray, " t"]

    def row(self, position: int) -> int:
        """The signal's row nearest in time to a position on the even grid."""
        return self.first + int(np.argmin(np.abs(self.rows_s - self.time_s[position])))


def find_movements(signal: MotionSignal, config: SpotConfig | None = None) -> list[Movement]:
    """Movements of one face, in order of time; none where nothing rises above its own noise.

    A movement must be seen to begin and to end; what is under way when the face appears or leaves
    is not one.
    """
    config = config or SpotConfig()
    found = [m for scale in config.scales for m in _at_scale(signal, scale, config)]
    occupied = np.zeros(len(signal.index), dtype=bool)
    kept = []
    for _, movement in sorted(found, key=lambda pair: (-pair[0], pair[1].onset)):
        rows = slice(movement.onset, movement.offset + 1)
        if not occupied[rows].any():
            occupied[rows] = True
            kept.append(movement)
    return sorted(kept, key=lambda movement: movement.onset)


def excursions_px(
    signal: MotionSignal, config: SpotConfig | None = None
) -> dict[str, Float[np.ndarray, " t"]]:
    """Length of each region's displacement from rest, for every row of the signal.

    At the finest scale; zero in segments too short to tell rest from movement.
    """
    config = config or SpotConfig()
    columns = _columns(signal, config)
    lengths = np.zeros((len(columns), len(signal.index)))
    for part in _parts(signal, config.scales[0], config):
        rows = slice(part.first, part.first + len(part.rows_s))
        away_px = np.linalg.norm(part.away, axis=2).T
        lengths[:, rows] = [np.interp(part.rows_s, part.time_s, one) for one in away_px]
    return {signal.regions[i]: lengths[j] for j, i in enumerate(columns)}


def _columns(signal: MotionSignal, config: SpotConfig) -> list[int]:
    """Columns of the regions that movements are looked for in."""
    return [i for i, name in enumerate(signal.regions) if name not in config.ignored]


def _parts(signal: MotionSignal, scale: Scale, config: SpotConfig) -> Iterator[_Part]:
    """Segments long enough to hold a movement, each brought to an even time grid."""
    columns = np.array(_columns(signal, config))
    edges = np.flatnonzero(np.diff(signal.segment)) + 1
    for rows in np.split(np.arange(len(signal.index)), edges):
        if len(rows) < 5:
            continue
        times = signal.time_s[rows]
        step_s = float(np.median(np.diff(times)))
        even = times[0] + step_s * np.arange(int((times[-1] - times[0]) / step_s + 0.5) + 1)
        motion = signal.motion_px[np.ix_(rows, columns)].reshape(len(rows), -1)
        motion = np.stack([np.interp(even, times, column) for column in motion.T], axis=1)
        motion = _smooth(motion, scale.smooth_s / step_s)
        eyes = np.interp(even, times, signal.eye_change[rows])
        blink = _blinks(eyes, config, step_s)
        away = motion - _rest(_bridged(motion, blink), scale.rest_s / step_s)
        yield _Part(
            first=int(rows[0]),
            rows_s=times,
            time_s=even,
            step_s=step_s,
            away=away.reshape(len(even), len(columns), 2),
            blink=blink,
        )


def _at_scale(
    signal: MotionSignal, scale: Scale, config: SpotConfig
) -> list[tuple[float, Movement]]:
    """Movements of one scale with their rank among those of all scales."""
    parts = list(_parts(signal, scale, config))
    if not parts:
        return []
    names = [signal.regions[i] for i in _columns(signal, config)]
    pulled = np.array([name in config.near_eyes for name in names])
    quiet = np.concatenate([part.away[~part.blink] for part in parts])
    noise = noise_px(quiet, floor_px=config.noise_floor_px)
    half_second = round(0.5 / float(np.median([part.step_s for part in parts])))
    usual = usual_peak(np.linalg.norm(quiet / noise, axis=2), block=half_second)
    threshold = np.maximum(scale.noise_times, scale.usual_times * usual)
    found = []
    for part in parts:
        over_noise = np.linalg.norm(part.away / noise, axis=2) / threshold
        ratios = np.minimum(over_noise, np.linalg.norm(part.away, axis=2) / scale.least_px)
        ratios[part.blink] /= config.blink_times
        ratios[np.ix_(part.blink, pulled)] = 0.0
        found += _movements(part, ratios, noise, names, config)
    return [(scale.preference * peak_ratio, movement) for peak_ratio, movement in found]


def _movements(
    part: _Part,
    ratios: Float[np.ndarray, "t r"],
    noise: Float[np.ndarray, "r 2"],
    names: Sequence[str],
    config: SpotConfig,
) -> list[tuple[float, Movement]]:
    """Peaks of one segment as multiples of the threshold, highest first; none overlap.

    Args:
        ratios: displacement of every region over its threshold; 1 and more is a movement.
    """
    score = ratios.max(axis=1)
    occupied = np.zeros(len(score), dtype=bool)
    apart = max(1, round(config.apart_s / part.step_s))
    found = []
    for peak in np.argsort(-score, kind="stable"):
        if score[peak] < 1:
            break
        if occupied[max(0, peak - apart) : peak + apart + 1].any():
            continue
        interval = _interval(part, int(peak), noise, config)
        if interval is None:
            occupied[peak] = True
            continue
        onset, apex, offset = interval
        # The flank of a kept movement rises above the threshold too.
        overlap = occupied[onset : offset + 1].any()
        occupied[onset : offset + 1] = True
        if overlap or (offset - onset) * part.step_s < config.least_s:
            continue
        region = int(ratios[peak].argmax())
        moved = part.away[apex, region] - part.away[onset, region]
        movement = Movement(
            onset=part.row(onset),
            apex=part.row(apex),
            offset=part.row(offset),
            region=names[region],
            peak_px=float(np.linalg.norm(moved)),
            salience=salience(float(score[peak]), 1.0),
            blink=bool(part.blink[onset : offset + 1].any()),
        )
        found.append((float(score[peak]), movement))
    return found


def _interval(
    part: _Part, peak: int, noise: Float[np.ndarray, "r 2"], config: SpotConfig
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


def _smooth(columns: Float[np.ndarray, "t k"], sigma: float) -> Float[np.ndarray, "t k"]:
    """Gaussian along time; the ends are repeated."""
    reach = int(np.ceil(3 * sigma))
    if sigma < 0.3 or len(columns) < 2:
        return columns
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(columns, ((reach, reach), (0, 0)), mode="edge")
    smooth = np.zeros_like(columns)
    for i, weight in enumerate(kernel):
        smooth += weight * padded[i : i + len(columns)]
    return smooth


def _bridged(
    columns: Float[np.ndarray, "t k"], blink: Bool[np.ndarray, " t"]
) -> Float[np.ndarray, "t k"]:
    """Straight lines across blinks: several in a row would pass for the resting place."""
    if blink.all():
        return columns
    rows, open_ = np.arange(len(columns)), np.flatnonzero(~blink)
    return np.stack([np.interp(rows, open_, column[open_]) for column in columns.T], axis=1)


def _rest(columns: Float[np.ndarray, "t k"], window: float) -> Float[np.ndarray, "t k"]:
    """Running median along time, on every few rows and straight lines between."""
    stride = max(1, int(window / 24))
    half = max(1, round(window / 2))
    centres = np.unique(np.append(np.arange(0, len(columns), stride), len(columns) - 1))
    medians = np.stack(
        [np.median(columns[max(0, c - half) : c + half + 1 : stride], axis=0) for c in centres]
    )
    rows = np.arange(len(columns))
    return np.stack([np.interp(rows, centres, column) for column in medians.T], axis=1)


def _blinks(
    eyes: Float[np.ndarray, " t"], config: SpotConfig, step_s: float
) -> Bool[np.ndarray, " t"]:
    """Runs of changed eyes that hold a change as large as only blinks make."""
    changed = eyes > max(config.blink_edge, 5 * float(np.median(eyes)))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], changed, [False]])))
    margin = round(config.blink_margin_s / step_s)
    blink = np.zeros(len(eyes), dtype=bool)
    for start, stop in edges.reshape(-1, 2):
        if eyes[start:stop].max() > config.blink_peak:
            blink[max(0, start - margin) : stop + margin] = True
    return blink
