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


@pytest.mark.parametrize("target", ["file", "file/below", "link", "link/below", "x" * 300])
def test_a_folder_that_cannot_be_written_is_refused_and_nothing_made(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / "file").write_text("somebody's")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(OutputError, match="cannot be written to"):
        atomic.require_folder(tmp_path / target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


def test_folders_below_what_is_no_place_for_files_are_refused() -> None:
    with pytest.raises(OutputError, match="cannot be written to"):
        atomic.require_folder(Path("/proc/new/folder"))


def test_a_folder_that_can_be_made_is_not_made_yet(tmp_path: Path) -> None:
    atomic.require_folder(tmp_path / "new" / "folder")
    atomic.require_file(tmp_path / "new" / "file.csv")
    assert not any(tmp_path.iterdir())


def test_a_file_in_whose_place_a_folder_lies_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(OutputError, match="no file"):
        atomic.require_file(tmp_path / "a.csv")


def test_what_killed_runs_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ours = [".a.12.partial.csv", ".a b.c.9.partial", "deep/.x.7.partial.json"]
    others = [".a.partial.csv", "a.12.partial.csv", ".gitignore", ".notes.partial"]
    for name in (*ours, *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".data.12.partial").mkdir()
    (tmp_path / ".data.12.partial" / "maps.npy").write_text("")
    atomic.remove_partial(tmp_path, below=False)
    assert (tmp_path / ours[2]).exists()
    atomic.remove_partial(tmp_path)
    found = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
    assert sorted(found) == sorted(others)
    assert not (tmp_path / ".data.12.partial").exists()


def test_a_temporary_folder_is_gone_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), atomic.temporary_folder(tmp_path, "data") as folder:
        (folder / "a").write_text("")
        raise KeyboardInterrupt
    assert not any(tmp_path.iterdir())
