"""The files that commands need besides a damaged input, and a process that runs commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Server, serving

from fuzz.seeds import datasets, evaluation, training


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit")
    for module in (evaluation, training, datasets):
        module.kit(folder)
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serving() as found:
        yield found
