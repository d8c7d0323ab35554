"""CAS(ME)²: 22 subjects, about 98 videos at 30 frames/s; 300 macro- and 57 micro-expressions.

Qu, Wang, Yan, Li, Wu, Fu: "CAS(ME)²: A Database for Spontaneous Macro-Expression and
Micro-Expression Spotting and Recognition", IEEE Transactions on Affective Computing 9(4), 2018.
Licence: research only, by a signed agreement.
How to get it: apply at http://casme.psych.ac.cn.

Layout: ``rawpic/s15/15_0101disgustingteeth/img001.jpg`` (or ``img_1.jpg``). Table:
``CAS(ME)^2code_final.xlsx`` without a header: person 1 to 22, video and number of the expression
(``anger1_1``), onset, apex, offset, action units, emotion, type, self-report. Its second sheet
gives the folder of a person (third column → second), its third the code of a video (second →
first). An offset of 0 is none.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from hmrm.datasets.annotations.description import DataSet, Findings, main_tables
from hmrm.datasets.annotations.folders import Parts
from hmrm.datasets.annotations.records import Record, is_remark
from hmrm.datasets.annotations.spreadsheets import Cell, Sheet
from hmrm.datasets.annotations.table_form import ClipName, TableForm, read_table
from hmrm.datasets.annotations.workbook import Row, plain_table
from hmrm.errors import DataError

NAME = "cas-me-2"

# Next to the code workbook lies one of eye blinks, which is no table of expressions.
_TABLES = (r"code_final", r"cas.?\(?me\)?.?2(?!.*blink).*code")
_KEYS = ("subject", "video", "onset", "apex", "offset", "units", "emotion", "kind", "report")


def read_all(tables: Sequence[Path], findings: Findings) -> list[Record]:
    """Records of the code workbook, with folders as its other two sheets name them.

    Raises:
        DataError: one of the three sheets is missing.
    """
    records: list[Record] = []
    for path in main_tables(tables, _TABLES)[:1]:
        sheets = [sheet for sheet in findings.open(path) if sheet.holds_anything]
        if len(sheets) < 3:
            raise DataError(
                f"{path}: {len(sheets)} sheets with content; needs codes, persons and videos"
            )
        subjects, videos = _lookup(sheets[1], 2, 1), _lookup(sheets[2], 1, 0)
        table = plain_table(sheets[0], _KEYS[:8], findings.notes)
        records = read_table(_form(subjects, videos), table, findings)
    return records


def place(parts: Parts) -> str | None:
    """``…/s15/15_0101disgustingteeth`` → ``s15/0101``."""
    # Expressions cut out of their videos lie under the videos' names, too.
    if any("selected" in part.lower() for part in parts):
        return ""
    found = re.match(r"0*(\d+)_(\d{4})", parts[-1])
    if found is None:
        return None
    return f"s{int(found[1])}/{found[2]}"


def _lookup(sheet: Sheet, key: int, value: int) -> dict[str, str]:
    width = max(key, value) + 1
    rows = [
        row
        for row in sheet.rows
        if len(row) >= width and _word(row[key] or "") and _word(row[value] or "")
    ]
    if not rows:
        raise DataError(f"{sheet.title}: has no {width} columns with content; a sheet was changed")
    return {_word(row[key]).lower(): _word(row[value]) for row in rows}


def _word(value: Cell) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _form(subjects: Mapping[str, str], videos: Mapping[str, str]) -> TableForm:
    return TableForm(
        dataset=NAME,
        files=_TABLES,
        columns=(),
        name=partial(_clip_name, subjects, videos),
        is_outside=_is_outside,
        addressed="video",
        cut=False,
        zero_is_none=frozenset({"apex", "offset"}),
        kind="kind",
    )


def _is_outside(row: Row) -> bool:
    if is_remark(row, "video", "onset"):
        return True
    if not row.text("onset").lower().startswith("onset"):
        return False
    row.notes.add("remark", row.where, "a header, which the published table lacks")
    return True


def _clip_name(subjects: Mapping[str, str], videos: Mapping[str, str], row: Row) -> ClipName:
    subject = subjects.get(row.needed_text("subject").lower())
    if subject is None:
        raise DataError(f"{row.address('subject')}: person {row.text('subject')!r} has no folder")
    clip = row.needed_text("video")
    name = clip.rsplit("_", 1)[0].lower()
    if name not in videos:
        raise DataError(f"{row.address('video')}: video {name!r} has no code in the third sheet")
    folder = f"s{int(re.sub(r'[^0-9]', '', subject) or 0)}"
    return ClipName(subject=folder, clip=clip, folder=f"{folder}/{videos[name].zfill(4)}")


CAS_ME_2 = DataSet(
    name=NAME,
    title="CAS(ME)²",
    licence="research only, signed agreement",
    citation="Qu et al., IEEE Transactions on Affective Computing 9(4), 2018",
    how_to_get="apply at http://casme.psych.ac.cn",
    frames_per_s=30.0,
    table_name="CAS(ME)^2code_final.xlsx",
    tables=_TABLES,
    read_tables=read_all,
    place=place,
    raw_first=("rawpic", "longvideo", "cropped"),
    published={"macro": 300, "micro": 57, "subjects": 22},
    repeats=True,
)
