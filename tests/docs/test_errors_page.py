"""docs/errors.md has a section for every error, with its exit code, and all exit codes."""

import re

import pytest

from hmrm import errors
from hmrm.cli.main import INTERRUPTED
from hmrm.cli.terminal import BROKEN_PIPE, print_error
from hmrm.web.jobs import UnknownJobError
from tests.docs.pages import ROOT, text_of

TEXT = text_of(ROOT / "docs/errors.md")
CLASSES = {
    name: cls.exit_code
    for name, cls in vars(errors).items()
    if isinstance(cls, type) and issubclass(cls, errors.HmrmError)
}


def test_every_error_has_a_section_with_its_exit_code() -> None:
    sections = dict(re.findall(r"^## (\w+)\n\nExit code (\d+)\. \S", TEXT, re.M))
    assert sections == {name: str(code) for name, code in CLASSES.items()}


def test_exit_codes_are_those_of_the_errors() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.M)}
    assert listed == {0, 2, INTERRUPTED, BROKEN_PIPE, *CLASSES.values()}


@pytest.mark.parametrize("name", CLASSES)
def test_a_printed_error_names_its_section(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_error(getattr(errors, name)("video.mp4: something is wrong"))
    shown = capsys.readouterr().err
    [address] = re.findall(r"\[docs/errors\.md#(\w+)\]$", shown.strip())
    assert address in {head.lower() for head in re.findall(r"^## (\w+)$", TEXT, re.M)}
    assert shown.startswith("error: video.mp4: something is wrong [")


def test_an_error_that_is_not_for_users_names_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(UnknownJobError("no such job"))
    assert "[docs/errors.md#inputerror]" in capsys.readouterr().err
