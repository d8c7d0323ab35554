from pathlib import Path

from hmrm import provenance


def test_stamp_names_what_is_needed_to_repeat() -> None:
    stamp = provenance.stamp(config_hash="c", data_hash="d", seeds=(1, 2))
    assert stamp["config_hash"] == "c"
    assert stamp["data_hash"] == "d"
    assert stamp["seeds"] == [1, 2]
    assert stamp["packages"]["numpy"].count(".") == 2
    assert provenance.stamp(seeds=(1,)) == provenance.stamp(seeds=(1,))


def test_hash_of_files_sees_names_and_contents(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("1")
    b.write_text("2")
    first = provenance.sha256_of_files([a, b], root=tmp_path)
    assert provenance.sha256_of_files([b, a], root=tmp_path) == first
    b.write_text("3")
    assert provenance.sha256_of_files([a, b], root=tmp_path) != first
    b.write_text("2")
    b.rename(tmp_path / "c")
    assert provenance.sha256_of_files([a, tmp_path / "c"], root=tmp_path) != first
