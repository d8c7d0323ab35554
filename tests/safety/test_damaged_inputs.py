"""Inputs that once did harm, one of every kind: a named error, soon, with little memory."""

import os
import shlex
from pathlib import Path

import pytest
from kinds import (
    CONFIG,
    EXPORT,
    FRAMES,
    PREPARE,
    REPORT,
    RESUME,
    SCORE,
    STATE,
    TABLE,
    UNITS,
    WEIGHTS,
    Kind,
)
from kinds_of_configs import CONFIGS, TRAININGS, WEIGHT_FILES
from kinds_of_maps import IMAGES, MAPS
from kinds_of_tables import RUNS, TEXTS, WORKBOOKS
from serving import Ended, Server

from fuzz.seeds import analyses, datasets, evaluation, intervals, media, training

MOST_S = 8.0
"""Processor time beyond that of a process at rest, s. The bound is 2 s on an idle machine
(`make fuzz` measures it); a loaded one must not fail a test."""

MOST_MB = 500.0
"""Memory beyond that of a process at rest."""

MOST_PRINTED = 5_000
"""Letters of a message: it does not repeat what the file holds."""

NAMED = frozenset(range(2, 10))
KINDS: dict[str, Kind] = {
    **CONFIGS,
    **WEIGHT_FILES,
    **TRAININGS,
    **MAPS,
    **IMAGES,
    **WORKBOOKS,
    **TEXTS,
    **RUNS,
}


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_input_is_named_and_does_no_harm(
    name: str, server: Server, kit: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "tmp").mkdir()
    KINDS[name].make(tmp_path / "in", kit)
    before = contents(tmp_path / "in")
    ended = run(server, KINDS[name].command, tmp_path, kit)
    assert ended.exit_code in NAMED, ended.printed[-1000:] + ended.report[-1000:]
    assert ended.processor_s <= MOST_S
    assert ended.memory_mb <= MOST_MB
    assert "error" in ended.printed.lower()
    assert KINDS[name].names in ended.printed.replace("\n", "")
    assert len(ended.printed) < MOST_PRINTED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "tmp"]
    assert not any((tmp_path / "tmp").iterdir())
    assert contents(tmp_path / "in") == before


@pytest.mark.parametrize(
    ("make", "command"),
    [
        (evaluation.config_svm, CONFIG),
        (evaluation.weights, WEIGHTS),
        (evaluation.run, REPORT),
        (evaluation.run, RESUME),
        (evaluation.action_units, UNITS),
        (media.image_folder(".png"), FRAMES),
        (datasets.tables("casme2", ".xlsx"), TABLE),
        (datasets.prepared, PREPARE),
        (intervals.spotted, SCORE),
        (analyses.results, EXPORT),
        (training.synthetic, STATE),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_same_command_takes_the_whole_file(
    make: object, command: str, server: Server, kit: Path, tmp_path: Path
) -> None:
    """It is the damage that is refused, not the seed below it."""
    assert callable(make)
    (tmp_path / "in").mkdir()
    (tmp_path / "tmp").mkdir()
    make(tmp_path / "in", kit)
    ended = run(server, command, tmp_path, kit)
    assert ended.exit_code == 0, ended.printed + ended.report


def run(server: Server, command: str, folder: Path, kit: Path) -> Ended:
    words = [word.replace("{kit}", str(kit)) for word in shlex.split(command)]
    environment = {"TMPDIR": str(folder / "tmp")}
    return server.run(words, folder, most_s=MOST_S, most_mb=MOST_MB, environment=environment)


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path with its kind and size; links are not followed."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            status = (Path(root) / name).lstat()
            found[f"{root}/{name}"] = (status.st_mode, status.st_size if name in files else 0)
    return found
