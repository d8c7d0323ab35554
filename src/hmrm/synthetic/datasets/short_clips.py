"""Synthetic CASME, MMEW, 4DME and DFME: data sets of short clips, with their issues."""

from collections.abc import Sequence
from dataclasses import replace

from hmrm.datasets.annotations.spreadsheets import Cell
from hmrm.synthetic.datasets.builder import (
    Moment,
    build_clip,
    build_record,
    one_table,
    units_for,
)
from hmrm.synthetic.datasets.writer import SyntheticClip, SyntheticDataSet, SyntheticTable


def synthetic_casme() -> SyntheticDataSet:
    """CASME: 36 clips of 6 subjects. Issues: blank columns, a second apex, an apex 0, AU as text.

    One clip's apex lies outside it, and one clip's offset before its onset.
    """
    emotions = ("happiness", "disgust", "surprise", "repression", "tense", "sadness")
    header = (
        *("Emotion", "Subject", None, "Filename", "OnsetF", "ApexF1", "ApexF2", "OffsetF"),
        *(None, "AU"),
    )
    return SyntheticDataSet(
        name="casme",
        clips=tuple(_casme_clip(number, emotions[number % 6]) for number in range(36)),
        tables=one_table("CASME/casme.xlsx", header),
        issues={"apex_outside": 1, "offset_before_onset": 1, "no_apex": 1},
    )


def _casme_clip(number: int, emotion: str) -> SyntheticClip:
    subject, name, at = (
        f"sub{1 + number // 6:02d}",
        f"EP{1 + number % 6:02d}_{number}",
        Moment(onset=60 + number),
    )
    code = units_for(emotion, number)
    apexes: dict[int, tuple[Cell, Cell, int | None]] = {
        4: (0, at.apex, at.apex),  # the first one missing, the second one there
        5: (at.onset - 20, 0, None),  # outside the clip
        6: ("/", None, None),
    }
    first, second, apex = apexes.get(number, (at.apex, at.apex + 2, at.apex))
    folder = f"{subject}/{name.lower()}"
    record = build_record("casme", subject, name, folder=folder, at=at, emotion=emotion, code=code)
    record = replace(record, apex_frame=apex)
    offset = at.offset
    if number == 7:
        record, offset = replace(record, offset_frame=None, span_frames=None), at.onset - 3
    return build_clip(
        record,
        (*(emotion, 1 + number // 6, None, name, at.onset, first, second, offset, None), code),
        at,
        folder=f"CASME/CASME_raw_selected/{subject}/{name}",
        name="img_{:03d}.jpg",
    )


def synthetic_mmew() -> SyntheticDataSet:
    """MMEW: 35 clips of 5 subjects, each emotion. Issues: macro clips among them, a wrong apex."""
    emotions = ("happiness", "anger", "surprise", "disgust", "fear", "sadness", "others")
    header = (
        *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units"),
        *("Estimated Emotion", "remarks"),
    )
    clips = [_mmew_clip(number, emotions[number % 7]) for number in range(35)]
    macro = SyntheticClip(
        row=(),
        record=None,
        folder="MMEW/Macro_Expression/S01/anger/S01-07-001",
        name="{}.jpg",
        frames=(1, 2),
    )
    tables = one_table("MMEW/MMEW_Micro_Exp.xlsx", header)
    return SyntheticDataSet(
        name="mmew", clips=(*clips, macro), tables=tables, issues={"apex_outside": 1}
    )


def _mmew_clip(number: int, emotion: str) -> SyntheticClip:
    subject_number, at = 1 + number // 7, Moment(onset=1)
    subject, name = (
        f"S{subject_number:02d}",
        f"S{subject_number:02d}-{1 + number % 7:02d}-{number:03d}",
    )
    code = units_for(emotion, number)
    record = build_record("mmew", subject, name, folder=name, at=at, emotion=emotion, code=code)
    apex = at.apex
    if number == 9:
        record, apex = replace(record, apex_frame=None), 40
    return build_clip(
        record,
        (subject, name, at.onset, apex, at.offset, code, emotion, None),
        at,
        folder=f"MMEW/Micro_Expression/{emotion}/{name}",
        name="{}.jpg",
    )


def synthetic_4dme() -> SyntheticDataSet:
    """4DME: 20 clips of 4 subjects. Issues: doubtful units, emotions as columns, two at once."""
    header = (
        *("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs", "Positive"),
        *("Negative", "Surprise", "Repression", "Others", "eye blink", "AU1", "AU4", "AU12"),
    )
    emotions = ("positive", "negative", "surprise", "repression", "others")
    return SyntheticDataSet(
        name="4dme",
        clips=tuple(_4dme_clip(number, emotions) for number in range(20)),
        tables=one_table("4DME/4DME_Labelling_Micro_release v1.xlsx", header),
        issues={"units_doubtful": 5, "several_emotions": 1},
    )


def _4dme_clip(number: int, emotions: tuple[str, ...]) -> SyntheticClip:
    subject, at = f"S{1 + number // 5}", Moment(onset=200 + 40 * number)
    name = f"{subject}_1st_{number:03d}_01_1"
    emotion = emotions[number % 5]
    flags = [int(known == emotion) for known in emotions]
    word = emotion.capitalize()
    if number >= 10:
        word = ""
    if number == 12:
        flags[1], emotion = 1, "negative and surprise"
    code = "AU4(k)+AU7" if number % 4 == 0 else "+".join(f"AU{n}" for n in (1, 2))
    folder = f"{subject}/{name}".lower()
    return build_clip(
        build_record("4dme", subject, name, folder=folder, at=at, emotion=emotion, code=code),
        (subject, name, word, *(at.onset, at.apex, at.offset, code), *flags, 0, 0, 0, 0),
        at,
        folder=f"4DME/gray_micro/{subject}/{name}",
        name="{:05d}.jpg",
        grey=True,
    )


def synthetic_dfme() -> SyntheticDataSet:
    """DFME: 21 clips in the training table and 3 in each test table, at three frame rates."""
    emotions = ("happiness", "anger", "contempt", "disgust", "fear", "sadness", "surprise")
    header = (
        *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion"),
        *("EmotionId", "Fps", "AU"),
    )
    # Tables are read in the order of their names: the test sets come first.
    clips = [_dfme_clip(number, emotions) for number in (*range(21, 27), *range(21))]

    def tables(chosen: Sequence[SyntheticClip]) -> tuple[SyntheticTable, ...]:
        books: dict[str, list[SyntheticClip]] = {"test_A": [], "test_B": [], "training": []}
        for clip in chosen:
            number = clips.index(clip)
            book = "test_A" if number < 3 else "test_B" if number < 6 else "training"
            books[book].append(clip)
        return tuple(
            SyntheticTable(
                path=f"DFME/{book}_full_with_AU.xlsx",
                sheets={"Sheet1": [header, *(clip.row for clip in some)]},
            )
            for book, some in books.items()
            if some
        )

    return SyntheticDataSet(name="dfme", clips=tuple(clips), tables=tables)


def _dfme_clip(number: int, emotions: tuple[str, ...]) -> SyntheticClip:
    subject, at = f"sub{3 + number // 3:04d}", Moment(onset=number)
    name = f"{subject}_{1 + number % 3:02d}"
    emotion, rate = emotions[number % 7], (500, 300, 200)[number % 3]
    code = units_for(emotion, number)
    record = build_record("dfme", subject, name, folder=name, at=at, emotion=emotion, code=code)
    return build_clip(
        replace(record, frames_per_s=float(rate)),
        (
            *(subject, name, at.onset, at.apex, at.offset, emotion.capitalize()),
            *(number % 7, rate, code),
        ),
        at,
        folder=f"DFME/{subject}/{name}",
        name="{:05d}.jpg",
    )
