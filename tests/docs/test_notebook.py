"""The notebook runs from top to bottom in an empty folder, and finds the smile of the demo."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples/first_steps.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]


def test_it_holds_no_outputs_and_plain_python() -> None:
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in CELLS)
    assert len(CODE) >= 6
    for text in CODE:
        compile(text, str(NOTEBOOK), "exec")


@pytest.mark.slow
def test_it_runs(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(CODE)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "1.80 to 2.11 s, left_cheek: positive" in done.stdout
    assert "by a blink" in done.stdout or ": blink" in done.stdout
    assert "UF1 " in done.stdout
    assert {"motion.png", "smile.eaf", "maps", "runs"} <= {path.name for path in tmp_path.iterdir()}
