"""hmrm analyze --live: a camera, or a file that plays in real time."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hmrm.cli.terminal import ERR, OUT

if TYPE_CHECKING:
    from hmrm.analysis.settings import AnalyzeConfig
    from hmrm.clip import Event, Frame


def analyze_live(name: str, output: Path, config: "AnalyzeConfig", weights: str | None) -> None:
    """Print events as they end, and keep them in events.csv; Ctrl-C ends it.

    Raises:
        VideoError: neither a video nor a camera.
    """
    from hmrm.analysis.saved import write_events
    from hmrm.analysis.stream import Analyzer
    from hmrm.video.device import is_device

    analyzer = Analyzer(config=config, classifier=weights)
    events: list[Event] = []

    def take(found: "tuple[Event, ...]", now_s: float | None) -> None:
        events.extend(found)
        for event in found:
            _show(event, now_s)
        if found:
            write_events(output / "events.csv", events)

    skipped, began_s = 0, time.monotonic()
    write_events(output / "events.csv", ())
    OUT.print(f"{name}: live; end with Ctrl-C" if is_device(name) else f"{name}: live")
    try:
        for frame in _frames(name):
            if frame is None:
                skipped += 1
            else:
                if analyzer.frame_count == 0:
                    began_s = time.monotonic() - frame.time_s
                # Classifying takes time, too: the delay is the wall clock's.
                take(analyzer.push(frame.image, frame.time_s), time.monotonic() - began_s)
    except KeyboardInterrupt:
        pass
    take(analyzer.finish(), None)
    count = len(events)
    OUT.print(
        f"{count} movement{'' if count == 1 else 's'} in {analyzer.frame_count} frames: "
        f"{output / 'events.csv'}"
    )
    if skipped:
        ERR.print(
            f"note: {skipped} of {analyzer.frame_count + skipped} frames were skipped: they came "
            "while others were still being analysed; if these are many, film smaller images, or "
            "analyse the file without --live"
        )


def _frames(name: str) -> "Iterator[Frame | None]":
    from hmrm.video.device import camera_frames, is_device, played
    from hmrm.video.reader import open_video

    return camera_frames(name) if is_device(name) else played(open_video(Path(name)))


def _show(event: "Event", now_s: float | None) -> None:
    after = "" if now_s is None else f", announced {now_s - event.offset_s:.1f} s after it"
    OUT.print(
        f"  {event.onset_s:.2f}–{event.offset_s:.2f} s, apex {event.apex_s:.2f} s, "
        f"face {event.face_id}, {event.region.replace('_', ' ')}, "
        f"{event.label or 'not classified'}{after}"
        + (f" [{', '.join(event.flags)}]" if event.flags else "")
    )
