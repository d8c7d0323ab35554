"""Synthetic CASME II, SMIC and SAMM, with the counts and the issues of the real ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hmrm.datasets.annotations.spreadsheets import Cell
from hmrm.synthetic.datasets.builder import (
    Moment,
    build_clip,
    build_record,
    deal,
    one_table,
    units_for,
)
from hmrm.synthetic.datasets.writer import SyntheticClip, SyntheticDataSet, SyntheticTable

_CASME2_COUNTS = {
    "disgust": 63,
    "happiness": 32,
    "repression": 27,
    "surprise": 25,
    "sadness": 7,
    "fear": 2,
    "others": 99,
}
_CASME2_HEADER = (
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
)
# Codes of the real workbook that are no plain sum; a cell may also be a number.
_CASME2_CODES = ("4+L10", "1+L2", "12 or 15", 4)

_SAMM_COUNTS = {
    "anger": 57,
    "happiness": 26,
    "surprise": 15,
    "contempt": 12,
    "disgust": 9,
    "fear": 8,
    "sadness": 6,
    "others": 26,
}
_SAMM_HEADER = (
    *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame"),
    *("Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
)
_SAMM_CODES = ("(R6 or R12)+R15", "A12+A7", "ref(7B)+43", "10A/B", "L14", "4 / 7")
_SAMM_OBJECTIVE = (24, 13, 20, 8, 3, 7, 84)

_SMIC_SUBJECTS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)
_SMIC_CODES = {"negative": "ne", "positive": "po", "surprise": "sur"}


def synthetic_casme2(edition: int = 2014) -> SyntheticDataSet:
    """CASME II with 255 rows (2014), or 256 (2019: one clip more, which the composite lacks).

    Issues: subjects as text and as numbers, an apex '/', an apex at the onset, codes of all
    kinds, a capital and stray blanks, a clip whose last frames are missing on disk.
    """
    subjects = [f"sub{n:02d}" for n in range(1, 27)]
    clips = []
    named: Counter[str] = Counter()
    for number, (subject, emotion) in enumerate(
        deal(_CASME2_COUNTS, subjects, quiet=("sub10", "sub18"))
    ):
        named[subject] += 1
        count = named[subject]
        name = f"EP{1 + count // 3:02d}_{count:02d}" + ("f" if number % 4 == 0 else "")
        onset = 40 + 7 * (number % 30)
        clips.append(_casme2_clip(number, subject, name, emotion, onset))
    if edition == 2019:
        clips.append(_casme2_clip(255, "sub24", "EP02_07", "disgust", 61))
    clips = _casme2_issues(clips)
    year = {2014: "20140508", 2019: "20190701"}[edition]

    path = f"CASME2/CASME2-coding-{year}.xlsx"
    return SyntheticDataSet(
        name="casme2",
        clips=tuple(clips),
        tables=one_table(path, _CASME2_HEADER, others={"Sheet2": []}),
        issues={"no_apex": 1, "apex_is_onset": 1, "units_or": 16, "stray_blanks": 1},
    )


def _casme2_clip(number: int, subject: str, name: str, emotion: str, onset: int) -> SyntheticClip:
    code = units_for(emotion, number) if number % 4 else _CASME2_CODES[number // 4 % 4]
    at, folder = Moment(onset=onset), f"{subject}/{name.lower()}"
    cell: Cell = int(subject[3:]) if number % 5 == 0 else subject[3:]
    return build_clip(
        build_record("casme2", subject, name, folder=folder, at=at, emotion=emotion, code=code),
        (cell, name, None, at.onset, at.apex, at.offset, None, code, emotion),
        at,
        folder=f"CASME2/CASME2_RAW_selected/{subject}/{name}",
        name="img{}.jpg",
    )


def _casme2_issues(clips: list[SyntheticClip]) -> list[SyntheticClip]:
    """The clips that are known by name: their frames as in the real workbook's issues."""
    changed = list(clips)
    at = _first(clips, "sub04", "disgust")
    changed[at] = _renamed(clips[at], "EP12_01f", (261, None, 321), "/")
    at = _first(clips, "sub05", "disgust")
    changed[at] = _renamed(clips[at], "EP09_05f", (60, 60, 68), 60)
    at = _first(clips, "sub16", "repression")
    cut = changed[at]
    changed[at] = replace(cut, frames=(cut.frames[0], cut.frames[1] - 2))
    at = _first(clips, "sub02", "surprise")
    row = changed[at].row
    changed[at] = replace(changed[at], row=(*row[:8], " Surprise "))
    return changed


def _first(clips: Sequence[SyntheticClip], subject: str, emotion: str) -> int:
    found = (clip.record for clip in clips)
    return next(
        i for i, r in enumerate(found) if r and r.subject == subject and r.emotion == emotion
    )


def _renamed(
    clip: SyntheticClip, name: str, frames: tuple[int, int | None, int], cell: Cell
) -> SyntheticClip:
    assert clip.record is not None
    onset, apex, offset = frames
    subject = clip.record.subject
    record = replace(
        clip.record,
        clip=name,
        onset_frame=onset,
        apex_frame=apex,
        offset_frame=offset,
        folder=f"{subject}/{name.lower()}",
        span_frames=(onset, offset),
    )
    return replace(
        clip,
        record=record,
        row=(clip.row[0], name, None, onset, cell, offset, *clip.row[6:]),
        folder=f"CASME2/CASME2_RAW_selected/{subject}/{name}",
        frames=(onset, offset),
        apex=(onset + offset) // 2,
    )


def synthetic_samm() -> SyntheticDataSet:
    """SAMM with 159 rows below 13 rows of text.

    Issues: subjects as numbers, five kinds of codes, a doubtful offset, two apexes outside
    their clips (028_4_1, 032_3_1), a second sheet, the word ``Other``.
    """
    numbers = [n for n in range(6, 38) if n not in (8, 27, 29)]
    subjects = [f"{n:03d}" for n in numbers]
    objective = [c for c, n in enumerate(_SAMM_OBJECTIVE, start=1) for _ in range(n)]
    named: Counter[str] = Counter()
    clips = []
    for number, (subject, emotion) in enumerate(deal(_SAMM_COUNTS, subjects, quiet=("025",))):
        named[subject] += 1
        name = f"{subject}_{1 + named[subject] // 4}_{named[subject]}"
        if named[subject] == 1:
            name = {"028": "028_4_1", "032": "032_3_1"}.get(subject, name)
        clips.append(_samm_clip(number, subject, name, emotion, objective[number]))

    return SyntheticDataSet(
        name="samm",
        clips=tuple(clips),
        tables=one_table(
            "SAMM/SAMM_Micro_FACS_Codes_v2.xlsx",
            _SAMM_HEADER,
            sheet="MICRO_ONLY",
            above=[(f"SAMM remark {line}",) for line in range(13)],
            others={"Definitions": [("Code", "Meaning"), ("/", "or"), ("?", "unclear")]},
        ),
        issues={"apex_outside": 2, "no_apex": 0, "doubtful_frame": 1},
    )


def _samm_clip(number: int, subject: str, name: str, emotion: str, objective: int) -> SyntheticClip:
    at = Moment(onset=1000 + 37 * number)
    outside = name in ("028_4_1", "032_3_1")
    code = units_for(emotion, number) if number % 3 else _SAMM_CODES[number // 3 % 6]
    folder = f"{subject}/{name}"
    record = build_record("samm", subject, name, folder=folder, at=at, emotion=emotion, code=code)
    record = replace(record, apex_frame=None if outside else at.apex, objective_class=objective)
    word = "Other" if emotion == "others" else emotion.capitalize()
    offset: Cell = f"{at.offset}?" if number == 50 else at.offset
    frames = (at.onset, at.onset - 11 if outside else at.apex, offset)
    cells = (at.offset - at.onset + 1, "Micro - 1/2", code, word, objective, None)
    return build_clip(
        record,
        (int(subject), name, "DD", *frames, *cells),
        at,
        folder=f"SAMM/SAMM/{subject}/{name}",
        name=f"{subject}_{{:05d}}.jpg",
        grey=True,
    )


def synthetic_smic(camera: str = "hs") -> SyntheticDataSet:
    """Short clips of SMIC: 164 of 16 subjects (HS) or 71 of 8 (VIS, NIR), without any table.

    Issues: subjects without zeros, frame numbers of a camera's counter, clips without any
    micro-expression among them, no apex.
    """
    counts = {"negative": 70, "positive": 51, "surprise": 43}
    subjects = [f"s{n:02d}" for n in _SMIC_SUBJECTS]
    if camera != "hs":
        counts = {"negative": 28, "positive": 23, "surprise": 20}
        subjects = subjects[:8]
    name = "smic" if camera == "hs" else f"smic-{camera}"
    named: Counter[tuple[str, str]] = Counter()
    clips = []
    for number, (subject, emotion) in enumerate(deal(counts, subjects)):
        named[subject, emotion] += 1
        code = f"{_SMIC_CODES[emotion]}_{named[subject, emotion]:02d}"
        clips.append(_smic_clip(number, name, camera, subject, emotion, code))
    still = SyntheticClip(
        row=(),
        record=None,
        folder=f"SMIC/{camera.upper()}/s1/non_micro/s1_ne_01",
        name="image{}.bmp",
        frames=(100, 101),
    )
    # Folders are found in the order of their keys.
    clips.sort(key=lambda clip: clip.record.folder if clip.record else "")
    return SyntheticDataSet(name=name, clips=(*clips, still), tables=_no_table)


def _no_table(clips: Sequence[SyntheticClip]) -> tuple[SyntheticTable, ...]:
    del clips
    return ()


def _smic_clip(
    number: int, name: str, camera: str, subject: str, emotion: str, code: str
) -> SyntheticClip:
    at, short = Moment(onset=559_740 + 113 * number), f"s{int(subject[1:])}"
    clip = f"{subject}_{code}"
    record = build_record(name, subject, clip, folder=f"{subject}/{clip}", at=at, emotion=emotion)
    return build_clip(
        replace(record, apex_frame=None),
        (),
        at,
        folder=f"SMIC/{camera.upper()}/{short}/micro/{emotion}/{short}_{code}",
        name="image{}.bmp",
    )


_SMIC_E_HEADER = (
    *("Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F"),
    *("Offset3F", None, "FirstF", "LastF", "TotalMF1", "TotalMF2", "TotalVL", "Emotion"),
)


def synthetic_smic_extended(camera: str = "hs") -> SyntheticDataSet:
    """Extended clips of SMIC, 48 of them: counters of the camera, up to three expressions each.

    Issues: two sheets, numbers as subjects, lines of text below the table, clips that are in the
    table and not on disk.
    """
    clips: list[SyntheticClip] = []
    emotions = tuple(_SMIC_CODES)
    for number in range(48):
        emotion = emotions[number % 3]
        subject = _SMIC_SUBJECTS[number // 3]
        clips += _smic_extended_rows(number, camera, subject, emotion)

    def tables(chosen: Sequence[SyntheticClip]) -> tuple[SyntheticTable, ...]:
        rows = [clip.row for clip in chosen if clip.row]
        text = [(), ("Note: OnsetF is the frame before the first change",), ("s: subject",)]
        sheets = {
            name: [_SMIC_E_HEADER, *(rows if name == camera.upper() else ()), *text]
            for name in (("NIR",) if camera == "nir" else ("HS", "VIS"))
        }
        book = "NIR" if camera == "nir" else "HS"
        path = f"SMIC/{camera.upper()}_long/SMIC-{book}-E_annotation.xlsx"
        return (SyntheticTable(path=path, sheets=sheets),)

    return SyntheticDataSet(name=f"smic-e-{camera}", clips=tuple(clips), tables=tables)


def _smic_extended_rows(
    number: int, camera: str, subject: int, emotion: str
) -> list[SyntheticClip]:
    """One row of the table: a first clip that carries it, and those of its other expressions."""
    first = 17_581_000 + 1000 * number
    several = 1 + (number % 7 == 0) + (number % 14 == 0)
    last = first + 12 * several + 4
    moments = [Moment(onset=first + 2 + 12 * i) for i in range(several)]
    pairs: list[Cell] = [frame for at in moments for frame in at.span]
    pairs += [None] * (6 - len(pairs))
    name = f"s{subject}_{_SMIC_CODES[emotion]}_{1 + number % 3:02d}"
    subject_folder, clip = (
        f"s{subject:02d}",
        f"s{subject:02d}_{_SMIC_CODES[emotion]}_{1 + number % 3:02d}",
    )
    row = (subject, name, None, *pairs, None, first, last, 9, None, last - first + 1, emotion)
    base = f"SMIC/{camera.upper()}_long/SMIC_{camera.upper()}_E"
    found = []
    for i, at in enumerate(moments):
        record = build_record(
            f"smic-e-{camera}",
            subject_folder,
            clip if i == 0 else f"{clip}_e{i + 1}",
            folder=f"{subject_folder}/{clip}",
            at=at,
            emotion=emotion,
        )
        found.append(
            build_clip(
                replace(record, apex_frame=None, span_frames=(first, last)),
                row if i == 0 else (),
                at,
                folder=f"{base}/{subject_folder}/{name}" if i == 0 and number != 8 else "",
                name="image{}.jpg",
                frames=(first, last),
            )
        )
    return found
