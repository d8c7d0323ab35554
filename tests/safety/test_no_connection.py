"""Nothing leaves the machine: the commands work where every socket is forbidden."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving import ROOT

from fuzz.seeds import datasets
from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video

GUARD = """
import socket
import sys

class Forbidden(socket.socket):
    def __init__(self, *args, **how):
        raise AssertionError("a socket was opened")

def forbid(event, found):
    if event.startswith("socket.") or event.startswith("urllib.") or event == "http.client.connect":
        raise AssertionError(f"{event} {found}")

sys.addaudithook(forbid)
socket.socket = Forbidden
from hmrm.cli.main import main
"""
COMMANDS = {
    "analyze": "analyze clip.mp4 --onset 10 --apex 25 -o out --no-progress",
    "spot": "spot clip.mp4 -o out --no-progress",
    "evaluate": "evaluate --data {kit}/maps --config {kit}/hmrm.toml --folds 2 -o out",
    "prepare": "datasets prepare casme2 in/root --flow deepflow --faces in/faces.csv -o out",
}


def run(program: str, words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", GUARD + program, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_opens_no_connection(name: str, kit: Path, tmp_path: Path) -> None:
    if name == "prepare":
        (tmp_path / "in").mkdir()
        datasets.prepared(tmp_path / "in", kit)
    clip = demo_clip()
    frames = (clip.frame(index).image for index in range(170, 200))
    write_video(tmp_path / "clip.mp4", list(frames), clip.config.frames_per_s)
    ended = run("main()", COMMANDS[name].replace("{kit}", str(kit)).split(), tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert any((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "program",
    [
        "socket.socket()",
        "socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://localhost/')",
    ],
)
def test_the_guard_would_notice(program: str, tmp_path: Path) -> None:
    ended = run(program, [], tmp_path)
    assert ended.returncode == 1
    assert "AssertionError" in ended.stderr
