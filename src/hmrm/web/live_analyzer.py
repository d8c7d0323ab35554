"""``python -m hmrm.web.live_analyzer``: analyses a camera's images for the live view.

Images with their times come on standard input (`hmrm.web.live.HEAD`, then a JPEG); a line of JSON
answers each. It ends with its input, after a last line with the events that were still open.
"""

import argparse
import io
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TextIO

import cv2
import numpy as np

from hmrm import limits, parallel, records
from hmrm.analysis.report.words import flag_of
from hmrm.analysis.stream import Analyzer
from hmrm.clip import Event, Frame
from hmrm.errors import HmrmError
from hmrm.image_size import require_small
from hmrm.intervals import kind_of_duration
from hmrm.reading import DamagedError
from hmrm.web import process
from hmrm.web.live import HEAD, MOST_BYTES


@dataclass(frozen=True, kw_only=True)
class LiveEvent:
    """An event of the camera; times are those that came with its images, s.

    Attributes:
        length: ``micro`` or ``macro``.
        label: "" where nothing gave a class.
        flags: in words.
    """

    face_id: int
    onset_s: float
    apex_s: float
    offset_s: float
    length: str
    label: str
    region: str
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LiveAnswer:
    """What is known after an image.

    Attributes:
        images: how many were analysed.
        events: those that have become certain.
        finished: whether this is the last line.
        error: why nothing more is analysed.
    """

    images: int
    events: tuple[LiveEvent, ...] = ()
    finished: bool = False
    error: str = ""


def event_shown(event: Event) -> LiveEvent:
    """An event as the page gets it."""
    return LiveEvent(
        face_id=event.face_id,
        onset_s=event.onset_s,
        apex_s=event.apex_s,
        offset_s=event.offset_s,
        length=kind_of_duration(event.duration_s),
        label=event.label or "",
        region=event.region.replace("_", " "),
        flags=tuple(flag_of(code).short for code in event.flags),
    )


def images(source: BinaryIO | io.BytesIO) -> Iterator[Frame]:
    """The camera's images as frames, until there are no more.

    Raises:
        DamagedError: one cannot be decoded, or is larger than the limits.
    """
    index = 0
    while len(head := source.read(HEAD.size)) == HEAD.size:
        time_s, size = HEAD.unpack(head)
        if not math.isfinite(time_s) or not 0 < size <= MOST_BYTES:
            raise DamagedError(f"image {index}: no time, or {size} bytes of at most {MOST_BYTES}")
        content = source.read(size)
        require_small(content)
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise DamagedError(f"image {index}: cannot be decoded")
        yield Frame(index=index, time_s=time_s, image=np.asarray(pixels, np.uint8))
        index += 1


def answer(source: BinaryIO | io.BytesIO, answers: TextIO, *, weights: str | None) -> None:
    """Analyse until the images end, one line for each."""

    def say(count: int, events: Sequence[Event] = (), *, finished: bool = False) -> None:
        shown = tuple(map(event_shown, events))
        line = LiveAnswer(images=count, events=shown, finished=finished)
        answers.write(records.dumps(line, indent=None))
        answers.flush()

    analyzer = Analyzer(classifier=weights)
    count = 0
    for frame in images(source):
        found = analyzer.push(frame.image, frame.time_s)
        count += 1
        say(count, found)
    say(count, analyzer.finish() if count else (), finished=True)


def main() -> None:
    """Answer on standard input and output."""
    parser = argparse.ArgumentParser(description="analyse a camera's images for hmrm serve")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--weights", default="")
    options = parser.parse_args()
    parallel.single_thread()
    process.limit_process(limits.current().worker_bytes)
    process.every_second(lambda: None, parent=options.parent)
    try:
        answer(sys.stdin.buffer, sys.stdout, weights=options.weights or None)
    except (HmrmError, DamagedError, MemoryError) as error:
        reason = str(error) or "not enough memory"
        sys.stdout.write(
            records.dumps(LiveAnswer(images=0, finished=True, error=reason), indent=None)
        )


if __name__ == "__main__":
    main()
