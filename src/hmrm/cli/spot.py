"""hmrm spot: long videos in, intervals out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hmrm.cli.terminal import ERR, OUT, progress_bar

Faces = Literal["all", "largest"]
_RATE = ("frame_rate_given", "frame_rate_assumed")
"""Codes of notices that a wrong answer most often follows from."""


def spot(
    videos: Annotated[
        list[Path],
        typer.Argument(help="Videos, image folders, or folders of these.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")] = Path(
        "hmrm-spotting"
    ),
    subject: Annotated[
        Literal["none", "folder"],
        typer.Option(
            help="Subject of a video: not told (its name will do), or the folder it lies in."
        ),
    ] = "none",
    faces: Annotated[Faces, typer.Option(help="Which faces to follow.")] = "largest",
    skip: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of folders or videos to leave out, * and ? allowed; may be repeated. Depth "
            "pictures beside colour, as in CAS(ME)³: --skip depth.",
            show_default=False,
        ),
    ] = None,
    frames_per_s: Annotated[
        float | None,
        typer.Option(
            help="Rate of image folders, which have none (200 is assumed; hmrm datasets list "
            "tells those of data sets); videos follow it instead of their own, as high-speed "
            "recordings that are stored slowed down need.",
            show_default=False,
        ),
    ] = None,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Find micro-expressions (to 0.5 s) and macro-expressions (to about 4 s) in long videos.

    Writes spotting.csv (subject, video, onset, offset, type, apex, score; frames from 0, both
    ends count; a video in which nothing was found has a row without frames) and spotting.json. A
    repeated run goes on where it stopped. Score the result against annotations with hmrm
    score-spotting; hmrm datasets intervals writes those of a data set.
    """
    from hmrm.analysis.spot_videos import SpottingConfig, Target, intervals_of, spot_videos
    from hmrm.errors import HmrmError
    from hmrm.video.discover import discover, unique_names
    from hmrm.video.images import StillPair

    clips = discover(videos, skip=skip or ())
    targets = [
        Target(subject=_subject(clip, subject), video=name, source=clip)
        for clip, name in zip(clips, unique_names(clips), strict=True)
        if not isinstance(clip, StillPair)
    ]

    def complain(error: HmrmError) -> None:
        ERR.print("error:", style="bold red", end=" ")
        ERR.print(str(error), markup=False)

    with progress_bar(enabled=progress) as bar:
        run = spot_videos(
            targets,
            output,
            SpottingConfig(faces=faces),
            frames_per_s=frames_per_s,
            progress=bar,
            on_failure=complain,
        )
    kinds = [one.kind for one in intervals_of(run.videos)]
    seconds = sum(video["duration_s"] for video in run.videos)
    long = f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
    OUT.print(
        f"{len(run.videos)} video(s), {long}: {kinds.count('micro')} micro- and "
        f"{kinds.count('macro')} macro-expression(s); {output / 'spotting.csv'}"
        + (f"; {run.resumed} video(s) from an earlier run" if run.resumed else ""),
        markup=False,
    )
    _print_rates(run.videos)
    if run.failures:
        ERR.print(f"{len(run.failures)} of {len(targets)} videos failed, see above")
        raise typer.Exit(next(iter(run.failures.values())).exit_code)


def _subject(clip: Path, rule: str) -> str:
    return clip.absolute().parent.name if rule == "folder" else ""


def _print_rates(videos: Sequence[Mapping[str, Any]]) -> None:
    said: dict[str, list[str]] = {}
    for video in videos:
        for notice in video["notices"]:
            if notice["code"] in _RATE:
                said.setdefault(notice["message"], []).append(video["video"])
    for message, names in said.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        ERR.print(f"notice: {names[0]}{others}: {message}", markup=False)
