"""Every public name shows how it is used, and the example is true.

Examples run in an empty folder that holds ``maps``, a synthetic data set of flow maps, and nothing
else: no network, no shared data.
"""

import doctest
from pathlib import Path

import numpy as np
import pytest

import hmrm
from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples_of(name: str) -> list[doctest.DocTest]:
    """The docstring's tests, and those of a class's own methods."""
    finder = doctest.DocTestFinder(recurse=True, exclude_empty=True)
    found = finder.find(getattr(hmrm, name), name, module=False, globs={})
    return [test for test in found if test.examples]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    maps = synthesize_maps(generator=np.random.default_rng(0))
    write_layout(folder / "maps", maps, layout="prepared")
    return folder


@pytest.mark.parametrize("name", sorted(hmrm.__all__))
def test_examples_are_true(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    tests = examples_of(name)
    assert tests, f"hmrm.{name} shows no example"
    for test in tests:
        shown: list[str] = []
        result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=shown.append)
        assert result.attempted
        assert not result.failed, "".join(shown)
