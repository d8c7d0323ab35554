"""What a coder changes: small steps that are only ever added, undone by further steps."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from hmrm import records
from hmrm.errors import InputError
from hmrm.web.database import Database
from hmrm.web.jobs import UnknownJobError

Kind = Literal[
    "accept",
    "reject",
    "reopen",
    "relabel",
    "move",
    "add",
    "comment",
    "name_face",
    "merge_face",
    "choose_subject",
    "finish",
    "undo",
    "redo",
]

STEPS_BACK = ("undo", "redo")

LONGEST_CODER = 60


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One step of a coder.

    Attributes:
        kind: ``accept``, ``reject`` or ``reopen`` an event, also a rejected candidate; ``relabel``
            it; ``move`` its onset, apex and offset; ``add`` one; ``comment``; ``name_face``;
            ``merge_face`` into another; ``choose_subject``, the face that counts; ``finish`` the
            video; ``undo``, ``redo``.
        event: key of the event: ``e0`` for the first that was found, ``r0`` for the first rejected
            candidate, ``a7`` for the one that edit 7 added.
        label: a class; "" for none.
        onset, apex, offset: zero-based frames, both ends count.
        text: a comment, or the name of a face.
        into: the face that another is merged into.
    """

    kind: Kind
    event: str = ""
    label: str | None = None
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    face_id: int | None = None
    into: int | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class LoggedEdit:
    """An edit with who and when.

    Attributes:
        number: counts over all jobs; keys of added events are made of it.
        made_at: seconds since 1970.
    """

    number: int
    coder: str
    made_at: float
    edit: Edit

    @property
    def made_at_utc(self) -> str:
        """ISO 8601, to the second."""
        return datetime.fromtimestamp(self.made_at, UTC).isoformat(timespec="seconds")


def checked_coder(name: str) -> str:
    """A coder's name.

    Raises:
        InputError: empty, too long, or not on one line.
    """
    bare = name.strip()
    if not bare or len(bare) > LONGEST_CODER or not bare.isprintable():
        raise InputError(
            f"coder: {len(bare)} letters; give a name of 1 to {LONGEST_CODER} letters on one line"
        )
    return bare


class EditLog:
    """Edits of all jobs, in the order in which they were made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job_id: str, coder: str, edit: Edit) -> LoggedEdit:
        """Add one.

        Raises:
            UnknownJobError: the job was deleted meanwhile.
        """
        made_at = time.time()
        text = records.dumps(edit, indent=None)
        with self._database.changing() as connection:
            row = connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise UnknownJobError(f"job {job_id}: it was deleted")
            added = connection.execute(
                "INSERT INTO edits (job, coder, made_at, edit) VALUES (?, ?, ?, ?)",
                (job_id, coder, made_at, text),
            )
        assert added.lastrowid is not None
        return LoggedEdit(number=added.lastrowid, coder=coder, made_at=made_at, edit=edit)

    def of(self, job_id: str, coder: str) -> tuple[LoggedEdit, ...]:
        """Those of one coder on one video: nobody sees another's."""
        with self._database.connected() as connection:
            rows = connection.execute(
                "SELECT * FROM edits WHERE job = ? AND coder = ? ORDER BY number", (job_id, coder)
            ).fetchall()
        return tuple(
            LoggedEdit(
                number=row["number"],
                coder=row["coder"],
                made_at=row["made_at"],
                edit=records.loads(Edit, row["edit"], where=f"edit {row['number']}"),
            )
            for row in rows
        )

    def coders(self) -> dict[str, tuple[str, ...]]:
        """Job → everybody who has edited it, by name."""
        with self._database.connected() as connection:
            rows = connection.execute(
                "SELECT DISTINCT job, coder FROM edits ORDER BY coder"
            ).fetchall()
        found: dict[str, tuple[str, ...]] = {}
        for row in rows:
            found[row["job"]] = (*found.get(row["job"], ()), row["coder"])
        return found


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The edits that hold, and those that could be redone, the next one last."""

    held: tuple[LoggedEdit, ...]
    undone: tuple[LoggedEdit, ...]


def standing(log: Iterable[LoggedEdit]) -> Standing:
    """Play the log: an ``undo`` takes back the last step, a ``redo`` brings it back.

    Example:
        >>> from hmrm.web.edits import Edit, LoggedEdit, standing
        >>> kinds = ("accept", "reject", "undo", "undo", "redo")
        >>> log = [
        ...     LoggedEdit(number=i, coder="Ada", made_at=0.0, edit=Edit(kind=kind, event="e0"))
        ...     for i, kind in enumerate(kinds)
        ... ]
        >>> [one.edit.kind for one in standing(log).held]
        ['accept']
        >>> [one.edit.kind for one in standing(log).undone]
        ['reject']
    """
    held: list[LoggedEdit] = []
    undone: list[LoggedEdit] = []
    for one in log:
        if one.edit.kind == "undo":
            undone += [held.pop()] if held else []
        elif one.edit.kind == "redo":
            held += [undone.pop()] if undone else []
        else:
            held.append(one)
            undone.clear()
    return Standing(held=tuple(held), undone=tuple(undone))
