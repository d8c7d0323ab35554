"""Drawn CASME, MMEW, 4DME and DFME: data sets of short clips, with their oddities."""

from collections.abc import Sequence
from dataclasses import dataclass

from hmrm.datasets.annotations.action_units import parse_units
from hmrm.datasets.annotations.records import Record
from hmrm.synthetic.datasets.writer import (
    FRAMES_AFTER_APEX,
    FRAMES_BEFORE_APEX,
    FakeClip,
    FakeSet,
    FakeTable,
    motion_for,
    units_for,
)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Frames of one drawn expression."""

    onset: int

    @property
    def apex(self) -> int:
        """Frame of the largest movement."""
        return self.onset + FRAMES_BEFORE_APEX

    @property
    def offset(self) -> int:
        """Last frame."""
        return self.apex + FRAMES_AFTER_APEX

    @property
    def span(self) -> tuple[int, int]:
        """Onset and offset."""
        return self.onset, self.offset


def fake_casme() -> FakeSet:
    """CASME: 36 clips of 6 people. Oddities: blank columns, a second apex, an apex 0, AU as text.

    One clip's apex lies outside it, and one clip's offset before its onset.
    """
    emotions = ("happiness", "disgust", "surprise", "repression", "tense", "sadness")
    header = (
        *("Emotion", "Subject", None, "Filename", "OnsetF", "ApexF1", "ApexF2", "OffsetF"),
        *(None, "AU"),
    )
    clips = [_casme_clip(number, emotions[number % 6]) for number in range(36)]

    def tables(chosen: Sequence[FakeClip]) -> tuple[FakeTable, ...]:
        rows = [header, *(clip.row for clip in chosen)]
        return (FakeTable(path="CASME/casme.xlsx", sheets={"Sheet1": rows}),)

    return FakeSet(
        name="casme",
        clips=tuple(clips),
        tables=tables,
        oddities={"apex_outside": 1, "offset_before_onset": 1, "no_apex": 1},
    )


def _casme_clip(number: int, emotion: str) -> FakeClip:
    subject, name, at = (
        f"sub{1 + number // 6:02d}",
        f"EP{1 + number % 6:02d}_{number}",
        Moment(onset=60 + number),
    )
    code = units_for(emotion, number)
    apexes: dict[int, tuple[object, object, int | None]] = {
        4: (0, at.apex, at.apex),  # the first one missing, the second one there
        5: (at.onset - 20, 0, None),  # outside the clip
        6: ("/", None, None),
    }
    first, second, apex = apexes.get(number, (at.apex, at.apex + 2, at.apex))
    backwards = number == 7
    units = parse_units(code)
    record = Record(
        dataset="casme",
        subject=subject,
        clip=name,
        onset_frame=at.onset,
        apex_frame=apex,
        offset_frame=None if backwards else at.offset,
        emotion=emotion,
        folder=f"{subject}/{name.lower()}",
        units=units,
        units_text=units.text,
        span_frames=None if backwards else at.span,
    )
    offset = at.onset - 3 if backwards else at.offset
    return FakeClip(
        row=(
            *(emotion, 1 + number // 6, None, name, at.onset, first, second, offset, None),
            code,
        ),
        record=record,
        folder=f"CASME/CASME_raw_selected/{subject}/{name}",
        name="img_{:03d}.jpg",
        frames=at.span,
        motion=motion_for(emotion),
        apex=at.apex,
    )


def fake_mmew() -> FakeSet:
    """MMEW: 35 clips of 5 people, each emotion. Oddities: macro clips beside, a wrong apex."""
    emotions = ("happiness", "anger", "surprise", "disgust", "fear", "sadness", "others")
    header = (
        *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units"),
        *("Estimated Emotion", "remarks"),
    )
    clips = [_mmew_clip(number, emotions[number % 7]) for number in range(35)]

    def tables(chosen: Sequence[FakeClip]) -> tuple[FakeTable, ...]:
        rows = [header, *(clip.row for clip in chosen if clip.row)]
        return (FakeTable(path="MMEW/MMEW_Micro_Exp.xlsx", sheets={"Sheet1": rows}),)

    macro = FakeClip(
        row=(),
        record=None,
        folder="MMEW/Macro_Expression/S01/anger/S01-07-001",
        name="{}.jpg",
        frames=(1, 2),
    )
    return FakeSet(name="mmew", clips=(*clips, macro), tables=tables, oddities={"apex_outside": 1})


def _mmew_clip(number: int, emotion: str) -> FakeClip:
    person, at = 1 + number // 7, Moment(onset=1)
    name = f"S{person:02d}-{1 + number % 7:02d}-{number:03d}"
    code = units_for(emotion, number)
    wrong = number == 9
    units = parse_units(code)
    record = Record(
        dataset="mmew",
        subject=f"S{person:02d}",
        clip=name,
        onset_frame=at.onset,
        apex_frame=None if wrong else at.apex,
        offset_frame=at.offset,
        emotion=emotion,
        folder=name,
        units=units,
        units_text=units.text,
        span_frames=at.span,
    )
    return FakeClip(
        row=(
            *(f"S{person:02d}", name, at.onset, 40 if wrong else at.apex, at.offset, code),
            *(emotion, None),
        ),
        record=record,
        folder=f"MMEW/Micro_Expression/{emotion}/{name}",
        name="{}.jpg",
        frames=at.span,
        motion=motion_for(emotion),
        apex=at.apex,
    )


def fake_4dme() -> FakeSet:
    """4DME: 20 clips of 4 people. Oddities: doubtful units, emotions as columns, two at once."""
    header = (
        *("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs", "Positive"),
        *("Negative", "Surprise", "Repression", "Others", "eye blink", "AU1", "AU4", "AU12"),
    )
    emotions = ("positive", "negative", "surprise", "repression", "others")
    clips = [_4dme_clip(number, emotions) for number in range(20)]

    def tables(chosen: Sequence[FakeClip]) -> tuple[FakeTable, ...]:
        rows = [header, *(clip.row for clip in chosen)]
        path = "4DME/4DME_Labelling_Micro_release v1.xlsx"
        return (FakeTable(path=path, sheets={"Sheet1": rows}),)

    return FakeSet(
        name="4dme",
        clips=tuple(clips),
        tables=tables,
        oddities={"units_doubtful": 5, "several_emotions": 1},
    )


def _4dme_clip(number: int, emotions: tuple[str, ...]) -> FakeClip:
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
    units = parse_units(code)
    record = Record(
        dataset="4dme",
        subject=subject,
        clip=name,
        onset_frame=at.onset,
        apex_frame=at.apex,
        offset_frame=at.offset,
        emotion=emotion,
        folder=f"{subject}/{name}".lower(),
        units=units,
        units_text=units.text,
        span_frames=at.span,
    )
    return FakeClip(
        row=(subject, name, word, *(at.onset, at.apex, at.offset, code), *flags, 0, 0, 0, 0),
        record=record,
        folder=f"4DME/gray_micro/{subject}/{name}",
        name="{:05d}.jpg",
        frames=at.span,
        motion=motion_for(emotion),
        apex=at.apex,
        grey=True,
    )


def fake_dfme() -> FakeSet:
    """DFME: 21 clips in the training table and 3 in each test table, at three frame rates."""
    emotions = ("happiness", "anger", "contempt", "disgust", "fear", "sadness", "surprise")
    header = (
        *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion"),
        *("EmotionId", "Fps", "AU"),
    )
    # Tables are read in the order of their names: the test sets come first.
    clips = [_dfme_clip(number, emotions) for number in (*range(21, 27), *range(21))]

    def tables(chosen: Sequence[FakeClip]) -> tuple[FakeTable, ...]:
        books: dict[str, list[FakeClip]] = {"test_A": [], "test_B": [], "training": []}
        for clip in chosen:
            number = clips.index(clip)
            book = "test_A" if number < 3 else "test_B" if number < 6 else "training"
            books[book].append(clip)
        return tuple(
            FakeTable(
                path=f"DFME/{book}_full_with_AU.xlsx",
                sheets={"Sheet1": [header, *(clip.row for clip in some)]},
            )
            for book, some in books.items()
            if some
        )

    return FakeSet(name="dfme", clips=tuple(clips), tables=tables)


def _dfme_clip(number: int, emotions: tuple[str, ...]) -> FakeClip:
    person, at = f"sub{3 + number // 3:04d}", Moment(onset=number)
    name = f"{person}_{1 + number % 3:02d}"
    emotion, rate = emotions[number % 7], (500, 300, 200)[number % 3]
    code = units_for(emotion, number)
    units = parse_units(code)
    record = Record(
        dataset="dfme",
        subject=person,
        clip=name,
        onset_frame=at.onset,
        apex_frame=at.apex,
        offset_frame=at.offset,
        emotion=emotion,
        folder=name,
        units=units,
        units_text=units.text,
        span_frames=at.span,
        frames_per_s=float(rate),
    )
    return FakeClip(
        row=(
            *(person, name, at.onset, at.apex, at.offset, emotion.capitalize()),
            *(number % 7, rate, code),
        ),
        record=record,
        folder=f"DFME/{person}/{name}",
        name="{:05d}.jpg",
        frames=at.span,
        motion=motion_for(emotion),
        apex=at.apex,
    )
