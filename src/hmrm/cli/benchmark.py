"""hmrm benchmark: what things cost on this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.terminal import ERR, OUT, progress_bar

if TYPE_CHECKING:
    from hmrm.evaluation.efficiency import Efficiency

app = typer.Typer(no_args_is_help=True, help="Measure speed and size.")


@app.callback()
def benchmark() -> None:
    """Measure speed and size."""


@app.command("models")
def models(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="JSON file; the figure goes beside it as SVG.")
    ],
    names: Annotated[
        str | None,
        typer.Option("--models", help="Names or configs, commas between; default: all names."),
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option("--run", help="Folder of hmrm evaluate, for UF1 in the figure; repeatable."),
    ] = None,
    budget_s: Annotated[
        float, typer.Option("--budget", min=0.0, help="Seconds for each median of a time.")
    ] = 1.0,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Parameters, operations, bytes, times of our networks and every peer, in one run.

    Processor time of one thread. Training: one timed epoch on 435 drawn maps, times the epochs.
    """
    from hmrm import atomic
    from hmrm.evaluation.efficiency import TRAINING_CLIPS, measure_models, model_names
    from hmrm.evaluation.efficiency_report import as_json, read_scores, write_figure

    wanted = tuple(names.replace(" ", "").split(",")) if names else model_names()
    scores = read_scores(runs or [])
    with progress_bar(enabled=progress) as bar:
        measured = list(measure_models(wanted, budget_s=budget_s, progress=bar))
    atomic.write_text(output, as_json(measured, scores=scores, training_clips=TRAINING_CLIPS))
    figure = output.with_suffix(".svg")
    write_figure(figure, measured, scores=scores)
    _print_table(measured)
    ERR.print(f"written: {output}, {figure}", markup=False)


def _print_table(measured: Sequence["Efficiency"]) -> None:
    from rich import box
    from rich.table import Table

    headings = ("parameters", "MFLOP", "of it scan", "MB", "ms, 1", "ms, 32", "s/fold")
    table = Table("model", *headings, box=box.SIMPLE, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for m in measured:
        table.add_row(
            m.name,
            _number(m.parameters, ","),
            _number(m.flops, ".4g", 1e-6),
            _number(m.scan_flops or None, ".4g", 1e-6),
            _number(m.weights_mb, ".3g"),
            *(_number(ms, ".3g") for ms in m.ms_per_clip.values()),
            _number(m.training_s_per_fold, ".3g"),
        )
    OUT.print(table)


def _number(value: float | int | None, form: str, factor: float | None = None) -> str:
    return "–" if value is None else format(value if factor is None else value * factor, form)
