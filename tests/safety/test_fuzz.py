"""A minute of the fuzz harness over every reader; ``make fuzz`` runs the whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving import ROOT


@pytest.mark.slow
def test_a_minute_of_damaged_inputs_does_no_harm(tmp_path: Path) -> None:
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "--seconds", "60", "-o", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
