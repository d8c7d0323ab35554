"""Runs that are killed at any moment: complete after a second start, and nothing is left behind."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from serving import ROOT

from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video

COMMANDS = {
    "evaluate": "evaluate --data {kit}/maps --config {kit}/hmrm.toml --folds 4 -o {out}",
    "spot": "spot videos -o {out}",
}
MOMENTS = 3
RUN_S = 600.0


def start(command: str, kit: Path, folder: Path, out: str) -> "subprocess.Popen[bytes]":
    words = command.replace("{kit}", str(kit)).replace("{out}", out).split()
    (folder / "tmp").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "hmrm", *words, "--no-progress"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the seconds it took; the commit may move meanwhile."""
    return {
        str(path.relative_to(folder)): re.sub(rb'"commit": "[^"]*"', b"", path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timings.jsonl"
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_run_is_completed_to_the_same_bytes(name: str, kit: Path, tmp_path: Path) -> None:
    clip = demo_clip()
    for number in range(3):
        frames = [clip.frame(index).image for index in range(40 * number, 40 * number + 30)]
        write_video(tmp_path / "videos" / f"{number}.mp4", frames, clip.config.frames_per_s)
    began = time.monotonic()
    assert start(COMMANDS[name], kit, tmp_path, "whole").wait(RUN_S) == 0
    whole_s = time.monotonic() - began
    chance = random.Random(name)
    killed = 0
    for number in range(MOMENTS):
        out = f"killed{number}"
        process = start(COMMANDS[name], kit, tmp_path, out)
        time.sleep(whole_s * chance.uniform(0.3, 0.95))
        os.kill(process.pid, signal.SIGKILL)
        killed += process.wait(RUN_S) == -signal.SIGKILL
        assert start(COMMANDS[name], kit, tmp_path, out).wait(RUN_S) == 0
        assert contents(tmp_path / out) == contents(tmp_path / "whole")
        assert not [path for path in tmp_path.rglob("*") if ".partial" in path.name]
        assert not any((tmp_path / "tmp").iterdir())
    assert killed, "no run was still going when it was to be killed"
