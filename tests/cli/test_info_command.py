"""hmrm info: what is installed, and which extra each model needs."""

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app


def test_extras_are_named_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = CliRunner().invoke(app, ["info"])
    assert done.exit_code == 0
    # Brackets are rich's markup, which would swallow them.
    assert "hmrm[torch]" in done.stdout and "hmrm[research]" in done.stdout
