"""How often runs are wrong, by emotion and by action unit, where a table of the user's says them.

Maps carry classes alone. Which emotion or which action unit stood behind a class is in annotation
tables that cannot be handed on, so the user points to one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from hmrm.clip import ClipId
from hmrm.datasets.annotations.action_units import UnitCode, parse_units
from hmrm.errors import DataError
from hmrm.evaluation.predictions import match
from hmrm.evaluation.report.runs import Run
from hmrm.evaluation.results import COMPOSITE
from hmrm.evaluation.text_files import rows_by_id


@dataclass(frozen=True, kw_only=True)
class CodedClip:
    """What a table says of one clip: an emotion, empty where it gives none, and a code."""

    emotion: str
    units: UnitCode


@dataclass(frozen=True, kw_only=True)
class ErrorRate:
    """One emotion or action unit.

    Attributes:
        what: emotions stand for each data set, action units for all.
        name: the emotion in lower case, or ``AU12``.
        wrong: run → fraction of these clips that it has wrong, mean over seeds.
    """

    what: Literal["emotion", "action unit"]
    data_set: str
    name: str
    clips: int
    wrong: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ErrorRates:
    """Error rates of all runs of the same clips.

    Attributes:
        rates: emotions by data set, then action units by number.
        without_row: clips of the runs that the table lacks; they do not count.
        unknown: clips of the table that the runs lack; they do not count.
    """

    rates: tuple[ErrorRate, ...]
    without_row: int
    unknown: int


def read_emotions(path: Path) -> dict[str, CodedClip]:
    """A CSV with the columns ``id``, ``emotion`` and ``action_units``; one of the two may lack.

    Raises:
        DataError: unreadable, without both columns, or a code that is none; names the line.
    """
    header, lines = rows_by_id(path)
    if not {"emotion", "action_units"} & set(header):
        raise DataError(
            f"{path}: neither a column 'emotion' nor 'action_units'; has {', '.join(header)}"
        )
    found = {}
    for line, row in lines:
        try:
            code = parse_units(row.get("action_units"))
        except DataError as error:
            raise DataError(f"{path} line {line}: {error}") from error
        found[row["id"]] = CodedClip(emotion=row.get("emotion", "").strip().lower(), units=code)
    return found


def error_rates(runs: Sequence[Run], table: Mapping[str, CodedClip]) -> ErrorRates:
    """Fractions wrong of the runs that speak of the same clips as the first.

    A clip counts for every unit that its code states with certainty. Units in doubt, left to an
    ``or`` or there at rest (``ref``) count for none.

    Raises:
        DataError: the table holds none of the clips.
    """
    members = [run for run in runs if _same_clips(runs[0], run)]
    ids = runs[0].seeds[0].ids
    if not members or not set(ids) & set(table):
        raise DataError(
            f"emotions: the table has none of the runs' clips; it has {next(iter(table), 'none')}, "
            f"the first run {ids[0]}; ids are dataset/subject/clip"
        )
    groups: dict[tuple[Literal["emotion", "action unit"], str, str], list[int]] = {}
    for place, clip in enumerate(ids):
        coded = table.get(clip)
        if coded is None:
            continue
        if coded.emotion:
            data_set = ClipId.parse(clip).dataset
            groups.setdefault(("emotion", data_set, coded.emotion), []).append(place)
        for number in coded.units.certain:
            groups.setdefault(("action unit", COMPOSITE, f"AU{number}"), []).append(place)
    return ErrorRates(
        rates=tuple(
            ErrorRate(
                what=what,
                data_set=data_set,
                name=name,
                clips=len(places),
                wrong={run.name: _wrong(run, places) for run in members},
            )
            for (what, data_set, name), places in sorted(groups.items(), key=_order)
        ),
        without_row=len(set(ids) - set(table)),
        unknown=len(set(table) - set(ids)),
    )


def _same_clips(first: Run, run: Run) -> bool:
    try:
        match(first.seeds[0], run.seeds[0])
    except DataError:
        return False
    return True


def _wrong(run: Run, places: Sequence[int]) -> float:
    wrong = [(seed.predicted != seed.truth)[list(places)] for seed in run.seeds]
    return float(np.mean(wrong))


def _order(group: tuple[tuple[str, str, str], list[int]]) -> tuple[bool, str, int, str]:
    (what, data_set, name), _ = group
    is_unit = what == "action unit"
    return is_unit, data_set, int(name.removeprefix("AU")) if is_unit else 0, name
