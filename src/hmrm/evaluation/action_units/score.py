"""Action units found against action units annotated: one F1 for each, over all clips pooled."""

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

FAILURES = ("no face", "no usable flow")
"""Kinds of reasons for which prepare skips a clip that it should have managed."""


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
        failed: annotated clips in which the tool that found the units had no face; they do not
            count.
        macro_f1_failed_missed: `macro_f1` if nothing was found in the failed clips; None where
            there are none.
    """

    WRITTEN_TOO: ClassVar = ("macro_f1", "micro_f1")

    units: tuple[UnitScore, ...]
    clips: int
    without_result: int
    excluded: int = field(metadata=formerly("left_out"))
    unknown: int
    unreadable: int
    failed: int = 0
    macro_f1_failed_missed: float | None = None

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
    failed: Collection[str] = (),
    unmeasured: Mapping[str, frozenset[int]] | None = None,
) -> UnitScores:
    """Score found units against annotated ones; clips are matched by id, sides do not matter.

    A unit that the annotator doubted, or left to an ``or``, counts neither way in that clip. Units
    that show at rest (``ref``) are no movement.

    Args:
        truth: code of each clip; None where it could not be read.
        units: numbers to score; by default all that some annotation states with certainty.
        excluded: clips that do not count where they have no result.
        failed: clips in which the finder saw no face; they do not count, and the score as if
            nothing was found in them stands alongside.
        unmeasured: units of a clip that have no number there; they count neither way in it.

    Raises:
        DataError: no clip is annotated, or the two tables share none.
    """
    known = {clip: code for clip, code in truth.items() if code is not None}
    unseen = set(known) & set(excluded) - set(found)
    faceless = set(known) & set(failed) - set(found) - unseen
    codes = {clip: code for clip, code in known.items() if clip not in unseen | faceless}
    if faceless and not codes:
        raise DataError("action units: no face was found in any annotated clip")
    if not codes:
        raise DataError("action units: the truth annotates no clip; give the annotation table")
    if not set(codes) & set(found):
        raise DataError(
            f"action units: the tables share no clip; truth has {next(iter(codes))!r}, found "
            f"{next(iter(found), 'nothing')!r}; give both the same ids, dataset/subject/clip; a "
            "table without a column id, as OpenFace's, is named after its file"
        )
    stated = sorted(set().union(*(code.certain for code in codes.values())))
    if not units and not stated:
        raise DataError("action units: the truth states no unit with certainty in any clip")
    numbers, gaps = units or stated, unmeasured or {}
    missed = None
    if faceless:
        every = codes | {clip: known[clip] for clip in faceless}
        theirs = units or sorted(set().union(*(code.certain for code in every.values())))
        f1s = [_score_one(number, every, found, gaps).f1 for number in theirs]
        missed = sum(f1s) / len(f1s)
    return UnitScores(
        units=tuple(_score_one(number, codes, found, gaps) for number in numbers),
        clips=len(codes),
        without_result=len(set(codes) - set(found)),
        excluded=len(unseen),
        unknown=len((set(found) | set(failed)) - set(truth)),
        unreadable=len(truth) - len(known),
        failed=len(faceless),
        macro_f1_failed_missed=missed,
    )


def _score_one(
    number: int,
    codes: Mapping[str, UnitCode],
    found: Mapping[str, frozenset[int]],
    unmeasured: Mapping[str, frozenset[int]],
) -> UnitScore:
    hits = false_alarms = misses = doubtful = 0
    for clip, code in codes.items():
        if number in unmeasured.get(clip, frozenset()):
            continue
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
        return dict(read_codes(path))
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


def read_codes(path: Path) -> dict[str, UnitCode]:
    """Codes by clip id of a CSV with the columns ``id`` and ``action_units``.

    Raises:
        DataError: it cannot be read, or a code in it.
    """
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
