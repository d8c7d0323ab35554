"""hmrm info: versions, backends, weights and licences of this installation."""

import importlib.util
import json
from collections.abc import Iterator, Sequence
from importlib import metadata, resources
from typing import Annotated

import typer

from hmrm import provenance
from hmrm.cli.terminal import OUT, print_table

Rows = Iterator[tuple[str, ...]]

OPTIONAL = {
    "torch": ("torch", "training, evaluation, gru-aofe"),
    "safetensors": ("safetensors", "weight files"),
    "scikit-learn": ("sklearn", "SVM baselines, feature maps in reports"),
    "dlib-bin": ("dlib", "68-point landmarks"),
}


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show versions, optional parts, backends, models, shipped weights and licences.

    Example: hmrm info
    """
    if as_json:
        table = {name: list(rows()) for name, rows in _PARTS.items()}
        stated = {"hmrm": provenance.version(), "commit": provenance.commit(), **table}
        OUT.print(json.dumps(stated, indent=1, ensure_ascii=False))
        return
    commit = provenance.commit()
    OUT.print(f"hmrm {provenance.version()}" + (f" (commit {commit})" if commit else ""))
    _print_part("Packages", ("package", "version", "for"), _packages())
    _print_part("Backends", ("part", "active"), _backends())
    _print_part("Models", ("model", "what it is", "needs"), _models())
    _print_part("Weights in the package", ("weights", "size", "card"), _weights())
    OUT.print("\nLicence: Apache-2.0; third-party notices are in NOTICE.")


def _print_part(title: str, head: Sequence[str], rows: Rows) -> None:
    OUT.emphasise(title, before="\n")
    print_table(head, list(rows), left=len(head))


def _packages() -> Rows:
    for requirement in ("numpy", "opencv-contrib-python-headless", "av"):
        yield requirement, metadata.version(requirement), "always"
    for name, (module, purpose) in OPTIONAL.items():
        found = importlib.util.find_spec(module) is not None
        yield name, metadata.version(name) if found else "not installed", purpose


def _backends() -> Rows:
    from hmrm.flow.estimate import ESTIMATORS

    yield "optical flow", ", ".join(sorted(ESTIMATORS))
    if importlib.util.find_spec("torch") is None:
        yield "computing", "OpenCV alone; hmrm[torch] trains and evaluates"
        return
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    yield "computing", f"torch on {device}"
    from hmrm.model.scan import scan_backend

    scan = scan_backend()
    yield "selective scan", f"{scan.name}: {scan.reason}"
    if torch.cuda.is_available():
        scan = scan_backend(torch.device("cuda", torch.cuda.current_device()))
        yield "selective scan on CUDA", f"{scan.name}: {scan.reason}"


def _models() -> Rows:
    from hmrm.training.registry import MODELS

    for name, model in MODELS.items():
        only = "" if model.recogniser is not None else " (size and speed only)"
        yield name, model.description + only, f"hmrm[{model.needs}]"


def _weights() -> Rows:
    folder = resources.files("hmrm").joinpath("weights")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".safetensors"):
            name = file.name.removesuffix(".safetensors")
            card = folder.joinpath(f"{name}.md")
            lines = card.read_text("utf-8").splitlines() if card.is_file() else []
            title = next((line[2:] for line in lines if line.startswith("# ")), "")
            yield name, f"{len(file.read_bytes()) / 1e6:.1f} MB", title


_PARTS = {"packages": _packages, "backends": _backends, "models": _models, "weights": _weights}
