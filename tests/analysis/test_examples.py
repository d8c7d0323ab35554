"""The examples of the records and functions that users hold are true."""

import doctest

import pytest

from hmrm import clip
from hmrm.analysis import analyze, results, spot

HELD = (
    (clip, "Event"),
    (clip, "Analysis"),
    (results, "VideoResult"),
    (analyze, "analyze"),
    (spot, "spot"),
)


@pytest.mark.parametrize(
    ("module", "name"), HELD, ids=lambda value: getattr(value, "__name__", value)
)
def test_the_example_is_true(module, name):
    (example,) = (
        one
        for one in doctest.DocTestFinder(recurse=False).find(
            getattr(module, name), name, module, globs=vars(module)
        )
        if one.examples
    )
    printed: list[str] = []
    runner = doctest.DocTestRunner()
    runner.run(example, out=printed.append)
    assert runner.summarize(verbose=False) == (0, len(example.examples)), "".join(printed)
