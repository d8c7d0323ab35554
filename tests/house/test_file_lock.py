from pathlib import Path

import pytest

from hmrm import file_lock
from hmrm.web import process


def test_a_file_is_locked_until_it_is_closed(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as first:
        file_lock.lock(first, wait=False)
        with (tmp_path / "lock").open("w") as second, pytest.raises(OSError):
            file_lock.lock(second, wait=False)
    with (tmp_path / "lock").open("w") as third:
        file_lock.lock(third, wait=False)


def test_systems_without_such_locks_go_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_lock, "fcntl", None)
    with (tmp_path / "lock").open("w") as first, (tmp_path / "lock").open("w") as second:
        file_lock.lock(first, wait=False)
        file_lock.lock(second, wait=False)


def test_systems_without_limits_of_processes_go_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "resource", None)
    process.limit_process(1)  # with limits in force, the next allocation would fail
    assert len(bytes(10**7)) == 10**7
