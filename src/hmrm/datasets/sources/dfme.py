"""DFME: 7,526 micro-expressions of 671 people at 200, 300 and 500 frames/s; the largest set.

Zhao, Tang, Mao, Liu, Zhang, Wang, Xu, Chen: "DFME: A New Benchmark for Dynamic Facial
Micro-Expression Recognition", IEEE Transactions on Affective Computing 15(3), 2024.
Licence: research only, by a signed agreement.
How to get it: apply to its authors.

Layout: ``sub0003/sub0003_01/``. Tables: ``training_full_with_AU.xlsx`` (1,856 clips), and those of
the test sets A (474) and B (299); all that are there are read.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from hmrm.datasets.annotations.description import DataSet, Findings, main_tables
from hmrm.datasets.annotations.folders import Parts
from hmrm.datasets.annotations.labels import emotion_of
from hmrm.datasets.annotations.read_rows import read_rows
from hmrm.datasets.annotations.records import Record, is_remark, note_other_subject, span, units_of
from hmrm.datasets.annotations.workbook import Column, Row, find_table
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


def read_tables(tables: Sequence[Path], findings: Findings) -> list[Record]:
    """Records of every table that is there, one after the other."""
    records: list[Record] = []
    for path in main_tables(tables, _TABLES):
        table = find_table(findings.open(path), _COLUMNS, findings.notes)
        records += read_rows(table, _record, findings)
    return records


def place(parts: Parts) -> str | None:
    """``…/sub0003/sub0003_01`` → ``sub0003_01``."""
    return parts[-1].lower() if _CLIP.fullmatch(parts[-1]) else None


def _record(row: Row) -> Record | None:
    if is_remark(row, "clip", "onset"):
        return None
    clip = row.needed_text("clip")
    found = _CLIP.fullmatch(clip)
    if found is None:
        raise DataError(f"{row.address('clip')}: {clip!r} is no clip name such as sub0003_01")
    onset, offset, rate = row.needed_frame("onset"), row.frame("offset"), row.frame("rate")
    note_other_subject(row, "subject", found[1], clip)
    if not rate:
        row.notes.add("no_rate", row.address("rate"), f"{clip}: took {_HIGHEST_RATE:g} frames/s")
    units, text = units_of(row, "units")
    return Record(
        dataset=NAME,
        subject=found[1].lower(),
        clip=clip.lower(),
        onset_frame=onset,
        apex_frame=row.frame("apex"),
        offset_frame=offset,
        emotion=emotion_of(row, "emotion", NAME),
        folder=clip.lower(),
        units=units,
        units_text=text,
        span_frames=span(onset, offset),
        frames_per_s=None if not rate else float(rate),
        where=row.address("clip"),
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
    read_tables=read_tables,
    place=place,
    published={"clips": 1856 + 474 + 299},
)
