"""docs/exports.md is true: every format stands in its table, and its Python block runs."""

import re
from pathlib import Path

import pytest

from hmrm.analysis.export.formats import FORMATS, VIDEO
from hmrm.analysis.export.json_file import SCHEMA_ID
from hmrm.analysis.saved import save
from tests.analysis.analyses_to_export import CASES

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")


def test_every_format_stands_in_the_table_with_its_file() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, flags=re.MULTILINE))
    assert list(rows) == [*FORMATS, VIDEO]
    for name, kind in FORMATS.items():
        assert kind.ending in rows[name], f"{name} ends in {kind.ending}"
    assert SCHEMA_ID in PAGE


def test_the_python_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "results", CASES["overlapping"])
    [code] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(code, "docs/exports.md", "exec"), {})
    assert {path.name for path in tmp_path.iterdir()} == {"results", "motion.png", "clip.eaf"}
