"""SMIC: 16 subjects, 640 × 480; HS at 100 frames/s, VIS and NIR at 25 (8 subjects); no units.

Li, Pfister, Huang, Zhao, Pietikäinen: "A Spontaneous Micro-expression Database: Inducement,
Collection and Baseline", FG 2013.
Licence: research only, by a signed agreement.
How to get it: apply to the Center for Machine Vision and Signal Analysis, University of Oulu.

Short clips: ``HS/s1/micro/negative/s1_ne_01/image559740.bmp`` (subjects without zeros; cropped
copies under ``SMIC_all_cropped`` with ``reg_image…``); they run from onset to offset and no table
comes with them, so their folders are read. The home-made ``smic.xlsx`` that circulates serves
without frames. There is no apex anywhere.
Extended clips (SMIC-E): ``HS_long/SMIC_HS_E/s20/s20_ne_01/image17581039.jpg`` and
``SMIC-HS-E_annotation.xlsx``; frames are counters of the camera, and a clip may hold two or three
micro-expressions (``Onset2F`` …). Editions that circulate have an ``ApexF``; it is read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from hmrm.datasets.annotations.description import DataSet, Findings, main_tables
from hmrm.datasets.annotations.folders import ClipFolder, Parts, numbered_frames
from hmrm.datasets.annotations.labels import emotion_of
from hmrm.datasets.annotations.read_rows import read_rows
from hmrm.datasets.annotations.records import (
    Record,
    Skip,
    cells_of,
    is_remark,
    note_other_subject,
    span,
)
from hmrm.datasets.annotations.spreadsheets import Sheet, read_workbook
from hmrm.datasets.annotations.table_form import ClipName, TableForm, read_tables
from hmrm.datasets.annotations.workbook import Column, Notes, Row, find_table, has_table
from hmrm.errors import DataError

Camera = Literal["hs", "vis", "nir"]

_EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
_SUBJECT = re.compile(r"s0*(\d+)", re.IGNORECASE)
_CLIP = re.compile(r"(?:s\d+_)?s0*(\d+)_(ne|po|sur)_0*(\d+)", re.IGNORECASE)
_CAMERA = re.compile(r"(?<![a-z])(hs|vis|nir)(?![a-z])")
_EXTENDED = re.compile(r"(?<![a-z])(long|e)(?![a-z])")

_SHORT_COLUMNS = (
    Column(key="clip", names=("material", "Filename", "File name")),
    Column(key="onset", names=("onset", "OnsetF")),
    Column(key="offset", names=("offset", "OffsetF")),
    Column(key="emotion", names=("emotion", "Label")),
)
_LONG_ONLY = (
    Column(key="clip", names=("Filename", "File name")),
    Column(key="first", names=("FirstF",)),
    Column(key="last", names=("LastF",)),
)
"""What a table of the long clips alone has."""
_LONG_COLUMNS = (
    Column(key="subject", names=("Subject", "Sub")),
    Column(key="clip", names=("Filename", "File name")),
    Column(key="onset1", names=("OnsetF", "Onset1F", "Onset")),
    Column(key="offset1", names=("OffsetF", "Offset1F", "Offset")),
    Column(key="apex1", names=("ApexF", "Apex1F", "Apex"), required=False),
    Column(key="onset2", names=("Onset2F",), required=False),
    Column(key="offset2", names=("Offset2F",), required=False),
    Column(key="onset3", names=("Onset3F",), required=False),
    Column(key="offset3", names=("Offset3F",), required=False),
    Column(key="first", names=("FirstF",), required=False),
    Column(key="last", names=("LastF",), required=False),
    Column(key="emotion", names=("Emotion",), required=False),
)


def place(camera: Camera, extended: bool, parts: Parts) -> str | None:
    """``…/HS/s1/micro/negative/s1_ne_01`` → ``s01/s01_ne_01``, of one camera and kind only."""
    found = _CLIP.fullmatch(parts[-1])
    names = [part.lower() for part in parts[:-1]]
    if "non_micro" in names:
        return ""
    if found is None:
        return None
    cameras = {m for name in names for m in _CAMERA.findall(name)}
    if cameras and camera not in cameras:
        return ""
    long = any(_EXTENDED.search(re.sub(r"[_\-]", " ", name)) for name in names)
    if cameras and long != extended:
        return ""
    clip = _name(found)
    return f"{clip.split('_')[0]}/{clip}"


def read_folders(
    dataset: str, folders: Mapping[str, ClipFolder], findings: Findings
) -> list[Record]:
    """Records of short clips: subject and emotion by the clip's own name, frames by its files.

    A folder above it that names another subject or emotion is noted.
    """
    records = []
    for folder in folders.values():
        try:
            frames = list(numbered_frames(folder.path))
        except DataError as error:
            findings.skipped.append(Skip(what=str(folder.path), reason=str(error)))
            continue
        record = _short(dataset, folder.key, frames[0], frames[-1], str(folder.path))
        _note_other_folder(record, folder, findings.notes)
        records.append(record)
    return records


def _note_other_folder(record: Record, folder: ClipFolder, notes: Notes) -> None:
    for name in folder.parts[:-1]:
        found = _SUBJECT.fullmatch(name)
        subject = record.subject if found is None else f"s{int(found[1]):02d}"
        emotion = name.lower() if name.lower() in _EMOTIONS.values() else record.emotion
        if (subject, emotion) != (record.subject, record.emotion):
            message = f"{record.id} lies in {name!r}; took {record.subject} and {record.emotion!r}"
            notes.add("folder_differs", str(folder.path), message)


def _short_form(dataset: str) -> TableForm:
    """The table that others made of the short clips."""
    return TableForm(
        dataset=dataset,
        files=(r"smic",),
        columns=_SHORT_COLUMNS,
        name=_clip_name,
        has_emotions=False,
        finish=_finished,
    )


def read_short_table(
    dataset: str, camera: Camera, tables: Sequence[Path], findings: Findings
) -> list[Record]:
    """Records of a table of the short clips; one of SMIC-E, given instead, is noted as such."""
    records = read_tables(_short_form(dataset), tables, findings)
    for path in findings.read:
        if has_table(read_workbook(path), _LONG_ONLY):
            findings.notes.add(
                "other_table",
                str(path),
                f"a table of SMIC-E: long clips, whose second and third expressions are not read "
                f"here; smic-e-{camera} reads them",
            )
    return records


def _clip_name(row: Row) -> ClipName:
    key = _key(row)
    subject, clip = key.split("/")
    return ClipName(subject=subject, clip=clip, folder=key)


def _finished(row: Row, record: Record) -> Record:
    if record.offset_frame is None:
        # Refused in its own words: a short clip has no end but its offset.
        row.needed_frame("offset")
    return replace(record, emotion=_emotion(row, record.clip, record.dataset))


def read_long_table(
    dataset: str, camera: Camera, tables: Sequence[Path], findings: Findings
) -> list[Record]:
    """Records of the extended set's workbook, one for each micro-expression of a clip."""
    found = main_tables(tables, (rf"smic.*{camera}.*e", r"smic.*e.*annot", r"smic"))
    records: list[Record] = []
    for path in found[:1]:
        sheets = _sheets_of(camera, path, findings.open(path))
        table = find_table(sheets, _LONG_COLUMNS, findings.notes, sheet_name=camera.upper())
        rows = read_rows(table, lambda row: _long(dataset, row), findings)
        records = [record for several in rows for record in several]
    return records


def _sheets_of(camera: Camera, path: Path, sheets: Sequence[Sheet]) -> list[Sheet]:
    """The sheets that may be of this camera: another one's name, on sheet or file, rules it out."""
    own = [sheet for sheet in sheets if sheet.name.lower() == camera]
    if own:
        return own
    cameras = set(_CAMERA.findall(re.sub(r"[_\-]", " ", path.stem.lower())))
    if cameras == {camera}:
        return list(sheets)
    other = [sheet for sheet in sheets if not _CAMERA.fullmatch(sheet.name.lower())]
    if not other or cameras:
        names = ", ".join(repr(sheet.name) for sheet in sheets)
        raise DataError(
            f"{path}: holds no clips of {camera.upper()} (sheets: {names}); give its own table, "
            f"SMIC-{camera.upper()}-E_annotation.xlsx, with --table"
        )
    return other


def _name(found: re.Match[str]) -> str:
    return f"s{int(found[1]):02d}_{found[2].lower()}_{int(found[3]):02d}"


def _key(row: Row) -> str:
    text = row.needed_text("clip")
    found = _CLIP.fullmatch(text)
    if found is None:
        raise DataError(f"{row.address('clip')}: {text!r} is no clip name such as s1_ne_01")
    return f"{_name(found).split('_')[0]}/{_name(found)}"


def _short(dataset: str, key: str, first: int, last: int, where: str) -> Record:
    subject, clip = key.split("/")
    return Record(
        dataset=dataset,
        subject=subject,
        clip=clip,
        onset_frame=first,
        apex_frame=None,
        offset_frame=last,
        emotion=_EMOTIONS[clip.split("_")[1]],
        folder=key,
        span_frames=span(first, last),
        where=where,
    )


def _long(dataset: str, row: Row) -> list[Record] | None:
    # Below the real table the published one has lines of text; CapsuleNet and MEAN cut them off.
    if is_remark(row, "clip") or not _CLIP.fullmatch(row.text("clip")):
        if row.text("clip"):
            row.notes.add("remark", row.where, f"{row.text('clip')!r} is no clip name")
        return None
    key = _key(row)
    subject, clip = key.split("/")
    note_other_subject(row, "subject", subject, clip)
    first, last = _end_of_files(row, "first"), _end_of_files(row, "last")
    emotion = _emotion(row, clip, dataset)
    records = []
    for number in (1, 2, 3):
        onset = row.frame(f"onset{number}")
        # The table fills clips with fewer expressions with 0.
        if not onset:
            continue
        records.append(
            Record(
                dataset=dataset,
                subject=subject,
                clip=clip,
                onset_frame=onset,
                apex_frame=(row.frame("apex1") or None) if number == 1 else None,
                offset_frame=row.frame(f"offset{number}"),
                emotion=emotion,
                folder=key,
                span_frames=None if first is None else span(first, last),
                where=row.address("clip"),
                cells=cells_of(row, str(number)),
            )
        )
    if not records:
        raise DataError(f"{row.address('onset1')}: no onset is given for {clip}")
    return records


def _emotion(row: Row, clip: str, dataset: str) -> str:
    """The emotion that the clip's name says; a column that says another one is noted."""
    named = _EMOTIONS[clip.split("_")[1]]
    found = emotion_of(row, "emotion", dataset) if row.has("emotion") else named
    if found and found != named:
        row.notes.add(
            "emotion_differs", row.address("emotion"), f"{found!r} for {clip}; took {named!r}"
        )
    return named


def _end_of_files(row: Row, key: str) -> int | None:
    """First or last frame on disk; the published table has words where a clip has no files."""
    try:
        return row.frame(key)
    except DataError as error:
        row.notes.add("span_unknown", row.address(key), str(error))
        return None


def _short_set(camera: Camera, published: Mapping[str, int]) -> DataSet:
    name = "smic" if camera == "hs" else f"smic-{camera}"
    return DataSet(
        name=name,
        title=f"SMIC-{camera.upper()}",
        licence="research only, signed agreement",
        citation="Li et al., FG 2013",
        how_to_get="apply to the University of Oulu (CMVS)",
        frames_per_s=100.0 if camera == "hs" else 25.0,
        table_name="smic.xlsx",
        tables=(r"^smic[^e]*\.(xlsx|xls|csv)$",),
        read_tables=partial(read_short_table, name, camera),
        place=partial(place, camera, False),
        read_folders=partial(read_folders, name),
        raw_first=("raw", f"smic/{camera}", "cropped"),
        published=published,
    )


def _long_set(camera: Camera, published: Mapping[str, int]) -> DataSet:
    name = f"smic-e-{camera}"
    return DataSet(
        name=name,
        title=f"SMIC-E-{camera.upper()}",
        licence="research only, signed agreement",
        citation="Li et al., FG 2013",
        how_to_get="apply to the University of Oulu (CMVS)",
        frames_per_s=100.0 if camera == "hs" else 25.0,
        table_name=f"SMIC-{camera.upper()}-E_annotation.xlsx",
        tables=(rf"smic.*{camera}.*e.*annot", r"smic.*e.*annot", r"smic"),
        read_tables=partial(read_long_table, name, camera),
        place=partial(place, camera, True),
        published=published,
        repeats=True,
    )


_HS = {"clips": 164, "subjects": 16, "negative": 70, "positive": 51, "surprise": 43}
_SLOW = {"clips": 71, "subjects": 8}
SMIC_HS, SMIC_VIS, SMIC_NIR = (
    _short_set("hs", _HS),
    _short_set("vis", _SLOW),
    _short_set("nir", _SLOW),
)
SMIC_E_HS = _long_set("hs", {"subjects": 16})
SMIC_E_VIS, SMIC_E_NIR = _long_set("vis", {"subjects": 8}), _long_set("nir", {"subjects": 8})
