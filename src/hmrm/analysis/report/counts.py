"""How many events each face has in each minute."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hmrm.clip import Event
from hmrm.intervals import kind_of_duration

MINUTE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class MinuteCount:
    """Events of one face whose onset lies in one minute.

    Attributes:
        minute: from 0; None is the whole video.
        classes: class → events, most frequent first; "" where nothing classified them.
    """

    face_id: int
    minute: int | None
    micro: int
    macro: int
    classes: tuple[tuple[str, int], ...]


def per_minute(events: Sequence[Event], faces: Sequence[int]) -> list[MinuteCount]:
    """The whole video of every face, then its minutes that have events, where there are several."""
    found = []
    for face_id in sorted({*faces, *(event.face_id for event in events)}):
        own = [event for event in events if event.face_id == face_id]
        found.append(_count(face_id, None, own))
        minutes = sorted({int(event.onset_s // MINUTE_S) for event in own})
        if len(minutes) > 1:
            found += [
                _count(face_id, m, [e for e in own if int(e.onset_s // MINUTE_S) == m])
                for m in minutes
            ]
    return found


def _count(face_id: int, minute: int | None, events: Sequence[Event]) -> MinuteCount:
    kinds = Counter(kind_of_duration(event.duration_s) for event in events)
    classes = Counter(event.label or "" for event in events)
    return MinuteCount(
        face_id=face_id,
        minute=minute,
        micro=kinds["micro"],
        macro=kinds["macro"],
        classes=tuple(sorted(classes.items(), key=lambda pair: (-pair[1], pair[0]))),
    )
