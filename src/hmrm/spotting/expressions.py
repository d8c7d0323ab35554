"""Expressions of one face, and every candidate that is none with the reason why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from hmrm.intervals import MICRO_S, kind_of_duration
from hmrm.spotting.candidates import (
    Candidate,
    CandidateConfig,
    Displacement,
    displacement,
    find_candidates,
    weak_stretches,
)
from hmrm.spotting.measures import FaceMeasures
from hmrm.spotting.neutral import Neutral, NeutralConfig, estimate_neutral
from hmrm.spotting.position import PARTS, Position, PositionConfig, position_of
from hmrm.spotting.speech import SpeechConfig, speech

Reason = Literal["speech", "blink", "covered", "weak_at_end", "too_short", "too_weak", "turn"]
Flag = Literal["under_way_at_start", "under_way_at_end", "during_speech", "turned", "blink_overlap"]

_BROWS = [PARTS.index("left_brow"), PARTS.index("right_brow")]


@dataclass(frozen=True, kw_only=True)
class RuleConfig:
    """When a candidate is no expression. Salience is in thresholds, 1 the least that counts.

    Attributes:
        speech_salience: what a part other than the mouth's opening and the chin must reach to be
            an expression during speech; syllables move corners, upper lip and brows below it.
        end_salience: what a candidate must reach whose onset or offset nobody saw.
        blink_fraction: a short movement of the brows alone with shut eyes in so much of it is the
            blink's, which pulls at them.
        cover_fraction: a part that is covered in so much of a candidate does not count in it.
        cover_salience: what another part must then reach: the mesh fits a face as a whole.
        least_s: shorter candidates are glitches of the mesh.
        turned_deg: an expression during which the head turns so far is flagged.
    """

    speech_salience: float = 2.0
    end_salience: float = 1.5
    blink_fraction: float = 0.5
    cover_fraction: float = 0.3
    cover_salience: float = 1.5
    least_s: float = 0.08
    turned_deg: float = 10.0


@dataclass(frozen=True, kw_only=True)
class ExpressionConfig:
    """Everything that decides which expressions the mesh finds."""

    position: PositionConfig = field(default_factory=PositionConfig)
    neutral: NeutralConfig = field(default_factory=NeutralConfig)
    candidates: CandidateConfig = field(default_factory=CandidateConfig)
    speech: SpeechConfig = field(default_factory=SpeechConfig)
    rules: RuleConfig = field(default_factory=RuleConfig)


@dataclass(frozen=True, kw_only=True, eq=False)
class Expression:
    """One expression; rows count in the measures.

    Attributes:
        onset: last row at rest, or the first of the segment if it is under way there.
        apex: the row in which it is strongest.
        offset: first row back at rest, or the last of the segment.
        kind: by its true duration; of one that is under way at an end only the least is known.
        part: the part of the face that stands highest.
        salience: of that part, in thresholds.
        parts: salience of every part, order of ``PARTS``.
        flags: what a reader must know.
    """

    onset: int
    apex: int
    offset: int
    kind: Literal["micro", "macro"]
    part: str
    salience: float
    parts: Float[np.ndarray, " p"]
    flags: tuple[Flag, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rejected:
    """A candidate that is taken for no expression."""

    candidate: Candidate
    reason: Reason


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """What was found in one face, and what it was found with.

    Attributes:
        largest: the largest salience of any part outside speech, blinks and what is covered: the
            largest movement that could have been an expression; 0 if there is no such frame.
    """

    expressions: tuple[Expression, ...]
    rejected: tuple[Rejected, ...]
    position: Position
    neutral: Neutral
    moved: Displacement
    spoken: Bool[np.ndarray, " n"]
    largest: float


def find_expressions(
    measures: FaceMeasures,
    config: ExpressionConfig | None = None,
    *,
    blinking: Bool[np.ndarray, " n"] | None = None,
    covered: Bool[np.ndarray, "n p"] | None = None,
    position: Position | None = None,
    neutral: Neutral | None = None,
) -> Findings:
    """Expressions of one face in order of time.

    Args:
        blinking: frames in which the eyes are shut or shutting, where another instrument shows it.
        covered: parts that something lies over, likewise.
        position: of the face, where it is known already.
        neutral: instead of the one estimated from the whole video.
    """
    config = config or ExpressionConfig()
    position = position or position_of(measures, config.position)
    neutral = neutral or estimate_neutral(measures, position, config.neutral)
    moved = displacement(measures, position, neutral, config.candidates)
    spoken = speech(measures, config.speech)
    shut = np.zeros(len(measures), dtype=bool) if blinking is None else blinking
    hidden = np.zeros((len(measures), len(PARTS)), dtype=bool) if covered is None else covered
    found: list[Expression] = []
    rejected: list[Rejected] = []
    candidates = find_candidates(moved, measures, config.candidates)
    for one in candidates:
        reason = _reason(one, measures, spoken, shut, hidden, config.rules)
        if reason is None:
            found.append(_expression(one, measures, spoken, shut, config.rules))
        else:
            rejected.append(Rejected(candidate=one, reason=reason))
    for one in weak_stretches(moved, measures, candidates, config.candidates):
        reason = _reason(one, measures, spoken, shut, hidden, config.rules)
        if reason == "too_short":
            continue  # nothing that almost happened
        away = float(moved.parts[one.onset : one.offset + 1].max())
        weak: Reason = "turn" if away >= 1 else "too_weak"
        rejected.append(Rejected(candidate=one, reason=reason or weak))
    looked_at = ~(spoken | shut | hidden.any(axis=1))
    return Findings(
        expressions=tuple(found),
        rejected=tuple(sorted(rejected, key=lambda one: one.candidate.onset)),
        position=position,
        neutral=neutral,
        moved=moved,
        spoken=spoken,
        largest=float(moved.salience[looked_at].max(initial=0.0)),
    )


def _reason(
    one: Candidate,
    measures: FaceMeasures,
    spoken: Bool[np.ndarray, " n"],
    shut: Bool[np.ndarray, " n"],
    hidden: Bool[np.ndarray, "n p"],
    config: RuleConfig,
) -> Reason | None:
    """Why a candidate is no expression; None if it is one."""
    rows = slice(one.onset, one.offset + 1)
    lasts_s = float(measures.time_s[one.offset] - measures.time_s[one.onset])
    over = hidden[rows].mean(axis=0) >= config.cover_fraction
    if over.any() and one.parts[~over].max(initial=0.0) < config.cover_salience:
        return "covered"
    if lasts_s < config.least_s:
        return "too_short"
    if spoken[rows].mean() > 0.5 and _outside_speech_parts(one.parts) < config.speech_salience:
        return "speech"
    others = np.delete(one.parts, _BROWS).max()
    # Brows that are raised for longer are raised though the eyes blink meanwhile.
    if others < 1 and lasts_s <= MICRO_S and shut[rows].mean() >= config.blink_fraction:
        return "blink"
    if (one.begins_before or one.lasts_beyond) and one.salience < config.end_salience:
        return "weak_at_end"
    return None


def _outside_speech_parts(parts: Float[np.ndarray, " p"]) -> float:
    return max(float(parts[i]) for i, n in enumerate(PARTS) if n not in ("mouth_opening", "chin"))


def _expression(
    one: Candidate,
    measures: FaceMeasures,
    spoken: Bool[np.ndarray, " n"],
    shut: Bool[np.ndarray, " n"],
    config: RuleConfig,
) -> Expression:
    rows = slice(one.onset, one.offset + 1)
    lasts_s = float(measures.time_s[one.offset] - measures.time_s[one.onset])
    holds: Sequence[tuple[Flag, bool]] = (
        ("under_way_at_start", one.begins_before),
        ("under_way_at_end", one.lasts_beyond),
        ("during_speech", bool(spoken[rows].mean() > 0.5)),
        ("turned", one.turning_deg > config.turned_deg),
        ("blink_overlap", bool(shut[rows].any())),
    )
    return Expression(
        onset=one.onset,
        apex=one.apex,
        offset=one.offset,
        kind=kind_of_duration(lasts_s),
        part=one.part,
        salience=one.salience,
        parts=one.parts,
        flags=tuple(name for name, holding in holds if holding),
    )
