"""A light installation, without torch and scikit-learn, imports all that does not need them.

What analyses a video and shows it imports no torch even where it is installed.
"""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from hmrm.model.weight_card import SHIPPED
from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video

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
    "hmrm.analysis.export.formats",
    "hmrm.analysis.export.video",
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

FORBID = (
    "import sys\n"
    "class Forbidden:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name.split('.')[0] in {'torch', 'safetensors', 'einops', 'sklearn', 'onnx'}:\n"
    "            raise RuntimeError(f'{name} is imported')\n"
    "sys.meta_path.insert(0, Forbidden())\n"
)
"""No ImportError, which the code under test could catch."""


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


def without_torch(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", FORBID + program], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(*words: str) -> str:
    return f"sys.argv = ['hmrm', *{words!r}]\nfrom hmrm.cli.main import main\nmain()\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of the demo: its smile."""
    folder = tmp_path_factory.mktemp("light")
    clip = demo_clip()
    write_video(folder / "smile.mp4", (clip.frame(i).image for i in range(110, 270)), 100.0)
    return folder


def test_the_rule_forbids_torch(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="torch is imported"):
        without_torch("import torch", tmp_path)


def test_import_hmrm_and_its_names(tmp_path: Path) -> None:
    program = "import hmrm\nprint(hmrm.analyze, hmrm.estimate_flow, hmrm.evaluate, hmrm.load_maps)"
    assert "function" in without_torch(program, tmp_path)


@pytest.mark.parametrize("detector", ["blazeface", "mtcnn"])
def test_analyze_finds_and_classifies_a_smile(detector: str, folder: Path) -> None:
    words = ("analyze", "smile.mp4", "-o", detector, "--detector", detector, "--no-progress")
    said = without_torch(command(*words), folder)
    assert any(region in said for region in ("mouth corner", "cheek")) and "positive" in said
    assert {file.name for file in (folder / detector).iterdir()} >= {
        "analysis.json",
        "events.csv",
        "frames.csv",
        "report.html",
    }


def test_analyze_of_two_images(tmp_path: Path) -> None:
    program = (
        "from hmrm import analyze\n"
        "from hmrm.synthetic.demo import demo_clip\n"
        "clip = demo_clip()\n"
        "found = analyze([clip.frame(180).image, clip.frame(195).image])\n"
        "print(found.events[0].label)\n"
    )
    assert without_torch(program, tmp_path) == "positive\n"


def test_spot(folder: Path) -> None:
    said = without_torch(command("spot", "smile.mp4", "-o", "spotted", "--no-progress"), folder)
    assert said
    assert (folder / "spotted" / "spotting.csv").is_file()


def test_report(tmp_path: Path) -> None:
    runs = Path(__file__).parents[2] / "results" / "svm-mirrored"
    without_torch(command("report", str(runs), "-o", "page"), tmp_path)
    assert (tmp_path / "page" / "report.md").is_file()


@pytest.mark.slow
def test_demo(tmp_path: Path) -> None:
    said = without_torch(command("demo", "-o", "out", "--no-progress"), tmp_path)
    assert "overlap" in said and "positive" in said


def test_weights_that_were_not_exported_name_the_extra_and_the_export(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".json"):
        content = (SHIPPED / f"hmrm-synthetic{suffix}").read_bytes()
        (tmp_path / f"mine{suffix}").write_bytes(content)
    program = "from hmrm.analysis.classify import NetworkClassifier\nNetworkClassifier('mine')\n"
    done = subprocess.run(
        [sys.executable, "-c", BLOCK + program], cwd=tmp_path, capture_output=True, text=True
    )
    last = done.stderr.splitlines()[-1]
    assert "MissingExtraError" in last and "pip install 'hmrm[torch]'" in last
    assert "hmrm weights export mine.safetensors" in last


def test_gru_aofe_names_the_extra(tmp_path: Path) -> None:
    program = (
        "import numpy as np\nfrom hmrm import estimate_flow\n"
        "x = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)\n"
        "estimate_flow(x, x.T.copy(), method='gru-aofe')\n"
    )
    done = subprocess.run([sys.executable, "-c", BLOCK + program], capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert "MissingExtraError" in last and "hmrm[torch]" in last


@pytest.mark.parametrize("arguments", [("--help",), ("analyze", "nothing.mp4")])
def test_help_and_a_missing_file_import_nothing_large(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """What makes them quick; how quick, ``make bench`` measures."""
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n" + command(*arguments)
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == (0 if arguments == ("--help",) else 3)
    loaded = {name.split(".")[0] for name in done.stderr.splitlines()[-1].split()}
    large = {"torch", "sklearn", "scipy", "pandas", "distributed", "starlette"}
    large |= {"av", "matplotlib", "jinja2"} if arguments == ("--help",) else set()
    assert loaded & large == set()
