"""The tutorial, executed from top to bottom in an empty folder."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
STEPS = re.findall(r"```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)
FILE_NAME = re.compile(r"# (\S+\.(?:toml|py))\n")


def run(words, folder):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("tutorial")
    for kind, text in STEPS:
        named = FILE_NAME.match(text)
        if named:
            (folder / named[1]).write_text(text)
        elif kind == "python":
            run([sys.executable, "-c", text], folder)
        else:
            assert kind == "sh"
            for line in text.strip().splitlines():
                words = shlex.split(line)
                assert words[0] == "hmrm"
                run([sys.executable, "-m", "hmrm", *words[1:]], folder)
    return folder


@pytest.mark.slow
def test_every_step_leaves_what_the_text_promises(folder):
    for name in ("svm", "ststnet", "mine", "oracle", "linear", "external"):
        assert (folder / f"runs/{name}/run.json").exists(), name
    page = (folder / "report/report.html").read_text()
    for words in ("svm-mirrored", "region_means:RegionMeans", "ststnet, oracle", "permuted"):
        assert words in page


@pytest.mark.slow
def test_the_external_table_gives_the_same_scores(folder):
    texts = [(folder / f"runs/{n}/predictions/seed0.csv").read_text() for n in ("svm", "external")]
    assert texts[0] == texts[1]


def test_the_model_of_ones_own_is_the_example():
    (shown,) = [t for _, t in STEPS if t.startswith("# region_means.py\n")]
    example = (ROOT / "examples/region_means.py").read_text(encoding="utf-8")
    assert shown.removeprefix("# region_means.py\n") == example


def test_files_that_the_tutorial_links_to_exist():
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (ROOT / "docs" / target).exists(), target
