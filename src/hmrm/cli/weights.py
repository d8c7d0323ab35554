"""hmrm weights: weight files for installations without torch."""

from pathlib import Path
from typing import Annotated

import typer

from hmrm.cli.terminal import OUT, output_folder

app = typer.Typer(no_args_is_help=True, help="Weight files: export and calibration.")


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

    Needs the extra torch itself: a file is written once OpenCV gives torch's answers. It carries
    the digest of its weights, so that a file that belongs to others is noticed.
    """
    from hmrm.deploy.export import export_weights

    for name in weights:
        done = export_weights(name, output)
        OUT.print(f"{', '.join(map(str, done.paths))}: within {done.difference:.1g} of torch")


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

    Writes NAME.calibration.json next to the weights, which analyze reads with them.
    """
    from hmrm.evaluation.calibrate_weights import calibrate_weights

    OUT.print(f"{calibrate_weights(weights, run)}")
