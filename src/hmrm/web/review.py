"""What a coder's edits make of an analysis: events with their state, and an edited Analysis.

What the tool found is never changed: the edited analysis is made of both whenever it is asked for.
"""

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hmrm import records
from hmrm.analysis.record import Analysis
from hmrm.clip import Event, Notice, RejectedCandidate
from hmrm.errors import InputError, shortened
from hmrm.web.edits import Edit, LoggedEdit

Origin = Literal["found", "candidate", "added"]
Status = Literal["open", "accepted", "rejected"]

BY_CODER = "by_coder"
"""Reason of an event that the coder rejected."""

OTHER_FACE = "other_face"
"""Reason of an event of a face that the coder did not choose."""

UNKNOWN_REGION = "not_stated"
"""Region of an event that a coder added."""

_MOST_LETTERS = {"label": 60, "text": 2000}


@dataclass(frozen=True, kw_only=True)
class ReviewedEvent:
    """One event as it stands.

    Attributes:
        key: see `hmrm.web.edits.Edit`.
        reason: why the tool rejected it; "" for others.
        changed: ``label``, ``borders``: what is the coder's, not the tool's.
    """

    key: str
    origin: Origin
    status: Status
    event: Event
    reason: str = ""
    comments: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Review:
    """A coder's view of one video.

    Attributes:
        events: by onset.
        face_names: face → the name that the coder gave it.
        subject: the face whose events count; None is every face.
        finished: the coder has finished the video.
    """

    events: tuple[ReviewedEvent, ...]
    face_names: Mapping[int, str] = field(default_factory=dict)
    subject: int | None = None
    finished: bool = False

    def keeps(self, one: ReviewedEvent) -> bool:
        """Whether an event counts: it is not rejected, and of the subject."""
        return one.status != "rejected" and self.subject in (None, one.event.face_id)


def review(
    analysis: Analysis,
    held: Sequence[LoggedEdit],
    times_s: Sequence[float],
    faces: Collection[int] = (),
) -> Review:
    """Apply edits to what was found.

    Args:
        held: those that hold, see `hmrm.web.edits.standing`.
        times_s: presentation time of every frame.
        faces: all that were followed, also those without events.

    Raises:
        InputError: an edit is about an event or a frame that is not there, or lacks what its kind
            needs.
    """
    working = _Working(analysis, times_s, faces)
    for one in held:
        working.apply(one)
    return working.review()


class _Working:
    def __init__(
        self, analysis: Analysis, times_s: Sequence[float], faces: Collection[int]
    ) -> None:
        self._times_s = times_s
        self._events = _found(analysis)
        self._faces = {e.event.face_id for e in self._events.values()} | {0, *faces}
        self._names: dict[int, str] = {}
        self._subject: int | None = None
        self._finished = False

    def apply(self, one: LoggedEdit) -> None:
        edit = one.edit
        steps: dict[str, Callable[[], None]] = {
            "accept": lambda: self._set(edit, status="accepted"),
            "reject": lambda: self._set(edit, status="rejected"),
            "reopen": lambda: self._reopen(edit),
            "relabel": lambda: self._relabel(edit),
            "move": lambda: self._move(edit),
            "add": lambda: self._add(one),
            "comment": lambda: self._comment(edit),
            "name_face": lambda: self._name_face(edit),
            "merge_face": lambda: self._merge_face(edit),
            "choose_subject": lambda: self._choose(edit),
            "finish": self._finish,
        }
        if edit.kind not in steps:
            raise InputError(f"edit: {edit.kind} stands for no change by itself")
        steps[edit.kind]()

    def review(self) -> Review:
        ordered = sorted(self._events.values(), key=lambda e: (e.event.onset_index, e.key))
        return Review(
            events=tuple(ordered),
            face_names=self._names,
            subject=self._subject,
            finished=self._finished,
        )

    def _of(self, edit: Edit) -> ReviewedEvent:
        if edit.event not in self._events:
            raise InputError(f"edit: event {shortened(edit.event)} is not there; load the page")
        return self._events[edit.event]

    def _set(self, edit: Edit, status: Status) -> None:
        self._events[edit.event] = dataclasses.replace(self._of(edit), status=status)

    def _reopen(self, edit: Edit) -> None:
        first: dict[Origin, Status] = {"candidate": "rejected", "added": "accepted"}
        self._set(edit, first.get(self._of(edit).origin, "open"))

    def _relabel(self, edit: Edit) -> None:
        one = self._of(edit)
        label = _text(edit.label, "label")
        event = dataclasses.replace(one.event, label=label or None)
        self._events[one.key] = dataclasses.replace(
            one, event=event, changed=_with(one.changed, "label")
        )

    def _move(self, edit: Edit) -> None:
        one = self._of(edit)
        event = dataclasses.replace(one.event, **self._borders(edit))  # type: ignore[arg-type]
        self._events[one.key] = dataclasses.replace(
            one, event=event, changed=_with(one.changed, "borders")
        )

    def _add(self, one: LoggedEdit) -> None:
        face_id = 0 if one.edit.face_id is None else one.edit.face_id
        self._require_face(face_id)
        label = _text(one.edit.label or "", "label")
        borders = self._borders(one.edit)
        event = Event(
            face_id=face_id,
            region=UNKNOWN_REGION,
            peak_motion_px=None,
            salience=math.nan,
            label=label or None,
            **borders,  # type: ignore[arg-type]
        )
        key = f"a{one.number}"
        self._events[key] = ReviewedEvent(key=key, origin="added", status="accepted", event=event)

    def _comment(self, edit: Edit) -> None:
        one = self._of(edit)
        comments = (*one.comments, _text(edit.text, "text"))
        self._events[one.key] = dataclasses.replace(one, comments=comments)

    def _name_face(self, edit: Edit) -> None:
        self._names[self._require_face(edit.face_id)] = _text(edit.text, "text")

    def _merge_face(self, edit: Edit) -> None:
        face_id, into = self._require_face(edit.face_id), self._require_face(edit.into)
        for key, one in self._events.items():
            if one.event.face_id == face_id:
                event = dataclasses.replace(one.event, face_id=into)
                self._events[key] = dataclasses.replace(one, event=event)

    def _choose(self, edit: Edit) -> None:
        self._subject = None if edit.face_id is None else self._require_face(edit.face_id)

    def _finish(self) -> None:
        self._finished = True

    def _require_face(self, face_id: int | None) -> int:
        if face_id not in self._faces:
            raise InputError(
                f"edit: face {face_id} is not there; the faces are "
                f"{', '.join(map(str, sorted(self._faces)))}"
            )
        return face_id

    def _borders(self, edit: Edit) -> dict[str, float | int]:
        onset, apex, offset = edit.onset, edit.apex, edit.offset
        last = len(self._times_s) - 1
        if onset is None or apex is None or offset is None:
            raise InputError(f"edit: {edit.kind} needs onset, apex and offset")
        if not 0 <= onset <= apex <= offset <= last:
            raise InputError(
                f"edit: frames {onset}, {apex}, {offset} are not onset, apex and offset in this "
                f"order, from 0 to {last}"
            )
        return {
            "onset_index": onset,
            "apex_index": apex,
            "offset_index": offset,
            "onset_s": self._times_s[onset],
            "apex_s": self._times_s[apex],
            "offset_s": self._times_s[offset],
        }


def _found(analysis: Analysis) -> dict[str, ReviewedEvent]:
    events = {
        f"e{i}": ReviewedEvent(key=f"e{i}", origin="found", status="open", event=event)
        for i, event in enumerate(analysis.events)
    }
    for i, one in enumerate(analysis.rejected):
        key = f"r{i}"
        events[key] = ReviewedEvent(
            key=key,
            origin="candidate",
            status="rejected",
            event=_event_of(one),
            reason=one.reason,
        )
    return events


def _event_of(one: RejectedCandidate) -> Event:
    return Event(
        face_id=one.face_id,
        onset_index=one.onset_index,
        apex_index=one.apex_index,
        offset_index=one.offset_index,
        onset_s=one.onset_s,
        apex_s=one.apex_s,
        offset_s=one.offset_s,
        region=one.region,
        peak_motion_px=None,
        salience=one.salience,
    )


def _with(changed: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(sorted({*changed, name}))


def _text(value: str | None, name: str) -> str:
    most = _MOST_LETTERS[name]
    if value is None or len(value) > most or any(c != "\n" and not c.isprintable() for c in value):
        raise InputError(f"edit: {name} must be text of at most {most} letters")
    return value.strip()


def edited_analysis(analysis: Analysis, found: Review, held: Sequence[LoggedEdit]) -> Analysis:
    """The analysis as the coder left it, with every edit in its provenance.

    Flags state what is the coder's: ``accepted_by_coder``, ``added_by_coder``,
    ``taken_up_by_coder``, ``label_by_coder``, ``borders_by_coder``. Measures and probabilities
    stay those of the movement that was found; an event that a coder added has none.
    """
    kept = [one for one in found.events if found.keeps(one)]
    rest = [one for one in found.events if not found.keeps(one)]
    notices = [_summary(held)] if held else []
    notices += [
        Notice(code="comment", message=f"frames {_frames(one.event)}: {text}")
        for one in kept
        for text in one.comments
    ]
    return dataclasses.replace(
        analysis,
        events=tuple(dataclasses.replace(one.event, flags=_flags(one)) for one in kept),
        images=(None,) * len(kept),
        rejected=tuple(_rejected(one) for one in rest),
        notices=(*analysis.notices, *notices),
        provenance={
            **analysis.provenance,
            "edits": [
                {
                    "number": one.number,
                    "coder": one.coder,
                    "made_at": one.made_at_utc,
                    **records.to_json(one.edit),
                }
                for one in held
            ],
        },
    )


def _flags(one: ReviewedEvent) -> tuple[str, ...]:
    own = {"added": ["added_by_coder"], "candidate": ["taken_up_by_coder"]}.get(one.origin, [])
    if one.origin == "found" and one.status == "accepted":
        own = ["accepted_by_coder"]
    return (*one.event.flags, *own, *(f"{name}_by_coder" for name in one.changed))


def _rejected(one: ReviewedEvent) -> RejectedCandidate:
    event = one.event
    by_coder = BY_CODER if one.status == "rejected" else OTHER_FACE
    return RejectedCandidate(
        face_id=event.face_id,
        onset_index=event.onset_index,
        apex_index=event.apex_index,
        offset_index=event.offset_index,
        onset_s=event.onset_s,
        apex_s=event.apex_s,
        offset_s=event.offset_s,
        region=event.region,
        salience=event.salience,
        reason=one.reason or by_coder,
    )


def _summary(held: Sequence[LoggedEdit]) -> Notice:
    names = ", ".join(sorted({one.coder for one in held}))
    return Notice(
        code="edited",
        message=f"{len(held)} edits by {names}, the last at {held[-1].made_at_utc}; flags state "
        "what is the coder's",
    )


def _frames(event: Event) -> str:
    return f"{event.onset_index} to {event.offset_index}"
