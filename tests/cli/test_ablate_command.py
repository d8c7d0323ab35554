"""hmrm ablate, from the outside."""

import json

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.errors import ConfigError, NumericalError
from hmrm.evaluation.ablation import runs

TINY = """
[model]
name = "hmrm"
[model.network]
dim = 8
depth = 1
state = 2
heads = 2
coarse_grid = 1
fine_grid = 1
coarse_kernel = 1
fine_kernel = 1
[model.fitting]
epochs = 1
"""
ROWS = """
base = "base.toml"
[evaluation]
folds = "2"
seeds = [0]
[[rows]]
name = "mean"
part = "RFFS, left out"
model = { network = { fusion = "mean" } }
[[rows]]
name = "fine"
part = "fine grain alone"
model = { network = { grains = "fine" } }
[[rows]]
name = "svm"
part = "an SVM"
model = { name = "svm-linear" }
"""


def call(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    call("datasets", "synthesize", "maps", "-o", folder, "--subjects", 2, "--clips", 3)
    return folder


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "base.toml").write_text(TINY)
    path = tmp_path / "rows.toml"
    path.write_text(ROWS)
    return path


def command(data, rows, tmp_path):
    """On one data set of three: scores take most of the time."""
    given = ["ablate", "--data", data, "--config", rows, "-o", tmp_path / "r", "--no-progress"]
    return [*given, "--dataset", "casme2"]


def test_rows_are_run_picked_and_printed(data, rows, tmp_path):
    given = command(data, rows, tmp_path)
    words = call(*given, "--only", "mean,svm")
    content = json.loads((tmp_path / "r/ablation.json").read_text())
    mean = content["rows"][1]
    assert f"{mean['scores']['composite']['uf1']['mean']:.3f}" in words
    assert f"{mean['parameters']:,}" in words and mean["parameters"] > 0
    assert content["rows"][3]["parameters"] is None
    assert "not finished: fine" in words and "3 configurations tried" in words
    whole = call(*given)
    assert "not finished" not in whole and "4 configurations tried" in whole
    assert call(*given, "--table") == whole
    assert (tmp_path / "r/fine/run.json").is_file()


def test_one_data_set_alone(data, rows, tmp_path):
    given = command(data, rows, tmp_path)
    words = call(*given, "--folds", "loso", "--only", "svm", "--seeds", 1)
    assert "6 clips of 2 subjects" in words and "folds: loso" in words
    with pytest.raises(ConfigError, match="the folder has casme2, samm, smic"):
        call(*given, "--dataset", "casme3")


def test_unknown_rows_are_refused(data, rows, tmp_path):
    with pytest.raises(ConfigError, match="the file has base, mean, fine, svm"):
        call("ablate", "--data", data, "--config", rows, "-o", tmp_path / "r", "--only", "men")


def test_a_failed_row_is_printed_before_the_error(data, rows, tmp_path, monkeypatch):
    known = runs.evaluate

    def failing(mapset, plan, output, **words):
        if output.name == "fine":
            raise NumericalError("the loss became nan")
        return known(mapset, plan, output, **words)

    monkeypatch.setattr(runs, "evaluate", failing)
    given = command(data, rows, tmp_path)
    result = CliRunner().invoke(app, [str(a) for a in given])
    assert isinstance(result.exception, NumericalError)
    assert "fine: the loss became nan" in result.output and "3 configurations" in result.output


def test_interrupted_it_prints_what_is_done(data, rows, tmp_path, monkeypatch):
    known = runs.evaluate

    def interrupted(mapset, plan, output, **words):
        if output.name == "fine":
            raise KeyboardInterrupt
        return known(mapset, plan, output, **words)

    monkeypatch.setattr(runs, "evaluate", interrupted)
    given = command(data, rows, tmp_path)
    result = CliRunner().invoke(app, [str(a) for a in given])
    assert result.exit_code == 130
    assert "2 configurations tried" in result.output
    assert "not finished: fine, svm" in result.output
