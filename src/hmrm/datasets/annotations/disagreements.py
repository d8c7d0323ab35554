"""Two tables of one data set, compared: the consistent reading is taken, each difference stated."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hmrm.datasets.annotations.records import Record
from hmrm.datasets.annotations.workbook import Notes

_FRAMES = ("onset", "apex", "offset")
_LEAST_EQUAL = 2
"""Rows of one clip are the same expression where this many of onset, apex and offset agree."""


def settled(main: Sequence[Record], other: Sequence[Record], notes: Notes) -> list[Record]:
    """The records of ``main``, each with the frames that make sense where ``other`` differs.

    A reading makes sense where the onset comes first, the offset last and none is missing. Where
    both do, or neither, ``main`` stays. What differs is noted with both cells; so is what stands in
    one table alone.

    Args:
        main, other: of the same kinds of expressions, before repeated clips are numbered.
    """
    rest: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in other:
        rest[_clip(record)].append(record)
    left = [_without_twin(record, rest[_clip(record)]) for record in main]
    done: list[Record] = []
    for record, has_twin in zip(main, left, strict=True):
        partner = None if has_twin else _partner(record, rest[_clip(record)])
        if partner is None:
            if not has_twin:
                _note_alone(record, other[0] if other else record, notes)
            done.append(record)
            continue
        rest[_clip(record)].remove(partner)
        done.append(_settled(record, partner, notes))
    for records in rest.values():
        for record in records:
            _note_alone(record, main[0] if main else record, notes)
    return done


def _clip(record: Record) -> tuple[str, str]:
    return record.subject, record.clip


def _without_twin(record: Record, others: list[Record]) -> bool:
    """Take the row with the same frames out of ``others``; False if there is none."""
    for one in others:
        if _frames(one) == _frames(record):
            others.remove(one)
            return True
    return False


def _partner(record: Record, others: Sequence[Record]) -> Record | None:
    def equal(one: Record) -> int:
        pairs = zip(_frames(one), _frames(record), strict=True)
        return sum(a == b and a is not None for a, b in pairs)

    best = max(others, key=equal, default=None)
    return best if best is not None and equal(best) >= _LEAST_EQUAL else None


def _frames(record: Record) -> tuple[int | None, int | None, int | None]:
    return record.onset_frame, record.apex_frame, record.offset_frame


def _makes_sense(record: Record) -> bool:
    onset, apex, offset = _frames(record)
    if onset is None or apex is None or offset is None:
        return False
    return onset <= apex <= offset


def _settled(record: Record, partner: Record, notes: Notes) -> Record:
    take = _makes_sense(partner) and not _makes_sense(record)
    changed = record
    for name, ours, theirs in _differences(record, partner):
        if take:
            cells = {**changed.cells, name: partner.cell(name)}
            changed = replace(
                changed,
                onset_frame=theirs if name == "onset" else changed.onset_frame,
                apex_frame=theirs if name == "apex" else changed.apex_frame,
                offset_frame=theirs if name == "offset" else changed.offset_frame,
                cells=cells,
            )
        reason = (
            "with which onset, apex and offset make sense"
            if take
            else "as both readings make sense"
            if _makes_sense(record)
            else "as neither reading makes sense"
        )
        notes.add(
            "tables_differ",
            record.cell(name),
            f"{record.id}: {name} {_text(ours)} here, {_text(theirs)} in {partner.cell(name)}; "
            f"{_text(theirs if take else ours)} is taken, {reason}",
        )
    return changed


def _differences(record: Record, partner: Record) -> Iterator[tuple[str, int | None, int | None]]:
    for name, ours, theirs in zip(_FRAMES, _frames(record), _frames(partner), strict=True):
        if ours != theirs:
            yield name, ours, theirs


def _text(frame: int | None) -> str:
    return "none" if frame is None else str(frame)


def _note_alone(record: Record, there: Record, notes: Notes) -> None:
    frames = " to ".join(_text(frame) for frame in (record.onset_frame, record.offset_frame))
    table = there.where.partition(" ")[0]
    notes.add("table_lacks", record.where, f"{record.id}, frames {frames}: not in {table}")
