"""hmrm info: versions, backends, weights and licences of this installation."""

import importlib.util
import json
import re
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
    _print_part(
        "Weights in the package", ("weights", "size", "what they are", "licence"), _weights()
    )
    OUT.print("\nLicence of the code: Apache-2.0; third-party notices are in NOTICE.")


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

    has_torch = importlib.util.find_spec("torch") is not None
    methods = [name for name in sorted(ESTIMATORS) if has_torch or not name.startswith("gru-aofe")]
    more = "" if has_torch else "; gru-aofe and gru-aofe-fast with hmrm[torch]"
    yield "optical flow", ", ".join(methods) + more
    if not has_torch:
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
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    for card in files:
        if not card.name.endswith(".md"):
            continue
        name, text = card.name.removesuffix(".md"), card.read_text("utf-8")
        own = [f for f in files if re.match(rf"{re.escape(name)}[.-]", f.name) and f != card]
        size = sum(len(file.read_bytes()) for file in own) / 1e6
        title = re.search(r"^# (.*)$", text, re.MULTILINE)
        # Where a licence is no common one, its name follows.
        named = re.findall(r"^license(?:_name)?: (.*)$", text, re.MULTILINE)
        yield name, f"{size:.1f} MB", title[1] if title else "", named[-1] if named else ""


_PARTS = {"packages": _packages, "backends": _backends, "models": _models, "weights": _weights}
