"""One annotated expression as its table has it, and all of a table with what was odd in it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from hmrm.clip import Issue
from hmrm.datasets.annotations.action_units import UnitCode, parse_units
from hmrm.datasets.annotations.workbook import Notes, Row
from hmrm.errors import DataError, shortened

Kind = Literal["micro", "macro"]

_MOST_DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class Record:
    """One row of an annotation table.

    Attributes:
        dataset: data set's name, first part of the clip id.
        subject: as the data set's folders name it, zeros kept.
        clip: name of the clip; the second of the same clip's rows ends in ``_e2``.
        onset_frame: number on file, as are all frames; None only where files decide.
        apex_frame: None where the annotators gave none.
        offset_frame: None where it is unknown.
        units: action units; None where the code could not be read (then ``units_text`` has it).
        units_text: the code as written.
        emotion: in the data set's own vocabulary, lower case; empty where it gives none.
        no_emotion: why there is none, where the table that names it is not here; else empty.
        objective_class: 1 to 7 (action-unit classes of Davison et al.), or None.
        kind: micro or macro.
        folder: key of the clip's folder, see ``DataSet.place``; several records of a long video
            share one.
        span_frames: first and last frame that the clip's folder should hold; None where it holds
            a whole recording.
        frames_per_s: where clips of one data set differ.
        where: file, sheet and the cell that names the clip.
        cells: the same for the cells of onset, apex, offset and emotion, as far as there are any.
        row: which of its clip's rows it is, from 1, readable ones or not.
    """

    dataset: str
    subject: str
    clip: str
    onset_frame: int | None
    apex_frame: int | None
    offset_frame: int | None
    emotion: str
    folder: str
    units: UnitCode | None = field(default_factory=UnitCode)
    units_text: str = ""
    objective_class: int | None = None
    kind: Kind = "micro"
    span_frames: tuple[int, int] | None = None
    frames_per_s: float | None = None
    where: str = field(default="", compare=False)
    cells: Mapping[str, str] = field(default_factory=dict, compare=False)
    row: int = field(default=1, compare=False)
    no_emotion: str = field(default="", compare=False)

    def cell(self, name: str) -> str:
        """Address of the cell a value is from; of the clip's name where there is no such cell."""
        return self.cells.get(name, self.where)

    @property
    def id(self) -> str:
        """``dataset/subject/clip``."""
        return f"{self.dataset}/{self.subject}/{self.clip}"


@dataclass(frozen=True, kw_only=True)
class Skip:
    """Something that was excluded: a row's address or a clip's id, and why.

    ``kind`` is the reason in a word or two, by which what is alike is counted.
    """

    what: str
    reason: str
    kind: str = "other"

    @classmethod
    def of(cls, what: str, error: Exception) -> "Skip":
        """With the error's message, which need not say again what it is about."""
        return cls(what=what, reason=str(error).removeprefix(f"{what}: "))


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """All that the tables of one data set say.

    ``files`` maps each table read to its sha256.
    """

    dataset: str
    records: tuple[Record, ...]
    issues: tuple[Issue, ...] = ()
    skipped: tuple[Skip, ...] = ()
    files: tuple[tuple[Path, str], ...] = ()


def units_of(row: Row, key: str) -> tuple[UnitCode | None, str]:
    """The action units of a cell and its text; a code that cannot be read is noted and kept."""
    value = row.value(key)
    try:
        code = parse_units(value)
    except DataError as error:
        row.notes.add("units_unreadable", row.address(key), str(error))
        return None, str(value).strip()
    if any(unit.doubtful for units in code.readings for unit in units):
        row.notes.add("units_doubtful", row.address(key), f"{code.text!r} holds units in doubt")
    if len(code.readings) > 1:
        row.notes.add("units_or", row.address(key), f"{code.text!r} leaves a choice")
    return code, code.text.strip()


def cells_of(row: Row, number: str = "") -> dict[str, str]:
    """Addresses for `Record.cells`; ``number`` is what the row's columns of frames end in."""
    keys = {name: f"{name}{number}" for name in ("onset", "apex", "offset")} | {
        "emotion": "emotion"
    }
    return {name: row.address(key) for name, key in keys.items() if row.has(key)}


def named_elsewhere(table_name: str) -> str:
    """What `Record.no_emotion` says of a second table that was not read."""
    return (
        f"its emotion stands in {table_name}, which was not read; put that below the data set's "
        "folder and give the folder, without --table"
    )


def objective_class(row: Row, key: str) -> int | None:
    """A class 1 to 7, written as a number or in Roman figures; anything else is noted."""
    text = row.text(key).upper()
    roman = ("I", "II", "III", "IV", "V", "VI", "VII")
    if text in roman:
        return roman.index(text) + 1
    if text.isdecimal() and 1 <= int(text) <= len(roman):
        return int(text)
    if text:
        row.notes.add("objective_class", row.address(key), f"{text!r} is none of I to VII, 1 to 7")
    return None


def padded(row: Row, key: str, *, digits: int, prefix: str = "") -> str:
    """A subject as folders name it: numbers padded with zeros, an own prefix not doubled.

    Raises:
        DataError: the cell is empty or holds no number.
    """
    text = row.needed_text(key)
    bare = text.lower().removeprefix(prefix.lower()).strip(" .'")
    # Programs that hold a column with gaps as decimals write 1.0 into text tables.
    bare = re.sub(r"\.0+$", "", bare)
    if not bare.isdecimal() or len(bare) > _MOST_DIGITS:
        example = prefix + "1".zfill(digits)
        raise DataError(
            f"{row.address(key)}: {key} is {shortened(text)}; expected a number, as {example}"
        )
    return prefix + str(int(bare)).zfill(digits)


def note_other_subject(row: Row, key: str, subject: str, clip: str) -> None:
    """Note a subject's column that names someone else than the clip's own name does."""
    found, own = re.search(r"\d+", row.text(key)), re.search(r"\d+", subject)
    if found and own and int(found[0]) != int(own[0]):
        row.notes.add(
            "subject_differs",
            row.address(key),
            f"{row.text(key)!r}, but the clip is {clip}; taken as {subject}",
        )


def note_unusual_name(row: Row, key: str, form: re.Pattern[str], example: str) -> None:
    """Note a clip's name of another form; many of them mean another data set's table."""
    if not form.fullmatch(row.text(key)):
        row.notes.add("clip_name", row.address(key), f"{row.text(key)!r}; expected as {example}")


def span(onset_frame: int, offset_frame: int | None) -> tuple[int, int] | None:
    """The frames of a clip that was cut from onset to offset; None if these make no sense."""
    if offset_frame is None or offset_frame < onset_frame:
        return None
    return onset_frame, offset_frame


def is_remark(row: Row, *keys: str) -> bool:
    """Whether a row holds nothing in these columns, and so is text next to the table; noted."""
    if any(str(row.value(key) or "").strip() for key in keys):
        return False
    row.notes.add("remark", row.where, "the row names no clip and was taken for a remark")
    return True


def kind_of(row: Row, key: str) -> Kind:
    """Micro or macro, from words such as ``Micro - 1/2`` and ``macro-expression``.

    Raises:
        DataError: the cell says neither.
    """
    text = row.text(key).lower()
    if "micro" in text:
        return "micro"
    if "macro" in text:
        return "macro"
    raise DataError(f"{row.address(key)}: {key} is {text!r}; expected micro or macro")


def by_row(record: Record) -> Record:
    """The record as its clip's row is called: the second ends in ``_e2``."""
    return record if record.row == 1 else replace(record, clip=f"{record.clip}_e{record.row}")


def number_repeats(records: Iterable[Record], notes: Notes, *, expected: bool) -> list[Record]:
    """Tell apart expressions of the same clip by their rows: the second becomes ``_e2``.

    A row that says the same twice is dropped and noted. It counts as a row, as one that cannot be
    read does, so that no other row's id hangs on it.

    Args:
        expected: several expressions of one clip are nothing to note in this data set.
    """
    seen: set[str] = set()
    kept: list[Record] = []
    known: set[tuple[object, ...]] = set()
    for record in records:
        frames = (record.onset_frame, record.apex_frame, record.offset_frame)
        facts = (record.id, *frames, record.kind, record.emotion, record.units_text)
        if facts in known:
            notes.add("row_twice", record.where, f"{record.id} states the same as an earlier row")
            continue
        known.add(facts)
        if record.id in seen and not expected:
            notes.add("clip_twice", record.where, f"{record.id} occurs twice, unlike each other")
        seen.add(record.id)
        kept.append(by_row(record))
    return kept


def check_order(records: Sequence[Record], notes: Notes) -> list[Record]:
    """Note clips whose frames are missing or out of order; an apex outside is not used.

    The apex is taken out, not moved: it will be estimated and the rule recorded.
    """
    checked = []
    for record in records:
        onset, apex, offset = record.onset_frame, record.apex_frame, record.offset_frame
        if onset is not None and offset is not None and offset < onset:
            notes.add(
                "offset_before_onset", record.cell("offset"), f"{record.id}: {onset} to {offset}"
            )
            record = replace(record, offset_frame=None)
            offset = None
        elif offset is None:
            notes.add("no_offset", record.cell("offset"), f"{record.id}: no offset is given")
        if apex is None:
            notes.add("no_apex", record.cell("apex"), f"{record.id}: no apex is given")
        elif (onset is not None and apex < onset) or (offset is not None and apex > offset):
            notes.add(
                "apex_outside",
                record.cell("apex"),
                f"{record.id}: apex {apex} is not in {onset} to {offset}; it is not used",
            )
            record = replace(record, apex_frame=None)
        elif apex == onset:
            notes.add(
                "apex_is_onset", record.cell("apex"), f"{record.id}: apex {apex} is the onset"
            )
        checked.append(record)
    return checked
