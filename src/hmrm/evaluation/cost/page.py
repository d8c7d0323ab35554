"""Costs and scores: JSON, a Markdown page, the paper's figure 6 (parameters against UF1)."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from hmrm import atomic, provenance, reading, records
from hmrm.errors import DataError
from hmrm.evaluation.cost.measure import CONFIG_ENDING, Efficiency, cpu_name
from hmrm.evaluation.results import read_summary
from hmrm.evaluation.settings import PlanTables, load_plan

FIGURE_SIZE_IN = (9.0, 5.5)


@dataclass(frozen=True, kw_only=True)
class Score:
    """A composite UF1 and how the epoch behind it was chosen."""

    uf1: float
    rule: str
    published: bool


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """One model of the table; None where there is no such score."""

    cost: Efficiency = field(metadata=records.INLINE)
    measured_uf1: Score | None
    published_uf1: Score | None


@dataclass(frozen=True, kw_only=True)
class CostTable:
    """What the JSON file of ``hmrm benchmark models`` holds.

    Attributes:
        cpu: name of the processor the times belong to.
        training_clips: clips that a fold trains on.
        flops: how operations are counted.
    """

    benchmark: str
    cpu: str
    threads: int
    training_clips: int
    flops: str
    models: tuple[CostRow, ...]
    provenance: provenance.Stamp


PUBLISHED: dict[str, Score] = {
    "ststnet": Score(uf1=0.7209, rule="fixed", published=True),
    "off-apexnet": Score(uf1=0.703, rule="fixed", published=True),
    "htnet": Score(uf1=0.860, rule="on test", published=True),
    "hmrm-paper": Score(uf1=0.8788, rule="not reported", published=True),
}
"""UF1 on the 442 clips as others printed it, of the models measured here."""


def read_scores(
    runs: Sequence[Path], names: Sequence[str], *, allow_code: Collection[str] = ()
) -> dict[str, Score]:
    """Composite UF1 of finished runs, by name of the measured model whose options they had.

    Args:
        names: as `measure_models` takes them; runs of none of them are excluded.
        allow_code: as `measure_models` takes it.

    Raises:
        ConfigError: a config among the names cannot be read.
        DataError: a folder is not a finished run.
    """
    scores = {}
    titles = {_options(name, allow_code): Path(name).stem for name in names}
    for run in runs:
        summary = read_summary(run)
        if isinstance(summary.config, PlanTables):
            title = titles.get(plan_text(summary.config))
            if title is not None:
                uf1 = summary.composite.uf1.mean
                scores[title] = Score(uf1=uf1, rule=summary.selection, published=False)
    return scores


def _options(name: str, allow_code: Collection[str]) -> str:
    path = Path(name) if name.endswith(CONFIG_ENDING) else None
    plan = load_plan(path, model=None if path else name, allow_code=allow_code)
    return plan_text(plan.tables)


def plan_text(tables: PlanTables) -> str:
    """A plan's model and options as text: alike for the same model, however it is evaluated."""
    return json.dumps(records.to_json(tables.model), sort_keys=True)


def cost_table(
    measured: Sequence[Efficiency], *, scores: Mapping[str, Score], training_clips: int
) -> CostTable:
    """All that was measured, with its origin."""
    return CostTable(
        benchmark="models",
        cpu=cpu_name(),
        threads=1,
        training_clips=training_clips,
        flops="per clip; a multiplication and an addition are two; scans counted",
        models=tuple(
            CostRow(
                cost=found,
                measured_uf1=scores.get(found.name),
                published_uf1=PUBLISHED.get(found.name),
            )
            for found in measured
        ),
        provenance=provenance.make_stamp(seeds=(0,)),
    )


def read_costs(path: Path, *, here: bool = False) -> dict[str, CostRow]:
    """Rows by name of the model, from the JSON file of ``hmrm benchmark models``.

    Args:
        here: refuse times of another processor than this one.

    Raises:
        DataError: it cannot be read, or is of another processor.
    """
    try:
        table = reading.read_json(path)
        for row in table["models"]:
            # JSON has no numbers as keys.
            row["ms_per_clip"] = {int(batch): ms for batch, ms in row["ms_per_clip"].items()}
    except (
        OSError,
        reading.DamagedError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise DataError(f"{path}: {error}; give the file of hmrm benchmark models") from error
    found = records.from_json(CostTable, table, where=str(path))
    if here and found.cpu != cpu_name():
        raise DataError(
            f"{path}: times of {found.cpu}, and this is {cpu_name()}; measure all again"
        )
    return {row.cost.name: row for row in found.models}


def as_markdown(measured: Sequence[Efficiency], *, scores: Mapping[str, Score], figure: str) -> str:
    """The same as a page; ``scores`` measured here, published ones are in ``figure``, its file."""
    lines = [
        "# What models cost",
        "",
        "Written by `hmrm benchmark models`. Per clip of 28 × 28 values (larger ones: their",
        "authors' networks, counted alone); a multiplication and an addition are two operations,",
        "scans counted. Processor time of one thread, medians; a fold trains on 435 clips.",
        f"Processor: {cpu_name()}.",
        "",
        "| model | parameters | MFLOP | of it scan | weights, MB | ms a clip, alone | of 32 | "
        "s a fold | UF1 here |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for found in measured:
        score = scores.get(found.name)
        cells = [
            found.name,
            "–" if found.parameters is None else f"{found.parameters:,}",
            *costs(found),
            "–" if score is None else f"{score.uf1:.3f} ({score.rule})",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"![Parameters against UF1]({figure})"]
    return "\n".join([*lines, ""])


def costs(found: Efficiency) -> list[str]:
    """MFLOP, those of scans, MB, ms per clip by batch size, s per fold; – where there is none."""
    values = [
        None if found.flops is None else found.flops / 1e6,
        found.scan_flops / 1e6 if found.scan_flops else None,
        found.weights_mb,
        *found.ms_per_clip.values(),
        found.training_s_per_fold,
    ]
    return ["–" if value is None else _short(value) for value in values]


def _short(value: float) -> str:
    """At most two decimals, fewer for large values."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.2g}" if value < 1 else f"{value:.3g}"


def write_figure(
    path: Path, measured: Sequence[Efficiency], *, scores: Mapping[str, Score]
) -> None:
    """Draw parameters (log) against UF1 as SVG; a bubble's area shows its operations per clip.

    Filled bubbles are measured here, hollow ones published, with the rule that chose the epoch.
    Models without any score are skipped.

    Raises:
        OutputError: the file cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A fixed salt and no date: the same numbers draw the same bytes.
    with rc_context({"svg.hashsalt": "hmrm", "svg.fonttype": "none"}):
        figure = Figure(figsize=FIGURE_SIZE_IN, layout="constrained")
        axes = figure.add_subplot()
        for found in measured:
            for score in (scores.get(found.name), PUBLISHED.get(found.name)):
                if score is not None and found.parameters:
                    _bubble(axes, found, score)
        axes.set_xscale("log")
        axes.set_xlabel("parameters")
        axes.set_ylabel("UF1, composite of 442 clips")
        axes.set_title("Filled: measured here; hollow: published. Area: operations per clip (log)")
        axes.margins(0.12)
        axes.grid(alpha=0.3)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    atomic.write_text(path, text.getvalue())


def _bubble(axes: Any, found: Efficiency, score: Score) -> None:
    import numpy as np

    assert found.parameters is not None
    # Operations span five powers of ten, so area grows with their logarithm.
    area = 30 + 60 * max(0.0, float(np.log10((found.flops or 1) / 1e4)))
    colour = "tab:red" if found.name.startswith("hmrm") else "tab:blue"
    axes.scatter(
        [found.parameters],
        [score.uf1],
        s=area,
        facecolors="none" if score.published else colour,
        edgecolors=colour,
        alpha=0.75,
    )
    words = f"{found.name} (published, {score.rule})" if score.published else found.name
    axes.annotate(
        words,
        (found.parameters, score.uf1),
        textcoords="offset points",
        xytext=(0, 4 + area**0.5 / 2),
        ha="center",
        fontsize=8,
    )
