"""Synthetic SAMM Long Videos, CAS(ME)² and CAS(ME)³: several expressions in one recording."""

from collections.abc import Sequence
from dataclasses import replace

from hmrm.datasets.annotations.records import Kind
from hmrm.synthetic.datasets.builder import Moment, build_clip, build_record, one_table, units_for
from hmrm.synthetic.datasets.composite import synthetic_samm
from hmrm.synthetic.datasets.writer import Rows, SyntheticClip, SyntheticDataSet, SyntheticTable

_VIDEO_FRAMES = 30


def synthetic_samm_lv() -> SyntheticDataSet:
    """SAMM Long Videos: 12 videos, two expressions each; emotions are in SAMM's own workbook.

    Issues: a header in row 10, apexes of -1, an onset of 0, a macro-expression of 900 frames.
    """
    header = (
        *("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration"),
        *("Type", "Action Units", "Notes"),
    )
    known = {r.clip: r.emotion for r in synthetic_samm().records}
    # One clip of a video each: two would say the same of the same frames.
    videos = {r.clip.rsplit("_", 1)[0]: r.clip for r in reversed(synthetic_samm().records)}
    names = sorted(videos.values())[:12]
    clips: list[SyntheticClip] = []
    for number, name in enumerate(names):
        video = name.rsplit("_", 1)[0]
        for kind, at in (("micro", Moment(onset=3)), ("macro", Moment(onset=15))):
            clips.append(_samm_lv_clip(number, video, name, kind == "micro", at, known[name]))
    clips.append(clips[1])
    clips[-1] = _long_macro(clips[-1])

    own = synthetic_samm()
    text = [(f"SAMM Long Videos remark {line}",) for line in range(9)]
    path = "SAMMLV/SAMM_LongVideos_V3_Release.xlsx"
    long = one_table(path, header, sheet="Long Videos", above=text)

    def tables(chosen: Sequence[SyntheticClip]) -> tuple[SyntheticTable, ...]:
        short = own.tables(own.clips)
        return (*long(chosen), *(replace(t, path=f"SAMMLV/{t.path}") for t in short))

    return SyntheticDataSet(
        name="samm-lv",
        clips=tuple(clips),
        tables=tables,
        issues={"long_macro": 1, "onset_zero": 1, "no_apex": 3},
    )


def _samm_lv_clip(
    number: int, video: str, name: str, micro: bool, at: Moment, emotion: str
) -> SyntheticClip:
    subject = video.split("_")[0]
    bare, early = number % 6 == 1 and micro, number == 2 and not micro
    onset = 0 if early else at.onset
    code = units_for(emotion, number)
    record = build_record(
        "samm-lv",
        subject,
        name if micro else f"{name}_e2",
        folder=video,
        at=at,
        emotion=emotion if micro else "",
        code=code,
        cut=False,
    )
    record = replace(
        record,
        onset_frame=onset,
        apex_frame=None if bare else at.apex,
        kind="micro" if micro else "macro",
    )
    kind = "Micro - 1/2" if micro else "Macro"
    cells = (onset, -1 if bare else at.apex, at.offset, at.offset - onset + 1, kind, code, None)
    return build_clip(
        record,
        (int(subject), name, "DD", *cells),
        at,
        folder=f"SAMMLV/SAMM_longvideos/{video}" if micro else "",
        name=f"{video}_{{:04d}}.jpg",
        frames=(1, _VIDEO_FRAMES),
        shows=emotion,
        grey=True,
    )


def _long_macro(clip: SyntheticClip) -> SyntheticClip:
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


def synthetic_cas_me_2() -> SyntheticDataSet:
    """CAS(ME)²: 4 subjects, 3 videos each, two expressions a video; no header, three sheets.

    Issues: offsets of 0, an apex of 0, codes of videos without their leading zero.
    """
    kinds: tuple[Kind, ...] = ("micro", "macro")
    subjects = {1: "s15", 2: "s16", 3: "s19", 4: "s20"}
    clips = []
    number = 0
    for subject, folder in subjects.items():
        for video, code in _CAS_ME_2_VIDEOS.items():
            for turn, kind in enumerate(kinds):
                clips.append(_cas_me_2_clip(number, subject, folder, (video, code), turn, kind))
                number += 1

    def tables(chosen: Sequence[SyntheticClip]) -> tuple[SyntheticTable, ...]:
        sheets: dict[str, Rows] = {
            "Final result": [clip.row for clip in chosen],
            "naming rule1": [("no", folder, subject) for subject, folder in subjects.items()],
            "naming rule2": [(int(c), v) for v, c in _CAS_ME_2_VIDEOS.items()],
        }
        return (SyntheticTable(path="CASME_sq/CAS(ME)^2code_final.xlsx", sheets=sheets),)

    return SyntheticDataSet(
        name="cas-me-2",
        clips=tuple(clips),
        tables=tables,
        issues={"no_offset": 3, "no_apex": 1},
    )


def _cas_me_2_clip(
    number: int, subject: int, folder: str, video: tuple[str, str], turn: int, kind: Kind
) -> SyntheticClip:
    at = Moment(onset=2 + 12 * turn)
    emotion = {"anger1": "negative", "disgust1": "negative", "happy1": "positive"}[video[0]]
    open_end, bare = number % 8 == 5, number == 7
    code = units_for(emotion, number)
    record = build_record(
        "cas-me-2",
        folder,
        f"{video[0]}_{turn + 1}",
        folder=f"{folder}/{video[1]}",
        at=at,
        emotion=emotion,
        code=code,
        cut=False,
    )
    record = replace(
        record,
        apex_frame=None if bare else at.apex,
        offset_frame=None if open_end else at.offset,
        kind=kind,
    )
    frames = (at.onset, 0 if bare else at.apex, 0 if open_end else at.offset)
    return build_clip(
        record,
        (subject, f"{video[0]}_{turn + 1}", *frames, code, emotion, f"{kind}-expression", "x"),
        at,
        folder=f"CASME_sq/rawpic/{folder}/{folder[1:]}_{video[1]}{video[0]}" if turn == 0 else "",
        name="img{:03d}.jpg",
        frames=(1, _VIDEO_FRAMES),
    )


def synthetic_cas_me_3() -> SyntheticDataSet:
    """CAS(ME)³ part A: 3 subjects, 4 videos each, two micro-expressions a video, and macro ones.

    Issues: one name for several expressions, a second workbook with both types and one with
    blinks, depth images next to colour, ``happy`` and ``sad``, classes in Roman figures.
    """
    emotions = ("happy", "anger", "sad", "disgust", "fear", "surprise", "others")
    clips = []
    for number in range(24):
        subject, video = f"spNO.{1 + number // 8}", "abcd"[number % 8 // 2]
        clips.append(_cas_me_3_clip(number, subject, video, emotions[number % 7]))
    clips += [_cas_me_3_macro(number) for number in range(6)]
    micro_header = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU")
    all_header = (*micro_header, "Expression type", "Objective class")

    def tables(chosen: Sequence[SyntheticClip]) -> tuple[SyntheticTable, ...]:
        micro = [c.row for c in chosen if c.record and c.record.kind == "micro"]
        macro = [c.row for c in chosen if c.record and c.record.kind == "macro"]
        both = [*macro, *((*row[:6], "Micro-expression", row[6]) for row in micro)]
        label = "CASME3/annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
        blinks: Rows = [
            ("Subject", "Filename", "Onset", "Apex", "Offset"),
            ("spNO.1", "a", 1, 2, 3),
        ]
        return (
            SyntheticTable(
                path=label,
                sheets={"label": [(*micro_header, "Objective class", "emotion"), *micro]},
            ),
            SyntheticTable(
                path="CASME3/annotation/CAS(ME)3_part_A_v2.xls",
                sheets={"AU+Emotion": [all_header, *both], "eye blink": blinks},
            ),
        )

    depth = SyntheticClip(
        row=(), record=None, folder="CASME3/part_A/spNO.1/a/depth", name="{}.png", frames=(1, 2)
    )
    return SyntheticDataSet(
        name="cas-me-3", clips=(*clips, depth), tables=tables, issues={"row_twice": 0}
    )


def _cas_me_3_clip(number: int, subject: str, video: str, emotion: str) -> SyntheticClip:
    second = number % 2 == 1
    at = Moment(onset=14 if second else 2)
    code = units_for({"happy": "happiness", "sad": "sadness"}.get(emotion, emotion), number)
    written = {"happy": "happiness", "sad": "sadness"}.get(emotion, emotion)
    roman = ("I", "II", "III", "IV", "V", "VI", "VII")[number % 7]
    record = build_record(
        "cas-me-3",
        subject,
        f"{video}_e2" if second else video,
        folder=f"{subject.lower()}/{video}",
        at=at,
        emotion=written,
        code=code,
        cut=False,
    )
    case = video.upper() if number % 5 == 0 else video
    return build_clip(
        replace(record, objective_class=1 + number % 7),
        (subject, case, at.onset, at.apex, at.offset, code, roman, emotion),
        at,
        folder="" if second else f"CASME3/part_A/{subject}/{video}/color",
        name="{}.jpg",
        frames=(1, _VIDEO_FRAMES),
    )


def _cas_me_3_macro(number: int) -> SyntheticClip:
    at = Moment(onset=200 + number)
    clip = f"m_e{number + 1}" if number else "m"
    record = build_record(
        "cas-me-3", "spNO.1", clip, folder="spno.1/m", at=at, emotion="", code="12", cut=False
    )
    row = ("spNO.1", "m", at.onset, at.apex, at.offset, "12", "Macro-expression", "I")
    return SyntheticClip(row=row, record=replace(record, objective_class=1, kind="macro"))


def synthetic_cas_me_3_c() -> SyntheticDataSet:
    """CAS(ME)³ part C: 4 subjects, 5 expressions each; no apex, a Chinese comma in a code."""
    emotions = ("neg", "pos", "sur", "oth")
    words = {"neg": "negative", "pos": "positive", "sur": "surprise", "oth": "others"}
    clips = []
    for number in range(20):
        subject, at = 1 + number // 5, Moment(onset=40 + 20 * (number % 5))
        short = emotions[number % 4]
        code = "6，12" if number == 15 else units_for(words[short], number)
        record = build_record(
            "cas-me-3-c",
            f"{subject:02d}",
            str(1 + number % 5),
            folder=str(subject),
            at=at,
            emotion=words[short],
            code=code,
            cut=False,
        )
        clips.append(
            build_clip(
                replace(record, apex_frame=None),
                (subject, 1 + number % 5, at.onset, at.offset, code, short),
                at,
                folder=f"CASME3/part_C/{subject}/a/color" if number % 5 == 0 else "",
                name="{}.jpg",
                frames=(30, 150),
            )
        )

    header = ("sub", "count", "onset", "offset", "au", "emotion")
    tables = one_table("CASME3/CAS(ME)3_part_C_ME.xlsx", header)
    return SyntheticDataSet(
        name="cas-me-3-c", clips=tuple(clips), tables=tables, issues={"no_apex": 20}
    )
