"""MMEW: 36 subjects, 90 frames/s, 1920 × 1080; 300 micro-expressions, and macro-expressions.

Ben, Ren, Zhang, Wang, Kpalma, Meng, Liu: "Video-Based Facial Micro-Expression Analysis: A Survey of
Datasets, Features and Algorithms", IEEE Transactions on Pattern Analysis and Machine Intelligence
44(9), 2022.
Licence: research only, by a signed agreement.
How to get it: apply at http://www.dpailab.com/database.html.

Layout: ``Micro_Expression/happiness/S03-01-002/1.jpg``, or with the subject above the emotion.
Table: ``MMEW_Micro_Exp.xlsx``. Others call its ``others`` repression; here the table's word stays.
Sixteen rows have a wrong apex or offset; where that shows, the apex is not used.
"""

import re
from functools import partial

from hmrm.datasets.annotations.description import DataSet
from hmrm.datasets.annotations.folders import Parts
from hmrm.datasets.annotations.labels import emotions
from hmrm.datasets.annotations.records import note_other_subject
from hmrm.datasets.annotations.table_form import ClipName, TableForm, read_tables
from hmrm.datasets.annotations.workbook import Column, Row
from hmrm.errors import DataError

NAME = "mmew"

_TABLES = (r"mmew.*micro", r"mmew")
_COLUMNS = (
    Column(key="subject", names=("Subject", "Sub"), required=False),
    Column(key="clip", names=("Filename", "File name")),
    Column(key="onset", names=("OnsetFrame", "Onset Frame", "Onset")),
    Column(key="apex", names=("ApexFrame", "Apex Frame", "Apex")),
    Column(key="offset", names=("OffsetFrame", "Offset Frame", "Offset")),
    Column(key="units", names=("Action Units", "AUs", "AU"), required=False),
    Column(key="emotion", names=("Estimated Emotion", "Emotion")),
)
_CLIP = re.compile(r"s?0*(\d+)-0*(\d+)-0*(\d+)", re.IGNORECASE)
_SUBJECT = re.compile(r"s?0*(\d+)", re.IGNORECASE)


def place(parts: Parts) -> str | None:
    """``…/happiness/S03-01-002`` → ``S03-01-002``; macro-expressions are not read."""
    if any("macro" in part.lower() for part in parts):
        return ""
    if _CLIP.fullmatch(parts[-1]):
        return _name(parts[-1])
    known = (*emotions(NAME), "others", "other")
    return _name(parts[-1]) if len(parts) > 1 and parts[-2].lower() in known else None


def _name(text: str) -> str:
    """One way of writing a clip's name; names of another form stay as they are."""
    found = _CLIP.fullmatch(text)
    if found is None:
        return text
    return f"S{int(found[1]):02d}-{int(found[2]):02d}-{int(found[3]):03d}"


def _subject(row: Row, clip: str) -> str:
    found = _CLIP.fullmatch(clip) or _SUBJECT.fullmatch(row.needed_text("subject"))
    if found is None:
        raise DataError(f"{row.address('subject')}: {row.text('subject')!r} is no person")
    return f"S{int(found[1]):02d}"


def _clip_name(row: Row) -> ClipName:
    clip = _name(row.needed_text("clip"))
    subject = _subject(row, clip)
    note_other_subject(row, "subject", subject, clip)
    return ClipName(subject=subject, clip=clip, folder=clip)


FORM = TableForm(
    dataset=NAME,
    files=_TABLES,
    columns=_COLUMNS,
    name=_clip_name,
    zero_is_none=frozenset({"apex"}),
)
MMEW = DataSet(
    name=NAME,
    title="MMEW",
    licence="research only, signed agreement",
    citation="Ben et al., IEEE Trans. Pattern Analysis and Machine Intelligence 44(9), 2022",
    how_to_get="apply at http://www.dpailab.com/database.html",
    frames_per_s=90.0,
    table_name="MMEW_Micro_Exp.xlsx",
    tables=_TABLES,
    read_tables=partial(read_tables, FORM),
    place=place,
    published={"clips": 300},
)
