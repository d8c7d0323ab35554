"""Commands that take long and resume, with small inputs."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fuzz.seeds import evaluation, training
from hmrm.synthetic.datasets.catalogue import SYNTHETIC_SETS
from hmrm.synthetic.datasets.writer import write_points, write_synthetic
from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video

TIMINGS = frozenset({"timings.jsonl"})
"""Files that differ from run to run."""

_VIDEOS = 3
_FRAMES = 30
_CLIPS = 6
_STEPS = {"steps": 12, "checkpoint_steps": 3}


@dataclass(frozen=True, kw_only=True)
class LongRun:
    """A command and its inputs: ``in`` below the folder that ``make`` fills."""

    make: Callable[[Path], None]
    command: str

    def words(self, output: str) -> list[str]:
        """The words of the command line."""
        return [*shlex.split(self.command), "-o", output, "--no-progress"]


def _maps(folder: Path) -> None:
    evaluation.maps(folder / "in" / "maps", "prepared", subjects=2, clips=3)
    table = {"model": evaluation.NETWORK_TABLE, "evaluation": {"seeds": [0, 1], "folds": "4"}}
    evaluation.write_toml(folder / "in" / "run.toml", table)


def _data_set(folder: Path) -> None:
    points = write_synthetic(folder / "in" / "root", SYNTHETIC_SETS["casme2"]().first(_CLIPS))
    write_points(folder / "in" / "faces.csv", points)


def _videos(folder: Path) -> None:
    clip = demo_clip()
    for number in range(_VIDEOS):
        start = 40 * number
        frames = [clip.frame(index).image for index in range(start, start + _FRAMES)]
        write_video(folder / "in" / f"{number}.mp4", frames, clip.config.frames_per_s)


def _synthetic(folder: Path) -> None:
    evaluation.write_toml(folder / "in" / "synthetic.toml", {**training.SYNTHETIC, **_STEPS})


def _flow(folder: Path) -> None:
    table = {**training.FLOW, **training.PAIRS, **_STEPS, "validation_steps": 4}
    evaluation.write_toml(folder / "in" / "flow.toml", table)


COMMANDS: Mapping[str, LongRun] = {
    "evaluate": LongRun(make=_maps, command="evaluate --data in/maps --config in/run.toml"),
    "prepare": LongRun(
        make=_data_set,
        command="datasets prepare casme2 in/root --flow farneback --faces in/faces.csv",
    ),
    "spot": LongRun(make=_videos, command="spot in"),
    "analyze": LongRun(make=_videos, command="analyze in"),
    "train-synthetic": LongRun(
        make=_synthetic, command="train synthetic --config in/synthetic.toml --workers 1"
    ),
    "train-flow": LongRun(make=_flow, command="train flow --config in/flow.toml --workers 1"),
}
"""Every command that promises to resume."""
