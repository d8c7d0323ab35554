"""hmrm train: weights from data."""

from pathlib import Path
from typing import Annotated

import typer

from hmrm.cli.terminal import OUT, output_folder, progress_bar

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
        Path,
        typer.Option(
            "-o",
            "--output",
            callback=output_folder,
            help="Folder; a stopped training goes on in it.",
        ),
    ],
    workers: Annotated[int, typer.Option(min=1, help="Processes that synthesize maps.")] = 2,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Train the network on synthetic action-unit motion; no real clip is needed or used.

    Example: hmrm train synthetic --config configs/hmrm-synthetic.toml -o runs/synthetic

    A table [estimated] in the config has flow estimated between rendered images.

    Stop it with Ctrl-C at any moment; the same command goes on at the last checkpoint and ends
    with the same weights.
    """
    from hmrm import config
    from hmrm.training.synthetic import SyntheticTrainingConfig, train_synthetic

    settings = config.load(SyntheticTrainingConfig, settings_file)
    with progress_bar(enabled=progress) as bar:
        path = train_synthetic(settings, output, workers=workers, progress=bar)
    OUT.print(f"weights: {path} (card: {path.with_suffix('.json').name})")


@app.command("flow")
def flow(
    settings_file: Annotated[
        Path, typer.Option("--config", help="TOML file, e.g. configs/gru-aofe.toml.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            callback=output_folder,
            help="Folder; a stopped training goes on in it.",
        ),
    ],
    workers: Annotated[int, typer.Option(min=1, help="Processes that synthesize pairs.")] = 2,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Train the optical flow network on synthetic pairs; no photograph is needed or used.

    Example: hmrm train flow --config configs/gru-aofe-short.toml -o runs/flow

    A table [raft] in the config trains RAFT or RAFT-small instead, in the same way.

    Stop it with Ctrl-C at any moment; the same command goes on at the last checkpoint and ends
    with the same weights. validation.json in the folder shows how far it is.
    """
    from hmrm import config
    from hmrm.training.flow.loop import FlowTrainingConfig, train_flow

    settings = config.load(FlowTrainingConfig, settings_file)
    with progress_bar(enabled=progress) as bar:
        path = train_flow(settings, output, workers=workers, progress=bar)
    OUT.print(f"weights: {path} (card: {path.with_suffix('.json').name})")


@app.command("composite")
def composite(
    data: Annotated[Path, typer.Option(help="Folder of flow maps; all its clips are used.")],
    settings_file: Annotated[
        Path,
        typer.Option("--config", help="TOML file of hmrm evaluate; its table model is trained."),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder for the weights.")
    ],
    allow_code: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Let the config name a model of this module (package.module:factory): runs that "
            "code with your rights; repeatable.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the training.")] = 0,
    run: Annotated[
        Path | None,
        typer.Option(
            help="Folder of hmrm evaluate with the same config and clips; its scores go into the "
            "card.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train on all clips of a data set, for use on other subjects.

    Example: hmrm train composite --data maps --config configs/hmrm-frozen-linear.toml -o runs/own

    No score of these weights on these clips means anything: the card names every subject seen,
    and scoring them is refused.
    """
    from hmrm import parallel
    from hmrm.datasets.maps.importers import load_maps
    from hmrm.evaluation.out_of_fold import out_of_fold
    from hmrm.evaluation.settings import load_plan
    from hmrm.training.registry import find_recogniser
    from hmrm.training.release import train_composite

    parallel.single_thread()
    plan = load_plan(settings_file, allow_code=allow_code or ())
    maps = load_maps(data, offset=plan.settings.offset_maps)
    found = None if run is None else out_of_fold(run, plan, maps)
    recogniser = find_recogniser(plan.model, plan.options)
    path = train_composite(maps, recogniser, output, seed=seed, out_of_fold=found)
    OUT.print(f"weights: {path} (card: {path.with_suffix('.json').name})")
