"""hmrm analyze: videos in, events and reports out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hmrm.cli.terminal import ERR, OUT, progress_bar
from hmrm.errors import HmrmError

if TYPE_CHECKING:
    from hmrm.clip import Analysis

Faces = Literal["all", "largest"]


def analyze(
    videos: Annotated[
        list[Path],
        typer.Argument(
            help="Videos, image folders, folders of these, or two pictures: onset and apex.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")] = Path(
        "hmrm-results"
    ),
    onset: Annotated[
        int | None, typer.Option(help="Onset frame, from 0: skip spotting.", show_default=False)
    ] = None,
    apex: Annotated[
        int | None, typer.Option(help="Apex frame, from 0: skip spotting.", show_default=False)
    ] = None,
    flow: Annotated[
        str, typer.Option(help="Optical flow of the events; names as in hmrm flow.")
    ] = "deepflow",
    head_motion: Annotated[
        bool, typer.Option(help="Fit the head's motion and take it out of the flow.")
    ] = True,
    weights: Annotated[
        str, typer.Option(help="What names the events: shipped name, path, or none.")
    ] = "hmrm-synthetic",
    faces: Annotated[Faces, typer.Option(help="Which faces to follow.")] = "all",
    frames_per_s: Annotated[
        float | None,
        typer.Option(
            help="Rate of image folders, which have none (200 is assumed); videos follow it "
            "instead of their own.",
            show_default=False,
        ),
    ] = None,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Find facial movements of micro-expression length in videos.

    Each video gets events.csv, frames.csv, analysis.json and report.html: in the output folder
    itself, or, of several videos, in a folder each. A video that fails does not stop the others;
    the exit code is then that of the first failure.
    """
    from hmrm.analysis.analyze import analyze as run
    from hmrm.analysis.exports import save
    from hmrm.analysis.settings import AnalyzeConfig
    from hmrm.video.discover import discover, unique_names

    clips = discover(videos)
    folders = [output / name for name in unique_names(clips)] if len(clips) > 1 else [output]
    failures: list[HmrmError] = []
    for clip, folder in zip(clips, folders, strict=True):
        try:
            with progress_bar(enabled=progress) as bar:
                found = run(
                    clip,
                    onset=onset,
                    apex=apex,
                    flow=flow,
                    faces=faces,
                    namer=None if weights == "none" else weights,
                    frames_per_s=frames_per_s,
                    config=AnalyzeConfig(head_motion=head_motion),
                    progress=bar,
                )
            page = save(folder, found)
        except HmrmError as error:
            if len(clips) == 1:
                raise
            failures.append(error)
            ERR.print("error:", style="bold red", end=" ")
            ERR.print(str(error), markup=False)
            continue
        print_found(found, page)
    if failures:
        ERR.print(f"{len(failures)} of {len(clips)} clips failed, see above")
        raise typer.Exit(failures[0].exit_code)


def print_found(found: "Analysis", page: Path) -> None:
    """Say on the terminal what was found, what to beware of, and where the report lies."""
    count = len(found.events)
    OUT.print(
        f"{found.source}: {count} movement{'' if count == 1 else 's'} "
        f"in {found.duration_s:.1f} s ({found.frame_count} frames)",
        markup=False,
    )
    for event in found.events:
        OUT.print(
            f"  {event.onset_s:.2f}–{event.offset_s:.2f} s, apex {event.apex_s:.2f} s, "
            f"face {event.face_id}, {event.region.replace('_', ' ')}, "
            f"{event.peak_motion_px:.2f} px on average, {event.label or 'not named'}"
            + (f" [{', '.join(event.flags)}]" if event.flags else ""),
            markup=False,
        )
    for notice in found.notices:
        ERR.print(f"  note: {notice.message}", markup=False)
    OUT.print(f"  report: {page}", markup=False)
