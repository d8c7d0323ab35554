"""CASME: 189 clips, 60 frames/s; onset, one or two apexes, offset, action units, emotion.

Yan, Wu, Liu, Wang, Fu: "CASME Database: A Dataset of Spontaneous Micro-Expressions Collected From
Neutralized Faces", FG 2013.
Licence: research only, by a signed agreement.
How to get it: apply at http://casme.psych.ac.cn.

Layout: ``CASME_raw_selected/sub01/EP01_12/``, cropped copies in ``Cropped``. Table: ``casme.xlsx``
with two blank columns. Others change onsets, apexes and offsets of five rows by row number; what is
wrong there shows as ``apex_outside``, ``offset_before_onset`` or missing frames.
"""

from collections.abc import Sequence
from pathlib import Path

from hmrm.datasets.annotations.description import DataSet, Findings, main_tables
from hmrm.datasets.annotations.labels import emotion_of
from hmrm.datasets.annotations.read_rows import read_rows
from hmrm.datasets.annotations.records import (
    Record,
    is_remark,
    note_odd_name,
    padded,
    span,
    units_of,
)
from hmrm.datasets.annotations.workbook import Column, Row, find_table
from hmrm.datasets.sources.casme2 import CLIP, place

NAME = "casme"

_TABLES = (r"^casme(?![ _-]?(ii|2|3|sq)).*",)
_COLUMNS = (
    Column(key="emotion", names=("Emotion", "Estimated Emotion")),
    Column(key="subject", names=("Subject", "Sub")),
    Column(key="clip", names=("Filename", "File name")),
    Column(key="onset", names=("OnsetF", "OnsetFrame", "Onset")),
    Column(key="apex", names=("ApexF1", "ApexF", "ApexFrame", "Apex")),
    Column(key="apex2", names=("ApexF2",), required=False),
    Column(key="offset", names=("OffsetF", "OffsetFrame", "Offset")),
    Column(key="units", names=("AU", "AUs", "Action Units"), required=False),
)


def read_tables(tables: Sequence[Path], findings: Findings) -> list[Record]:
    """Records of the coding workbook."""
    records: list[Record] = []
    for path in main_tables(tables, _TABLES)[:1]:
        table = find_table(findings.open(path), _COLUMNS, findings.notes)
        records = read_rows(table, _record, findings)
    return records


def _record(row: Row) -> Record | None:
    if is_remark(row, "clip", "onset"):
        return None
    subject, clip = padded(row, "subject", digits=2, prefix="sub"), row.needed_text("clip")
    note_odd_name(row, "clip", CLIP, "EP02_01f")
    onset, offset = row.needed_frame("onset"), row.frame("offset")
    # 0 stands for no apex; the first one is the larger movement.
    apex, second = row.frame("apex") or None, row.frame("apex2") or None
    if apex is None and second is not None:
        row.notes.add("second_apex", row.address("apex2"), f"{subject}/{clip}: took {second}")
        apex = second
    units, text = units_of(row, "units")
    return Record(
        dataset=NAME,
        subject=subject,
        clip=clip,
        onset_frame=onset,
        apex_frame=apex,
        offset_frame=offset,
        emotion=emotion_of(row, "emotion", NAME),
        folder=f"{subject}/{clip.lower()}",
        units=units,
        units_text=text,
        span_frames=span(onset, offset),
        where=row.address("clip"),
    )


CASME = DataSet(
    name=NAME,
    title="CASME",
    licence="research only, signed agreement",
    citation="Yan et al., FG 2013",
    how_to_get="apply at http://casme.psych.ac.cn",
    frames_per_s=60.0,
    table_name="casme.xlsx",
    tables=_TABLES,
    read_tables=read_tables,
    place=place,
    raw_first=("raw", "cropped"),
    published={"clips": 189},
)
