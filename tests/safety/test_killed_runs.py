"""Runs that are killed at any moment: complete after a second start, and nothing is left behind.

Two moments of each command; ``make kill`` takes ten.
"""

import os
import subprocess
import sys

import pytest
from serving import ROOT

from fuzz.seeds.long_runs import COMMANDS

MOMENTS = 2


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the harness printed, by command; one process imports the program for all of them."""
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    words = ["--moments", str(MOMENTS), "-o", str(tmp_path_factory.mktemp("kill"))]
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.kill", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        name = line.split(":")[0] if not line.startswith(" ") else list(found)[-1]
        found[name] = f"{found.get(name, '')}{line}\n"
    assert found, done.stderr[-2000:]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_run_is_completed_to_the_same_bytes(name: str, figures: dict[str, str]) -> None:
    expected = f"{name}: {MOMENTS} moments, {MOMENTS} while going, 0 bad"
    assert figures[name].startswith(expected), figures[name]
