"""A light installation, without torch and scikit-learn, imports all that does not need them."""

import subprocess
import sys
from importlib import metadata

import pytest

LIGHT = (
    "hmrm",
    "hmrm.video.reader",
    "hmrm.flow.classical",
    "hmrm.flow.strain",
    "hmrm.faces.align",
    "hmrm.facs.atlas",
    "hmrm.datasets.maps.importers",
    "hmrm.synthetic.datasets.catalogue",
    "hmrm.datasets.preparation.run",
    "hmrm.evaluation.metrics",
    "hmrm.spotting.fusion",
    "hmrm.analysis.saved",
    "hmrm.analysis.report",
    "hmrm.web.app",
    "hmrm.web.worker",
    "hmrm.cli.main",
)
BLOCK = (
    "import sys\n"
    "for name in ('torch', 'sklearn', 'torchvision', 'torchaudio'):\n"
    "    sys.modules[name] = None\n"
)


@pytest.mark.parametrize("module", LIGHT)
def test_imports_without_torch(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{BLOCK}import {module}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_torchvision_and_no_stray_cuda_packages() -> None:
    import torch

    names = {(d.metadata["Name"] or "").lower() for d in metadata.distributions()}
    assert not names & {"torchvision", "torchaudio"}
    if torch.version.cuda is None:
        assert not {n for n in names if n.startswith("nvidia-")}
