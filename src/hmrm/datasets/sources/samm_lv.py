"""SAMM Long Videos: 147 videos of about 35 s at 200 frames/s; 343 macro- and 159 micro-expressions.

Yap, Kendrick, Yap: "SAMM Long Videos: A Spontaneous Facial Micro- and Macro-Expressions Dataset",
FG 2020.
Licence: research only, by a signed agreement.
How to get it: apply at http://www2.docm.mmu.ac.uk/STAFF/M.Yap/dataset.php.

Layout: ``SAMM_longvideos/006_1/006_1_0001.jpg``. Table: ``SAMM_LongVideos_V3_Release.xlsx`` (there
are V2 and V1), header in row 10. It names no emotions; where SAMM's own FACS workbook lies next to
it, the micro-expressions take theirs from there, by file name. An apex of -1 is none. Rows with
onset 0 began before the video, and a few macro-expressions are longer than 800 frames; public
baselines drop both, here they are kept and noted.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from hmrm.datasets.annotations.description import DataSet, Findings, first_match
from hmrm.datasets.annotations.folders import Parts
from hmrm.datasets.annotations.records import Record, named_elsewhere, note_other_subject
from hmrm.datasets.annotations.table_form import ClipName, TableForm, read_tables
from hmrm.datasets.annotations.workbook import Column, Notes, Row
from hmrm.datasets.sources import samm
from hmrm.errors import DataError

NAME = "samm-lv"

_TABLES = (r"samm.*long.*v3", r"samm.*long.*v2", r"samm.*long")
_LONGEST_FRAMES = 800
_COLUMNS = (
    Column(key="subject", names=("Subject",), required=False),
    Column(key="clip", names=("Filename", "File name")),
    Column(key="onset", names=("Onset", "Onset Frame")),
    Column(key="apex", names=("Apex", "Apex Frame")),
    Column(key="offset", names=("Offset", "Offset Frame")),
    Column(key="kind", names=("Type", "Expression type")),
    Column(key="units", names=("Action Units", "AUs", "AU"), required=False),
)
_CLIP = re.compile(r"((\d{3})_\d+)(?:_\w+)?")


def read_all(tables: Sequence[Path], findings: Findings) -> list[Record]:
    """Records of the long videos' workbook, with the emotions of SAMM's own where it is there."""
    emotions: dict[str, str] = {}
    for path in first_match(tables, samm.TABLES)[:1]:
        if not first_match([path], _TABLES):
            # Its own issues are reported where SAMM itself is looked at.
            unheard = Findings(notes=Notes(), read=findings.read)
            emotions = {r.clip: r.emotion for r in read_tables(samm.FORM, [path], unheard)}
    return read_tables(replace(FORM, finish=partial(_finished, emotions)), tables, findings)


def place(parts: Parts) -> str | None:
    """``…/006_1`` → ``006_1``."""
    return parts[-1] if re.fullmatch(r"\d{3}_\d+", parts[-1]) else None


def _clip_name(row: Row) -> ClipName:
    clip = row.needed_text("clip")
    found = _CLIP.fullmatch(clip)
    if found is None:
        raise DataError(f"{row.address('clip')}: {clip!r} is no name such as 006_1_2")
    note_other_subject(row, "subject", found[2], clip)
    return ClipName(subject=found[2], clip=clip, folder=found[1])


def _finished(emotions: Mapping[str, str], row: Row, record: Record) -> Record:
    """With SAMM's emotion; what public baselines drop is noted."""
    clip, onset, offset = record.clip, record.onset_frame, record.offset_frame
    assert onset is not None, "the form needs an onset"
    if onset == 0:
        row.notes.add("onset_zero", row.address("onset"), f"{clip} began before the video")
    if record.kind == "macro":
        if offset is not None and offset - onset > _LONGEST_FRAMES:
            row.notes.add("long_macro", row.where, f"{clip}: {offset - onset} frames")
        return record
    if not emotions:
        return replace(record, no_emotion=named_elsewhere(samm.SAMM.table_name))
    if clip not in emotions:
        row.notes.add("no_emotion", row.address("clip"), f"{clip} is not in SAMM's own workbook")
    return replace(record, emotion=emotions.get(clip, ""))


FORM = TableForm(
    dataset=NAME,
    files=_TABLES,
    columns=_COLUMNS,
    name=_clip_name,
    cut=False,
    kind="kind",
    has_emotions=False,
)
SAMM_LV = DataSet(
    name=NAME,
    title="SAMM Long Videos",
    licence="research only, signed agreement",
    citation="Yap et al., FG 2020",
    how_to_get="apply at http://www2.docm.mmu.ac.uk/STAFF/M.Yap/dataset.php",
    frames_per_s=200.0,
    table_name="SAMM_LongVideos_V3_Release.xlsx",
    tables=(*_TABLES, *samm.TABLES),
    read_tables=read_all,
    place=place,
    published={"macro": 343, "micro": 159},
    repeats=True,
)
