"""The README is short and true: its targets exist, its event is the demo's, its links lead on."""

import re
import subprocess

import pytest

from tests.docs.pages import PAGES, README, ROOT, blocks, commands, name_of, text_of

TEXT = text_of(README)
MOST_WORDS = 400
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_it_is_short_with_one_picture_and_three_ways_on() -> None:
    assert len(TEXT.split()) <= MOST_WORDS
    assert TEXT.count("![") == 1
    for question in ("I have a video", "I have a data set", "I compare models"):
        assert f"[{question}](docs/" in TEXT


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_exist(page) -> None:
    for command in commands(page):
        if command.line.startswith("make "):
            words = ["make", "-n", *command.line.split()[1:]]
            assert subprocess.run(words, cwd=ROOT, capture_output=True).returncode == 0, command


def test_every_other_command_of_the_readme_is_known() -> None:
    starts = ("make ", "hmrm ", "python3 -m venv", "source ", "python -m pip install ")
    shown = [command.line for command in commands(README) if command.in_block]
    assert not [line for line in shown if not line.startswith(starts)]
    assert {"make demo", "make test", "hmrm analyze video.mp4 -o results"} <= set(shown)


def test_windows_and_the_others_run_the_same() -> None:
    shells = [set(text.splitlines()) for kind, text in blocks(README) if kind != "text"]
    [windows] = [set(t.splitlines()) for kind, t in blocks(README) if kind == "powershell"]
    unix = next(lines for lines in shells if "source .venv/bin/activate" in lines)
    assert len(windows & unix) == 2  # installing, and the demo


def anchors(text: str) -> set[str]:
    """Anchors of the headings of a page, as GitHub and MkDocs make them."""
    heads = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page) -> None:
    text = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
    for target in _LINK.findall(text):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        to = page.parent / path if path else page
        assert to.exists(), target
        if anchor:
            assert anchor in anchors(text_of(to)), target
