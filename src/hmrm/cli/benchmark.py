"""hmrm benchmark: what things cost on this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.terminal import ERR, output_file, print_table, progress_bar

if TYPE_CHECKING:
    from hmrm.evaluation.cost.measure import Efficiency

app = typer.Typer(no_args_is_help=True, help="Measure speed and size.")


@app.callback()
def benchmark() -> None:
    """Measure speed and size."""


@app.command("models")
def models(
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            callback=output_file,
            help="JSON file; figure (SVG) and page (Markdown) go next to it.",
        ),
    ],
    names: Annotated[
        str | None,
        typer.Option("--models", help="Names or configs, commas between; default: all names."),
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option("--run", help="Folder of hmrm evaluate, for UF1 in the figure; repeatable."),
    ] = None,
    allow_code: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Let a config name a model of this module (package.module:factory): runs that "
            "code with your rights; repeatable.",
            show_default=False,
        ),
    ] = None,
    budget_s: Annotated[
        float, typer.Option("--budget", min=0.0, help="Seconds for each median of a time.")
    ] = 1.0,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Parameters, operations, bytes, times of our networks and every baseline, in one run.

    Processor time of one thread. Training: one timed epoch on 435 synthetic maps, times the epochs.
    """
    from hmrm import atomic, records
    from hmrm.evaluation.cost.measure import TRAINING_CLIPS, measure_models, model_names
    from hmrm.evaluation.cost.page import as_markdown, cost_table, read_scores, write_figure

    expected = tuple(names.replace(" ", "").split(",")) if names else model_names()
    scores = read_scores(runs or [], expected, allow_code=allow_code or ())
    with progress_bar(enabled=progress) as bar:
        measured = list(
            measure_models(expected, budget_s=budget_s, allow_code=allow_code or (), progress=bar)
        )
    records.write(output, cost_table(measured, scores=scores, training_clips=TRAINING_CLIPS))
    figure, page = output.with_suffix(".svg"), output.with_suffix(".md")
    write_figure(figure, measured, scores=scores)
    atomic.write_text(page, as_markdown(measured, scores=scores, figure=figure.name))
    _print_table(measured)
    ERR.print(f"written: {output}, {figure}, {page}")


def _print_table(measured: Sequence["Efficiency"]) -> None:
    from hmrm.evaluation.cost.page import costs

    head = ("model", "par./1000", "MFLOP", "in scan", "MB", "ms, 1", "ms, 32", "s/fold")
    rows = []
    for m in measured:
        parameters = "–" if m.parameters is None else f"{m.parameters / 1e3:,.0f}"
        rows.append((m.name, parameters, *costs(m)))
    print_table(head, rows)
