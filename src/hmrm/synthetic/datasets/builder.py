"""What all synthetic data sets have in common: one expression, its record, its clip, its table.

Written without the loaders' code, which must find exactly these records.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hmrm.datasets.annotations.action_units import parse_units
from hmrm.datasets.annotations.records import Record
from hmrm.datasets.annotations.spreadsheets import Cell
from hmrm.synthetic.datasets.writer import Rows, SyntheticClip, SyntheticTable

FRAMES_BEFORE_APEX = 4
FRAMES_AFTER_APEX = 4


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Frames of one synthetic expression."""

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


def build_record(
    dataset: str,
    subject: str,
    clip: str,
    *,
    folder: str,
    at: Moment,
    emotion: str,
    code: str | int = "",
    cut: bool = True,
) -> Record:
    """The record of an expression that is annotated in full; a set's issues replace fields.

    Args:
        folder: see `Record.folder`.
        code: action units as annotators write them.
        cut: the folder holds onset to offset alone.
    """
    units = parse_units(code)
    return Record(
        dataset=dataset,
        subject=subject,
        clip=clip,
        onset_frame=at.onset,
        apex_frame=at.apex,
        offset_frame=at.offset,
        emotion=emotion,
        folder=folder,
        units=units,
        units_text=units.text,
        span_frames=at.span if cut else None,
    )


def build_clip(
    record: Record,
    row: tuple[Cell, ...],
    at: Moment,
    *,
    folder: str = "",
    name: str = "",
    frames: tuple[int, int] | None = None,
    shows: str | None = None,
    grey: bool = False,
) -> SyntheticClip:
    """The clip of a record, its largest movement at the moment's apex.

    Args:
        row, folder, name, grey: see `SyntheticClip`.
        frames: first and last frame on disk; the moment's own where None.
        shows: the emotion that the face shows, where the record has none.
    """
    return SyntheticClip(
        row=row,
        record=record,
        folder=folder,
        name=name,
        frames=frames or at.span,
        motion=motion_for(record.emotion if shows is None else shows),
        apex=at.apex,
        grey=grey,
    )


def one_table(
    path: str,
    header: Sequence[Cell],
    *,
    sheet: str = "Sheet1",
    above: Rows = (),
    others: Mapping[str, Rows] | None = None,
) -> Callable[[Sequence[SyntheticClip]], tuple[SyntheticTable, ...]]:
    """For `SyntheticDataSet.tables`: one workbook whose sheet has the clips' rows below a header.

    Args:
        above: rows above the header.
        others: further sheets.
    """

    def tables(clips: Sequence[SyntheticClip]) -> tuple[SyntheticTable, ...]:
        rows = [*above, header, *(clip.row for clip in clips if clip.row)]
        return (SyntheticTable(path=path, sheets={sheet: rows, **(others or {})}),)

    return tables


def deal(
    counts: Mapping[str, int], subjects: Sequence[str], quiet: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Deal clips of every emotion out to subjects, unevenly, all of them served.

    Args:
        counts: clips of each emotion.
        quiet: subjects that get clips of the last emotion only.

    Returns:
        Subject and emotion of every clip, by subject.
    """
    others = [s for s in subjects if s not in quiet]
    last = list(counts)[-1]
    dealt: list[tuple[str, str]] = [(subject, last) for subject in quiet]
    left = Counter(counts)
    left[last] -= len(quiet)
    turn = 0
    for emotion in counts:
        for number in range(left[emotion]):
            # Every third clip goes to the first few subjects: real sets are uneven, too.
            subject = others[(turn // 3) % 5] if number % 3 == 2 else others[turn % len(others)]
            dealt.append((subject, emotion))
            turn += 1
    return sorted(dealt, key=lambda one: (subjects.index(one[0]), list(counts).index(one[1])))


def units_for(emotion: str, number: int) -> str:
    """An action-unit code that an annotator might write for an emotion."""
    codes = {
        "happiness": ("6+12", "12", "R12", "12+14"),
        "positive": ("6+12", "12"),
        "surprise": ("1+2", "1+2+5", "L2", "1+L2"),
        "disgust": ("4+9", "4+7", "9+10", "4+L10"),
        "repression": ("14", "17", "L14", "15+17"),
        "anger": ("4", "4+7", "7B", "4+5"),
        "contempt": ("L14", "R14", "14", "L12"),
        "fear": ("4+5", "20", "1+4", "20C"),
        "sadness": ("15", "1+4", "17", "15+17"),
        "negative": ("4", "4+7", "15"),
    }.get(emotion, ("14", "24", "L10", "17"))
    return codes[number % len(codes)]


def motion_for(emotion: str) -> str:
    """Key of the movements that show an emotion."""
    if emotion in ("happiness", "positive"):
        return "positive"
    if emotion in ("surprise", "others"):
        return emotion
    return "negative"
