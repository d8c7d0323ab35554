"""What was found in one face by either instrument: events, and candidates that are none."""

from dataclasses import dataclass
from typing import Literal

from hmrm.spotting.expressions import Findings

Instrument = Literal["mesh", "registration", "both"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceEvent:
    """One event of a face; frames from 0, both ends inclusive.

    Attributes:
        onset_index, apex_index, offset_index: last frame at rest, strongest, first back at rest.
        kind: by true duration; of one under way at an end only the least duration is known.
        instrument: which one found it; "both" where each saw it too weakly to count alone.
        region: the part or region that stood highest.
        salience: its displacement over the threshold, 1 the least that counts.
        peak_px: px of the canonical crop, where registration measured it; else None.
        flags: what a reader must know.
    """

    onset_index: int
    apex_index: int
    offset_index: int
    kind: Literal["micro", "macro"]
    instrument: Instrument
    region: str
    salience: float
    peak_px: float | None
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RejectedEvent:
    """A candidate of either instrument that is no event, and why."""

    onset_index: int
    apex_index: int
    offset_index: int
    instrument: Instrument
    region: str
    salience: float
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceEvents:
    """All that was found in one face."""

    events: tuple[FaceEvent, ...]
    rejected: tuple[RejectedEvent, ...]
    mesh: Findings
