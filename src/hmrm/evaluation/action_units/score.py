"""Action units found against action units annotated: one F1 for each, over all clips pooled."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hmrm.datasets.annotations.action_units import UnitCode, parse_units
from hmrm.datasets.load import LoadOptions, is_composite, load_dataset
from hmrm.datasets.sources.catalogue import dataset_named
from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.text_files import rows, rows_by_id
from hmrm.records import formerly

FILE_NAME = "action_units.csv"
FAILURES = ("no face", "no usable flow")
"""Kinds of reasons for which prepare skips a clip that it should have managed."""
_UNIT_COLUMN = re.compile(r"(?:p_)?au_?0*(\d{1,2})(?:_c)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class UnitScore:
    """How one action unit was found.

    Attributes:
        hits, false_alarms, misses: clips.
        doubtful: clips where the annotator was not sure of it; they do not count for this unit.
    """

    WRITTEN_TOO: ClassVar = ("f1",)

    number: int
    hits: int
    false_alarms: int
    misses: int
    doubtful: int

    @property
    def f1(self) -> float:
        """F1; 0 where the unit was neither annotated nor found."""
        under = 2 * self.hits + self.false_alarms + self.misses
        return 2 * self.hits / under if under else 0.0


@dataclass(frozen=True, kw_only=True)
class UnitScores:
    """All scores of one table.

    Attributes:
        units: of every unit that some annotation states with certainty, or that was asked for.
        clips: scored clips: those annotated, whether or not anything was found in them.
        without_result: annotated clips that the found table lacks; nothing was found in them.
        excluded: annotated clips that were never looked at and have no result; they do not count.
        unknown: clips of the found table that the truth lacks; they do not count.
        unreadable: annotated clips whose code could not be read; they do not count.
    """

    WRITTEN_TOO: ClassVar = ("macro_f1", "micro_f1")

    units: tuple[UnitScore, ...]
    clips: int
    without_result: int
    excluded: int = field(metadata=formerly("left_out"))
    unknown: int
    unreadable: int

    @property
    def macro_f1(self) -> float:
        """Unweighted mean over units."""
        return sum(unit.f1 for unit in self.units) / len(self.units) if self.units else 0.0

    @property
    def micro_f1(self) -> float:
        """F1 of all units' counts added up."""
        hits = sum(unit.hits for unit in self.units)
        wrong = sum(unit.false_alarms + unit.misses for unit in self.units)
        return 2 * hits / (2 * hits + wrong) if hits else 0.0


def score_units(
    truth: Mapping[str, UnitCode | None],
    found: Mapping[str, frozenset[int]],
    *,
    units: Sequence[int] = (),
    excluded: Collection[str] = (),
) -> UnitScores:
    """Score found units against annotated ones; clips are matched by id, sides do not matter.

    A unit that the annotator doubted, or left to an ``or``, counts neither way in that clip. Units
    that show at rest (``ref``) are no movement.

    Args:
        truth: code of each clip; None where it could not be read.
        units: numbers to score; by default all that some annotation states with certainty.
        excluded: clips that do not count where they have no result.

    Raises:
        DataError: no clip is annotated, or the two tables share none.
    """
    known = {clip: code for clip, code in truth.items() if code is not None}
    unseen = set(known) & set(excluded) - set(found)
    codes = {clip: code for clip, code in known.items() if clip not in unseen}
    if not codes:
        raise DataError("action units: the truth annotates no clip; give the annotation table")
    if not set(codes) & set(found):
        raise DataError(
            f"action units: the tables share no clip; truth has {next(iter(codes))!r}, found "
            f"{next(iter(found), 'nothing')!r}; ids are dataset/subject/clip"
        )
    stated = sorted(set().union(*(code.certain for code in codes.values())))
    if not units and not stated:
        raise DataError("action units: the truth states no unit with certainty in any clip")
    return UnitScores(
        units=tuple(_score_one(number, codes, found) for number in units or stated),
        clips=len(codes),
        without_result=len(set(codes) - set(found)),
        excluded=len(unseen),
        unknown=len(set(found) - set(truth)),
        unreadable=len(truth) - len(known),
    )


def _score_one(
    number: int, codes: Mapping[str, UnitCode], found: Mapping[str, frozenset[int]]
) -> UnitScore:
    hits = false_alarms = misses = doubtful = 0
    for clip, code in codes.items():
        seen = number in found.get(clip, frozenset())
        if number in code.certain:
            hits, misses = hits + seen, misses + (not seen)
        elif number in code.possible:
            doubtful += 1
        else:
            false_alarms += seen
    return UnitScore(
        number=number, hits=hits, false_alarms=false_alarms, misses=misses, doubtful=doubtful
    )


def read_truth(path: Path, *, dataset: str | None = None) -> dict[str, UnitCode | None]:
    """Codes by clip id, of a data set's own annotation table or of a plain one.

    Args:
        dataset: whose table it is (`hmrm.datasets.sources.catalogue.names`); None: a CSV with the
            columns ``id`` and ``action_units``.

    Raises:
        ConfigError: no such data set, or one without action units or a table of its own.
        DataError: the table cannot be read.
    """
    if dataset is None:
        return dict(_read_codes(path))
    if is_composite(dataset):
        raise ConfigError(
            "the composite has a table for each part: score casme2 and samm one after the other; "
            "SMIC has no action units"
        )
    known = dataset_named(dataset)
    if known.name.startswith("smic"):
        raise ConfigError(f"{known.title} has no action units; score another data set")
    records = load_dataset(known.name, path, LoadOptions(table_only=True)).annotations.records
    return {record.id: record.units for record in records}


def read_found(path: Path, *, threshold: float = 0.5) -> dict[str, frozenset[int]]:
    """Units found by clip id: a CSV, or a folder with ``action_units.csv``.

    Besides ``id`` it has either ``action_units`` (``4+L10``, empty for none) or a column for each
    unit (``AU12``, ``p_AU12``, OpenFace's ``AU12_c``) with 0 and 1 or a probability.

    Args:
        threshold: from which probability a unit counts as found.

    Raises:
        DataError: the table cannot be read.
    """
    file = path / FILE_NAME if path.is_dir() else path
    header, lines = rows_by_id(file)
    if "action_units" in header:
        return {clip: code.certain for clip, code in _read_codes(file).items()}
    columns = {
        name: int(match[1]) for name in header if (match := _UNIT_COLUMN.fullmatch(name.strip()))
    }
    if not columns:
        raise DataError(f"{file}: neither a column action_units nor columns such as AU12")
    found = {}
    for line, row in lines:
        numbers = set()
        for name, number in columns.items():
            if _number(row[name], f"{file} line {line}: {name}") >= threshold:
                numbers.add(number)
        found[row["id"]] = frozenset(numbers)
    return found


def read_excluded(folder: Path) -> frozenset[str]:
    """Clips that ``hmrm datasets prepare`` excluded, as its ``skipped.csv`` names them.

    Clips in which it found no face or no usable flow are not among them: there the chain failed,
    and what it did not find is missed.

    Raises:
        DataError: the folder holds no such table.
    """
    path = folder / "skipped.csv"
    if not path.is_file():
        raise DataError(f"{path}: no such file; give a folder that hmrm datasets prepare wrote")
    header, lines = rows(path)
    if "what" not in header:
        raise DataError(f"{path}: column 'what' is missing; not written by hmrm datasets prepare")
    return frozenset(row["what"] for _, row in lines if row.get("kind") not in FAILURES)


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise DataError(f"{where} is {text!r}; give 0, 1 or a probability from 0 to 1")
    return value


def _read_codes(path: Path) -> dict[str, UnitCode]:
    header, lines = rows_by_id(path)
    if "action_units" not in header:
        raise DataError(
            f"{path}: column 'action_units' is missing; for a data set's own table name it with "
            "--dataset"
        )
    codes = {}
    for line, row in lines:
        try:
            codes[row["id"]] = parse_units(row["action_units"])
        except DataError as error:
            raise DataError(f"{path} line {line}: {error}") from error
    return codes
