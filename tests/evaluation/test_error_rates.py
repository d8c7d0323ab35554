"""Error rates by emotion and action unit: exact on tables that are small enough to count."""

import json
from pathlib import Path

import numpy as np
import pytest
from toy_results import summary
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.clip import CLASSES
from hmrm.errors import DataError
from hmrm.evaluation.external_predictions import score_external
from hmrm.evaluation.predictions import build_predictions
from hmrm.evaluation.report.error_rates import error_rates, read_emotions
from hmrm.evaluation.report.runs import Run
from hmrm.evaluation.results import RunResult

IDS = (*(f"casme2/s{i}/c" for i in range(4)), *(f"samm/s{i}/c" for i in range(4)))
TRUTH = np.array([0, 0, 1, 2, 0, 0, 1, 2])

TABLE = """id,emotion,action_units
casme2/s0/c,Disgust,4+L10
casme2/s1/c,disgust,4 or 7
casme2/s2/c,happiness,12
casme2/s3/c,surprise,1+2
samm/s0/c,contempt,R14
samm/s1/c,contempt,14+4?
samm/s2/c,,12+ref(4)
elsewhere/s9/c,fear,20
"""


def run(name: str, *seeds: list[int], ids: tuple[str, ...] = IDS) -> Run:
    predictions = {
        number: build_predictions(
            ids=ids, truth=TRUTH[: len(ids)], predicted=np.array(predicted), classes=CLASSES
        )
        for number, predicted in enumerate(seeds)
    }
    return Run(name=name, result=RunResult(predictions=predictions, summary=summary()))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "emotions.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_rates_are_those_that_one_counts_by_hand(table: Path) -> None:
    right = TRUTH.tolist()
    runs = [
        run("a", [1, 0, 1, 2, 1, 1, 1, 0]),  # wrong: c2/s0, samm/s0, samm/s1, samm/s3
        run("b", right, [0, 1, 1, 2, 0, 2, 2, 2]),  # second seed wrong: c2/s1, samm/s1, samm/s2
    ]
    found = error_rates(runs, read_emotions(table))
    assert [(r.what, r.data_set, r.name, r.clips, dict(r.wrong)) for r in found.rates] == [
        ("emotion", "casme2", "disgust", 2, {"a": 0.5, "b": 0.25}),
        ("emotion", "casme2", "happiness", 1, {"a": 0.0, "b": 0.0}),
        ("emotion", "casme2", "surprise", 1, {"a": 0.0, "b": 0.0}),
        ("emotion", "samm", "contempt", 2, {"a": 1.0, "b": 0.25}),
        ("action unit", "composite", "AU1", 1, {"a": 0.0, "b": 0.0}),
        ("action unit", "composite", "AU2", 1, {"a": 0.0, "b": 0.0}),
        ("action unit", "composite", "AU4", 1, {"a": 1.0, "b": 0.0}),
        ("action unit", "composite", "AU10", 1, {"a": 1.0, "b": 0.0}),
        ("action unit", "composite", "AU12", 2, {"a": 0.0, "b": 0.25}),
        ("action unit", "composite", "AU14", 2, {"a": 1.0, "b": 0.25}),
    ]
    assert (found.without_row, found.unknown) == (1, 1)


def test_runs_of_other_clips_have_no_rate(table: Path) -> None:
    found = error_rates(
        [run("a", TRUTH.tolist()), run("short", [0, 0, 1], ids=IDS[:3])], read_emotions(table)
    )
    assert all(set(rate.wrong) == {"a"} for rate in found.rates)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,mood\ncasme2/s0/c,sad\n", "neither a column 'emotion' nor 'action_units'"),
        ("id,action_units\ncasme2/s0/c,4\ncasme2/s1/c,smile\n", "line 3: action units 'smile'"),
        ("emotion\nfear\n", "column 'id' is missing"),
        ("id,emotion\na/b/c,fear\na/b/c,fear\n", "line 3: clip a/b/c occurs twice"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_emotions(path)


def test_a_table_of_other_clips_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("id,emotion\na/b/c,fear\n", encoding="utf-8")
    with pytest.raises(DataError, match="it has a/b/c, the first run casme2/s0/c"):
        error_rates([run("a", TRUTH.tolist())], read_emotions(path))


def test_the_command_writes_them_on_both_pages(tmp_path: Path, table: Path) -> None:
    lines = [f"{i},{CLASSES[t]},negative" for i, t in zip(IDS, TRUTH, strict=True)]
    predictions = tmp_path / "predictions.csv"
    predictions.write_text("\n".join(["id,truth,predicted", *lines]), encoding="utf-8")
    score_external(predictions, tmp_path / "run", classes=CLASSES)
    arguments = ["report", str(tmp_path / "run"), "--emotions", str(table)]
    done = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "report")])
    assert done.exit_code == 0, done.output
    markdown = (tmp_path / "report/report.md").read_text(encoding="utf-8")
    assert "| happiness | CASME II | 1 | 1.000 |" in markdown
    assert "| AU14 | composite | 2 | 0.000 |" in markdown
    page = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    assert "<td>contempt</td><td>SAMM</td>" in page
    written = json.loads((tmp_path / "report/report.json").read_text(encoding="utf-8"))
    assert written["errors"]["without_row"] == 1
