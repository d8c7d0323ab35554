"""hmrm info: what is installed, and which extra each model needs."""

import importlib.util
import json

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app


def test_extras_are_named_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = CliRunner().invoke(app, ["info"])
    assert done.exit_code == 0
    # Brackets are rich's markup, which would swallow them.
    assert "hmrm[torch]" in done.stdout and "hmrm[research]" in done.stdout


def listed() -> dict[str, dict[str, list[str]]]:
    """Part → first cell of a row → the others."""
    parts = json.loads(CliRunner().invoke(app, ["info", "--json"]).stdout)
    return {
        name: {row[0]: row[1:] for row in rows}
        for name, rows in parts.items()
        if isinstance(rows, list)
    }


def test_all_weights_are_listed_with_their_licence() -> None:
    licences = {name: row[-1] for name, row in listed()["weights"].items()}
    assert licences == {
        "blazeface": "apache-2.0",
        "face_mesh": "apache-2.0",
        "gru-aofe": "apache-2.0",
        "hmrm-composite": "research use only",
        "hmrm-synthetic": "apache-2.0",
        "mtcnn": "mit",
    }


def test_flow_methods_that_need_torch_are_not_active_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    active, _, more = listed()["backends"]["optical flow"][0].partition(";")
    assert "gru-aofe" not in active and "gru-aofe-fast with hmrm[torch]" in more
