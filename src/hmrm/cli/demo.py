"""hmrm demo: a synthetic smile goes in, the report states what was found."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.terminal import OUT, output_folder, progress_bar
from hmrm.progress import Progress

if TYPE_CHECKING:
    from hmrm.analysis.report.timeline import Span
    from hmrm.clip import Image
    from hmrm.synthetic.clips import RenderedClip


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder for the results.")
    ] = Path("hmrm-demo"),
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Render a clip with a known micro-expression, analyse it, and show both side by side.

    Example: hmrm demo -o demo

    A public-domain portrait gets a smile of about one pixel and a third of a second, head
    motion, blinks and camera noise. Nothing is downloaded.
    """
    from hmrm import parallel
    from hmrm.analysis.analyze import analyze
    from hmrm.analysis.report.page import truth_line
    from hmrm.analysis.saved import save
    from hmrm.cli.analyze import print_found
    from hmrm.synthetic.demo import demo_clip
    from hmrm.video.writer import write_video

    parallel.single_thread()
    clip = demo_clip()
    video = output / "demo.mp4"
    with progress_bar(enabled=progress) as bar:
        write_video(video, _images(clip, bar), clip.config.frames_per_s)
        found = analyze(video, progress=bar)
    truth = _spans(clip)
    page = save(output, found, truth=truth)
    print_found(found, page)
    for span in truth:
        OUT.print(truth_line(span, found.events))


def _images(clip: "RenderedClip", progress: Progress) -> Iterator["Image"]:
    for frame in clip.frames():
        progress("rendering the clip", frame.index + 1, clip.config.frame_count)
        yield frame.image


def _spans(clip: "RenderedClip") -> list["Span"]:
    from hmrm.analysis.report.timeline import Span

    rate = clip.truth.frames_per_s
    return [
        Span(
            start_s=event.onset_index / rate,
            end_s=event.offset_index / rate,
            title=" + ".join(f"AU{u.number} of {u.intensity_px:g} px" for u in event.units)
            + " where it is strongest",
        )
        for event in clip.truth.events
    ]
