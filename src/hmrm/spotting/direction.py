"""Which way a face goes: an expression leads away from its neutral face, never back to it.

An instrument may see one part move while the face as a whole comes back: a brow that drops at the
end of a smile. So every event is measured once more, by mouth width, mouth opening and brow
position together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from hmrm.intervals import kind_of_duration
from hmrm.spotting.expressions import Findings
from hmrm.spotting.face_events import FaceEvent, RejectedEvent
from hmrm.spotting.measures import FaceMeasures
from hmrm.spotting.neutral import Neutral
from hmrm.spotting.position import COLUMNS, Position

_COLUMN = {name: i for i, (name, _, _) in enumerate(COLUMNS)}
_BROWS = [i for name, i in _COLUMN.items() if "brow" in name]


@dataclass(frozen=True, kw_only=True)
class DirectionConfig:
    """When an event leads back to neutral.

    Attributes:
        wander: standard deviation at rest of mouth width, mouth opening and brow position, eye
            distances; measured over the rest frames of ten filmed faces.
        earlier_s: an onset that lies farther from neutral than the apex moves to an earlier frame
            that does not, at most so far.
        noise: where there is none, the event is a return if its apex lies nearer to neutral by
            more than this; the mesh cannot tell less (standard deviations at rest).
    """

    wander: tuple[float, float, float] = (0.024, 0.016, 0.006)
    earlier_s: float = 0.12
    noise: float = 0.4


def distance_from_neutral(
    position: Position,
    neutral: Neutral,
    config: DirectionConfig | None = None,
    *,
    brows: bool = True,
) -> Float[np.ndarray, " n"]:
    """How far the face as a whole is from neutral in every frame, standard deviations at rest.

    Args:
        brows: they count; a blink pulls at them.
    """
    config = config or DirectionConfig()
    away = position.values - neutral.values
    width = away[:, _COLUMN["right_corner_x"]] - away[:, _COLUMN["left_corner_x"]]
    raised = away[:, _BROWS].mean(axis=1) if brows else np.zeros(len(away))
    whole = np.stack([width, away[:, _COLUMN["mouth_opening"]], raised], axis=1)
    return np.linalg.norm(whole / config.wander, axis=1)


def leading_away(
    events: Sequence[FaceEvent],
    measures: FaceMeasures,
    mesh: Findings,
    config: DirectionConfig | None = None,
    *,
    blinking: Bool[np.ndarray, " n"] | None = None,
) -> tuple[list[FaceEvent], list[RejectedEvent]]:
    """Events in order of time that lead away from neutral, and those that return to it.

    An event that is under way at the first frame is kept: its rest was not seen.

    Args:
        blinking: frames in which the eyes are shut or shutting.
    """
    config = config or DirectionConfig()
    shut = np.zeros(len(measures), dtype=bool) if blinking is None else blinking
    whole = distance_from_neutral(mesh.position, mesh.neutral, config)
    mouth = distance_from_neutral(mesh.position, mesh.neutral, config, brows=False)
    kept, returns = list[FaceEvent](), list[RejectedEvent]()
    for one in events:
        frames = [one.onset_index, one.apex_index]
        onset, apex = np.clip(np.searchsorted(measures.index, frames), 0, len(whole) - 1).tolist()
        in_blink = shut[onset] or shut[apex]
        far = mouth if in_blink else np.where(shut, np.inf, whole)
        if far[apex] >= far[onset] or "under_way_at_start" in one.flags:
            kept.append(one)
            continue
        row = _earlier(far, measures, onset, apex, config.earlier_s)
        begins = None if row is None else int(measures.index[row])
        if begins is not None and (not kept or begins >= kept[-1].offset_index):
            kept.append(_from(one, begins, measures))
        elif far[apex] >= far[onset] - config.noise:
            kept.append(one)
        else:
            returns.append(_return(one))
    return kept, returns


def _earlier(
    far: Float[np.ndarray, " n"], measures: FaceMeasures, onset: int, apex: int, earlier_s: float
) -> int | None:
    """The last row before the onset that lies nearer to neutral than the apex."""
    row = onset - 1
    while row >= 0 and measures.segment[row] == measures.segment[onset]:
        if measures.time_s[onset] - measures.time_s[row] > earlier_s + 1e-9:
            return None
        if far[row] <= far[apex]:
            return row
        row -= 1
    return None


def _from(one: FaceEvent, onset_index: int, measures: FaceMeasures) -> FaceEvent:
    lasts_s = np.diff(np.interp([onset_index, one.offset_index], measures.index, measures.time_s))
    return replace(one, onset_index=onset_index, kind=kind_of_duration(lasts_s.item()))


def _return(one: FaceEvent) -> RejectedEvent:
    return RejectedEvent(
        onset_index=one.onset_index,
        apex_index=one.apex_index,
        offset_index=one.offset_index,
        instrument=one.instrument,
        region=one.region,
        salience=one.salience,
        reason="return",
    )
