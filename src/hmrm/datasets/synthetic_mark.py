"""The mark of a folder that holds synthetic data, so that no score on it passes for a real one."""

from collections.abc import Iterable
from pathlib import Path

from hmrm import atomic
from hmrm.clip import Issue

FILE_NAME = "SYNTHETIC.txt"
CODE = "synthetic"
TITLE = "SYNTHETIC DATA"
"""What headings of reports and checks on such data begin with."""
_TEXT = (
    "Made by hmrm datasets synthesize. No face here is a person's; a score on these data shows "
    "that the chain works, never how good a model is.\n"
)


def write_mark(folder: Path) -> None:
    """Mark a folder as synthetic.

    Raises:
        OutputError: it cannot be written.
    """
    atomic.write_text(folder / FILE_NAME, _TEXT)


def is_synthetic(path: Path) -> bool:
    """Whether a folder, or the one that a file or folder lies in, is marked."""
    return any((folder / FILE_NAME).is_file() for folder in (path, path.absolute().parent))


def issues_of(path: Path) -> tuple[Issue, ...]:
    """The mark as an issue of the maps read from ``path``."""
    if not is_synthetic(path):
        return ()
    return (Issue(code=CODE, where=str(path), message="made by hmrm datasets synthesize"),)


def marked(issues: Iterable[Issue]) -> bool:
    """Whether the maps with these issues are synthetic."""
    return any(issue.code == CODE for issue in issues)
