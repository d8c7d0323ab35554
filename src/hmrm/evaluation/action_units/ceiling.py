"""What classes can be known from human action-unit codes, and from those of a second coder.

A linear machine learns classes from the published codes of all other subjects and classifies each
test subject twice: by the published codes, and by codes as a second coder would write them.
Labels were partly made from the published codes, so that the first is generous. No method that
reads faces can be expected to stand above the second, unless it codes faces more reliably than
certified people do.

A second coder is simulated: of the units of a clip each is missed with probability 1 − agreement,
and replaced by another one, sampled by how often units occur. Both coders then state equally many,
and the data sets' measure of agreement, twice the common units over the units of both, has that
expectation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int

from hmrm.clip import CLASSES, ClipId
from hmrm.datasets.annotations.action_units import UnitCode, parse_units
from hmrm.datasets.annotations.labels import class_of
from hmrm.datasets.composite_rule import PARTS, composite_members
from hmrm.datasets.load import LoadOptions, is_composite, load_dataset
from hmrm.errors import ConfigError, DataError, shortened
from hmrm.evaluation.metrics import score
from hmrm.evaluation.results import COMPOSITE
from hmrm.evaluation.text_files import rows_by_id
from hmrm.model.baselines.kernel_svm import gram, solve, votes
from hmrm.subject_folds import leave_one_out

COST = 1.0
"""C of the linear machine; set once, not tuned."""

Codes = Bool[np.ndarray, "n units"]


@dataclass(frozen=True, kw_only=True)
class CodedLabel:
    """A clip's class, one of `CLASSES`, and its code."""

    label: str
    units: UnitCode


@dataclass(frozen=True, kw_only=True)
class CeilingRow:
    """Scores by codes of one agreement with the published ones.

    Attributes:
        data_set: its clips alone, or `COMPOSITE` for all.
        agreement: asked for; 1 for the published codes.
        measured_agreement: of the simulated codes, mean over clips and coders.
        uf1, uar: means over coders, all clips pooled.
        uf1_sd, uar_sd: standard deviations over coders; None for one.
    """

    data_set: str
    clips: int
    agreement: float
    measured_agreement: float
    uf1: float
    uf1_sd: float | None
    uar: float
    uar_sd: float | None


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """The whole result.

    Attributes:
        units: numbers of the units that some clip states with certainty.
        without_code: clips that no unit is stated of; they do not count.
    """

    rows: tuple[CeilingRow, ...]
    clips: int
    subjects: int
    units: tuple[int, ...]
    without_code: int
    coders: int
    seed: int


def second_coder_ceiling(
    clips: Mapping[str, CodedLabel],
    *,
    agreements: Sequence[float] = (0.85, 0.8),
    coders: int = 20,
    seed: int = 0,
) -> Ceiling:
    """Leave one subject out on published codes; test codes as published and as simulated.

    Args:
        clips: by id; units that their code does not state with certainty do not count.
        agreements: of the second coder with the published codes, 0 to 1.
        coders: simulated for each agreement.

    Raises:
        ConfigError: an agreement outside 0 to 1, or no coder.
        DataError: no clip with a code, one unit or one subject alone.
    """
    if coders < 1 or not all(0 <= one <= 1 for one in agreements):
        raise ConfigError(
            f"ceiling: agreements {list(agreements)}, coders {coders}: use agreements from 0 to 1 "
            "and at least one coder"
        )
    coded = {clip: one for clip, one in sorted(clips.items()) if one.units.certain}
    units = sorted(set().union(*(one.units.certain for one in coded.values())))
    if len(units) < 2:
        raise DataError(
            f"ceiling: {len(coded)} clips with a code, {len(units)} units; at least two are needed"
        )
    ids = tuple(coded)
    labels = np.array([CLASSES.index(one.label) for one in coded.values()])
    codes = np.array([[u in one.units.certain for u in units] for one in coded.values()])
    generator = np.random.default_rng(seed)
    codings = [(1.0, codes[None])] + [
        (one, np.array([second_coder(codes, one, generator=generator) for _ in range(coders)]))
        for one in agreements
    ]
    predicted = np.split(
        _leave_subjects_out(
            ids, labels, codes, np.concatenate([simulated for _, simulated in codings])
        ),
        np.cumsum([len(simulated) for _, simulated in codings])[:-1],
    )
    return Ceiling(
        rows=tuple(
            _row(name, where, labels, codes, agreement, simulated, found)
            for name, where in _parts(ids).items()
            for (agreement, simulated), found in zip(codings, predicted, strict=True)
        ),
        clips=len(ids),
        subjects=len({ClipId.parse(clip).subject for clip in ids}),
        units=tuple(units),
        without_code=len(clips) - len(coded),
        coders=coders,
        seed=seed,
    )


def second_coder(codes: Codes, agreement: float, *, generator: np.random.Generator) -> Codes:
    """Codes of the same clips by somebody who agrees so far, see the module's text.

    Where a clip states so many units that too few others are left, fewer are added than missed.
    """
    frequency = codes.sum(0) / codes.sum()
    simulated = codes & (generator.random(codes.shape) < agreement)
    for own, new in zip(codes, simulated, strict=True):
        others = np.where(own, 0.0, frequency)
        missed = min(int(own.sum() - new.sum()), int((others > 0).sum()))
        if missed:
            chosen = generator.choice(len(own), size=missed, replace=False, p=others / others.sum())
            new[chosen] = True
    return simulated


def measured_agreement(first: Codes, second: Bool[np.ndarray, "*coders n units"]) -> float:
    """Twice the common units over the units of both, mean over clips and coders."""
    return float((2 * (first & second).sum(-1) / (first.sum(-1) + second.sum(-1))).mean())


def _leave_subjects_out(
    ids: Sequence[str],
    labels: Int[np.ndarray, " n"],
    codes: Codes,
    simulated: Bool[np.ndarray, "coders n units"],
) -> Int[np.ndarray, "coders n"]:
    """The class of every clip by every coder, by the machine that never saw its subject."""
    predicted = np.empty(simulated.shape[:2], dtype=np.int64)
    for fold in leave_one_out([ClipId.parse(clip).subject for clip in ids]):
        train, test = list(fold.train), list(fold.test)
        rows = simulated[:, test].reshape(-1, codes.shape[1])
        answers = classify(codes[train], labels[train], rows)
        predicted[:, test] = answers.reshape(len(simulated), -1)
    return predicted


def classify(
    train: Codes, labels: Int[np.ndarray, " n"], test: Bool[np.ndarray, "m units"]
) -> Int[np.ndarray, " m"]:
    """Classes of ``test`` by a linear machine with balanced classes, learnt on ``train``."""
    present = np.unique(labels)
    if len(present) == 1:
        return np.full(len(test), present[0])
    rows: Float64[np.ndarray, "n units"] = train.astype(np.float64)
    solved = solve(gram(rows, rows, "linear"), labels, cost=COST, balanced=True)
    normals = solved.weights @ rows[solved.support]
    margins = normals @ test.astype(np.float64).T + solved.offsets[:, None]
    return np.asarray(present[votes(margins, classes=len(present)).argmax(1)])


def _parts(ids: Sequence[str]) -> dict[str, Int[np.ndarray, " m"]]:
    """Positions of all clips, then of each data set's where there are several."""
    data_sets = np.array([ClipId.parse(clip).dataset for clip in ids])
    parts = {COMPOSITE: np.arange(len(ids))}
    names = sorted(set(data_sets.tolist()))
    return parts | {name: np.flatnonzero(data_sets == name) for name in names if len(names) > 1}


def _row(
    name: str,
    where: Int[np.ndarray, " m"],
    labels: Int[np.ndarray, " n"],
    codes: Codes,
    agreement: float,
    simulated: Bool[np.ndarray, "coders n units"],
    predicted: Int[np.ndarray, "coders n"],
) -> CeilingRow:
    found = [score(labels[where], one[where], classes=CLASSES) for one in predicted]
    uf1, uar = np.array([one.uf1 for one in found]), np.array([one.uar for one in found])
    several = len(found) > 1
    return CeilingRow(
        data_set=name,
        clips=len(where),
        agreement=agreement,
        measured_agreement=measured_agreement(codes[where], simulated[:, where]),
        uf1=float(uf1.mean()),
        uf1_sd=float(uf1.std(ddof=1)) if several else None,
        uar=float(uar.mean()),
        uar_sd=float(uar.std(ddof=1)) if several else None,
    )


def read_labels(path: Path, *, dataset: str | None = None) -> dict[str, CodedLabel]:
    """Classes and codes by clip id, of a data set's own annotation table or of a plain one.

    Clips without one of the three classes are excluded, as are those that MEGC 2019 excludes and
    those whose code cannot be read.

    Args:
        dataset: whose table it is (`hmrm.datasets.sources.catalogue.names`); None: a CSV with the
            columns ``id``, ``class`` and ``action_units``.

    Raises:
        ConfigError: no such data set, or the composite, which has a table for each part.
        DataError: the table cannot be read.
    """
    if dataset is None:
        return _read_plain(path)
    if is_composite(dataset):
        raise ConfigError("the composite has a table for each part: give casme2=… and samm=…")
    records = load_dataset(dataset, path, LoadOptions(table_only=True)).annotations.records
    if dataset in PARTS:
        records = tuple(record for record, _ in composite_members(records).members)
    labels = {record.id: class_of(record.dataset, record.emotion) for record in records}
    return {
        record.id: CodedLabel(label=label, units=record.units)
        for record in records
        if record.units is not None and (label := labels[record.id]) in CLASSES
    }


def _read_plain(path: Path) -> dict[str, CodedLabel]:
    header, lines = rows_by_id(path)
    missing = [name for name in ("class", "action_units") if name not in header]
    if missing:
        raise DataError(
            f"{path}: column {missing[0]!r} is missing; for a data set's own table give NAME={path}"
        )
    found = {}
    for line, row in lines:
        label = row["class"].strip().lower()
        if label not in CLASSES:
            raise DataError(
                f"{path} line {line}: class is {shortened(row['class'])}; use {', '.join(CLASSES)}"
            )
        try:
            clip = str(ClipId.parse(row["id"]))
            found[clip] = CodedLabel(label=label, units=parse_units(row["action_units"]))
        except DataError as error:
            raise DataError(f"{path} line {line}: {error}") from error
    return found
