"""hmrm evaluate and hmrm datasets, from the outside."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.settings import CLASS_SETS
from hmrm.training.registry import trainable

GOLDEN = Path(__file__).parents[1] / "golden/ststnet_loso_predictions.csv"


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


def test_help_names_every_model():
    words = "".join(call("evaluate", "--help").split())
    assert all(name in words for name in trainable())


def test_check_prints_counts_and_json(data):
    words = call("datasets", "check", data)
    assert "18" in words and "megc2019-flow" in words
    assert json.loads(call("datasets", "check", data, "--json"))["clips"] == 18


def test_evaluate_prints_what_it_writes(data, tmp_path):
    words = call(
        *("evaluate", "--data", data, "--model", "svm-linear", "--folds", 3, "-o", tmp_path / "r")
    )
    summary = json.loads((tmp_path / "r/run.json").read_text())
    assert f"{summary['scores']['composite']['uf1']['mean']:.4f}" in words
    assert "no epochs to choose" in words and "18 clips of 6 subjects, 0 skipped" in words


def test_evaluate_says_what_an_interrupted_run_left(data, tmp_path):
    command = ("evaluate", "--data", data, "--model", "svm-linear", "--folds", 3, "-o", tmp_path)
    assert "already" not in call(*command)
    next(tmp_path.glob("folds/seed0/*.json")).unlink()
    assert f"2 of 3 folds are in {tmp_path} already" in call(*command)


def test_evaluate_takes_a_config(data, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text('[model]\nname = "svm-rbf"\ncost = 2.0\n[evaluation]\nfolds = "2"\n')
    call("evaluate", "--data", data, "--config", config, "--seeds", 2, "-o", tmp_path / "r")
    summary = json.loads((tmp_path / "r/run.json").read_text())
    assert summary["config"]["model"] == {"name": "svm-rbf", "cost": 2.0}
    assert (summary["folds"], summary["seeds"]) == ("2", [0, 1])


def test_a_foreign_table_is_scored_and_warned_about(tmp_path):
    words = call("evaluate", "--predictions", GOLDEN, "-o", tmp_path)
    assert "0.7209" in words and "0.7250" in words
    assert "foreign" in words


def test_classes_of_a_table_are_named_by_list_or_one_by_one(tmp_path):
    rows = [f"sub{i:02d},{truth},{truth}" for i, truth in enumerate(CLASS_SETS["casme2-5"])]
    table = tmp_path / "theirs.csv"
    table.write_text("\n".join(["subject,truth,predicted", *rows]))
    for number, classes in enumerate(("casme2-5", ",".join(CLASS_SETS["casme2-5"]))):
        folder = tmp_path / str(number)
        call("evaluate", "--predictions", table, "--classes", classes, "-o", folder)
        assert json.loads((folder / "run.json").read_text())["classes"] == [*CLASS_SETS["casme2-5"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "svm-linear"], "--data"),
        (["--weights", "a", "--predictions", "b"], "give one of"),
        (["--weights", "a", "--model", "b"], "give one of"),
    ],
)
def test_commands_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        call("evaluate", *arguments)


def test_a_folder_without_maps_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"labels\.csv"):
        call("datasets", "check", tmp_path)
