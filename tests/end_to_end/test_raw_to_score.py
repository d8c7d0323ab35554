"""Three commands from a raw data set to a score, on a synthetic composite of 68 subjects."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.datasets.maps.prepared import read_prepared, write_prepared


def call(*arguments) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def uf1_of(maps: Path, output: Path) -> float:
    call("evaluate", "--model", "svm-linear", "--data", maps, "-o", output, "--no-progress")
    return json.loads((output / "run.json").read_text())["scores"]["composite"]["uf1"]["mean"]


@pytest.mark.slow
def test_check_prepare_evaluate(tmp_path: Path) -> None:
    data, maps = tmp_path / "data", tmp_path / "maps"
    call("datasets", "synthesize", "composite", "-o", data)
    words = call("datasets", "check", "composite", data, "--no-progress")
    assert "442 clips of 68 subjects (negative 250, positive 109, surprise 83)" in words
    assert "this is the whole composite" in words
    call(
        *("datasets", "prepare", "composite", data, "-o", maps, "--flow", "farneback"),
        *("--faces", data / "faces.csv", "--no-progress"),
    )
    found = read_prepared(maps)
    assert len(found.ids) == 442 and len(set(found.subjects)) == 68
    assert uf1_of(maps, tmp_path / "run") > 0.9
    permuted = np.random.default_rng(0).permutation(found.labels)
    write_prepared(tmp_path / "permuted", replace(found, labels=permuted))
    # Three classes of 250, 109 and 83 clips: guessing gives about .33.
    assert uf1_of(tmp_path / "permuted", tmp_path / "chance") < 0.45
