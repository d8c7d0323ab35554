"""--workers, --shard and --engine on the command line: what fits together, and what is printed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.errors import ConfigError
from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made = synthesize_maps(subjects=2, clips=3, noise=0.5, generator=np.random.default_rng(0))
    write_layout(Path("maps"), made, layout="prepared")
    return tmp_path


EVALUATE = ("evaluate", "--data", "maps", "--model", "svm-linear", "--folds", 4, "-o", "run")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*EVALUATE, "--shard", "1/2", "--engine", "tcp://host:1"), "give --shard or --engine"),
        ((*EVALUATE, "--shard", "3/2"), "from 1/8 to 8/8"),
        ((*EVALUATE, "--engine", "host:8786"), "tcp://HOST:PORT"),
        ((*EVALUATE, "--engine", "tcp://host:1", "--workers", 2), "--workers is for"),
        (("evaluate", "--predictions", "x.csv", "--shard", "1/2"), "divide the training"),
        (("analyze", "clip.mp4", "--shard", "1/2"), "one video is one task"),
        (("analyze", "clip.mp4", "--engine", "tcp://host:1"), "one video is one task"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_any_work(
    folder: Path, words: tuple[object, ...], message: str
) -> None:
    Path("clip.mp4").touch()
    result = run(*words)
    assert isinstance(result.exception, ConfigError)
    assert message in str(result.exception)
    assert not Path("run").exists() and not Path("run.shards").exists()


def test_parts_are_told_how_to_be_joined_and_are(folder: Path) -> None:
    for part in ("1/2", "2/2"):
        result = run(*EVALUATE, "--shard", part)
        assert result.exit_code == 0, result.output
        assert f"part {part[0]} of 2: 2 folds in {folder / 'run.shards'}" in result.stdout
        assert "the same command without --shard" in result.stdout
    joined = run(*EVALUATE)
    assert joined.exit_code == 0, joined.output
    assert "4 of 4 folds are in run already" in joined.output
    shutil.rmtree("run.shards")
    assert run(*EVALUATE).exit_code == 0, "what was joined does not need its parts"
