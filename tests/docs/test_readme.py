"""The README is true: its commands exist, run in order, and its links lead somewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from hmrm.synthetic.demo import demo_clip

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    line.split(" #")[0].strip()
    for kind, text in BLOCKS
    if kind == "sh"
    for line in text.splitlines()
    if line.strip()
]
HMRM = [c for c in COMMANDS if c.startswith("hmrm ")]


def hmrm(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    return subprocess.run(
        [sys.executable, "-m", "hmrm", *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's file names exist."""
    folder = tmp_path_factory.mktemp("readme")
    done = hmrm("hmrm demo -o demo --no-progress", folder)
    assert done.returncode == 0, done.stderr
    assert "overlap" in done.stdout
    (folder / "demo" / "demo.mp4").rename(folder / "video.mp4")
    write_pictures(folder)
    write_truth(folder)
    return folder


def write_pictures(folder: Path) -> None:
    """``onset.png`` and ``apex.png``, as the README names them."""
    clip = demo_clip()
    for name, index in (("onset", 180), ("apex", 195)):
        image = cv2.cvtColor(clip.frame(index).image, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{name}.png"), image)


def write_truth(folder: Path) -> None:
    """``truth.csv``: when the demo's smile happens, as an annotator would write it down."""
    (event,) = demo_clip().truth.events
    row = f",video,{event.onset_index},{event.offset_index},micro"
    (folder / "truth.csv").write_text(f"subject,video,onset,offset,type\n{row}\n")


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_targets_exist(command: str) -> None:
    done = subprocess.run(["make", "-n", *command.split()[1:]], cwd=ROOT, capture_output=True)
    assert done.returncode == 0


def test_every_other_command_is_known() -> None:
    starts = ("make ", "hmrm ", "python3 -m venv", ".venv/bin/")
    assert not [c for c in COMMANDS if not c.startswith(starts)]
    assert HMRM


@pytest.mark.parametrize("command", HMRM)
def test_commands_run(command: str, folder: Path) -> None:
    bars = command.split()[1] in ("analyze", "demo", "evaluate")
    done = hmrm(command + (" --no-progress" if bars else ""), folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", [text for kind, text in BLOCKS if kind == "python"])
def test_python_blocks_run(code: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_links_lead_somewhere(target: str) -> None:
    assert target.startswith("http") or (ROOT / target).exists()


def test_exit_codes_are_those_of_the_errors() -> None:
    from hmrm import errors

    listed = dict(re.findall(r"(\d+) ([a-z][a-z ]+)", README.split("## Exit codes")[1]))
    codes = {
        cls.exit_code
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, errors.HmrmError)
    }
    assert {str(c) for c in codes} <= set(listed)
