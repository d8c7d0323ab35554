"""Every ``hmrm`` command on a page is one that the command line takes; those in blocks run.

Commands run in the order of `PAGES`, in one folder that holds what the pages name: ``video.mp4``
(the demo), ``onset.png``, ``apex.png``, ``truth.csv``. ``not_executed.toml`` lists the others.
"""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import pytest
import typer

from hmrm.cli.main import app
from hmrm.synthetic.demo import demo_clip
from tests.docs.pages import PAGES, README, ROOT, Command, blocks, commands, name_of, text_of

UsageError = typer.BadParameter.__mro__[1]
"""Typer has a copy of click of its own, whose errors it names only in part."""

NAMES = ("hmrm cpp", "hmrm torch")
"""Rows of a benchmark, no commands."""


def is_call(command: Command) -> bool:
    return command.line.startswith("hmrm ") and command.line not in NAMES


ALL = list(dict.fromkeys(c for page in PAGES for c in commands(page) if is_call(c)))
NOT_EXECUTED = tomllib.loads((Path(__file__).parent / "not_executed.toml").read_text())
LISTED = {(page, line) for page, lines in NOT_EXECUTED.items() for line in lines}
OTHERS = {"docs/tutorial.md": "tests/docs/test_tutorial.py executes it"}
BARS = ("analyze", "demo", "evaluate", "spot", "export", "flow")
FIRST = "hmrm demo -o demo"
"""Makes what the others need."""

RUN = {
    command.line: command
    for command in reversed(ALL)
    if command.in_block
    and command.line != FIRST
    and (command.page, command.line) not in LISTED
    and command.page not in OTHERS
}
IN_ORDER = [command for command in ALL if RUN.get(command.line) is command]


def hmrm(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)[1:]
    words += ["--no-progress"] if words[0] in BARS else []
    return subprocess.run(
        [sys.executable, "-m", "hmrm", *words], cwd=folder, capture_output=True, text=True
    )


def write_pictures(folder: Path) -> None:
    """``onset.png`` and ``apex.png``, as the pages name them."""
    clip = demo_clip()
    for name, index in (("onset", 180), ("apex", 195)):
        image = cv2.cvtColor(clip.frame(index).image, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{name}.png"), image)


def write_truth(folder: Path) -> None:
    """``truth.csv``: when the demo's smile happens, as an annotator would write it down."""
    (event,) = demo_clip().truth.events
    row = f",video,{event.onset_index},{event.offset_index},micro"
    (folder / "truth.csv").write_text(f"subject,video,onset,offset,type\n{row}\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the pages' file names exist."""
    folder = tmp_path_factory.mktemp("pages")
    done = hmrm(FIRST, folder)
    assert done.returncode == 0, done.stderr
    assert "overlap" in done.stdout
    (event,) = [text for kind, text in blocks(README) if kind == "text"]
    assert event.strip() in done.stdout, "the README shows an event that the demo does not print"
    (folder / "demo" / "demo.mp4").rename(folder / "video.mp4")
    (folder / "configs").symlink_to(ROOT / "configs")
    write_pictures(folder)
    write_truth(folder)
    return folder


def parsed(line: str) -> None:
    """Let the command line take a line, without running it; "…" stands for more of the same."""
    group, words = typer.main.get_command(app), [w for w in shlex.split(line)[1:] if w != "…"]
    context = group.make_context("hmrm", [], resilient_parsing=True)
    while words and hasattr(group, "commands"):
        name, group, words = group.resolve_command(context, words)
        if group is None:
            raise UsageError(f"no such command: {line}")
        last = not hasattr(group, "commands")
        context = group.make_context(name, list(words) if last else [], resilient_parsing=not last)


@pytest.mark.parametrize("command", ALL, ids=lambda c: f"{c.page}: {c.line}")
def test_the_command_line_takes_it(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        parsed(command.line)
    except UsageError as error:
        # Running text names a command, or an option of it, and leaves the rest out.
        assert type(error).__name__ in ("MissingParameter", "BadOptionUsage"), error
        assert not command.in_block, error
    except typer.Exit:
        assert command.line.endswith(" --help")


def helps() -> list[tuple[str, str]]:
    """Name and help text of every command that is not hidden."""
    found, todo = [], [("hmrm", typer.main.get_command(app))]
    while todo:
        name, command = todo.pop()
        inside = getattr(command, "commands", {})
        todo += [(f"{name} {inner}", one) for inner, one in inside.items() if not one.hidden]
        if not inside:
            found.append((name, command.help))
    return sorted(found)


@pytest.mark.parametrize(("name", "text"), helps(), ids=[name for name, _ in helps()])
def test_help_begins_with_a_sentence_and_an_example(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sentence, example, *_ = text.split("\n\n")
    assert re.fullmatch(r"[A-Z][a-z]+ .*\.", " ".join(sentence.split()))
    line = " ".join(example.split()).removeprefix("Example: ")
    assert line.startswith(name) and "Example: " in example
    parsed(line)


def test_a_wrong_command_or_option_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in ("hmrm analyse video.mp4", "hmrm analyze video.mp4 --blur", "hmrm datasets chek x"):
        with pytest.raises(UsageError):
            parsed(line)


def test_each_exception_is_there_and_has_a_reason() -> None:
    shown = {(c.page, c.line) for c in ALL if c.in_block}
    assert shown >= LISTED
    assert all(len(r.split()) > 2 for lines in NOT_EXECUTED.values() for r in lines.values())
    assert len(IN_ORDER) >= 18


@pytest.mark.parametrize("command", IN_ORDER, ids=lambda c: f"{c.page}: {c.line}")
def test_commands_run(command: Command, folder: Path) -> None:
    done = hmrm(command.line, folder)
    assert done.returncode == 0, done.stderr


GUIDES = [page for page in PAGES if "guide" in page.parts]


@pytest.mark.parametrize(
    ("page", "code"),
    [(name_of(page), text) for page in GUIDES for kind, text in blocks(page) if kind == "python"],
)
def test_python_blocks_run(page: str, code: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_guides_are_short(page: Path) -> None:
    assert len(text_of(page).split()) < 900
