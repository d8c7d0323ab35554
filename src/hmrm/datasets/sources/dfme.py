"""DFME: 7,526 micro-expressions of 671 subjects at 200, 300 and 500 frames/s; the largest set.

Zhao, Tang, Mao, Liu, Zhang, Wang, Xu, Chen: "DFME: A New Benchmark for Dynamic Facial
Micro-Expression Recognition", IEEE Transactions on Affective Computing 15(3), 2024.
Licence: research only, by a signed agreement.
How to get it: apply to its authors.

Layout: ``sub0003/sub0003_01/``. Tables: ``training_full_with_AU.xlsx`` (1,856 clips), and those of
the test sets A (474) and B (299); all that are there are read.
"""

import re
from dataclasses import replace
from functools import partial

from hmrm.datasets.annotations.description import DataSet
from hmrm.datasets.annotations.folders import Parts
from hmrm.datasets.annotations.records import Record, note_other_subject
from hmrm.datasets.annotations.table_form import ClipName, TableForm, read_tables
from hmrm.datasets.annotations.workbook import Column, Row
from hmrm.errors import DataError

NAME = "dfme"

_TABLES = (r"(training|test).*au", r"training|test_?[ab]|dfme")
_COLUMNS = (
    Column(key="subject", names=("Subject", "Sub"), required=False),
    Column(key="clip", names=("Filename", "File name")),
    Column(key="onset", names=("OnsetFrame", "Onset")),
    Column(key="apex", names=("ApexFrame", "Apex")),
    Column(key="offset", names=("OffsetFrame", "Offset")),
    Column(key="emotion", names=("Emotion", "Estimated Emotion"), required=False),
    Column(key="rate", names=("Fps", "Frame rate"), required=False),
    Column(key="units", names=("AU", "AUs", "Action Units"), required=False),
)
_HIGHEST_RATE = 500.0
_CLIP = re.compile(r"(sub\d+)_\w+", re.IGNORECASE)


def place(parts: Parts) -> str | None:
    """``…/sub0003/sub0003_01`` → ``sub0003_01``."""
    return parts[-1].lower() if _CLIP.fullmatch(parts[-1]) else None


def _clip_name(row: Row) -> ClipName:
    clip = row.needed_text("clip")
    found = _CLIP.fullmatch(clip)
    if found is None:
        raise DataError(f"{row.address('clip')}: {clip!r} is no clip name such as sub0003_01")
    note_other_subject(row, "subject", found[1], clip)
    return ClipName(subject=found[1].lower(), clip=clip.lower(), folder=clip.lower())


def _finished(row: Row, record: Record) -> Record:
    rate = row.frame("rate")
    if rate:
        return replace(record, frames_per_s=float(rate))
    message = f"{row.text('clip')}: took {_HIGHEST_RATE:g} frames/s"
    row.notes.add("no_rate", row.address("rate"), message)
    return record


# Training and test sets are a table each, and all that are there are read.
FORM = TableForm(
    dataset=NAME,
    files=_TABLES,
    every_file=True,
    columns=_COLUMNS,
    name=_clip_name,
    finish=_finished,
)
DFME = DataSet(
    name=NAME,
    title="DFME",
    licence="research only, signed agreement",
    citation="Zhao et al., IEEE Transactions on Affective Computing 15(3), 2024",
    how_to_get="apply to its authors",
    frames_per_s=_HIGHEST_RATE,
    rates_differ=True,
    table_name="training_full_with_AU.xlsx",
    tables=_TABLES,
    read_tables=partial(read_tables, FORM),
    place=place,
    published={"clips": 1856 + 474 + 299},
)
