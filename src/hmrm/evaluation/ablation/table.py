"""The table of an ablation: what each change did to the base, on the same subjects."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hmrm import atomic, records
from hmrm.evaluation.ablation.figure import Change, changes_figure
from hmrm.evaluation.report.content import DATASET_NAMES
from hmrm.evaluation.report.runs import Run
from hmrm.evaluation.results import (
    COMPOSITE,
    Estimate,
    PartScores,
    RunConfig,
)
from hmrm.evaluation.statistics import Difference, holm, paired_bootstrap
from hmrm.provenance import Stamp

FIGURE = "ablation.svg"
SIGNIFICANT = 0.05
NONE_SHOWN = "no difference shown"
SAME = "same score in every draw"
"""Of a row that does not touch what the model does here, or of one written twice."""


@dataclass(frozen=True, kw_only=True)
class Differences:
    """UF1 and UAR of a row less the base's."""

    uf1: Difference
    uar: Difference


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedRow:
    """A finished run, and the size of its network, where it has one.

    Attributes:
        difference: once it was compared with the base.
    """

    run: Run
    parameters: int | None
    difference: Differences | None = None


@dataclass(frozen=True, kw_only=True)
class RowEstimate:
    """A metric of a row: see `hmrm.evaluation.results.Estimate`."""

    mean: float
    sd: float | None
    by_seed: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class RowScores:
    """Scores of a row on all clips, or on those of one data set."""

    uf1: RowEstimate
    uar: RowEstimate
    accuracy: RowEstimate
    f1_by_class: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class AblationRow:
    """One line of the table; None where its run is not finished.

    Attributes:
        part: what is changed, in the paper's words.
        paper: UF1 and UAR that the paper prints for it.
        parameters: of its network, where it has one.
        scores: by data set, the composite first.
        difference: None for the base, too.
        p_holm: of UF1's difference, corrected for the number of rows compared.
        verdict: what the change does to UF1, see `verdict`.
        failed: what stopped it.
    """

    name: str
    part: str
    paper: tuple[float, float] | None
    parameters: int | None
    seeds: tuple[int, ...] | None
    scores: Mapping[str, RowScores] | None
    difference: Differences | None
    p_holm: float | None
    verdict: str | None
    config: RunConfig | None
    failed: str | None


@dataclass(frozen=True, kw_only=True)
class AblationOrigin:
    """What the numbers of a table stand on; ``skipped`` counts clips."""

    folds: str
    classes: tuple[str, ...]
    clips: int
    subjects: int
    selection_words: str
    skipped: int
    provenance: Stamp


@dataclass(frozen=True, kw_only=True)
class AblationTable:
    """What ``ablation.json`` holds.

    Attributes:
        rows: the base first.
        configurations: number of finished rows.
        origin: None while no row is finished.
    """

    rows: tuple[AblationRow, ...]
    configurations: int
    origin: AblationOrigin | None = field(metadata=records.INLINE)


def compared(finished: FinishedRow, base: FinishedRow) -> FinishedRow:
    """With the paired bootstrap over subjects: row minus base, both on the same samples."""
    found = paired_bootstrap(base.run.seeds, finished.run.seeds, generator=np.random.default_rng(0))
    difference = Differences(uf1=found["uf1"], uar=found["uar"])
    return dataclasses.replace(finished, difference=difference)


def write_table(
    output: Path,
    rows: Sequence[tuple[str, str, tuple[float, float] | None]],
    finished: Mapping[str, FinishedRow],
    failures: Mapping[str, str],
    *,
    digest: str,
) -> AblationTable:
    """Write ``ablation.json``, ``ablation.md`` and its figure; return what the first holds.

    Args:
        rows: name, part and the paper's figures of all rows, the base first.
        finished: those that are, by name.
        failures: what stopped a row, by name.

    Raises:
        OutputError: a file cannot be written.
    """
    table = build_table(rows, finished, failures, digest=digest)
    records.write(output / "ablation.json", table)
    atomic.write_text(output / "ablation.md", as_markdown(table))
    if found := changes(table):
        atomic.write_text(output / FIGURE, changes_figure(found))
    return table


def changes(table: AblationTable) -> list[Change]:
    """What the figure shows: every row that was compared with the base."""
    return [
        Change(row.part or row.name, uf1.value, uf1.low, uf1.high)
        for row in table.rows
        if row.difference is not None and (uf1 := row.difference.uf1)
    ]


def build_table(
    rows: Sequence[tuple[str, str, tuple[float, float] | None]],
    finished: Mapping[str, FinishedRow],
    failures: Mapping[str, str],
    *,
    digest: str,
) -> AblationTable:
    """Every row as a record, with a verdict where it and the base are finished.

    ``verdict`` speaks of the change, by UF1: it helps or hurts where the 95 % interval of the
    difference excludes 0; ``p_holm`` is corrected for the number of rows compared.
    """
    compared_rows = {
        name: one.difference
        for name, *_ in rows
        if (one := finished.get(name)) is not None and one.difference is not None
    }
    corrected = holm([one.uf1.p for one in compared_rows.values()])
    p_holm = dict(zip(compared_rows, corrected, strict=True))
    table = tuple(
        _row(
            name,
            part,
            paper,
            finished.get(name),
            p_holm=p_holm.get(name),
            failed=failures.get(name),
        )
        for name, part, paper in rows
    )
    first = next(iter(finished.values()), None)
    return AblationTable(
        rows=table,
        configurations=sum(row.scores is not None for row in table),
        origin=None if first is None else _origin(first.run, digest),
    )


def _row(
    name: str,
    part: str,
    paper: tuple[float, float] | None,
    finished: FinishedRow | None,
    *,
    p_holm: float | None,
    failed: str | None,
) -> AblationRow:
    summary = None if finished is None else finished.run.summary
    difference = None if finished is None else finished.difference
    words = None
    if difference is not None and p_holm is not None:
        words = verdict(difference.uf1, p_holm)
    return AblationRow(
        name=name,
        part=part,
        paper=paper,
        parameters=None if finished is None else finished.parameters,
        seeds=None if summary is None else summary.seeds,
        scores=None if summary is None else {d: _scores(p) for d, p in summary.scores.items()},
        difference=difference,
        p_holm=p_holm,
        verdict=words,
        config=None if summary is None else summary.config,
        failed=failed,
    )


def _scores(part: PartScores) -> RowScores:
    return RowScores(
        uf1=_estimate(part.uf1),
        uar=_estimate(part.uar),
        accuracy=_estimate(part.accuracy),
        f1_by_class=part.f1_by_class,
    )


def _estimate(found: Estimate) -> RowEstimate:
    return RowEstimate(
        mean=found.mean, sd=found.sd, by_seed=found.by_seed, low=found.low, high=found.high
    )


def _origin(run: Run, digest: str) -> AblationOrigin:
    summary = run.summary
    return AblationOrigin(
        folds=summary.folds,
        classes=summary.classes,
        clips=summary.clips,
        subjects=summary.subjects,
        selection_words=summary.selection_words,
        skipped=len(summary.skipped),
        provenance=dataclasses.replace(summary.provenance, config_hash=digest),
    )


def verdict(difference: Difference, p_holm: float) -> str:
    """What the change does to UF1."""
    if difference.low == difference.value == difference.high == 0:
        return SAME
    if difference.low <= 0 <= difference.high:
        return NONE_SHOWN
    word = "helps" if difference.value > 0 else "hurts"
    return word if p_holm < SIGNIFICANT else f"{word}, but not after correction"


def as_markdown(table: AblationTable) -> str:
    """The table for reading."""
    lines = ["# Ablation", ""]
    if table.origin is None:
        return "\n".join([*lines, "No row is finished yet.", *_unfinished(table), ""])
    lines += [origin_words(table), ""]
    paper = any(row.paper for row in table.rows)
    classes = [f"F1 {name}" for name in table.origin.classes]
    head = ["row", "part", "UF1", "UAR", *classes, "UF1 − base", "95 %", "p (Holm)"]
    head += ["the change", "parameters", *(["paper"] if paper else [])]
    lines += [_line(head), _line(["---", "---", *["---:"] * (len(head) - 2)])]
    for row in table.rows:
        if row.scores is not None:
            cells = [row_name(row, table), row.part, *row_cells(row, by_class=True)]
            if paper:
                cells.append(" / ".join(f"{v:.3f}" for v in row.paper or ()) or "–")
            lines.append(_line(cells))
    lines += ["", _NOTE]
    if changes(table):
        lines += ["", f"![UF1 minus the base's]({FIGURE})"]
    if paper:
        lines.append("The paper's figures are on CASME II; how its epoch was chosen is unknown.")
    lines += [*_by_dataset(table), *_unfinished(table)]
    return "\n".join(lines) + "\n"


_NOTE = (
    "± is the standard deviation over seeds. The difference is row minus base, its interval a "
    "paired bootstrap over subjects; the change helps or hurts where it excludes 0. The verdict "
    "speaks of the change: a part whose removal hurts is worth having."
)


def origin_words(table: AblationTable) -> str:
    """One sentence on what the numbers stand on; empty while no row is finished."""
    origin = table.origin
    if origin is None:
        return ""
    stamp = origin.provenance
    return (
        f"{table.configurations} configurations tried; {origin.clips} clips of "
        f"{origin.subjects} subjects, {origin.skipped} skipped; folds: "
        f"{origin.folds}; {origin.selection_words}; seeds {list(stamp.seeds)}; data "
        f"{(stamp.data_hash or '–')[:12]}, config {stamp.config_hash}, commit "
        f"{stamp.commit or '–'}."
    )


def row_name(row: AblationRow, table: AblationTable) -> str:
    """With the number of its seeds, where the base has others."""
    if row.seeds is None or (table.origin and row.seeds == table.origin.provenance.seeds):
        return row.name
    return f"{row.name} (seeds {', '.join(map(str, row.seeds))})"


def row_cells(row: AblationRow, *, by_class: bool) -> list[str]:
    """UF1, UAR, perhaps F1 by class, difference, interval, p, verdict and parameters."""
    assert row.scores is not None, "asked for finished rows only"
    whole = row.scores[COMPOSITE]
    cells = [score(whole.uf1), score(whole.uar)]
    if by_class:
        cells += [f"{value:.3f}" for value in whole.f1_by_class]
    if row.difference is None or row.p_holm is None:
        cells += ["", "", "", ""]
    else:
        uf1 = row.difference.uf1
        interval = f"{signed(uf1.low)} to {signed(uf1.high)}"
        cells += [signed(uf1.value), interval, f"{row.p_holm:.3f}", row.verdict or ""]
    return [*cells, "–" if row.parameters is None else f"{row.parameters:,}"]


def _by_dataset(table: AblationTable) -> list[str]:
    done = [(row.name, row.scores) for row in table.rows if row.scores is not None]
    datasets = [name for name in done[0][1] if name != COMPOSITE]
    if not datasets:
        return []
    head = ["UF1 / UAR", *(DATASET_NAMES.get(name, name) for name in datasets)]
    lines = ["", "## By data set", "", _line(head), _line(["---", *["---:"] * len(datasets)])]
    for name, scores in done:
        cells = [f"{score(scores[d].uf1)} / {score(scores[d].uar)}" for d in datasets]
        lines.append(_line([name, *cells]))
    return lines


def _unfinished(table: AblationTable) -> list[str]:
    open_rows = [row for row in table.rows if row.scores is None]
    lines = [f"- {r.name}: failed: {r.failed}" for r in open_rows if r.failed]
    waiting = [row.name for row in open_rows if not row.failed]
    if waiting:
        lines.append(f"- not run yet: {', '.join(waiting)}")
    return ["", "## Not finished", "", *lines] if lines else []


def score(found: RowEstimate) -> str:
    """Mean and spread over seeds."""
    return f"{found.mean:.3f}" + ("" if found.sd is None else f" ± {found.sd:.3f}")


def signed(value: float) -> str:
    """Three digits after the point, with a sign."""
    return f"{value:+.3f}".replace("-", "−")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
