"""``python -m benchmarks.live VIDEO...``: events of a stream against those of the recorded video.

Every video goes through `hmrm.analyze` and, frame by frame, through the stream's analyzer; nothing
is classified. Prints a row for each video and one for all, as docs/live.md has it.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hmrm.analysis.analyze import analyze
from hmrm.analysis.stream import Analyzer
from hmrm.clip import Event
from hmrm.errors import FaceNotFoundError
from hmrm.parallel import single_thread
from hmrm.video.discover import discover
from hmrm.video.reader import open_video

SAME_IOU = 0.5
NEAR_FRAMES = 2


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Counts over events; delays from an event's offset to its announcement, s."""

    recorded: int
    found_live: int
    near: int
    live_alone: int
    delays_s: tuple[float, ...]
    frames: int
    processor_s: float

    def row(self, name: str) -> str:
        """A row of the page's table."""
        delays = (
            f"{statistics.median(self.delays_s):.2f} s ({max(self.delays_s):.2f} s)"
            if self.delays_s
            else "none"
        )
        cost = 1000 * self.processor_s / max(self.frames, 1)
        return (
            f"| {name} | {self.recorded} | {self.found_live} | {self.near} | {self.live_alone} | "
            f"{delays} | {cost:.1f} |"
        )


def compared(recorded: Sequence[Event], live: Sequence[Event]) -> tuple[int, int, int]:
    """Recorded events that are found live, those of them with both borders near, live ones alone.

    One to one, in order of the recorded events.
    """
    left, near = list(live), 0
    for one in recorded:
        best = max(left, key=lambda other: _iou(one, other), default=None)
        if best is None or _iou(one, best) < SAME_IOU:
            continue
        left.remove(best)
        near += (
            abs(best.onset_index - one.onset_index) <= NEAR_FRAMES
            and abs(best.offset_index - one.offset_index) <= NEAR_FRAMES
        )
    return len(live) - len(left), near, len(left)


def _iou(one: Event, other: Event) -> float:
    inner = min(one.offset_index, other.offset_index) - max(one.onset_index, other.onset_index) + 1
    outer = max(one.offset_index, other.offset_index) - min(one.onset_index, other.onset_index) + 1
    return max(inner, 0) / outer


def compare(path: Path) -> Comparison:
    """One video, recorded and live."""
    try:
        recorded = analyze(open_video(path), classifier=None).events
    except FaceNotFoundError:
        recorded = ()
    analyzer, live, delays = Analyzer(classifier=None), list[Event](), list[float]()
    begun = time.process_time()
    for frame in open_video(path).frames():
        for event in analyzer.push(frame.image, frame.time_s):
            live.append(event)
            delays.append(frame.time_s - event.offset_s)
    live += analyzer.finish()
    found, near, alone = compared(recorded, live)
    return Comparison(
        recorded=len(recorded),
        found_live=found,
        near=near,
        live_alone=alone,
        delays_s=tuple(delays),
        frames=analyzer.frame_count,
        processor_s=time.process_time() - begun,
    )


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path, nargs="+")
    single_thread()
    every = []
    print("| video | recorded | live | near | live alone | delay, median (largest) | ms a frame |")
    print("|---|---:|---:|---:|---:|---|---:|")
    for clip in discover(parser.parse_args().videos):
        if isinstance(clip, Path):
            every.append(compare(clip))
            print(every[-1].row(clip.name), flush=True)
    whole = Comparison(
        recorded=sum(one.recorded for one in every),
        found_live=sum(one.found_live for one in every),
        near=sum(one.near for one in every),
        live_alone=sum(one.live_alone for one in every),
        delays_s=tuple(delay for one in every for delay in one.delays_s),
        frames=sum(one.frames for one in every),
        processor_s=sum(one.processor_s for one in every),
    )
    print(whole.row("all"))


if __name__ == "__main__":
    main()
