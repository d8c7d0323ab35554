"""Runs on a Dask cluster of this machine: killed workers, a killed scheduler, workers unfit."""

import hashlib
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clusters import WHY_NOT, Cluster, environment, hmrm, wait_for

from hmrm.errors import EngineError
from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout
from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]

CLIPS, FRAMES = 12, 40
TORCH = """[model]
name = "ststnet"
epochs = 40
[evaluation]
seeds = [0, 1]
"""
EVALUATIONS = {
    "svm": ["--model", "svm-tuned", "--seeds", 8],
    "torch": ["--config", "torch.toml"],
}
# So many that a loaded machine can kill or interrupt before all are back.
FOLDS = {"svm": 72, "torch": 18}


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file but the seconds, without the commit, which may move meanwhile."""
    found = {
        str(path.relative_to(folder)): re.sub(
            rb'(&#34;|")commit(&#34;|"): ?((&#34;|")[^"&]*(&#34;|")|null)', b"", path.read_bytes()
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timings.jsonl"
    }
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def done(words: list[object], folder: Path) -> str:
    """What a command printed that must end well."""
    process = hmrm(words, folder)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    return printed


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Maps, clips, a config of a small network, and the runs of this machine's processes."""
    folder = tmp_path_factory.mktemp("inputs")
    made = synthesize_maps(subjects=3, clips=6, noise=0.5, generator=np.random.default_rng(0))
    write_layout(folder / "maps", made, layout="prepared")
    (folder / "torch.toml").write_text(TORCH)
    (folder / "clips").mkdir()
    clip = demo_clip()
    images = [clip.frame(165 + index).image for index in range(CLIPS + FRAMES)]
    for number in range(CLIPS):
        path, frames = folder / "clips" / f"{number:02d}.mp4", images[number : number + FRAMES]
        write_video(path, frames, clip.config.frames_per_s)
    for name, model in EVALUATIONS.items():
        done(["evaluate", "--data", "maps", *model, "-o", f"local-{name}"], folder)
    printed = done(["analyze", "clips", "-o", "local-clips"], folder)
    assert "apex" in printed, "some clip has an event, and so images and classes"
    return folder


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start_scheduler()
        for name in "abc":
            made.start_worker(name)
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("name", EVALUATIONS)
def test_a_worker_killed_during_folds_costs_nothing_but_time(
    inputs: Path, cluster: Cluster, name: str
) -> None:
    words = ["evaluate", "--data", "maps", *EVALUATIONS[name], "-o", f"lost-{name}"]
    process = hmrm([*words, "--engine", cluster.address], inputs)
    folds = inputs / f"lost-{name}" / "folds"
    wait_for(lambda: list(folds.rglob("*.json")), while_running=process)
    cluster.kill("b")
    before = len(list(folds.rglob("*.json")))
    printed, _ = process.communicate(timeout=200)
    cluster.start_worker("b")
    assert process.returncode == 0, printed
    assert "3 workers" in printed
    found = contents(inputs / f"lost-{name}")
    assert before < sum(one.startswith("folds/") for one in found) == FOLDS[name]
    assert found == contents(inputs / f"local-{name}")


def test_a_worker_killed_during_clips_costs_nothing_but_time(
    inputs: Path, cluster: Cluster
) -> None:
    process = hmrm(["analyze", "clips", "-o", "lost-clips", "--engine", cluster.address], inputs)
    kept = inputs / "lost-clips" / "videos"
    wait_for(lambda: list(kept.glob("*.json")), while_running=process)
    cluster.kill("b")
    before = len(list(kept.glob("*.json")))
    printed, _ = process.communicate(timeout=200)
    cluster.start_worker("b")
    assert process.returncode == 0, printed
    assert before < CLIPS
    assert contents(inputs / "lost-clips") == contents(inputs / "local-clips")


def test_a_killed_scheduler_loses_no_result_and_the_same_command_goes_on(
    inputs: Path, cluster: Cluster
) -> None:
    words = ["evaluate", "--data", "maps", *EVALUATIONS["svm"], "-o", "again"]
    words += ["--engine", cluster.address]
    process = hmrm(words, inputs)
    folds = inputs / "again" / "folds"
    wait_for(lambda: list(folds.rglob("*.json")), while_running=process)
    cluster.kill("scheduler")
    printed, _ = process.communicate(timeout=200)
    assert process.returncode == EngineError.exit_code, printed
    assert "the scheduler was lost" in printed and "give the same command again" in printed
    kept = {path: path.stat().st_mtime_ns for path in folds.rglob("*.json")}
    assert 0 < len(kept) < FOLDS["svm"]
    refused = hmrm(words, inputs)
    printed, _ = refused.communicate(timeout=200)
    assert refused.returncode == EngineError.exit_code
    assert "no Dask scheduler answers" in printed
    cluster.close()
    cluster.start_scheduler()
    for name in "abc":
        cluster.start_worker(name)
    assert f"{len(kept)} of {FOLDS['svm']} folds are in again already" in done(words, inputs)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert contents(inputs / "again") == contents(inputs / "local-svm")


def test_ctrl_c_cancels_what_waits_and_keeps_what_came_back(inputs: Path, cluster: Cluster) -> None:
    words = ["evaluate", "--data", "maps", *EVALUATIONS["svm"], "-o", "stopped"]
    process = hmrm([*words, "--engine", cluster.address], inputs)
    folds = inputs / "stopped" / "folds"
    wait_for(lambda: list(folds.rglob("*.json")), while_running=process)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=200)
    assert process.returncode == 130 and "interrupted" in printed, printed
    assert 0 < len(list(folds.rglob("*.json"))) < FOLDS["svm"]
    assert cluster.tasks_after_a_while() == 0


def refused(words: list[object], folder: Path, output: str) -> str:
    """Why the cluster was not used; nothing was computed or left behind."""
    process = hmrm([*words, "-o", output], folder)
    printed, _ = process.communicate(timeout=200)
    assert process.returncode == EngineError.exit_code, printed
    assert "nothing was computed" in printed
    assert not (folder / output / "folds").exists() and not (folder / output / "videos").exists()
    return printed


def test_workers_that_would_compute_something_else_are_refused_by_name(
    inputs: Path, cluster: Cluster, tmp_path: Path
) -> None:
    evaluate = ["evaluate", "--data", "maps", *EVALUATIONS["svm"], "--engine", cluster.address]
    other = tmp_path / "other"
    stated = other / "hmrm-9.9.0.dist-info"
    stated.mkdir(parents=True)
    (stated / "METADATA").write_text("Metadata-Version: 2.1\nName: hmrm\nVersion: 9.9.0\n")
    cluster.start_worker("other", env={"PYTHONPATH": environment(other)["PYTHONPATH"]})
    printed = refused(evaluate, inputs, "unfit")
    assert re.search(r"worker tcp://127\.0\.0\.1:\d+ on host \S+: hmrm 9\.9\.0, here ", printed)
    cluster.kill("other")
    cluster.wait_for_workers(3)

    cluster.start_worker("threads", nthreads=2)
    assert "computes 2 tasks at a time" in refused(evaluate, inputs, "unfit")
    cluster.kill("threads")
    cluster.wait_for_workers(3)

    hidden = hiding(inputs / "maps", inputs / "clips")
    if hidden is None:
        pytest.skip("no mount namespaces here: a worker that lacks the data was not tried")
    cluster.start_worker("bare", prefix=hidden)
    printed = refused(evaluate, inputs, "unfit")
    assert re.search(r"worker tcp://\S+ on host \S+: \S*/maps: ", printed)
    printed = refused(["analyze", "clips", "--engine", cluster.address], inputs, "unfit")
    assert re.search(r"on host \S+: \S*/clips/00\.mp4: is not there \(and 11 more\)", printed)
    cluster.kill("bare")


def hiding(*folders: Path) -> list[str] | None:
    """Words before a command that then sees these folders empty; None where that cannot be."""
    mounts = " && ".join(f"mount -t tmpfs none '{folder}'" for folder in folders)
    words = ["unshare", "--map-root-user", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    if shutil.which("unshare") is None:
        return None
    tried = subprocess.run([*words, "true"], check=False, capture_output=True)
    return words if tried.returncode == 0 else None
