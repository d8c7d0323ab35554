"""``python -m benchmarks.video``: how fast a video is analysed, and in how much memory.

The video is the demo's portrait, 640 × 480 at 30 frames per second, with head motion, blinks,
noise and a smile every ten seconds. Each measurement is one process of its own. CPU time counts
all threads of that process, so it does not depend on what else the machine does; wall time does.
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
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hmrm import atomic, provenance

ROOT = Path(__file__).resolve().parents[2]
RATE = 30.0
LOOP_S = 10.0


def main() -> None:
    """Measure, or be one measured process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.video", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 s and 20 s, printed only")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(given.measure)))
        return
    lengths_s = (10, 20) if given.quick else (60, 600)
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for seconds in lengths_s:
            path = Path(folder) / f"{seconds}s.mp4"
            write(path, seconds)
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.video", "--measure", str(path)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            runs[f"{seconds}_s"] = json.loads(done.stdout)
            print(f"{seconds} s: {done.stdout.strip()}", flush=True)
    short, long = runs.values()
    result = {
        "provenance": provenance.stamp(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "video": f"640 x 480, {RATE:g} frames/s, H.264, one face, one process",
        "runs": runs,
        "peak_memory_ratio": round(long["peak_mb"] / short["peak_mb"], 3),
        "cpu_s_per_video_s": round(long["cpu_s"] / long["video_s"], 3),
    }
    text = json.dumps(result, indent=1) + "\n"
    if given.quick:
        print(text)
        return
    atomic.write_text(ROOT / "benchmarks/video/results.json", text)


def measured(path: Path) -> dict[str, Any]:
    """Analyse one video in this process; times without the import of libraries."""
    import torch

    from hmrm.analysis.analyze import analyze

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    found = analyze(path)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    # Linux counts in KiB.
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "video_s": round(found.duration_s, 2),
        "cpu_s": round(cpu_s, 2),
        "wall_s": round(wall_s, 2),
        "times_real_time_cpu": round(found.duration_s / cpu_s, 2),
        "times_real_time_wall": round(found.duration_s / wall_s, 2),
        "peak_mb": round(peak_mb, 1),
        "events": len(found.events),
    }


def write(path: Path, seconds: int, frames_per_s: float = RATE) -> None:
    """A video of that length; ten rendered seconds forwards and backwards, without a seam."""
    from hmrm.facs.atlas import ActionUnit
    from hmrm.synthetic.clips import ClipConfig, Expression, render_clip
    from hmrm.synthetic.demo import demo_face
    from hmrm.video.writer import write_video

    image, points = demo_face()
    smile = Expression(units=(ActionUnit(12, "both", 1.5),), onset_s=min(5.0, seconds / 2))
    config = ClipConfig(frames_per_s=frames_per_s, duration_s=min(LOOP_S, seconds))
    clip = render_clip(image, points, [smile], config, rng=np.random.default_rng(7))
    frames = [frame.image for frame in clip.frames()]

    def endless() -> Iterator[np.ndarray]:
        while True:
            yield from frames
            yield from reversed(frames)

    write_video(path, islice(endless(), round(seconds * frames_per_s)), frames_per_s)


if __name__ == "__main__":
    main()
