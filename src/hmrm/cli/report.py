"""hmrm report: one page over one or several runs."""

from pathlib import Path
from typing import Annotated

import typer

from hmrm.cli.terminal import OUT, output_folder


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of finished runs.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder to write.")
    ] = Path("hmrm-report"),
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of flow maps, to draw the hard clips.", show_default=False),
    ] = None,
    emotions: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="CSV with the columns id (dataset/subject/clip), emotion and action_units, one of "
            "the two at least: also write how often each is classified wrongly.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Put runs next to each other and to the published numbers: HTML, Markdown, JSON.

    Example: hmrm report runs/svm runs/zero-shot -o report
    """
    from hmrm.datasets.maps.importers import load_maps
    from hmrm.evaluation.report.pages import write_report

    mapset = load_maps(data) if data is not None else None
    page = write_report(runs, output, mapset=mapset, emotions=emotions)
    OUT.print(f"{len(runs)} run{'s' if len(runs) > 1 else ''}: {page}")
