"""4DME: four modalities at 60 frames/s; here its grey video clips.

Li, Cheng, Li, Behzad, Shen, Zafeiriou, Pantic, Zhao: "4DME: A Spontaneous 4D Micro-Expression
Dataset With Multimodalities", IEEE Transactions on Affective Computing 14(4), 2023.
Licence: research only, by a signed agreement.
How to get it: apply to the Center for Machine Vision and Signal Analysis, University of Oulu.

Layout: ``gray_micro/<sub_ID>/<fold_name>/``. Table: ``4DME_Labelling_Micro_release v1.xlsx`` with
emotions as a word and as columns of 0 and 1, action units as a code in which ``(k)`` marks doubt.
In the released table the labels of rows 144 and 145 are reported to be swapped; nothing in it shows
that, so nothing is changed.
"""

import re
from dataclasses import replace
from functools import partial

from hmrm.datasets.annotations.description import DataSet
from hmrm.datasets.annotations.folders import Parts
from hmrm.datasets.annotations.labels import emotion_of
from hmrm.datasets.annotations.records import Record
from hmrm.datasets.annotations.table_form import ClipName, TableForm, read_tables
from hmrm.datasets.annotations.workbook import Column, Row

NAME = "4dme"

_TABLES = (r"4dme.*label.*micro", r"4d.?me.*micro", r"4dme")
_FLAGS = ("positive", "negative", "surprise", "repression", "others")
_COLUMNS = (
    Column(key="subject", names=("sub_ID", "Subject")),
    Column(key="clip", names=("fold_name", "folder_name", "Filename")),
    Column(key="emotion", names=("Emotion",)),
    Column(key="onset", names=("Onset", "OnsetFrame")),
    Column(key="apex", names=("Apex", "ApexFrame")),
    Column(key="offset", names=("Offset", "OffsetFrame")),
    Column(key="units", names=("AUs", "AU", "Action Units"), required=False),
    *(Column(key=flag, names=(flag, flag.removesuffix("s")), required=False) for flag in _FLAGS),
)


def place(parts: Parts) -> str | None:
    """``gray_micro/S1/clip`` → ``s1/clip``."""
    names = [part.lower() for part in parts]
    if any("macro" in name or "depth" in name for name in names):
        return ""
    return "/".join(names[-2:]) if len(names) > 2 else None


def _clip_name(row: Row) -> ClipName:
    subject, clip = row.needed_text("subject"), row.needed_text("clip")
    return ClipName(subject=subject, clip=clip, folder=f"{subject}/{clip}".lower())


def _finished(row: Row, record: Record) -> Record:
    return replace(record, emotion=_emotion(row))


def _emotion(row: Row) -> str:
    """The word; where there is none, the one column that is 1. Two at once have no class."""
    words = re.split(r"\s*(?:[+&/,;]|\band\b)\s*", row.text("emotion").lower())
    named = [flag for flag in _FLAGS if flag in words or flag.removesuffix("s") in words]
    marked = [flag for flag in _FLAGS if row.text(flag) == "1"]
    if named and marked and named != marked:
        row.notes.add(
            "emotion_differs",
            row.address("emotion"),
            f"{row.text('emotion')!r}, but the columns say {' and '.join(marked)}; the word counts",
        )
    if row.text("emotion") and len(named) < len(words):
        return emotion_of(row, "emotion", NAME)
    found = named or marked
    if not found:
        return emotion_of(row, "emotion", NAME)
    if len(found) > 1:
        row.notes.add("several_emotions", row.where, " and ".join(found))
    return " and ".join(found)


FORM = TableForm(
    dataset=NAME,
    files=_TABLES,
    columns=_COLUMNS,
    name=_clip_name,
    zero_is_none=frozenset({"apex"}),
    has_emotions=False,
    finish=_finished,
)
FOURD_ME = DataSet(
    name=NAME,
    title="4DME",
    licence="research only, signed agreement",
    citation="Li et al., IEEE Transactions on Affective Computing 14(4), 2023",
    how_to_get="apply to the University of Oulu (CMVS)",
    frames_per_s=60.0,
    table_name="4DME_Labelling_Micro_release v1.xlsx",
    tables=_TABLES,
    read_tables=partial(read_tables, FORM),
    place=place,
    raw_first=("gray_micro/", "gray"),
)
