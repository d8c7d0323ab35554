"""How the annotation table of one data set is read, as a description, and the one that reads it.

A table's cells mean the same in nearly all data sets: who, which clip, onset, apex, offset, action
units, emotion. A `TableForm` states where one departs from that; `read_tables` does the rest.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from hmrm.datasets.annotations.description import Findings, main_tables
from hmrm.datasets.annotations.disagreements import settled
from hmrm.datasets.annotations.labels import emotion_of
from hmrm.datasets.annotations.read_rows import read_rows
from hmrm.datasets.annotations.records import (
    Kind,
    Record,
    is_remark,
    kind_of,
    objective_class,
    span,
    units_of,
)
from hmrm.datasets.annotations.workbook import Column, Row, Table, find_table
from hmrm.errors import DataError


@dataclass(frozen=True, kw_only=True)
class ClipName:
    """Which clip a row is: see the fields of `Record` of the same names."""

    subject: str
    clip: str
    folder: str


def _without_clip_and_onset(row: Row) -> bool:
    return is_remark(row, "clip", "onset")


@dataclass(frozen=True, kw_only=True)
class TableForm:
    """One data set's annotation table.

    Attributes:
        dataset: first part of clip ids.
        files: regular expressions of file names (lower case, searched), best first.
        columns: of the sheet; their keys are ``onset``, ``apex``, ``offset``, ``units``,
            ``emotion`` and ``objective`` as far as there are such columns, and others that ``name``
            and ``finish`` ask for.
        name: names the clip of a row.
        sheet: the sheet's published name, where it matters.
        every_file: read all files that match, not the best alone.
        is_outside: whether a row is no part of the table; notes it.
        addressed: the column whose cell stands for the whole record in messages.
        cut: the clip's folder holds the expression alone, from onset to offset.
        zero_is_none: columns of frames in which 0 means none.
        kind: the column that distinguishes micro from macro; None where all are micro.
        kind_codes: cells of that column that are no words → their kind.
        takes: rows of other kinds are passed over.
        has_emotions: whether ``emotion`` is read as it stands; else ``finish`` knows better.
        finish: completes a record from its row.
    """

    dataset: str
    files: tuple[str, ...]
    columns: tuple[Column, ...]
    name: Callable[[Row], ClipName]
    sheet: str | None = None
    every_file: bool = False
    is_outside: Callable[[Row], bool] = _without_clip_and_onset
    addressed: str = "clip"
    cut: bool = True
    zero_is_none: frozenset[Literal["apex", "offset"]] = frozenset()
    kind: str | None = None
    kind_codes: Mapping[str, Kind] = field(default_factory=dict)
    takes: tuple[Kind, ...] = ("micro", "macro")
    has_emotions: bool = True
    finish: Callable[[Row, Record], Record] | None = None


def read_tables(form: TableForm, tables: Sequence[Path], findings: Findings) -> list[Record]:
    """Records of the files that match, or that were named by hand, one after the other.

    Where one file is read of several that match, the others are compared with it.

    Raises:
        DataError: a file holds no such table, or more rows are refused than read.
    """
    records: list[Record] = []
    chosen = main_tables(tables, form.files)
    for path in chosen if form.every_file else chosen[:1]:
        sheets = findings.open(path)
        table = find_table(sheets, form.columns, findings.notes, sheet_name=form.sheet)
        records += read_table(form, table, findings)
    if form.every_file or not chosen:
        return records
    for path in tables:
        if path != chosen[0] and any(re.search(p, path.name.lower()) for p in form.files):
            records = compared(form, records, path, findings)
    return records


def compared(
    form: TableForm, records: list[Record], path: Path, findings: Findings
) -> list[Record]:
    """``records``, settled with what a further table states; as they are where it is another kind.

    Its rows that cannot be read, and what is noted of it alone, do not count.
    """
    own = Findings()
    try:
        table = find_table(own.open(path), form.columns, own.notes, sheet_name=form.sheet)
        others = read_table(form, table, own)
    except DataError:
        return records
    findings.compared.append(path)
    return settled(records, others, findings.notes)


def read_table(form: TableForm, table: Table, findings: Findings) -> list[Record]:
    """Records of one table whose columns are known.

    Raises:
        DataError: more rows are refused than read.
    """
    return read_rows(table, partial(record_of, form), findings)


def record_of(form: TableForm, row: Row) -> Record | None:
    """The record of a row; None where it holds no clip, or one of a kind that is not taken.

    Raises:
        DataError: a cell that cannot be read.
    """
    if form.is_outside(row):
        return None
    kind = _kind(form, row)
    if kind not in form.takes:
        return None
    name = form.name(row)
    onset, offset = row.needed_frame("onset"), _frame(form, row, "offset")
    units, text = units_of(row, "units")
    record = Record(
        dataset=form.dataset,
        subject=name.subject,
        clip=name.clip,
        onset_frame=onset,
        apex_frame=_frame(form, row, "apex"),
        offset_frame=offset,
        emotion=emotion_of(row, "emotion", form.dataset) if form.has_emotions else "",
        folder=name.folder,
        units=units,
        units_text=text,
        objective_class=objective_class(row, "objective"),
        kind=kind,
        span_frames=span(onset, offset) if form.cut else None,
        where=row.address(form.addressed),
    )
    return record if form.finish is None else form.finish(row, record)


def _kind(form: TableForm, row: Row) -> Kind:
    if form.kind is None:
        return "micro"
    return form.kind_codes.get(row.text(form.kind)) or kind_of(row, form.kind)


def _frame(form: TableForm, row: Row, key: Literal["apex", "offset"]) -> int | None:
    frame = row.frame(key)
    return None if frame == 0 and key in form.zero_is_none else frame
