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
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Earlier JSON file of the same processor: its rows stay, but for those measured "
            "now.",
            show_default=False,
        ),
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
    """Count parameters, operations and bytes of every model, and measure their times.

    Example: hmrm benchmark models --models svm-linear -o costs.json

    Processor time of one thread. Training: one timed epoch on 435 synthetic maps, times the epochs.
    """
    from hmrm import atomic, records
    from hmrm.evaluation.cost.measure import TRAINING_CLIPS, measure_models, model_names
    from hmrm.evaluation.cost.page import (
        as_markdown,
        cost_table,
        read_costs,
        read_scores,
        write_figure,
    )

    expected = tuple(names.replace(" ", "").split(",")) if names else model_names()
    kept = read_costs(keep, here=True) if keep is not None else {}
    scores = {name: row.measured_uf1 for name, row in kept.items() if row.measured_uf1}
    scores |= read_scores(runs or [], expected, allow_code=allow_code or ())
    with progress_bar(enabled=progress) as bar:
        found = measure_models(
            expected, budget_s=budget_s, allow_code=allow_code or (), progress=bar
        )
        costs = {name: row.cost for name, row in kept.items()}
        costs |= {one.name: one for one in found}
    known = model_names()
    order = sorted(costs, key=lambda name: known.index(name) if name in known else len(known))
    measured = [costs[name] for name in order]
    records.write(output, cost_table(measured, scores=scores, training_clips=TRAINING_CLIPS))
    figure, page = output.with_suffix(".svg"), output.with_suffix(".md")
    write_figure(figure, measured, scores=scores)
    atomic.write_text(page, as_markdown(measured, scores=scores, figure=figure.name))
    _print_table(measured)
    ERR.print(f"written: {output}, {figure}, {page}")


@app.command("systems")
def systems(
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            callback=output_file,
            help="Page to write (.md); its figure (SVG) goes next to it.",
        ),
    ],
    costs: Annotated[
        Path, typer.Option(help="JSON file of hmrm benchmark models.", show_default=False)
    ],
    runs: Annotated[
        list[Path] | None,
        typer.Option("--run", help="Folder of hmrm evaluate; repeatable."),
    ] = None,
) -> None:
    """Write one table of every system that the paper names: scores, costs, published numbers.

    Example: hmrm benchmark systems --costs models.json --run runs/svm -o systems.md

    Reduced networks and re-creations stand apart, without a published number next to them. Run it
    where the folder configs/ lies: systems of ours are known by their config.
    """
    from hmrm import atomic
    from hmrm.evaluation.cost.page import read_costs
    from hmrm.evaluation.cost.systems import system_lines, systems_page, write_systems_figure

    lines = system_lines(runs or [], read_costs(costs))
    figure = output.with_suffix(".svg")
    write_systems_figure(figure, lines)
    atomic.write_text(output, systems_page(lines, figure=figure.name))
    ERR.print(f"written: {output}, {figure}")


def _print_table(measured: Sequence["Efficiency"]) -> None:
    from hmrm.evaluation.cost.page import costs

    head = ("model", "par./1000", "MFLOP", "in scan", "MB", "ms, 1", "ms, 32", "s/fold")
    rows = []
    for m in measured:
        parameters = "–" if m.parameters is None else f"{m.parameters / 1e3:,.0f}"
        rows.append((m.name, parameters, *costs(m)))
    print_table(head, rows)
