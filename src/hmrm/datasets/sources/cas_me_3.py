"""CAS(ME)³: part A, 100 subjects × 13 videos at 30 frames/s with depth; part C, a mock crime.

Li, Dong, Lu, Wang, Yan, Ma, Liu, Huang, Fu: "CAS(ME)³: A Third Generation Facial Spontaneous
Micro-Expression Database with Depth Information and High Ecological Validity", IEEE Transactions
on Pattern Analysis and Machine Intelligence 45(3), 2023.
Licence: research only, by a signed agreement; the annotations are public.
How to get it: apply at http://casme.psych.ac.cn/casme/e4.

Part A: ``part_A/spNO.1/a/color/355.jpg`` (``depth`` next to it; frames are dropped here and there).
``cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx``, sheet ``label``: 860 micro-expressions, several of
one video. ``CAS(ME)3_part_A_v2.xls``, sheet ``AU+Emotion``, adds the macro-expressions.
Its micro-expressions also come cut out: ``Part_A_ME_clip/frame/spNO.1_a_28/28.jpg``, the onset in
the name.
Part C: one video of 8 minutes a person, ``CAS(ME)3_part_C.xls`` with the intervals of both kinds
(``Exp_type`` 1 is micro, 0 macro), and ``CAS(ME)3_part_C_ME.xlsx`` with the emotions of the
micro-expressions; the two do not agree everywhere. There is no apex.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hmrm.datasets.annotations.description import DataSet, Findings, first_match
from hmrm.datasets.annotations.folders import Parts
from hmrm.datasets.annotations.labels import emotion_of
from hmrm.datasets.annotations.records import Record, is_remark, named_elsewhere, span
from hmrm.datasets.annotations.spreadsheets import read_workbook
from hmrm.datasets.annotations.table_form import ClipName, TableForm, compared, read_tables
from hmrm.datasets.annotations.workbook import Column, Notes, Row, has_table
from hmrm.errors import DataError

NAME_A, NAME_C = "cas-me-3", "cas-me-3-c"

_LABELS_NAME = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
_LABELS_NAME_C = "CAS(ME)3_part_C_ME.xlsx"
_LABELS = (r"part_?a.*me_?label.*v2", r"part_?a.*me_?label", r"me_?label")
_ALL = (r"part_?a_?v2", r"part_?a_?v1", r"part_?a(?!.*label)")
_LABELS_C, _ALL_C = (r"part_?c_?me",), (r"part_?c(?!_?me)",)
_COLUMNS = (
    Column(key="subject", names=("Subject",)),
    Column(key="video", names=("Filename", "File name", "Video")),
    Column(key="onset", names=("Onset",)),
    Column(key="apex", names=("Apex",)),
    Column(key="offset", names=("Offset",)),
    Column(key="units", names=("AU", "AUs", "Action Units"), required=False),
    Column(key="objective", names=("Objective class", "Objective classes"), required=False),
)
_EMOTIONS = ("emotion", "Estimated Emotion")
_LABEL_COLUMNS = (*_COLUMNS, Column(key="emotion", names=_EMOTIONS))
_ALL_COLUMNS = (
    *_COLUMNS,
    Column(key="kind", names=("Expression type", "Type")),
    Column(key="emotion", names=_EMOTIONS, required=False),
)
_COLUMNS_C = (
    Column(key="subject", names=("sub", "Subject")),
    Column(key="count", names=("count", "No", "Number"), required=False),
    Column(key="onset", names=("onset",)),
    Column(key="offset", names=("offset",)),
    Column(key="units", names=("au", "AUs"), required=False),
    Column(key="emotion", names=("emotion",)),
)
_ALL_COLUMNS_C = (
    Column(key="subject", names=("Subject", "sub")),
    Column(key="onset", names=("Onset",)),
    Column(key="offset", names=("Offset",)),
    Column(key="kind", names=("Exp_type", "Expression type")),
)
_SUBJECT = re.compile(r"spno\.?\s*0*(\d+)", re.IGNORECASE)
_CUT_OUT = re.compile(r"spno\.?\s*0*(\d+)_([^_]+)_0*(\d+)", re.IGNORECASE)


def read_all_a(tables: Sequence[Path], findings: Findings) -> list[Record]:
    """Micro-expressions of the label workbook, then macro-expressions of the other, if there.

    The other's micro-expressions are compared with the labels'.
    A table of another name, given by hand, is one or the other by its columns.
    """
    labels, others = first_match(tables, _LABELS)[:1], first_match(tables, _ALL)[:1]
    if not labels and not others:
        given = list(tables[:1])
        whole = [path for path in given if has_table(read_workbook(path), _ALL_COLUMNS)]
        labels, others = [path for path in given if path not in whole], whole
    records = read_tables(LABELS, labels, findings)
    if not labels:
        return read_tables(BOTH_KINDS, others, findings)
    for path in others:
        records = compared(replace(BOTH_KINDS, takes=("micro",)), records, path, findings)
    return records + read_tables(replace(BOTH_KINDS, takes=("macro",)), others, findings)


def read_all_c(tables: Sequence[Path], findings: Findings) -> list[Record]:
    """The intervals of both kinds, the micro-expressions with the labels' names and emotions.

    Where one of the two tables alone is there, what it holds.
    """
    labels, others = first_match(tables, _LABELS_C)[:1], first_match(tables, _ALL_C)[:1]
    if not labels and not others:
        given = list(tables[:1])
        others = [path for path in given if has_table(read_workbook(path), _ALL_COLUMNS_C)]
        labels = [path for path in given if path not in others]
    if not others:
        return read_tables(PART_C, labels, findings)
    records = read_tables(PART_C_ALL, others, findings)
    if not labels:
        return records
    # Rows of the labels are no further rows of these clips.
    own = Findings(corrections=findings.corrections, notes=findings.notes)
    named = read_tables(PART_C, labels, own)
    findings.read += own.read
    findings.skipped += own.skipped
    return labelled(records, named, findings.notes)


def labelled(records: Sequence[Record], named: Sequence[Record], notes: Notes) -> list[Record]:
    """``records`` with clip, emotion and units of those ``named`` that are the same expression.

    That is one of the same subject with the same onset and offset, else with one of the two; what
    differs, and what has no other, is noted with both cells.
    """
    rest = list(named)
    found: dict[int, Record] = {}
    for least in (2, 1):
        for number, record in enumerate(records):
            if record.kind == "micro" and number not in found:
                near = [one for one in rest if _equal_ends(record, one) >= least]
                if near:
                    found[number] = near[0]
                    rest.remove(near[0])
    done = []
    for number, record in enumerate(records):
        label = found.get(number)
        if label is None:
            done.append(record)
            continue
        _note_ends(record, label, notes)
        done.append(
            replace(
                record,
                clip=label.clip,
                emotion=label.emotion,
                units=label.units,
                units_text=label.units_text,
                no_emotion="",
                cells={**record.cells, "emotion": label.cell("emotion")},
            )
        )
    for label in rest:
        ends = f"{label.onset_frame} to {label.offset_frame}"
        notes.add("table_lacks", label.where, f"{label.id}, frames {ends}: in this table alone")
    return done


def _equal_ends(record: Record, label: Record) -> int:
    if record.subject != label.subject:
        return 0
    return (record.onset_frame == label.onset_frame) + (record.offset_frame == label.offset_frame)


def _note_ends(record: Record, label: Record, notes: Notes) -> None:
    for name in ("onset", "offset"):
        ours, theirs = getattr(record, f"{name}_frame"), getattr(label, f"{name}_frame")
        if ours != theirs:
            notes.add(
                "tables_differ",
                record.cell(name),
                f"{label.id}: {name} {ours} here, {theirs} in {label.cell(name)}; {ours} is taken",
            )


def place_a(parts: Parts) -> str | None:
    """``…/spNO.1/a/color`` → ``spno.1/a``, ``…/frame/spNO.1_a_28`` → ``spno.1/a/28``.

    Depth images are not read.
    """
    names = [part.lower() for part in parts]
    if "depth" in names[-2:]:
        return ""
    if cut_out := _CUT_OUT.fullmatch(names[-1]):
        return f"spno.{cut_out[1]}/{cut_out[2]}/{cut_out[3]}"
    names = names[:-1] if names[-1] == "color" else names
    if len(names) < 2 or not (subject := _SUBJECT.fullmatch(names[-2])):
        return None
    return f"spno.{subject[1]}/{names[-1]}"


def cut_out_a(record: Record) -> Record:
    """The same record in the folder that holds this expression alone."""
    frames = None if record.onset_frame is None else span(record.onset_frame, record.offset_frame)
    return replace(record, folder=f"{record.folder}/{record.onset_frame}", span_frames=frames)


def place_c(parts: Parts) -> str | None:
    """``…/part_C/1/a/color`` → ``1``: the number that stands last."""
    if parts[-1].lower() == "depth":
        return ""
    for name in reversed(parts):
        if found := re.fullmatch(r"(?:spno\.?|sub|s)?0*(\d+)", name.lower()):
            return found[1]
    return None


def _is_outside_a(row: Row) -> bool:
    return is_remark(row, "video", "onset")


def _clip_name_a(row: Row) -> ClipName:
    found = _SUBJECT.fullmatch(row.needed_text("subject"))
    if found is None:
        raise DataError(f"{row.address('subject')}: {row.text('subject')!r}; expected spNO.1")
    subject, video = f"spNO.{found[1]}", row.needed_text("video").lower()
    return ClipName(subject=subject, clip=video, folder=f"{subject.lower()}/{video}")


def _finished_a(row: Row, record: Record) -> Record:
    if row.has("emotion"):
        return replace(record, emotion=emotion_of(row, "emotion", NAME_A))
    elsewhere = named_elsewhere(_LABELS_NAME)
    return record if record.kind == "macro" else replace(record, no_emotion=elsewhere)


def _is_outside_c(row: Row) -> bool:
    return is_remark(row, "subject", "onset")


def _clip_name_c(row: Row) -> ClipName:
    digits = re.sub(r"\D", "", row.needed_text("subject"))
    if not digits:
        raise DataError(f"{row.address('subject')}: {row.text('subject')!r} is no person")
    number = str(int(digits))
    return ClipName(subject=number.zfill(2), clip=row.text("count"), folder=number)


def _finished_c(row: Row, record: Record) -> Record:
    del row
    return record if record.clip else replace(record, clip=f"f{record.onset_frame}")


def _finished_c_all(row: Row, record: Record) -> Record:
    del row
    elsewhere = "" if record.kind == "macro" else named_elsewhere(_LABELS_NAME_C)
    return replace(record, clip=f"f{record.onset_frame}", no_emotion=elsewhere)


LABELS = TableForm(
    dataset=NAME_A,
    files=_LABELS,
    columns=_LABEL_COLUMNS,
    sheet="label",
    name=_clip_name_a,
    is_outside=_is_outside_a,
    addressed="video",
    cut=False,
    zero_is_none=frozenset({"apex", "offset"}),
    has_emotions=False,
    finish=_finished_a,
)
BOTH_KINDS = replace(LABELS, files=_ALL, columns=_ALL_COLUMNS, sheet="AU+Emotion", kind="kind")
PART_C = TableForm(
    dataset=NAME_C,
    files=_LABELS_C,
    columns=_COLUMNS_C,
    name=_clip_name_c,
    is_outside=_is_outside_c,
    addressed="onset",
    cut=False,
    finish=_finished_c,
)
PART_C_ALL = replace(
    PART_C,
    files=_ALL_C,
    columns=_ALL_COLUMNS_C,
    kind="kind",
    kind_codes={"1": "micro", "0": "macro"},
    has_emotions=False,
    finish=_finished_c_all,
)
CAS_ME_3_A = DataSet(
    name=NAME_A,
    title="CAS(ME)³ part A",
    licence="research only, signed agreement; annotations public",
    citation="Li et al., IEEE Trans. Pattern Analysis and Machine Intelligence 45(3), 2023",
    how_to_get="apply at http://casme.psych.ac.cn/casme/e4",
    frames_per_s=30.0,
    table_name=_LABELS_NAME,
    tables=(*_LABELS, *_ALL),
    read_tables=read_all_a,
    place=place_a,
    cut_out=cut_out_a,
    published={"micro": 860},
    repeats=True,
)
CAS_ME_3_C = DataSet(
    name=NAME_C,
    title="CAS(ME)³ part C",
    licence=CAS_ME_3_A.licence,
    citation=CAS_ME_3_A.citation,
    how_to_get=CAS_ME_3_A.how_to_get,
    frames_per_s=30.0,
    table_name=_LABELS_NAME_C,
    tables=(*_LABELS_C, *_ALL_C),
    read_tables=read_all_c,
    place=place_c,
    published={
        "clips": 165,
        "subjects": 31,
        "negative": 99,
        "surprise": 30,
        "others": 20,
        "positive": 16,
    },
    published_by_table={_ALL_C[0]: {"clips": 463, "subjects": 28, "micro": 160, "macro": 303}},
    repeats=True,
)
