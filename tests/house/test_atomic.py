from pathlib import Path

import pytest

from hmrm import atomic
from hmrm.errors import OutputError


def test_content_arrives_whole_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    atomic.write_text(target, "ä\n")
    assert target.read_bytes() == "ä\n".encode()
    assert [p.name for p in target.parent.iterdir()] == ["a.txt"]


def test_interrupted_writing_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic.writing(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        atomic.write_text(tmp_path / "file" / "a.txt", "x")
