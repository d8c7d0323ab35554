"""Models on frames, from a raw data set to a score, on a synthetic composite of a few subjects."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.training.registry import MODELS

ON_FRAMES = [name for name, model in MODELS.items() if model.reads == "frames"]


def call(*arguments) -> None:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data, maps = (tmp_path_factory.mktemp(name) for name in ("data", "maps"))
    call("datasets", "synthesize", "composite", "-o", data, "--subjects", 1)
    call(
        *("datasets", "prepare", "composite", data, "-o", maps, "--flow", "farneback"),
        *("--faces", data / "faces.csv", "--frames", "--no-progress"),
    )
    return maps


def test_every_model_on_frames_is_tried_here() -> None:
    assert len(ON_FRAMES) == 7


# One of them is quick; all together take a minute.
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n == "stlbp-ip" else [pytest.mark.slow]) for n in ON_FRAMES],
)
def test_a_model_on_frames_is_evaluated_like_any_other(
    name: str, prepared: Path, tmp_path: Path
) -> None:
    options = "" if MODELS[name].network is None else "epochs = 1\n"
    if name == "geme-recreation":
        (tmp_path / "genders.csv").write_text("dataset,subject,gender\nsmic,s01,female\n")
        options += f'genders = "{tmp_path / "genders.csv"}"\n'
    config = tmp_path / "plan.toml"
    config.write_text(f'[model]\nname = "{name}"\n{options}[evaluation]\nfolds = "3"\n')
    run = tmp_path / "run"
    call("evaluate", "--data", prepared, "--config", config, "-o", run, "--no-progress")
    found = json.loads((run / "run.json").read_text())
    assert found["model"] == name and not found["transductive"]
    assert found["clips"] == len((run / "predictions/seed0.csv").read_text().splitlines()) - 1
