"""Stretches in which a face is away from neutral, separated where it changes from one to another.

An expression is a displacement that lasts, however long; onset is its last frame at rest, offset
the first one back at rest, or at the valley where the next begins. A return to neutral has no
displacement of its own, so it can never be one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hmrm.spotting.measures import FaceMeasures
from hmrm.spotting.neutral import Neutral
from hmrm.spotting.position import PARTS, Position, by_part


@dataclass(frozen=True, kw_only=True)
class CandidateConfig:
    """What counts as a displacement.

    Attributes:
        times: standard deviations at rest that a part must be away to be displaced.
        per_degree: further uncertainty for each degree that the head is turned away from where
            neutral was seen, eye distances (r.m.s. slope of the columns over turns at rest .0015
            to .003).
        valley: a chain is split where displacement falls below this part of the lower peak.
        alike: and where two peaks' displacements have a smaller cosine: another expression.
        weak: what comes so near to counting is kept as too weak.
        edge: onset and offset lie where the displacement along the apex's passes this part.
    """

    times: float = 4.0
    per_degree: float = 0.0025
    valley: float = 0.6
    alike: float = 0.4
    weak: float = 0.7
    edge: float = 0.15


@dataclass(frozen=True, kw_only=True, eq=False)
class Displacement:
    """How far a face is from neutral; 1 is the least that counts.

    Attributes:
        columns: signed, in units of the threshold without turns.
        parts: length for every part of the face, same unit.
        salience: length for every part in units of the threshold with the turn's uncertainty.
        turn_deg: how far the head is turned away from where neutral was seen.
    """

    columns: Float[np.ndarray, "n c"]
    parts: Float[np.ndarray, "n p"]
    salience: Float[np.ndarray, "n p"]
    turn_deg: Float[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """One stretch away from neutral; rows count in the measures, both ends inclusive.

    Attributes:
        salience: the largest of any part, 1 the least that counts.
        parts: the largest salience of every part.
        part: the one that stood highest.
        turn_deg: largest turn away from where neutral was seen.
        turning_deg: how far the head turned meanwhile.
        begins_before, lasts_beyond: no rest was seen before it, or after it, in this segment.
    """

    onset: int
    apex: int
    offset: int
    salience: float
    parts: Float[np.ndarray, " p"]
    part: str
    turn_deg: float
    turning_deg: float
    begins_before: bool
    lasts_beyond: bool


def displacement(
    measures: FaceMeasures,
    position: Position,
    neutral: Neutral,
    config: CandidateConfig | None = None,
) -> Displacement:
    """Displacement from neutral in every frame."""
    config = config or CandidateConfig()
    away = position.values - neutral.values
    turn = np.linalg.norm(measures.pose_deg - neutral.pose_deg, axis=1)
    plain = away / (config.times * position.sigma)
    sigma = np.hypot(position.sigma, config.per_degree * turn[:, None])
    return Displacement(
        columns=plain,
        parts=by_part(plain),
        salience=by_part(away / (config.times * sigma)),
        turn_deg=turn,
    )


def find_candidates(
    moved: Displacement, measures: FaceMeasures, config: CandidateConfig | None = None
) -> list[Candidate]:
    """All stretches away from neutral, in order of time; segments are looked at one by one."""
    config = config or CandidateConfig()
    edges = np.flatnonzero(np.diff(measures.segment)) + 1
    found = []
    for rows in np.split(np.arange(len(measures)), edges):
        found += _in_segment(moved, measures, int(rows[0]), int(rows[-1]) + 1, config)
    return found


def weak_stretches(
    moved: Displacement,
    measures: FaceMeasures,
    found: Sequence[Candidate],
    config: CandidateConfig | None = None,
) -> list[Candidate]:
    """Stretches apart from the candidates found that nearly count, or but for a turned head."""
    config = config or CandidateConfig()
    taken = np.zeros(len(measures), dtype=bool)
    for one in found:
        taken[one.onset : one.offset + 1] = True
    plain = moved.parts.max(axis=1)
    near, stretches = plain >= config.weak / 2, []
    begins = np.flatnonzero(np.diff(measures.segment)) + 1
    for rows in np.split(np.arange(len(measures)), begins):
        first, end = int(rows[0]), int(rows[-1]) + 1
        edges = np.flatnonzero(np.diff(np.concatenate([[False], near[first:end], [False]])))
        for start, stop in (edges.reshape(-1, 2) + first).tolist():
            if plain[start:stop].max() >= config.weak and not taken[start:stop].any():
                bounds = (start, start + int(plain[start:stop].argmax()), stop - 1)
                stretches.append(_candidate(moved, measures, (first, end), bounds, config))
    return stretches


def _in_segment(
    moved: Displacement, measures: FaceMeasures, first: int, end: int, config: CandidateConfig
) -> list[Candidate]:
    plain = moved.parts.max(axis=1)
    peaks: list[int] = []
    away = np.concatenate([[False], plain[first:end] >= 1, [False]])
    for start, stop in np.flatnonzero(np.diff(away)).reshape(-1, 2) + first:
        # A run must rise above the turn's uncertainty somewhere to be looked at.
        if moved.salience[start:stop].max() >= 1:
            peaks += _peaks(moved, plain, int(start), int(stop), config)
    found = []
    for i, peak in enumerate(peaks):
        low = first if i == 0 else _valley(plain, peaks[i - 1], peak)
        high = end - 1 if i == len(peaks) - 1 else _valley(plain, peak, peaks[i + 1])
        found.append(_candidate(moved, measures, (first, end), (low, peak, high), config))
    return found


def _valley(plain: Float[np.ndarray, " n"], start: int, stop: int) -> int:
    return start + int(plain[start : stop + 1].argmin())


def _peaks(
    moved: Displacement,
    plain: Float[np.ndarray, " n"],
    start: int,
    stop: int,
    config: CandidateConfig,
) -> list[int]:
    """Peaks of one run: neighbours without a valley between, and alike, are one."""
    run = plain[start:stop]
    padded = np.concatenate([[-np.inf], run, [-np.inf]])
    tops: Int[np.ndarray, " k"] = start + np.flatnonzero((run > padded[:-2]) & (run >= padded[2:]))
    kept = [int(tops[0])]
    for top in tops[1:].tolist():
        last = kept[-1]
        lower = min(plain[last], plain[top])
        deep = plain[last : top + 1].min() < config.valley * lower
        if deep or _cosine(moved.columns[last], moved.columns[top]) < config.alike:
            kept.append(top)
        elif plain[top] > plain[last]:
            kept[-1] = top
    return kept


def _cosine(a: Float[np.ndarray, " c"], b: Float[np.ndarray, " c"]) -> float:
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


def _candidate(
    moved: Displacement,
    measures: FaceMeasures,
    segment: tuple[int, int],
    bounds: tuple[int, int, int],
    config: CandidateConfig,
) -> Candidate:
    low, peak, high = bounds
    shape = moved.columns[peak]
    along = moved.columns @ shape / (shape @ shape)
    before = np.flatnonzero(along[low:peak] < config.edge)
    after = np.flatnonzero(along[peak : high + 1] < config.edge)
    onset = low + int(before[-1]) if len(before) else low
    offset = peak + int(after[0]) if len(after) else high
    rows = slice(onset, offset + 1)
    parts = moved.salience[rows].max(axis=0)
    pose = measures.pose_deg[rows]
    return Candidate(
        onset=onset,
        apex=onset + int(along[rows].argmax()),
        offset=offset,
        salience=float(parts.max()),
        parts=parts,
        part=PARTS[int(parts.argmax())],
        turn_deg=float(moved.turn_deg[rows].max()),
        turning_deg=float(np.linalg.norm(np.ptp(pose, axis=0))),
        begins_before=onset == segment[0] and not len(before),
        lasts_beyond=offset == segment[1] - 1 and not len(after),
    )
