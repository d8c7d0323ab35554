"""hmrm train: weights from data."""

from pathlib import Path
from typing import Annotated

import typer

from hmrm.cli.terminal import OUT, progress_bar

app = typer.Typer(no_args_is_help=True, help="Train weights.")


@app.callback()
def train() -> None:
    """Train weights."""


@app.command("synthetic")
def synthetic(
    settings_file: Annotated[
        Path, typer.Option("--config", help="TOML file, e.g. configs/hmrm-synthetic.toml.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder; a stopped training goes on in it.")
    ],
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw maps.")] = 2,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Train the network on drawn action-unit motion; no real clip is needed or used.

    Stop it with Ctrl-C at any moment; the same command goes on at the last checkpoint and ends
    with the same weights.
    """
    from hmrm import config
    from hmrm.training.synthetic import SyntheticTrainingConfig, train_synthetic

    settings = config.load(SyntheticTrainingConfig, settings_file)
    with progress_bar(enabled=progress) as bar:
        path = train_synthetic(settings, output, workers=workers, progress=bar)
    OUT.print(f"weights: {path} (card: {path.with_suffix('.json').name})")
