"""hmrm info: versions, backends, weights and licences of this installation."""

import importlib.util
from importlib import metadata, resources

from rich.markup import escape
from rich.table import Table

from hmrm import provenance
from hmrm.cli.terminal import OUT

OPTIONAL = {
    "torch": ("torch", "training, evaluation, gru-aofe"),
    "safetensors": ("safetensors", "weight files"),
    "scikit-learn": ("sklearn", "SVM baselines, feature maps in reports"),
    "dlib-bin": ("dlib", "68-point landmarks"),
}


def info() -> None:
    """Versions, optional parts, backends, models, shipped weights and licences."""
    commit = provenance.commit()
    OUT.print(f"hmrm {provenance.version()}" + (f" (commit {commit})" if commit else ""))
    OUT.print(_packages())
    OUT.print(_backends())
    OUT.print(_models())
    OUT.print(_weights())
    OUT.print("Licence: Apache-2.0; third-party notices are in NOTICE.")


def _packages() -> Table:
    table = Table("package", "version", "for", title="Packages", title_justify="left")
    for requirement in ("numpy", "opencv-contrib-python-headless", "av"):
        table.add_row(requirement, metadata.version(requirement), "always")
    for name, (module, purpose) in OPTIONAL.items():
        found = importlib.util.find_spec(module) is not None
        table.add_row(name, metadata.version(name) if found else "not installed", purpose)
    return table


def _backends() -> Table:
    from hmrm.flow.estimate import ESTIMATORS

    table = Table("part", "active", title="Backends", title_justify="left")
    table.add_row("optical flow", ", ".join(sorted(ESTIMATORS)))
    if importlib.util.find_spec("torch") is None:
        table.add_row("computing", escape("OpenCV alone; hmrm[torch] trains and evaluates"))
        return table
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    table.add_row("computing", f"torch on {device}")
    from hmrm.model.scan import scan_backend

    scan = scan_backend()
    table.add_row("selective scan", f"{scan.name}: {scan.reason}")
    if torch.cuda.is_available():
        scan = scan_backend(torch.device("cuda", torch.cuda.current_device()))
        table.add_row("selective scan on CUDA", f"{scan.name}: {scan.reason}")
    return table


def _models() -> Table:
    from hmrm.training.registry import MODELS

    table = Table("model", "what it is", "needs", title="Models", title_justify="left")
    for name, model in MODELS.items():
        only = "" if model.recogniser is not None else " (size and speed only)"
        needs = escape(f"hmrm[{model.needs}]")
        table.add_row(name, model.description + only, needs)
    return table


def _weights() -> Table:
    table = Table("weights", "size", "card", title="Weights in the package", title_justify="left")
    folder = resources.files("hmrm").joinpath("weights")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".safetensors"):
            name = file.name.removesuffix(".safetensors")
            card = folder.joinpath(f"{name}.md")
            first = card.read_text("utf-8").splitlines()[0].lstrip("# ") if card.is_file() else ""
            table.add_row(name, f"{len(file.read_bytes()) / 1e6:.1f} MB", first)
    return table
