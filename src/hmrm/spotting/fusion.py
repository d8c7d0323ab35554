"""One list of events out of two instruments: the mesh, coarse and absolute, and registration.

What the mesh sees stands: its uncertainty is some thousandths of the eye distance, its neutral face
that of the whole video. Registration speaks where the mesh sees nothing: its uncertainty is some
hundredths of a px, but it knows only what moved within the last second, so its rest is taken from
frames that are rest to the mesh, and its movements are dropped where the mesh shows an expression.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool

from hmrm.intervals import kind_of_duration
from hmrm.spotting.candidates import Candidate
from hmrm.spotting.cover import CoverConfig, FaceAppearances, covered_parts
from hmrm.spotting.direction import DirectionConfig, leading_away
from hmrm.spotting.expressions import (
    Expression,
    ExpressionConfig,
    Findings,
    Rejected,
    find_expressions,
)
from hmrm.spotting.face_events import FaceEvent, FaceEvents, RejectedEvent
from hmrm.spotting.fine import FineConfig, FineMovement, blinks, find_fine
from hmrm.spotting.flanks import FlankConfig, fitted_ends
from hmrm.spotting.measures import FaceMeasures
from hmrm.spotting.neutral import estimate_neutral
from hmrm.spotting.position import PARTS, position_of
from hmrm.spotting.regional import RegionalMotion, values_at
from hmrm.spotting.syllables import SyllableConfig, syllables, within_gap

PARTS_OF_REGION = {
    "left_brow": ("left_brow",),
    "right_brow": ("right_brow",),
    "left_cheek": ("left_mouth_corner",),
    "right_cheek": ("right_mouth_corner",),
    "left_mouth_corner": ("left_mouth_corner", "upper_lip"),
    "right_mouth_corner": ("right_mouth_corner", "upper_lip"),
    "chin": ("chin", "mouth_opening"),
    "nose": (),
}
"""Region of the registration → parts of the mesh's position that show the same skin."""


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """How the two instruments are put together.

    Attributes:
        displaced: salience in the mesh from which on a frame is no rest for registration.
        flank_s: registration sees an expression's first and last bit before and after the mesh
            does; so much around it is neither rest nor looked at.
        returning: a fine movement at whose apex the mesh shows the same part nearer to neutral than
            at its onset, by so much (its thresholds), is a return.
        turning_deg: a fine movement during which the head turns so far is the head's.
        blink_fraction: a fine movement with a blink in so much of it is the blink's.
        weak: a fine movement that comes so near to counting is kept as too weak.
        together: what neither instrument sees well enough counts where their saliences, added as
            independent ones are, reach so much.
    """

    expressions: ExpressionConfig = field(default_factory=ExpressionConfig)
    fine: FineConfig = field(default_factory=FineConfig)
    flanks: FlankConfig = field(default_factory=FlankConfig)
    cover: CoverConfig = field(default_factory=CoverConfig)
    syllables: SyllableConfig = field(default_factory=SyllableConfig)
    direction: DirectionConfig = field(default_factory=DirectionConfig)
    displaced: float = 0.7
    flank_s: float = 0.12
    returning: float = 0.1
    turning_deg: float = 6.0
    blink_fraction: float = 0.5
    weak: float = 0.7
    together: float = 1.05


def find_events(
    measures: FaceMeasures,
    motion: RegionalMotion | None = None,
    config: FusionConfig | None = None,
    *,
    appearances: FaceAppearances | None = None,
    fine: bool = True,
) -> FaceEvents:
    """Events of one face, in order of time, and every rejected candidate.

    Args:
        motion: what registration measured; None leaves the mesh alone.
        appearances: small images that show hands over the face; None: no part counts as covered.
        fine: whether registration finds movements of its own, or only shows blinks.
    """
    config = config or FusionConfig()
    position = position_of(measures, config.expressions.position)
    neutral = estimate_neutral(measures, position, config.expressions.neutral)
    covered = None
    if appearances is not None:
        covered = covered_parts(appearances, measures.index, neutral.at_rest, config.cover)
    shut = None
    if motion is not None and len(motion.index):
        shut = values_at(motion.index, blinks(motion, config.fine), measures.index)
    mesh = find_expressions(
        measures,
        config.expressions,
        blinking=shut,
        covered=covered,
        position=position,
        neutral=neutral,
    )
    events = [_of_mesh(one, measures) for one in mesh.expressions]
    rejected = [_rejected_of_mesh(one, measures) for one in mesh.rejected]
    if fine and motion is not None and len(motion.index):
        kept, dropped = _fine_events(measures, motion, mesh, events, covered, config)
        spans = [(e.onset_index, e.offset_index) for e in kept if e.instrument == "both"]
        events, rejected = (
            events + kept,
            dropped
            + [
                r
                for r in rejected
                if not any(a <= r.onset_index and r.offset_index <= b for a, b in spans)
            ],
        )
    events.sort(key=lambda e: e.onset_index)
    events, returns = leading_away(events, measures, mesh, config.direction, blinking=shut)
    rejected += returns
    if motion is not None and len(motion.index):
        events = _with_fitted_ends(events, motion, config)
    return FaceEvents(
        events=tuple(events),
        rejected=tuple(sorted(rejected, key=lambda e: e.onset_index)),
        mesh=mesh,
    )


def _with_fitted_ends(
    events: list[FaceEvent], motion: RegionalMotion, config: FusionConfig
) -> list[FaceEvent]:
    """Onset and offset from the flanks of the motion, where they can be fitted."""
    shut, near_eyes = blinks(motion, config.fine), config.fine.near_eyes
    done = list[FaceEvent]()
    for i, one in enumerate(events):
        earliest = done[-1].offset_index if done else int(motion.index[0])
        latest = events[i + 1].onset_index if i + 1 < len(events) else int(motion.index[-1])
        frames = (one.onset_index, one.apex_index, one.offset_index)
        onset, offset = fitted_ends(
            motion, frames, config.flanks, blinking=shut, near_eyes=near_eyes
        )
        if "under_way_at_start" in one.flags:
            onset = one.onset_index
        if "under_way_at_end" in one.flags:
            offset = one.offset_index
        if earliest <= onset < one.apex_index < offset <= latest:
            lasts_s = np.diff(np.interp([onset, offset], motion.index, motion.time_s)).item()
            kind = kind_of_duration(lasts_s)
            one = replace(one, onset_index=onset, offset_index=offset, kind=kind)
        done.append(one)
    return done


def _of_mesh(one: Expression, measures: FaceMeasures) -> FaceEvent:
    return FaceEvent(
        onset_index=int(measures.index[one.onset]),
        apex_index=int(measures.index[one.apex]),
        offset_index=int(measures.index[one.offset]),
        kind=one.kind,
        instrument="mesh",
        region=one.part,
        salience=one.salience,
        peak_px=None,
        flags=one.flags,
    )


def _rejected_of_mesh(one: Rejected, measures: FaceMeasures) -> RejectedEvent:
    return RejectedEvent(
        onset_index=int(measures.index[one.candidate.onset]),
        apex_index=int(measures.index[one.candidate.apex]),
        offset_index=int(measures.index[one.candidate.offset]),
        instrument="mesh",
        region=one.candidate.part,
        salience=one.candidate.salience,
        reason=one.reason,
    )


def _fine_events(
    measures: FaceMeasures,
    motion: RegionalMotion,
    mesh: Findings,
    events: list[FaceEvent],
    covered: Bool[np.ndarray, "n p"] | None,
    config: FusionConfig,
) -> tuple[list[FaceEvent], list[RejectedEvent]]:
    """Fine movements that stand on their own, and those that do not with the reason."""
    away = mesh.moved.salience.max(axis=1) >= config.displaced
    away = _widened(measures, away, config.flank_s)
    displaced = values_at(measures.index, away | mesh.spoken, motion.index)
    within = np.zeros(len(measures), dtype=bool)
    for event in events:
        within |= (measures.index >= event.onset_index) & (measures.index <= event.offset_index)
    within = _widened(measures, within, config.flank_s)
    excluded = values_at(measures.index, within | mesh.spoken, motion.index)
    near = find_fine(motion, config.fine, displaced=displaced, excluded=excluded, least=config.weak)
    speech = syllables(near, motion, config.syllables)
    silent = [one for one in near if one not in speech]
    kept, dropped = _both(silent, within, measures, motion, mesh, config)
    for one in near:
        if one.salience < 1 and one not in speech:
            continue
        frames = _frames(one, motion)
        reason = "speech" if one in speech else _reason(one, frames, measures, mesh, config)
        if _inside(within, frames, measures):
            reason = "part_of_expression"
        if covered is not None and reason is None and _hidden(one, frames, measures, covered):
            reason = "covered"
        if reason is None:
            spoken = within_gap(one, speech, motion, config.syllables)
            kept.append(_of_registration(one, frames, motion, spoken=spoken))
        else:
            dropped.append(_dropped(one, frames, reason))
    return kept, dropped


def _both(
    near: list[FineMovement],
    within: Bool[np.ndarray, " n"],
    measures: FaceMeasures,
    motion: RegionalMotion,
    mesh: Findings,
    config: FusionConfig,
) -> tuple[list[FaceEvent], list[RejectedEvent]]:
    """Weak fine movements: events where the mesh, too, sees one that is too weak alone."""
    kept, dropped = list[FaceEvent](), list[RejectedEvent]()
    weak = [one.candidate for one in mesh.rejected if one.reason in ("too_weak", "turn")]
    for one in near:
        if one.salience >= 1:
            continue
        frames = _frames(one, motion)
        reason = _reason(one, frames, measures, mesh, config) or "too_weak"
        if _inside(within, frames, measures):
            reason = "part_of_expression"
        other = max(weak, key=lambda c: _shared(c, frames, measures), default=None)
        if reason == "too_weak" and other and _shared(other, frames, measures) >= 0.5:
            seen = float(np.hypot(other.salience, one.salience))
            if seen >= config.together:
                kept.append(_of_both(one, other, seen, frames, measures))
                weak.remove(other)
                continue
        dropped.append(_dropped(one, frames, reason))
    return kept, dropped


def _inside(
    within: Bool[np.ndarray, " n"], frames: tuple[int, int, int], measures: FaceMeasures
) -> bool:
    return bool(within[(measures.index > frames[0]) & (measures.index < frames[2])].any())


def _shared(one: Candidate, frames: tuple[int, int, int], measures: FaceMeasures) -> float:
    """Fraction of the shorter of two stretches that lies in the other."""
    onset, offset = int(measures.index[one.onset]), int(measures.index[one.offset])
    inner = min(offset, frames[2]) - max(onset, frames[0])
    return inner / max(1, min(offset - onset, frames[2] - frames[0]))


def _of_both(
    fine: FineMovement,
    coarse: Candidate,
    seen: float,
    frames: tuple[int, int, int],
    measures: FaceMeasures,
) -> FaceEvent:
    onset = min(frames[0], int(measures.index[coarse.onset]))
    offset = max(frames[2], int(measures.index[coarse.offset]))
    rows = np.clip(np.searchsorted(measures.index, [onset, offset]), 0, len(measures) - 1)
    lasts_s = float(measures.time_s[rows[1]] - measures.time_s[rows[0]])
    return FaceEvent(
        onset_index=onset,
        apex_index=int(measures.index[coarse.apex]),
        offset_index=offset,
        kind=kind_of_duration(lasts_s),
        instrument="both",
        region=fine.region,
        salience=seen,
        peak_px=fine.peak_px,
        flags=("blink_overlap",) if fine.blink_fraction else (),
    )


def _frames(one: FineMovement, motion: RegionalMotion) -> tuple[int, int, int]:
    onset, apex, offset = motion.index[[one.onset, one.apex, one.offset]].tolist()
    return onset, apex, offset


def _of_registration(
    one: FineMovement, frames: tuple[int, int, int], motion: RegionalMotion, *, spoken: bool
) -> FaceEvent:
    holds = (("during_speech", spoken), ("blink_overlap", one.blink_fraction > 0))
    lasts_s = float(motion.time_s[one.offset] - motion.time_s[one.onset])
    return FaceEvent(
        onset_index=frames[0],
        apex_index=frames[1],
        offset_index=frames[2],
        kind=kind_of_duration(lasts_s),
        instrument="registration",
        region=one.region,
        salience=one.salience,
        peak_px=one.peak_px,
        flags=tuple(name for name, holding in holds if holding),
    )


def _dropped(one: FineMovement, frames: tuple[int, int, int], reason: str) -> RejectedEvent:
    return RejectedEvent(
        onset_index=frames[0],
        apex_index=frames[1],
        offset_index=frames[2],
        instrument="registration",
        region=one.region,
        salience=one.salience,
        reason=reason,
    )


def _reason(
    one: FineMovement,
    frames: tuple[int, int, int],
    measures: FaceMeasures,
    mesh: Findings,
    config: FusionConfig,
) -> str | None:
    """Why a fine movement is no event; None if it is one."""
    parts = [PARTS.index(name) for name in PARTS_OF_REGION[one.region]]
    far = mesh.moved.parts[:, parts].max(axis=1, initial=0.0)
    onset, apex = np.clip(np.searchsorted(measures.index, frames[:2]), 0, len(far) - 1)
    if far[apex] < far[onset] - config.returning:
        return "return"
    if one.blink_fraction >= config.blink_fraction:
        return "blink"
    rows = (measures.index >= frames[0]) & (measures.index <= frames[2])
    if rows.any():
        turning = float(np.linalg.norm(np.ptp(measures.pose_deg[rows], axis=0)))
        if turning > config.turning_deg:
            return "turn"
    return None


def _widened(
    measures: FaceMeasures, rows: Bool[np.ndarray, " n"], by_s: float
) -> Bool[np.ndarray, " n"]:
    """Stretches of rows made longer at both ends."""
    wider = rows.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rows, [False]]))).reshape(-1, 2)
    for start, stop in edges.tolist():
        low, high = measures.time_s[start] - by_s, measures.time_s[stop - 1] + by_s
        wider |= (measures.time_s >= low) & (measures.time_s <= high)
    return wider


def _hidden(
    one: FineMovement,
    frames: tuple[int, int, int],
    measures: FaceMeasures,
    covered: Bool[np.ndarray, "n p"],
) -> bool:
    rows = (measures.index >= frames[0]) & (measures.index <= frames[2])
    parts = [PARTS.index(name) for name in PARTS_OF_REGION[one.region]]
    return bool(covered[rows][:, parts].any())
