"""The pieces of engines and parts: names, checks, and what a worker refuses."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from hmrm.engine import worker
from hmrm.engine.local import LocalEngine
from hmrm.engine.opening import opened
from hmrm.engine.paths import paths_check, sketch
from hmrm.engine.worker import Installed, Job, installed, problem
from hmrm.errors import ConfigError, DataError, EngineError, MissingExtraError
from hmrm.shard import Shard, parse_shard, shard_folders

HERE = Installed(hmrm="1.0", code="a" * 64, machine="x86_64", packages={"numpy": "2", "torch": "3"})
PROCESS = SimpleNamespace(address="tcp://10.0.0.7:40001", state=SimpleNamespace(nthreads=1))


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "١/٣"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="from 1/8 to 8/8"):
        parse_shard(text)


@pytest.mark.parametrize(("of", "count"), [(1, 5), (3, 7), (8, 3)])
def test_parts_share_nothing_and_lack_nothing(of: int, count: int) -> None:
    parts = [parse_shard(f"{number}/{of}").part(range(count)) for number in range(1, of + 1)]
    assert sorted(item for part in parts for item in part) == list(range(count))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_parts_lie_next_to_the_run(tmp_path: Path) -> None:
    place = Shard(2, of=11).folder(tmp_path / "run")
    assert place == tmp_path / "run.shards" / "2-of-11"
    place.mkdir(parents=True)
    (tmp_path / "run.shards" / "notes").mkdir()
    assert shard_folders(tmp_path / "run") == [place]
    assert shard_folders(tmp_path / "other") == []


def test_engines_by_name() -> None:
    with opened("local", workers=2) as found:
        assert found == LocalEngine(2) and not found.here
    for name in ("slurm", "localhost:8786", "http://host:8786"):
        with pytest.raises(ConfigError, match="tcp://HOST:PORT"), opened(name):
            pass
    with pytest.raises(ConfigError, match="--workers is for"), opened("tcp://h:1", workers=3):
        pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"hmrm\[cluster\]"), opened("tcp://host:8786"):
        pass


def test_paths_are_compared_by_names_sizes_and_ends(tmp_path: Path) -> None:
    video, images = tmp_path / "a.mp4", tmp_path / "images"
    video.write_bytes(bytes(200_000))
    (images / "deep").mkdir(parents=True)
    (images / "deep" / "1.png").write_bytes(b"12")
    check = paths_check([video, images])
    check()
    (images / "deep" / "1.png").write_bytes(b"123")
    with pytest.raises(DataError, match=r"images: holds other files than where"):
        check()
    for change in (b"x" + bytes(199_999), bytes(199_999) + b"x", bytes(199_999)):
        video.write_bytes(change)
        with pytest.raises(DataError, match=r"a\.mp4: holds other files .* \(and 1 more\)"):
            check()
    video.unlink()
    assert sketch(video) == ""
    with pytest.raises(DataError, match=r"a\.mp4: is not there"):
        check()


def test_every_difference_that_changes_bytes_is_named() -> None:
    assert HERE.differences(HERE) == []
    there = replace(HERE, hmrm="2.0", machine="aarch64", packages={"numpy": "1", "av": "9"})
    assert HERE.differences(there) == [
        "hmrm 2.0, here 1.0",
        "machine aarch64, here x86_64",
        "numpy 1, here 2",
    ]
    assert HERE.differences(replace(HERE, code="b" * 64)) == [
        f"code of hmrm {'b' * 12}, here {'a' * 12}"
    ]


def fails() -> None:
    raise DataError("/data/maps: is not there")


def test_a_worker_says_why_it_must_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_THREADS", {"OMP_NUM_THREADS": "1"})
    job = Job(run="r", function=len, installed=installed(), check=None)
    assert problem(job, PROCESS) == ""
    found = problem(replace(job, check=fails), PROCESS)
    assert found.startswith("worker tcp://10.0.0.7:40001 on host ")
    assert found.endswith(": /data/maps: is not there")
    many = SimpleNamespace(address="tcp://h:1", state=SimpleNamespace(nthreads=4))
    assert "computes 4 tasks at a time" in problem(job, many)
    monkeypatch.setattr(worker, "_THREADS", {"OMP_NUM_THREADS": None})
    assert "OMP_NUM_THREADS is not 1" in problem(job, PROCESS)


def test_the_cluster_has_an_exit_code_of_its_own() -> None:
    assert EngineError.exit_code == 10
