"""Everything a report says, as records: ``report.json``, and the source of both pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

import numpy as np

from hmrm import provenance, records
from hmrm.datasets.synthetic_mark import TITLE
from hmrm.errors import DataError
from hmrm.evaluation.calibration_scores import CalibrationScores, score_calibration
from hmrm.evaluation.leakage import Leak
from hmrm.evaluation.oracle import PERMUTATIONS
from hmrm.evaluation.predictions import match
from hmrm.evaluation.report.error_rates import CodedClip, ErrorRates, error_rates
from hmrm.evaluation.report.hard import HardCases, hard_cases
from hmrm.evaluation.report.published import Method, Published, published
from hmrm.evaluation.report.runs import Run
from hmrm.evaluation.results import COMPOSITE, Measured, RunSummary
from hmrm.evaluation.statistics import Difference, holm, paired_bootstrap
from hmrm.evaluation.systems import SYSTEMS
from hmrm.records import formerly

Group = Literal["ours", "honest", "unknown", "on_test"]

DATASET_NAMES = {COMPOSITE: "composite", "smic": "SMIC-HS", "casme2": "CASME II", "samm": "SAMM"}
GROUPS: dict[Group, str] = {
    "ours": "measured here",
    "honest": "published, chosen without the test subject",
    "unknown": "published, rule unknown",
    "on_test": "published or measured, chosen on the test subject",
}
COMPOSITE_CLIPS, COMPOSITE_SUBJECTS = 442, 68
_GROUP_OF_RULE: dict[str, Group] = {
    "none": "honest",
    "fixed": "honest",
    "unknown": "unknown",
    "on_test": "on_test",
}

_NOT_AS_PUBLISHED = {one.model for one in SYSTEMS if one.kind in ("reduced", "recreation")}

# What a run names as its folds that did not learn from a part of these subjects.
_NO_SPLIT = ("none", "unknown")


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A metric as others printed it; None where they did not."""

    mean: float | None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """UF1 and UAR of one method on one data set."""

    uf1: Measured | Printed
    uar: Measured | Printed


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One method of the main table.

    Attributes:
        own: measured here, not published.
        source: of a published number.
        rule_words: how the epoch was chosen.
        seeds: their number, for runs of ours.
        scores: data set → scores, where there are any.
    """

    name: str
    group: Group
    own: bool
    source: str
    rule_words: str
    seeds: int | None
    scores: Mapping[str, Cell]


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """Two runs of the same clips, the better one second; ``p_holm`` is that of UF1.

    Attributes:
        looked: one of them chose its epoch on the test subject.
    """

    lower: str
    higher: str
    looked: bool
    uf1: Difference
    uar: Difference
    p_holm: float


@dataclass(frozen=True, kw_only=True)
class OracleRow:
    """What choosing on the test subject gains: UF1 and UAR of the composite, means over seeds.

    Attributes:
        epochs: looks for each fold.
        true_looking, true_last: best and last epoch, scored on the true labels.
        permuted_looking, permuted_last: the same on permuted labels.
        guess: UF1 by guessing.
    """

    run: str
    epochs: int
    true_looking: tuple[float, float]
    true_last: tuple[float, float]
    permuted_looking: tuple[float, float]
    permuted_last: tuple[float, float]
    permutations: int
    guess: float


@dataclass(frozen=True, kw_only=True)
class NamedRun:
    """A run's summary under its unique name."""

    name: str
    summary: RunSummary = field(metadata=records.INLINE)


@dataclass(frozen=True, kw_only=True)
class RunLeak:
    """A leak, and the run it was found in."""

    run: str
    leak: Leak = field(metadata=records.INLINE)


@dataclass(frozen=True, kw_only=True)
class RunCalibration:
    """How a run's probabilities and class sets hold."""

    run: str
    calibration: CalibrationScores = field(metadata=records.INLINE)


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """All that a report says.

    Attributes:
        datasets: columns of the table; ``dataset_names`` what they are called on the page.
        separate: in every run no subject is on both sides.
        errors: by emotion and action unit, where a table of them was given.
        calibrations: of the runs that have scores of other subjects to calibrate on.
    """

    title: str
    hmrm: str
    datasets: tuple[str, ...]
    dataset_names: Mapping[str, str]
    classes: tuple[str, ...]
    runs: tuple[NamedRun, ...]
    table: tuple[TableRow, ...]
    notes: tuple[str, ...] = field(metadata=formerly("remarks"))
    pairs: tuple[PairedTest, ...]
    hard: HardCases | None
    oracle: tuple[OracleRow, ...]
    separate: bool
    warnings: tuple[str, ...]
    leaks: tuple[RunLeak, ...]
    errors: ErrorRates | None = None
    calibrations: tuple[RunCalibration, ...] = ()


def build_content(
    runs: Sequence[Run], *, emotions: Mapping[str, CodedClip] | None = None
) -> ReportContent:
    """Tables, paired tests, hard cases and warnings of all runs.

    Args:
        emotions: emotion and action units by clip id, for error rates.

    Raises:
        DataError: no run, or ``emotions`` of other clips.
    """
    if not runs:
        raise DataError("no run to report; give at least one run folder")
    table = published()
    datasets = _datasets(runs, table)
    rows = _table(runs, table, datasets)
    methods = table.methods if len(rows) > len(runs) else ()
    title = "Recognition of micro-expressions"
    if all(r.summary.folds == "loso" for r in runs):
        title += ", leave one subject out"
    if any(r.summary.synthetic for r in runs):
        title = f"{TITLE}: {title}"
    return ReportContent(
        title=title,
        hmrm=provenance.version(),
        datasets=datasets,
        dataset_names={d: DATASET_NAMES.get(d, d) for d in datasets},
        classes=runs[0].summary.classes,
        runs=tuple(NamedRun(name=r.name, summary=r.summary) for r in runs),
        table=rows,
        notes=tuple(f"{m.name}: {m.note}" for m in methods if m.note is not None),
        pairs=paired_tests(runs),
        hard=hard_cases(runs),
        oracle=_oracle(runs),
        separate=all(r.summary.folds not in _NO_SPLIT for r in runs),
        warnings=(*_warnings(runs), *_split_otherwise(runs), *_incomparable(runs)),
        leaks=tuple(RunLeak(run=r.name, leak=leak) for r in runs for leak in r.summary.leaks),
        errors=None if emotions is None else error_rates(runs, emotions),
        calibrations=_calibrations(runs),
    )


def _calibrations(runs: Sequence[Run]) -> tuple[RunCalibration, ...]:
    """From the predictions, so that runs from before it have it, too."""
    found = [(run.name, score_calibration(run.seeds)) for run in runs]
    return tuple(
        RunCalibration(run=name, calibration=one) for name, one in found if one is not None
    )


def _warnings(runs: Sequence[Run]) -> list[str]:
    """Each warning once, with the runs it is about."""
    about: dict[str, list[str]] = {}
    for run in runs:
        for warning in run.summary.warnings:
            about.setdefault(warning, []).append(run.name)
    return [f"{'; '.join(names)}: {warning}" for warning, names in about.items()]


def _split_otherwise(runs: Sequence[Run]) -> list[str]:
    """That runs learnt from different parts of the subjects, where they did."""
    about: dict[str, list[str]] = {}
    for run in runs:
        if run.summary.folds not in _NO_SPLIT:
            about.setdefault(run.summary.folds, []).append(run.name)
    if len(about) < 2:
        return []
    stated = "; ".join(f"{', '.join(names)}: folds {folds}" for folds, names in about.items())
    return [
        f"{stated}. Fewer folds leave fewer subjects to learn from, and lower scores: compare runs "
        "of one split"
    ]


def _incomparable(runs: Sequence[Run]) -> list[str]:
    """What sets apart the runs that cannot be compared with the first, once per reason."""
    about: dict[str, list[str]] = {}
    for run in runs[1:]:
        try:
            match(runs[0].seeds[0], run.seeds[0])
        except DataError as error:
            about.setdefault(str(error), []).append(run.name)
    return [
        f"{'; '.join(names)}: not comparable with {runs[0].name} ({reason}); no paired test, not "
        "counted among hard cases, and scores of different clips must not be ranked"
        for reason, names in about.items()
    ]


def _is_composite(run: Run, table: Published) -> bool:
    """Whether a run is about the clips, classes, folds and systems of the published numbers.

    They are of one subject left out: of fewer folds a model learns from fewer subjects. And a
    reduced network or a re-creation is not the system whose number would stand next to it.
    """
    summary = run.summary
    return (
        summary.folds in ("loso", *_NO_SPLIT)
        and summary.model not in _NOT_AS_PUBLISHED
        and summary.clips == COMPOSITE_CLIPS
        and summary.subjects == COMPOSITE_SUBJECTS
        and set(summary.scores) == set(table.datasets)
        and summary.classes == ("negative", "positive", "surprise")
    )


def _datasets(runs: Sequence[Run], table: Published) -> tuple[str, ...]:
    named = [d for d in table.datasets if any(d in r.summary.scores for r in runs)]
    others = {d for r in runs for d in r.summary.scores} - set(named)
    return (*named, *sorted(others))


def _table(runs: Sequence[Run], table: Published, datasets: Sequence[str]) -> tuple[TableRow, ...]:
    """Rows in groups: ours first, then published ones by how they were chosen."""
    rows = [_own_row(run, datasets) for run in runs]
    if all(_is_composite(run, table) for run in runs):
        rows += [_published_row(method, datasets) for method in table.methods]
    order = list(GROUPS)
    return tuple(sorted(rows, key=lambda row: order.index(row.group)))


def _own_row(run: Run, datasets: Sequence[str]) -> TableRow:
    summary = run.summary
    return TableRow(
        name=run.name,
        group="on_test" if summary.selection == "oracle" else "ours",
        own=True,
        source="",
        rule_words=summary.selection_words,
        seeds=len(summary.seeds),
        scores={
            d: Cell(uf1=summary.scores[d].uf1.measured, uar=summary.scores[d].uar.measured)
            for d in datasets
            if d in summary.scores
        },
    )


def _published_row(method: Method, datasets: Sequence[str]) -> TableRow:
    scores = {d: method.scores[d] for d in datasets if d in method.scores}
    return TableRow(
        name=method.name,
        group=_GROUP_OF_RULE[method.rule],
        own=False,
        source=method.source,
        rule_words=method.rule_words,
        seeds=None,
        scores={
            d: Cell(uf1=Printed(mean=uf1), uar=Printed(mean=uar))
            for d, (uf1, uar) in scores.items()
        },
    )


def paired_tests(runs: Sequence[Run]) -> tuple[PairedTest, ...]:
    """Every two runs of the same clips: the better one second, so that differences are positive.

    ``p_holm`` is UF1's p after Holm's correction for the number of pairs.
    """
    found: list[tuple[Run, Run, Mapping[str, Difference]]] = []
    for pair in combinations(runs, 2):
        lower, higher = sorted(pair, key=lambda r: r.summary.composite.uf1.mean)
        try:
            difference = paired_bootstrap(
                lower.seeds, higher.seeds, generator=np.random.default_rng(0)
            )
        except DataError:
            continue
        found.append((lower, higher, difference))
    corrected = holm([difference["uf1"].p for *_, difference in found])
    return tuple(
        PairedTest(
            lower=lower.name,
            higher=higher.name,
            looked=any(r.summary.selection == "oracle" for r in (lower, higher)),
            uf1=difference["uf1"],
            uar=difference["uar"],
            p_holm=p,
        )
        for (lower, higher, difference), p in zip(found, corrected, strict=True)
    )


def _oracle(runs: Sequence[Run]) -> tuple[OracleRow, ...]:
    """For each oracle run: its score, the same run without looking, the same rule on noise."""
    found = []
    for run in runs:
        controls = [one.control for one in run.summary.oracle_control or ()]
        if not controls:
            continue
        scores = run.summary.composite
        found.append(
            OracleRow(
                run=run.name,
                epochs=controls[0].epochs,
                true_looking=(scores.uf1.mean, scores.uar.mean),
                true_last=_mean([c.fixed for c in controls]),
                permuted_looking=_mean([c.looking for c in controls]),
                permuted_last=_mean([c.last for c in controls]),
                permutations=PERMUTATIONS,
                guess=scores.uf1.chance.permuted,
            )
        )
    return tuple(found)


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    uf1, uar = np.mean(pairs, axis=0).tolist()
    return uf1, uar
