"""Options before the command, and JSON of the commands that report."""

import json
from pathlib import Path

from typer.testing import CliRunner

from hmrm import provenance
from hmrm.cli.main import app


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_version_and_help() -> None:
    assert call("--version") == f"hmrm {provenance.version()}\n"
    words = call("--help")
    assert all(name in words for name in ("--version", "--quiet", "--verbose", "--show-completion"))


def test_info_as_json() -> None:
    found = json.loads(call("info", "--json"))
    assert found["hmrm"] == provenance.version()
    assert "numpy" in [row[0] for row in found["packages"]]
    assert found["models"] and found["weights"] and found["backends"]


def test_evaluate_and_score_spotting_as_json(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("subject,y_true,y_pred\nsub01,0,0\nsub02,1,1\nsub03,2,1\n")
    arguments = ("--predictions", tmp_path / "p.csv", "-o", tmp_path / "run", "--json")
    found = json.loads(call("-q", "evaluate", *arguments))
    assert found == json.loads((tmp_path / "run/run.json").read_text())
    (tmp_path / "t.csv").write_text(
        "video,onset,offset,type\na,10,20,micro\na,12,22,micro\na,40,90,macro\n"
    )
    (tmp_path / "f.csv").write_text("video,onset,offset,type\na,11,21,micro\n")
    sides = ("--truth", tmp_path / "t.csv", "--found", tmp_path / "f.csv")
    scores = json.loads(call("score-spotting", *sides, "--json"))
    assert scores["counts"]["micro"]["true_positives"] == 1
    assert scores["dropped"]["micro"] == ["a 12 to 22"]
    words = call("score-spotting", *sides)
    assert "drops 1 annotation(s)" in words and "a 12 to 22" in words
