"""``python -m benchmarks.speed`` (``make bench``): what an analysis costs, in one run.

Processor time of one process with one thread, so that other work on the machine changes little.
The video is `benchmarks.video`'s: 640 × 480, one face, head motion, blinks, noise, a smile each
ten seconds; at 200 frames a second it is rendered again. Writes results.json and the page.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import cv2

from benchmarks.speed.page import as_page
from benchmarks.video.__main__ import write
from hmrm import atomic, provenance
from hmrm.parallel import single_thread

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "benchmarks" / "speed.md"
SECONDS = 10
FAST_SECONDS = 60
RUNS = 4
MB = 2**20


@dataclass
class Stage:
    """Processor time of one part of the first pass, s."""

    spent_s: float = 0.0

    def of(self, function: Callable[..., object]) -> Callable[..., object]:
        """The function, timed."""

        def timed(*args: object, **kwargs: object) -> object:
            begun = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent_s += time.process_time() - begun

        return timed


def first_pass_by_stage(path: Path) -> dict[str, float]:
    """Ms a frame of the first pass: whole, and its parts."""
    from hmrm.faces.mesh_track import MeshTracker
    from hmrm.spotting.cover import AppearanceRecorder
    from hmrm.spotting.first_pass import first_pass
    from hmrm.spotting.motion import MotionMeter
    from hmrm.spotting.settings import SpottingConfig
    from hmrm.spotting.spot import find_events
    from hmrm.video.reader import open_video

    first_pass(open_video(path))
    mesh, motion, small = Stage(), Stage(), Stage()
    kept = MeshTracker.update, MotionMeter.update, AppearanceRecorder.add
    MeshTracker.update = mesh.of(kept[0])  # type: ignore[method-assign]
    MotionMeter.update = motion.of(kept[1])  # type: ignore[method-assign]
    AppearanceRecorder.add = small.of(kept[2])  # type: ignore[method-assign]
    try:
        begun = time.process_time()
        found = first_pass(open_video(path))
        whole_s = time.process_time() - begun
    finally:
        MeshTracker.update, MotionMeter.update, AppearanceRecorder.add = kept  # type: ignore[method-assign]
    begun = time.process_time()
    every = found.stride
    for _, _, frame in open_video(path).chosen(lambda i: i % every == 0):
        assert frame is None or frame.image.size
    decoding_s = time.process_time() - begun
    begun = time.process_time()
    find_events(found, SpottingConfig())
    finder_s = time.process_time() - begun
    parts = {
        "decoding, to RGB": decoding_s,
        "face detection and mesh": mesh.spent_s,
        "registration": motion.spent_s,
        "small images of the face": small.spent_s,
    }
    rest = whole_s - sum(parts.values())
    table = {"whole first pass": whole_s, **parts, "rest: scenes, grey, points": rest}
    table["finder, after the pass"] = finder_s
    return {name: 1000 * value / found.frame_count for name, value in table.items()}


def plain_mesh_ms(path: Path) -> float:
    """The bare loop that others run: decode, mesh in the box of the last mesh; ms a frame."""
    from hmrm.faces.blazeface import BlazeFace
    from hmrm.faces.mesh_track import MeshTracker
    from hmrm.video.reader import open_video

    tracker, count, begun = MeshTracker(detector=BlazeFace()), 0, time.process_time()
    for frame in open_video(path).frames():
        tracker.update(frame)
        count += 1
    return 1000 * (time.process_time() - begun) / count


def whole_analysis(path: Path) -> dict[str, float]:
    """One analysis in a process of its own."""
    code = (
        "import json,sys,time;from pathlib import Path;"
        "from hmrm.parallel import single_thread;single_thread();"
        "from hmrm.analysis.analyze import analyze;w,c=time.perf_counter(),time.process_time();"
        "f=analyze(Path(sys.argv[1]));"
        "print(json.dumps({'wall_s':time.perf_counter()-w,'processor_s':time.process_time()-c,"
        "'video_s':f.duration_s,'frames':f.frame_count,'events':len(f.events),"
        # Not ru_maxrss: a process begins with its parent's.
        "'peak_mb':int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])/1024}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def of_an_event() -> dict[str, float]:
    """Processor time, ms, of what each event costs after it was found."""
    from hmrm.analysis.classify import NetworkClassifier
    from hmrm.flow.estimate import build_estimator
    from hmrm.flow.pair import flow_map
    from hmrm.model.checkpoints import load_model
    from hmrm.model.fitted_network import FittedHmrm
    from hmrm.synthetic.demo import demo_clip

    clip = demo_clip()
    onset, apex = (
        cv2.resize(cv2.cvtColor(clip.frame(i).image, cv2.COLOR_RGB2GRAY), (224, 324))
        for i in (180, 195)
    )
    deepflow = build_estimator("deepflow")
    seen = flow_map(deepflow(onset, apex))
    classifier, torch_path = (
        NetworkClassifier(),
        FittedHmrm(network=load_model("hmrm-synthetic")[0]),
    )
    exported = classifier._network
    return {
        "DeepFlow, 224 × 324 (the default)": _ms(lambda: deepflow(onset, apex)),
        "DualTVL1": _ms(lambda: build_estimator("tvl1")(onset, apex)),
        "GRU-AOFE (torch)": _ms(lambda: build_estimator("gru-aofe")(onset, apex), times=1),
        "class, through OpenCV": _ms(lambda: classifier(seen)),
        "class, through torch": _ms(lambda: torch_path.answer(seen.values)),
        "without each region, through OpenCV": _ms(
            lambda: exported.without_each_region(seen.values)
        ),
    }


def _ms(run: Callable[[], object], times: int = 5) -> float:
    run()
    begun = time.process_time()
    for _ in range(times):
        run()
    return 1000 * (time.process_time() - begun) / times


def commands() -> dict[str, float]:
    """Processor seconds of the smallest commands."""
    found = {}
    for name, words in {"hmrm --help": ["--help"], "a missing file": ["analyze", "no.mp4"]}.items():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "hmrm", *words], capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found[name] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found


def installed_mb(requirements: set[str]) -> float:
    """Unpacked size of packages and all they need, as installed here, without byte code."""
    todo, done, total = set(requirements), set[str](), 0
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for file in package.files or ():
            path = Path(str(package.locate_file(file)))
            if path.suffix != ".pyc" and path.is_file():
                total += path.stat().st_size
        for need in package.requires or ():
            if "extra ==" not in need:
                word = "".join(c if c.isalnum() or c in "-_." else " " for c in need).split()[0]
                todo.add(word)
    return total / MB


def base_requirements() -> tuple[set[str], set[str]]:
    """Names that the plain installation and the extra torch ask for."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def names(needs: list[str]) -> set[str]:
        return {need.split(">")[0].split("=")[0].split("<")[0].strip() for need in needs}

    base = names(project["dependencies"])
    return base, base | names(project["optional-dependencies"]["torch"])


def main() -> None:
    """Measure everything, print it, write results and page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 s of video, printed only")
    given = parser.parse_args()
    single_thread()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    seconds = 3 if given.quick else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        slow, fast = Path(folder) / "30.mp4", Path(folder) / "200.mp4"
        write(slow, seconds)
        write(fast, seconds if given.quick else FAST_SECONDS, frames_per_s=200.0)
        videos: Mapping[str, dict[str, float]] = {
            "30 frames a second": whole_analysis(slow),
            "200 frames a second": whole_analysis(fast),
        }
        # The quickest of some runs: other work on the machine only ever adds.
        stages = min(
            (first_pass_by_stage(slow) for _ in range(RUNS)),
            key=lambda run: run["whole first pass"],
        )
        mesh = min(plain_mesh_ms(slow) for _ in range(RUNS))
    base, with_torch = base_requirements()
    result = {
        "stages_ms": stages,
        "plain_mesh_ms": mesh,
        "videos": videos,
        "event_ms": of_an_event(),
        "commands_s": commands(),
        "installed_mb": {"plain": installed_mb(base), "torch": installed_mb(with_torch)},
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load_average": [round(load, 1) for load in os.getloadavg()],
        },
        "provenance": provenance.stamp(),
    }
    print(json.dumps(result, indent=1))
    if not given.quick:
        atomic.write_text(RESULTS, json.dumps(result, indent=1) + "\n")
        atomic.write_text(PAGE, as_page(result))


if __name__ == "__main__":
    main()
