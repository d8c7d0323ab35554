"""Drawn SAMM Long Videos, CAS(ME)² and CAS(ME)³: several expressions in one recording."""

from collections.abc import Sequence
from dataclasses import replace

from hmrm.datasets.annotations.action_units import parse_units
from hmrm.datasets.annotations.records import Kind, Record
from hmrm.synthetic.datasets.composite import fake_samm
from hmrm.synthetic.datasets.short_clips import Moment
from hmrm.synthetic.datasets.writer import FakeClip, FakeSet, FakeTable, Rows, motion_for, units_for

_VIDEO_FRAMES = 30


def _with_units(record: Record, code: str | int) -> Record:
    units = parse_units(code)
    return replace(record, units=units, units_text=units.text)


def fake_samm_lv() -> FakeSet:
    """SAMM Long Videos: 12 videos, two expressions each; emotions are in SAMM's own workbook.

    Oddities: a header in row 10, apexes of -1, an onset of 0, a macro-expression of 900 frames.
    """
    header = (
        *("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration"),
        *("Type", "Action Units", "Notes"),
    )
    known = {r.clip: r.emotion for r in fake_samm().records}
    # One clip of a video each: two would say the same of the same frames.
    videos = {r.clip.rsplit("_", 1)[0]: r.clip for r in reversed(fake_samm().records)}
    names = sorted(videos.values())[:12]
    clips: list[FakeClip] = []
    for number, name in enumerate(names):
        video = name.rsplit("_", 1)[0]
        for kind, at in (("micro", Moment(onset=3)), ("macro", Moment(onset=15))):
            clips.append(_samm_lv_clip(number, video, name, kind == "micro", at, known[name]))
    clips.append(clips[1])
    clips[-1] = _long_macro(clips[-1])

    def tables(chosen: Sequence[FakeClip]) -> tuple[FakeTable, ...]:
        text = [(f"SAMM Long Videos remark {line}",) for line in range(9)]
        rows = [*text, header, *(clip.row for clip in chosen)]
        own = fake_samm()
        return (
            FakeTable(path="SAMMLV/SAMM_LongVideos_V3_Release.xlsx", sheets={"Long Videos": rows}),
            *(replace(t, path=f"SAMMLV/{t.path}") for t in own.tables(own.clips)),
        )

    return FakeSet(
        name="samm-lv",
        clips=tuple(clips),
        tables=tables,
        oddities={"long_macro": 1, "onset_zero": 1, "no_apex": 3},
    )


def _samm_lv_clip(
    number: int, video: str, name: str, micro: bool, at: Moment, emotion: str
) -> FakeClip:
    subject = video.split("_")[0]
    bare, early = number % 6 == 1 and micro, number == 2 and not micro
    onset = 0 if early else at.onset
    code = units_for(emotion, number)
    record = Record(
        dataset="samm-lv",
        subject=subject,
        clip=name if micro else f"{name}_e2",
        onset_frame=onset,
        apex_frame=None if bare else at.apex,
        offset_frame=at.offset,
        emotion=emotion if micro else "",
        folder=video,
        kind="micro" if micro else "macro",
    )
    kind = "Micro - 1/2" if micro else "Macro"
    cells = (onset, -1 if bare else at.apex, at.offset, at.offset - onset + 1, kind, code, None)
    return FakeClip(
        row=(int(subject), name, "DD", *cells),
        record=_with_units(record, code),
        folder=f"SAMMLV/SAMM_longvideos/{video}" if micro else "",
        name=f"{video}_{{:04d}}.jpg",
        frames=(1, _VIDEO_FRAMES),
        motion=motion_for(emotion),
        apex=at.apex,
        grey=True,
    )


def _long_macro(clip: FakeClip) -> FakeClip:
    assert clip.record is not None
    record = replace(
        clip.record,
        clip=clip.record.clip.replace("_e2", "_e3"),
        onset_frame=100,
        apex_frame=None,
        offset_frame=1000,
    )
    return replace(clip, record=record, row=(*clip.row[:3], 100, -1, 1000, 901, *clip.row[7:]))


_CAS_ME_2_VIDEOS = {"anger1": "0401", "disgust1": "0101", "happy1": "0502"}


def fake_cas_me_2() -> FakeSet:
    """CAS(ME)²: 4 people, 3 videos each, two expressions a video; no header, three sheets.

    Oddities: offsets of 0, an apex of 0, codes of videos without their leading zero.
    """
    kinds: tuple[Kind, ...] = ("micro", "macro")
    people = {1: "s15", 2: "s16", 3: "s19", 4: "s20"}
    clips = []
    number = 0
    for person, folder in people.items():
        for video, code in _CAS_ME_2_VIDEOS.items():
            for turn, kind in enumerate(kinds):
                clips.append(_cas_me_2_clip(number, person, folder, (video, code), turn, kind))
                number += 1

    def tables(chosen: Sequence[FakeClip]) -> tuple[FakeTable, ...]:
        sheets: dict[str, Rows] = {
            "Final result": [clip.row for clip in chosen],
            "naming rule1": [("no", folder, person) for person, folder in people.items()],
            "naming rule2": [(int(c), v) for v, c in _CAS_ME_2_VIDEOS.items()],
        }
        return (FakeTable(path="CASME_sq/CAS(ME)^2code_final.xlsx", sheets=sheets),)

    return FakeSet(
        name="cas-me-2",
        clips=tuple(clips),
        tables=tables,
        oddities={"no_offset": 3, "no_apex": 1},
    )


def _cas_me_2_clip(
    number: int, person: int, folder: str, video: tuple[str, str], turn: int, kind: Kind
) -> FakeClip:
    at = Moment(onset=2 + 12 * turn)
    emotion = {"anger1": "negative", "disgust1": "negative", "happy1": "positive"}[video[0]]
    open_end, bare = number % 8 == 5, number == 7
    code = units_for(emotion, number)
    record = Record(
        dataset="cas-me-2",
        subject=folder,
        clip=f"{video[0]}_{turn + 1}",
        onset_frame=at.onset,
        apex_frame=None if bare else at.apex,
        offset_frame=None if open_end else at.offset,
        emotion=emotion,
        folder=f"{folder}/{video[1]}",
        kind=kind,
    )
    frames = (at.onset, 0 if bare else at.apex, 0 if open_end else at.offset)
    return FakeClip(
        row=(person, f"{video[0]}_{turn + 1}", *frames, code, emotion, f"{kind}-expression", "x"),
        record=_with_units(record, code),
        folder=f"CASME_sq/rawpic/{folder}/{folder[1:]}_{video[1]}{video[0]}" if turn == 0 else "",
        name="img{:03d}.jpg",
        frames=(1, _VIDEO_FRAMES),
        motion=motion_for(emotion),
        apex=at.apex,
    )


def fake_cas_me_3() -> FakeSet:
    """CAS(ME)³ part A: 3 people, 4 videos each, two micro-expressions a video, and macro ones.

    Oddities: one name for several expressions, a second workbook with both types and one with
    blinks, depth pictures beside colour, ``happy`` and ``sad``, classes in Roman figures.
    """
    emotions = ("happy", "anger", "sad", "disgust", "fear", "surprise", "others")
    clips = []
    for number in range(24):
        subject, video = f"spNO.{1 + number // 8}", "abcd"[number % 8 // 2]
        clips.append(_cas_me_3_clip(number, subject, video, emotions[number % 7]))
    clips += [_cas_me_3_macro(number) for number in range(6)]
    micro_header = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU")
    all_header = (*micro_header, "Expression type", "Objective class")

    def tables(chosen: Sequence[FakeClip]) -> tuple[FakeTable, ...]:
        micro = [c.row for c in chosen if c.record and c.record.kind == "micro"]
        macro = [c.row for c in chosen if c.record and c.record.kind == "macro"]
        both = [*macro, *((*row[:6], "Micro-expression", row[6]) for row in micro)]
        label = "CASME3/annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
        blinks = [("Subject", "Filename", "Onset", "Apex", "Offset"), ("spNO.1", "a", 1, 2, 3)]
        return (
            FakeTable(
                path=label,
                sheets={"label": [(*micro_header, "Objective class", "emotion"), *micro]},
            ),
            FakeTable(
                path="CASME3/annotation/CAS(ME)3_part_A_v2.xls",
                sheets={"AU+Emotion": [all_header, *both], "eye blink": blinks},
            ),
        )

    depth = FakeClip(
        row=(), record=None, folder="CASME3/part_A/spNO.1/a/depth", name="{}.png", frames=(1, 2)
    )
    return FakeSet(name="cas-me-3", clips=(*clips, depth), tables=tables, oddities={"row_twice": 0})


def _cas_me_3_clip(number: int, subject: str, video: str, emotion: str) -> FakeClip:
    second = number % 2 == 1
    at = Moment(onset=14 if second else 2)
    code = units_for({"happy": "happiness", "sad": "sadness"}.get(emotion, emotion), number)
    written = {"happy": "happiness", "sad": "sadness"}.get(emotion, emotion)
    roman = ("I", "II", "III", "IV", "V", "VI", "VII")[number % 7]
    record = Record(
        dataset="cas-me-3",
        subject=subject,
        clip=f"{video}_e2" if second else video,
        onset_frame=at.onset,
        apex_frame=at.apex,
        offset_frame=at.offset,
        emotion=written,
        folder=f"{subject.lower()}/{video}",
        objective_class=1 + number % 7,
    )
    case = video.upper() if number % 5 == 0 else video
    return FakeClip(
        row=(subject, case, at.onset, at.apex, at.offset, code, roman, emotion),
        record=_with_units(record, code),
        folder="" if second else f"CASME3/part_A/{subject}/{video}/color",
        name="{}.jpg",
        frames=(1, _VIDEO_FRAMES),
        motion=motion_for(written),
        apex=at.apex,
    )


def _cas_me_3_macro(number: int) -> FakeClip:
    at = Moment(onset=200 + number)
    record = Record(
        dataset="cas-me-3",
        subject="spNO.1",
        clip=f"m_e{number + 1}" if number else "m",
        onset_frame=at.onset,
        apex_frame=at.apex,
        offset_frame=at.offset,
        emotion="",
        folder="spno.1/m",
        objective_class=1,
        kind="macro",
    )
    row = ("spNO.1", "m", at.onset, at.apex, at.offset, "12", "Macro-expression", "I")
    return FakeClip(row=row, record=_with_units(record, "12"))


def fake_cas_me_3_c() -> FakeSet:
    """CAS(ME)³ part C: 4 people, 5 expressions each; no apex, a Chinese comma in a code."""
    emotions = ("neg", "pos", "sur", "oth")
    words = {"neg": "negative", "pos": "positive", "sur": "surprise", "oth": "others"}
    clips = []
    for number in range(20):
        person, at = 1 + number // 5, Moment(onset=40 + 20 * (number % 5))
        short = emotions[number % 4]
        code = "6，12" if number == 15 else units_for(words[short], number)
        record = Record(
            dataset="cas-me-3-c",
            subject=f"{person:02d}",
            clip=str(1 + number % 5),
            onset_frame=at.onset,
            apex_frame=None,
            offset_frame=at.offset,
            emotion=words[short],
            folder=str(person),
        )
        clips.append(
            FakeClip(
                row=(person, 1 + number % 5, at.onset, at.offset, code, short),
                record=_with_units(record, code),
                folder=f"CASME3/part_C/{person}/a/color" if number % 5 == 0 else "",
                name="{}.jpg",
                frames=(30, 150),
                motion=motion_for(words[short]),
                apex=at.apex,
            )
        )

    def tables(chosen: Sequence[FakeClip]) -> tuple[FakeTable, ...]:
        rows = [("sub", "count", "onset", "offset", "au", "emotion"), *(c.row for c in chosen)]
        path = "CASME3/CAS(ME)3_part_C_ME.xlsx"
        return (FakeTable(path=path, sheets={"Sheet1": rows}),)

    return FakeSet(name="cas-me-3-c", clips=tuple(clips), tables=tables, oddities={"no_apex": 20})
