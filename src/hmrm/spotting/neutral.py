"""A person's neutral face, from the video itself.

Three things speak for a frame being rest: it is often like that, it is like that *again and again*
(each expression is visited once, rest between all of them), and it looks like faces at rest look
(closed, of usual width, corners level). The first alone takes a smile that fills a clip for rest.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hmrm.faces.mesh_points import REGIONS
from hmrm.spotting.measures import FaceMeasures
from hmrm.spotting.position import Position, by_part, smooth_within

_ROW = {name: i for i, name in enumerate(REGIONS)}
_CANDIDATES, _LOOKED_AT = 300, 3000  # frames, evenly taken
_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class NeutralConfig:
    """How the neutral face is found.

    Attributes:
        near: standard deviations at rest within which two frames are the same pose.
        near_local: the same for taking part in the slowly changing neutral face.
        drift_s: the neutral face follows what rest looked like within about this time.
        held_s: so much rest the whole video's neutral face counts for in it.
        visits: weight of how often and how long a pose was visited, against the prior.
        prior: look at what faces at rest look like; off for comparison.
        causal: estimate from what was seen up to each frame, as live use must, instead of from the
            whole video.
        width, opening, level: mean and standard deviation of mouth width, mouth opening (only
            wider counts) and corner elevation against the lips' middle over faces at rest, eye
            distances: 578 onset frames (``faces/shape.py``), in the mesh's own terms.
        aside: standard deviation of the mouth's middle to the side of the face's.
    """

    near: float = 2.5
    near_local: float = 5.0
    drift_s: float = 3.5
    held_s: float = 0.5
    visits: float = 2.0
    prior: bool = True
    causal: bool = False
    width: tuple[float, float] = (0.75, 0.05)
    opening: tuple[float, float] = (0.027, 0.02)
    level: tuple[float, float] = (-0.008, 0.015)
    aside: float = 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class Neutral:
    """The neutral face for every frame.

    Attributes:
        values: position at rest, eye distances; follows slow drift.
        pose_deg: head pose that it was seen in.
        at_rest: 0 to 1, how surely the frame itself is at rest.
    """

    values: Float[np.ndarray, "n c"]
    pose_deg: Float[np.ndarray, "n 3"]
    at_rest: Float[np.ndarray, " n"]


def estimate_neutral(
    measures: FaceMeasures, position: Position, config: NeutralConfig | None = None
) -> Neutral:
    """The neutral face from the whole video, before and after each frame."""
    config = config or NeutralConfig()
    if config.causal:
        return causal_neutral(measures, position, config)
    prior = _prior(measures, config)
    base = _base(measures.time_s, position.values, position.sigma, prior, config)
    distance = by_part((position.values - base) / position.sigma).max(axis=-1)
    at_rest = _membership(distance, config.near)
    local = _membership(distance, config.near_local)
    values = _followed(measures.time_s, position.values, local, base, config)
    middle = (at_rest @ measures.pose_deg) / at_rest.sum()
    pose = _followed(measures.time_s, measures.pose_deg, local, middle, config)
    return Neutral(values=values, pose_deg=pose, at_rest=at_rest)


def causal_neutral(
    measures: FaceMeasures,
    position: Position,
    config: NeutralConfig | None = None,
    *,
    every_s: float = 0.25,
) -> Neutral:
    """The same from what was seen up to each frame: for live use, and to compare with.

    ``position`` itself should have been smoothed by as little as the use allows.
    """
    config = config or NeutralConfig()
    prior = _prior(measures, config)
    time_s, count = measures.time_s, len(measures)
    values, pose = np.empty_like(position.values), np.empty_like(measures.pose_deg)
    at_rest, due_s, base = np.empty(count), -np.inf, position.values[0]
    keep = np.exp(-np.diff(time_s, prepend=time_s[0]) / config.drift_s)
    step_s = 1 / max(measures.frames_per_s, 1e-6)
    total, weight = np.zeros(position.values.shape[1] + 3), 0.0
    for row in range(count):
        if time_s[row] >= due_s:
            past = slice(0, row + 1)
            base = _base(time_s[past], position.values[past], position.sigma, prior[past], config)
            due_s = time_s[row] + every_s
        now = np.concatenate([position.values[row], measures.pose_deg[row]])
        away = (position.values[row : row + 1] - base) / position.sigma
        distance = by_part(away).max(axis=-1)
        fraction = float(_membership(distance, config.near_local)[0]) * step_s
        total, weight = keep[row] * total + fraction * now, float(keep[row]) * weight + fraction
        held = np.concatenate([base, pose[row - 1] if row else measures.pose_deg[0]])
        blend = (total + config.held_s * held) / (weight + config.held_s)
        values[row], pose[row] = blend[:-3], blend[-3:]
        at_rest[row] = _membership(distance, config.near)[0]
    return Neutral(values=values, pose_deg=pose, at_rest=at_rest)


def _membership(distance: Float[np.ndarray, " n"], near: float) -> Float[np.ndarray, " n"]:
    """1 inside, 0 outside, half-way near ``near``: a held weak smile must not pull at rest."""
    return np.exp(-0.5 * (distance / near) ** 4)


def _prior(measures: FaceMeasures, config: NeutralConfig) -> Float[np.ndarray, " n"]:
    """Log-likelihood of every frame as a face at rest, of any subject."""
    place = np.asarray(measures.place, dtype=np.float64)
    left, right = place[:, _ROW["left_mouth_corner"]], place[:, _ROW["right_mouth_corner"]]
    lips = (place[:, _ROW["upper_lip"], 1] + place[:, _ROW["lower_lip"], 1]) / 2
    appearances = np.stack(
        [
            (measures.mouth_width - config.width[0]) / config.width[1],
            np.maximum(0, measures.mouth_opening - config.opening[0]) / config.opening[1],
            ((left[:, 1] + right[:, 1]) / 2 - lips - config.level[0]) / config.level[1],
            (left[:, 0] + right[:, 0]) / 2 / config.aside,
        ],
        axis=1,
    )
    if not config.prior:
        return np.zeros(len(measures))
    return -0.5 * (smooth_within(appearances, measures, 0.03) ** 2).sum(axis=1)


def _base(
    time_s: Float[np.ndarray, " n"],
    values: Float[np.ndarray, "n c"],
    sigma: Float[np.ndarray, " c"],
    prior: Float[np.ndarray, " n"],
    config: NeutralConfig,
) -> Float[np.ndarray, " c"]:
    """One neutral face for all frames: the likeliest pose, and the mean of what is like it."""
    seen = np.arange(0, len(values), max(1, len(values) // _LOOKED_AT))
    tried = np.arange(0, len(values), max(1, len(values) // _CANDIDATES))
    steps = np.gradient(time_s[seen]) if len(seen) > 1 else np.ones(1)
    scaled = values / sigma
    score = np.empty(len(tried))
    for i, row in enumerate(tried.tolist()):
        alike = _membership(by_part(scaled[seen] - scaled[row]).max(axis=-1), config.near)
        score[i] = config.visits * np.log(_visits(alike, steps)) + prior[row]
    base = values[tried[int(score.argmax())]]
    for _ in range(_ROUNDS):
        alike = _membership(by_part((values[seen] - base) / sigma).max(axis=-1), config.near)
        base = (alike @ values[seen]) / alike.sum()
    return base


def _visits(alike: Float[np.ndarray, " n"], steps_s: Float[np.ndarray, " n"]) -> float:
    """Sum over the visits to a pose of the square root of each one's time.

    The root makes two short visits count more than one long: rest is what a face comes back to.
    """
    there = alike > 0.2
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]))).reshape(-1, 2)
    spent = np.concatenate([[0.0], np.cumsum(alike * steps_s)])
    return float(np.sqrt(np.maximum(spent[edges[:, 1]] - spent[edges[:, 0]], 1e-9)).sum())


def _followed(
    time_s: Float[np.ndarray, " n"],
    values: Float[np.ndarray, "n c"],
    weights: Float[np.ndarray, " n"],
    base: Float[np.ndarray, " c"],
    config: NeutralConfig,
) -> Float[np.ndarray, "n c"]:
    """Weighted mean over the frames around each, weights falling with time; and the base."""
    gaps = np.diff(time_s, prepend=time_s[0])
    step_s = float(np.median(gaps[1:])) if len(gaps) > 1 else 1.0
    fraction = weights * step_s
    rows = np.concatenate([fraction[:, None] * values, fraction[:, None]], axis=1)
    keep = np.exp(-gaps / config.drift_s)
    before, after = rows.copy(), rows.copy()
    for i in range(1, len(rows)):
        before[i] += keep[i] * before[i - 1]
    for i in range(len(rows) - 2, -1, -1):
        after[i] += keep[i + 1] * after[i + 1]
    both = before + after - rows
    return (both[:, :-1] + config.held_s * base) / (both[:, -1:] + config.held_s)
