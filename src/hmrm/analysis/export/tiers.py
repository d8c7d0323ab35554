"""What the formats of annotation programs have in common: tiers without overlaps, and their texts.

A tier holds the events of one face; where two overlap, the later one goes to a further tier.
"""

import math
from dataclasses import dataclass

from hmrm.analysis.record import Analysis
from hmrm.clip import Event

RULE = (
    "The first frame is 0; the onset and the offset frame both belong to an event. Seconds are the "
    "times at which these frames are presented"
)
"""How frames are counted: stands in every export."""

SHORTEST_MS = 1
"""No program shows an interval without length: an event of one frame gets this much."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An event on a tier.

    Attributes:
        number: from 1, as the report counts.
        start_ms, end_ms: the player's, whole.
    """

    number: int
    event: Event
    start_ms: int
    end_ms: int


@dataclass(frozen=True, kw_only=True)
class Tier:
    """Events of one face of which no two overlap, in order."""

    name: str
    entries: tuple[Entry, ...]


def tiers(analysis: Analysis) -> tuple[Tier, ...]:
    """Every face's tiers; a face without events has one, and so has a video without faces."""
    by_face: dict[int, list[Entry]] = {frame.face_id: [] for frame in analysis.frames}
    for entry in entries(analysis):
        by_face.setdefault(entry.event.face_id, []).append(entry)
    found: list[Tier] = []
    for face_id, of_face in sorted((by_face or {0: []}).items()):
        lanes: list[list[Entry]] = [[]]
        for entry in of_face:
            free = (lane for lane in lanes if not lane or _follows(lane[-1], entry))
            lane = next(free, None)
            if lane is None:
                lanes.append(lane := [])
            lane.append(entry)
        found += [
            Tier(
                name=f"face {face_id}" + (f" ({number})" if number > 1 else ""), entries=tuple(one)
            )
            for number, one in enumerate(lanes, 1)
        ]
    return tuple(found)


def entries(analysis: Analysis) -> list[Entry]:
    """Every event with the player's times, by onset."""
    made = []
    for number, event in enumerate(analysis.events, 1):
        start_ms = milliseconds(analysis, event.onset_s)
        end_ms = max(milliseconds(analysis, event.offset_s), start_ms + SHORTEST_MS)
        made.append(Entry(number=number, event=event, start_ms=start_ms, end_ms=end_ms))
    return sorted(made, key=lambda entry: (entry.event.onset_index, entry.number))


def _follows(last: Entry, entry: Entry) -> bool:
    return entry.event.onset_index > last.event.offset_index and entry.start_ms >= last.end_ms


def milliseconds(analysis: Analysis, time_s: float) -> int:
    """The player's clock at one of our times, whole ms."""
    return round(analysis.clock.player_s(time_s) * 1000)


def rule(analysis: Analysis) -> str:
    """`RULE`, and how the player's clock, which intervals are placed by, runs next to ours."""
    clock = analysis.clock
    text = (
        f"{RULE}, from the first frame; intervals are placed by the player's clock, which shows "
        f"{clock.first_frame_s:.6g} s at the first frame"
    )
    if clock.rate != 1:
        text += f" and runs {clock.rate:.6g} s in one second of the recording"
    return f"{text}."


def class_text(event: Event) -> str:
    """The class, or that there is none."""
    return event.label or "not classified"


def frames_text(event: Event) -> str:
    """The frames of an event, exact."""
    return f"onset {event.onset_index}, apex {event.apex_index}, offset {event.offset_index}"


def details_text(entry: Entry) -> str:
    """What else is known of an event; seconds are from the first frame."""
    event = entry.event
    parts = [
        f"event {entry.number}",
        f"onset {event.onset_s:.4f} s, apex {event.apex_s:.4f} s, offset {event.offset_s:.4f} s",
        event.region.replace("_", " "),
        "motion not measured"
        if event.peak_motion_px is None
        else f"motion {event.peak_motion_px:.2f} px",
        "salience not measured" if math.isnan(event.salience) else f"salience {event.salience:.2f}",
        *(flag.replace("_", " ") for flag in event.flags),
    ]
    return "; ".join(parts)


def line(text: str) -> str:
    """Text on one line without characters that XML and text formats forbid."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
