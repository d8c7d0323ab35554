"""CASME: 189 clips, 60 frames/s; onset, one or two apexes, offset, action units, emotion.

Yan, Wu, Liu, Wang, Fu: "CASME Database: A Dataset of Spontaneous Micro-Expressions Collected From
Neutralized Faces", FG 2013.
Licence: research only, by a signed agreement.
How to get it: apply at http://casme.psych.ac.cn.

Layout: ``CASME_raw_selected/sub01/EP01_12/``, cropped copies in ``Cropped``. Table: ``casme.xlsx``
with two blank columns. Others change onsets, apexes and offsets of five rows by row number; what is
wrong there shows as ``apex_outside``, ``offset_before_onset`` or missing frames.
"""

from dataclasses import replace
from functools import partial

from hmrm.datasets.annotations.description import DataSet
from hmrm.datasets.annotations.records import Record
from hmrm.datasets.annotations.table_form import TableForm, read_tables
from hmrm.datasets.annotations.workbook import Column, Row
from hmrm.datasets.sources.casme2 import clip_name, place

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


def _finished(row: Row, record: Record) -> Record:
    """With the second apex where the first one, the larger movement, is missing."""
    second = row.frame("apex2") or None
    if record.apex_frame is not None or second is None:
        return record
    where = f"{record.subject}/{record.clip}"
    row.notes.add("second_apex", row.address("apex2"), f"{where}: took {second}")
    return replace(record, apex_frame=second)


FORM = TableForm(
    dataset=NAME,
    files=_TABLES,
    columns=_COLUMNS,
    name=clip_name,
    zero_is_none=frozenset({"apex"}),
    finish=_finished,
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
    read_tables=partial(read_tables, FORM),
    place=place,
    raw_first=("raw", "cropped"),
    published={"clips": 189},
)
