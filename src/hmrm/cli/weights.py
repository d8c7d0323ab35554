"""hmrm weights: weight files for installations without torch."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from jaxtyping import Float

from hmrm.cli.terminal import OUT, output_file, output_folder, progress_bar
from hmrm.datasets.maps.importers import load_maps
from hmrm.errors import MissingExtraError

app = typer.Typer(
    no_args_is_help=True, help="Weight files: export, calibration, checkpoints of others."
)


def _folder(path: Path | None) -> Path | None:
    return None if path is None else output_folder(path)


@app.callback()
def _group() -> None:
    """Commands on weight files."""


@app.command()
def export(
    weights: Annotated[
        list[str],
        typer.Argument(
            help="Shipped names, mtcnn among them, or .safetensors files with their .json.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            callback=_folder,
            help="Folder for the files; without it next to the weights.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write weights as ONNX files, which analyze runs through OpenCV without torch.

    Example: hmrm weights export my.safetensors

    Needs the extra torch itself: a file is written once OpenCV gives torch's answers. It carries
    the digest of its weights, so that a file that belongs to others is noticed.
    """
    from hmrm.deploy.export import export_weights

    for name in weights:
        done = export_weights(name, output)
        OUT.print(f"{', '.join(map(str, done.paths))}: within {done.difference:.1g} of torch")


@app.command()
def raft(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            help="A published .pth file of RAFT or RAFT-small: torchvision's, or the authors'.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", callback=output_file, help="A .safetensors file to write."),
    ],
) -> None:
    """Convert a checkpoint of RAFT for the flow method raft:FILE.

    Example: hmrm weights raft raft_small.pth -o raft-small.safetensors

    Tensors alone are read (no object in the file is made), each is matched by its name, and the
    card states the checkpoint's digest. Nothing is downloaded.
    """
    try:
        from hmrm.flow.raft.checkpoint import convert_checkpoint
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"weights raft: needs {error.name}; install hmrm[torch]") from error
    card = convert_checkpoint(checkpoint, output)
    OUT.print(f"{output}: RAFT {card.config.size}; use it as --method raft:{output}")


@app.command()
def calibrate(
    weights: Annotated[
        str,
        typer.Argument(help="A shipped name, or a .safetensors file.", show_default=False),
    ],
    run: Annotated[
        Path,
        typer.Option(
            "--run",
            help="Finished run of the same model, whose scores never saw their subject.",
            show_default=False,
        ),
    ],
) -> None:
    """Fit calibrated probabilities and class sets on a run's out-of-fold scores.

    Example: hmrm weights calibrate my.safetensors --run runs/own

    Writes NAME.calibration.json next to the weights, which analyze reads with them.
    """
    from hmrm.evaluation.calibrate_weights import calibrate_weights

    OUT.print(f"{calibrate_weights(weights, run)}")


@app.command()
def novelty(
    weights: Annotated[
        str,
        typer.Argument(help="A shipped name, or a .safetensors file.", show_default=False),
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data", help="Folder of flow maps of at least ten subjects.", show_default=False
        ),
    ],
    synthetic: Annotated[
        Path | None,
        typer.Option(
            "--synthetic",
            help="TOML file of hmrm train synthetic: learn from its maps; DATA sets the threshold "
            "alone.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        Path,
        typer.Option("--run", callback=output_folder, help="Keeps the maps of --synthetic."),
    ] = Path("runs/novelty"),
) -> None:
    """Fit the flag unlike_training: which maps look like no map of a face in training.

    Example: hmrm weights novelty my.safetensors --data maps

    Small networks learn to distinguish maps of faces from maps made wrong on purpose. Writes
    NAME.novelty.npz next to the weights, which analyze reads with them, and prints what it
    catches on subjects that it was not fitted on. Takes some minutes.
    """
    try:
        from hmrm.training.novelty import fit_novelty, write_novelty
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"weights novelty: needs {error.name}; install hmrm[research]"
        ) from error
    from hmrm.model.novelty import novelty_path
    from hmrm.model.weight_card import weights_path

    path = novelty_path(weights_path(weights))
    flows = None if synthetic is None else _synthetic_flows(synthetic, run)
    fitted, measured = fit_novelty(load_maps(data), synthetic=flows)
    write_novelty(path, fitted)
    OUT.print(f"{measured.clips} clips of {measured.subjects} subjects, none seen in its own fit:")
    OUT.print(f"  false alarms: {measured.false_alarms:.1%}")
    for name, caught in measured.caught.items():
        OUT.print(f"  {name}: {caught:.0%} caught")
    OUT.print(f"{path}")


def _synthetic_flows(settings_file: Path, run: Path) -> Float[np.ndarray, "n 2 28 28"]:
    try:
        from hmrm.training.synthetic import SyntheticTrainingConfig, synthesize_pool
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"weights novelty --synthetic: needs {error.name}; install hmrm[torch]"
        ) from error
    from hmrm import config

    settings = config.load(SyntheticTrainingConfig, settings_file)
    run.mkdir(parents=True, exist_ok=True)
    with progress_bar(enabled=True) as bar:
        pool = synthesize_pool(settings, run, held_out=False, workers=2, progress=bar)
    return np.asarray(pool.maps[:, :2], dtype=np.float64)
