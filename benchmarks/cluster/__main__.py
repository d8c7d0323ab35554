"""``python -m benchmarks.cluster overhead|sizes``: prints the tables of docs/cluster.md.

``overhead`` runs the same work with two processes of the local pool and with two Dask workers of
this machine, in turn, and prints the fastest of several runs of each. The maps are random noise,
which costs the same as real ones; the clips are synthetic.

``sizes`` computes one task of each kind in a process of its own and prints processor seconds, the
most memory it took and the size of its result. Of networks, a short training gives the
seconds of an epoch.
"""

import argparse
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hmrm.analysis.analyze_videos import analyze_videos
from hmrm.analysis.target import Target
from hmrm.clip import CLASSES
from hmrm.datasets.maps.prepared import write_prepared
from hmrm.engine.cluster import cluster
from hmrm.engine.contract import Engine
from hmrm.engine.local import LocalEngine
from hmrm.evaluation.fold import run_fold
from hmrm.evaluation.run import evaluate
from hmrm.evaluation.settings import Plan, Settings
from hmrm.evaluation.task_maps import MapFolder
from hmrm.flow.mapset import MapSet
from hmrm.parallel import single_thread
from hmrm.subject_folds import Fold
from hmrm.synthetic.demo import demo_clip
from hmrm.training.registry import find_recogniser
from hmrm.video.writer import write_video

CLIPS, SUBJECTS, WORKERS = 442, 68, 2
VIDEOS, FRAMES = 12, 60
EPOCHS = 3
"""Of which the seconds of an epoch are the mean, predictions of the test clips included."""
MODELS = ("svm-linear", "svm-tuned", "ststnet", "off-apexnet", "htnet-small", "hmrm")


def noise_maps() -> MapSet:
    """As many clips and subjects as MEGC 2019 has."""
    generator = np.random.default_rng(0)
    return MapSet(
        ids=tuple(sorted(f"casme2/s{i % SUBJECTS:02d}/c{i:03d}" for i in range(CLIPS))),
        labels=generator.integers(0, len(CLASSES), CLIPS),
        maps=generator.standard_normal((CLIPS, 3, 28, 28)).astype(np.float32),
        classes=CLASSES,
        crop="hmrm-1",
    )


def write_inputs(folder: Path) -> list[Target]:
    """Maps and videos."""
    maps = noise_maps()
    write_prepared(folder / "maps", maps, scale_px=np.ones(CLIPS, dtype=np.float32))
    clip = demo_clip()
    images = [clip.frame(160 + index).image for index in range(FRAMES + VIDEOS)]
    targets = []
    for number in range(VIDEOS):
        path = folder / f"{number:02d}.mp4"
        write_video(path, images[number : number + FRAMES], clip.config.frames_per_s)
        targets.append(Target(video=path.stem, source=path))
    return targets


@contextmanager
def engines() -> Iterator[dict[str, Engine]]:
    """The two that are compared, with as many processes."""
    from distributed import LocalCluster

    with (
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=None, memory_limit=0
        ) as made,
        cluster(made.scheduler_address) as dask,
    ):
        yield {"local pool": LocalEngine(WORKERS), "Dask": dask}


def overhead(repeats: int, only: str) -> None:
    """Print the seconds of the same work by both engines."""
    with tempfile.TemporaryDirectory() as place, engines() as found:
        folder = Path(place)
        targets = write_inputs(folder)
        maps = MapFolder(path=folder / "maps")
        mapset = maps.load()

        def folds(model: str) -> Callable[[Engine, Path], object]:
            plan = Plan(model=model, options={}, settings=Settings())
            return lambda engine, out: evaluate(mapset, plan, out, engine=engine, folder=maps)

        kinds: dict[str, Callable[[Engine, Path], object]] = {
            "1000 empty tasks": lambda engine, _: list(engine.run_all(abs, range(1000))),
            f"{SUBJECTS} folds of svm-linear": folds("svm-linear"),
            f"{VIDEOS} clips of {FRAMES} frames": lambda engine, out: analyze_videos(
                targets, out, engine=engine
            ),
        }
        print(f"| work | {' | '.join(f'{name}, s' for name in found)} |\n|---|---|---|")
        for kind, work in [one for one in kinds.items() if only in one[0]]:
            seconds: dict[str, list[float]] = {name: [] for name in found}
            for number in range(repeats):
                for name, engine in found.items():
                    began = time.perf_counter()
                    work(engine, folder / f"{kind}-{name}-{number}")
                    seconds[name].append(time.perf_counter() - began)
            cells = [f"{min(taken):.1f} ({max(taken):.1f})" for taken in seconds.values()]
            print(f"| {kind} | {' | '.join(cells)} |", flush=True)


def size_of_fold(model: str) -> str:
    """A row of the table: one fold of MEGC 2019's size."""
    single_thread()
    maps, recogniser = noise_maps(), find_recogniser(model)
    test = [i for i, name in enumerate(maps.subjects) if name == maps.subjects[0]]
    rest = [i for i in range(CLIPS) if i not in test]
    fold = Fold(name="one", train=tuple(rest), test=tuple(test))
    epochs = recogniser.epochs
    if epochs is None:
        began = time.process_time()
        result = run_fold(recogniser, maps, fold, Settings(), seed=0)
        text = f"{time.process_time() - began:.1f}"
    else:
        for count in (1, EPOCHS):  # the first one imports and warms up
            began = time.process_time()
            length = {"epochs": count}
            options = {"fitting": length} if model == "hmrm" else length
            short = find_recogniser(model, options)
            result = run_fold(short, maps, fold, Settings(), seed=0)
        epoch_s = (time.process_time() - began) / EPOCHS
        text = f"{epochs * epoch_s:.0f} ({epochs} epochs of {epoch_s:.2f})"
    return f"fold of {model} | {text} | {peak_mb()} | {len(pickle.dumps(result)) / 1e3:.0f}"


def size_of_video() -> str:
    """A row of the table: the demo's 4 s at 100 frames/s, analysed."""
    single_thread()
    clip = demo_clip()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        frames = (
            clip.frame(index).image
            for index in range(round(clip.config.duration_s * clip.config.frames_per_s))
        )
        write_video(folder / "a.mp4", frames, clip.config.frames_per_s)
        began = time.process_time()
        run = analyze_videos([Target(video="a", source=folder / "a.mp4")], folder / "out")
        seconds = time.process_time() - began
        size = sum(path.stat().st_size for path in (folder / "out" / "a").iterdir())
    frame_count = run.results[0].frame_count
    text = f"{seconds:.0f} ({1000 * seconds / frame_count:.0f} ms a frame of 640 × 480)"
    return f"video of {frame_count} frames | {text} | {peak_mb()} | {size / 1e3:.0f}"


def peak_mb() -> str:
    """The most memory that this process has held, MB."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f}"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("overhead", "sizes", "size"))
    parser.add_argument(
        "task", nargs="?", help="of size: a model, or video; of overhead: words of a row"
    )
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    if given.what == "overhead":
        overhead(given.repeats, given.task or "")
    elif given.what == "size":
        print(f"| {size_of_video() if given.task == 'video' else size_of_fold(given.task)} |")
    else:
        print("| task | processor s | MB at most | result, kB |\n|---|---|---|---|", flush=True)
        for task in (*MODELS, "video"):
            command = [sys.executable, "-m", "benchmarks.cluster", "size", task]
            subprocess.run(command, check=False)


if __name__ == "__main__":
    main()
