"""The examples of what is not among the public names, but held by users, are true."""

import doctest
from collections.abc import Callable

import pytest

from hmrm.analysis.results import VideoResult
from hmrm.analysis.spot import spot


@pytest.mark.parametrize("held", [VideoResult, spot], ids=lambda held: held.__name__)
def test_the_example_is_true(held: type | Callable[..., object]) -> None:
    finder = doctest.DocTestFinder(recurse=False, exclude_empty=True)
    (example,) = finder.find(held, held.__name__, module=False, globs={})
    printed: list[str] = []
    result = doctest.DocTestRunner().run(example, out=printed.append)
    assert result.attempted and not result.failed, "".join(printed)
