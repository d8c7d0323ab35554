"""CASME II: 26 subjects, 200 frames/s, 640 × 480; onset, apex, offset, action units, emotion.

Yan, Li, Wang, Zhao, Liu, Chen, Fu: "CASME II: An Improved Spontaneous Micro-Expression Database
and the Baseline Evaluation", PLoS ONE 9(1), 2014.
Licence: research only, by a signed agreement; images of few subjects may be printed.
How to get it: apply at http://casme.psych.ac.cn with the release agreement.

Layout: ``CASME2_RAW_selected/sub01/EP02_01f/img46.jpg`` (numbers without zeros), cropped copies
with ``reg_img46.jpg``. Tables: ``CASME2-coding-20140508.xlsx`` (255 rows) and
``CASME2-coding-20190701.xlsx`` (256); the former is taken where both are there, because the
composite's public list follows it. ``CASME2-ObjectiveClasses.xlsx`` is read alongside them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hmrm.datasets.annotations.description import DataSet, Findings, first_match
from hmrm.datasets.annotations.folders import Parts
from hmrm.datasets.annotations.read_rows import read_rows
from hmrm.datasets.annotations.records import (
    Record,
    is_remark,
    note_unusual_name,
    objective_class,
    padded,
)
from hmrm.datasets.annotations.table_form import ClipName, TableForm, read_tables
from hmrm.datasets.annotations.workbook import Column, Row, find_table

NAME = "casme2"

_CLIP = re.compile(r"EP\d+.*", re.IGNORECASE)

_CODING = (
    r"casme.?(2|ii).*coding.*2014",
    r"casme.?(2|ii).*coding.*2019",
    r"casme.?(2|ii).*coding",
    r"casme.?(2|ii).*label",
)
_OBJECTIVE = (r"casme.?(2|ii).*objective",)

_COLUMNS = (
    Column(key="subject", names=("Subject", "Sub")),
    Column(key="clip", names=("Filename", "File name", "Video", "Clip")),
    Column(key="onset", names=("OnsetFrame", "OnsetF", "Onset")),
    Column(key="apex", names=("ApexFrame", "ApexF", "ApexF1", "Apex")),
    Column(key="offset", names=("OffsetFrame", "OffsetF", "Offset")),
    Column(key="units", names=("Action Units", "Action Unit", "AUs", "AU"), required=False),
    Column(key="emotion", names=("Estimated Emotion", "Emotion")),
)
_OBJECTIVE_COLUMNS = (
    *_COLUMNS[:2],
    Column(key="objective", names=("Objective Class", "Objective Classes")),
)


def read_all(tables: Sequence[Path], findings: Findings) -> list[Record]:
    """Records of the coding workbook, with objective classes where their workbook is there."""
    records = read_tables(FORM, tables, findings)
    for path in first_match(tables, _OBJECTIVE)[:1]:
        table = find_table(findings.open(path), _OBJECTIVE_COLUMNS, findings.notes)
        classes = dict(read_rows(table, _objective, findings))
        records = [_with_class(record, classes, path, findings) for record in records]
    return records


def place(parts: Parts) -> str | None:
    """``…/sub01/EP02_01f`` → ``sub01/ep02_01f``."""
    if len(parts) < 2 or not (subject := re.fullmatch(r"sub0*(\d+)", parts[-2], re.IGNORECASE)):
        return None
    return f"sub{int(subject[1]):02d}/{parts[-1].lower()}"


def clip_name(row: Row) -> ClipName:
    """``1`` or ``sub01`` and ``EP02_01f`` → the names of their folders."""
    subject, clip = padded(row, "subject", digits=2, prefix="sub"), row.needed_text("clip")
    note_unusual_name(row, "clip", _CLIP, "EP02_01f")
    return ClipName(subject=subject, clip=clip, folder=f"{subject}/{clip.lower()}")


def _with_class(
    record: Record,
    classes: Mapping[tuple[str, str], int | None],
    path: Path,
    findings: Findings,
) -> Record:
    key = (record.subject, record.clip.lower())
    if key not in classes:
        findings.notes.add("no_objective_class", record.where, f"{record.id} is not in {path.name}")
    return replace(record, objective_class=classes.get(key))


def _objective(row: Row) -> tuple[tuple[str, str], int | None] | None:
    if is_remark(row, "clip"):
        return None
    subject = padded(row, "subject", digits=2, prefix="sub")
    return (subject, row.needed_text("clip").lower()), objective_class(row, "objective")


FORM = TableForm(dataset=NAME, files=_CODING, columns=_COLUMNS, name=clip_name)
CASME2 = DataSet(
    name=NAME,
    title="CASME II",
    licence="research only, signed agreement",
    citation="Yan et al., PLoS ONE 9(1), 2014",
    how_to_get="apply at http://casme.psych.ac.cn",
    frames_per_s=200.0,
    table_name="CASME2-coding-20140508.xlsx",
    tables=(*_CODING, *_OBJECTIVE),
    read_tables=read_all,
    place=place,
    raw_first=("raw", "cropped"),
    published={
        "clips": 255,
        "subjects": 26,
        "others": 99,
        "disgust": 63,
        "happiness": 32,
        "repression": 27,
        "surprise": 25,
        "sadness": 7,
        "fear": 2,
    },
)
