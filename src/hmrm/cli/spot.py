"""hmrm spot: long videos in, intervals out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hmrm.cli.analyze import print_run
from hmrm.cli.engine_options import (
    EngineName,
    ShardText,
    Workers,
    opened_engine,
    print_shard,
    shard_of,
)
from hmrm.cli.terminal import ERR, OUT, output_folder, print_error, progress_bar
from hmrm.cli.video_options import ApexRule, BlurFaces, Detector, Faces, print_untaken

if TYPE_CHECKING:
    from hmrm.analysis.run import Outcome, VideoRun
    from hmrm.video.images import StillPair

_PRINTED = ("frame_rate_given", "frame_rate_assumed", "too_few_frames")
"""Codes of notices that a wrong answer most often follows from."""


def spot(
    videos: Annotated[
        list[Path],
        typer.Argument(help="Videos, image folders, or folders of these.", show_default=False),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder for the results.")
    ] = Path("hmrm-spotting"),
    subject: Annotated[
        Literal["none", "folder"],
        typer.Option(help="Subject of a video: none (its name will do), or the folder it lies in."),
    ] = "none",
    faces: Faces = "largest",
    skip: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of folders or videos to skip, * and ? allowed; may be repeated. Depth "
            "images alongside colour, as in CAS(ME)³: --skip depth.",
            show_default=False,
        ),
    ] = None,
    apex_rule: ApexRule = "displacement",
    detector: Detector = "blazeface",
    frames_per_s: Annotated[
        float | None,
        typer.Option(
            help="Rate of image folders, which have none (200 is assumed; hmrm datasets list "
            "shows those of data sets); videos follow it instead of their own, as high-speed "
            "recordings that are stored slowed down need.",
            show_default=False,
        ),
    ] = None,
    blur_faces: BlurFaces = False,
    workers: Workers = 1,
    engine: EngineName = "local",
    shard: ShardText = None,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Find micro-expressions (to 0.5 s) and macro-expressions (longer) in long videos.

    Example: hmrm spot video.mp4 -o spotting

    Writes spotting.csv (subject, video, onset, offset, type, apex, score; frames from 0, both
    ends count; a video in which nothing was found has a row without frames, one too short to
    find anything in has none), spotting.json, and for each video a folder with events.csv,
    frames.csv, analysis.json and report.html, which hmrm export takes. A repeated run resumes
    where it stopped. Score the result against annotations with hmrm score-spotting; hmrm datasets
    intervals writes those of a data set.
    """
    from hmrm.video.discover import discover, unique_names

    untaken: list[Path] = []
    clips = discover(videos, skip=skip or (), untaken=untaken)
    print_untaken(untaken)
    # After it: a name that is wrong is refused before half a second of imports.
    from hmrm import parallel
    from hmrm.analysis.spot import spot_videos
    from hmrm.analysis.target import Target
    from hmrm.spotting.settings import SpottingConfig

    parallel.single_thread()
    targets = [
        Target(subject=_subject(clip, subject), video=name, source=clip)
        for clip, name in zip(clips, unique_names(clips), strict=True)
    ]

    config = SpottingConfig(
        faces=faces,
        apex_rule=apex_rule,
        detector=detector,
    )
    part = shard_of(shard, engine=engine)
    mine, place = (targets, output) if part is None else (part.part(targets), part.folder(output))
    with opened_engine(engine, workers=workers) as there, progress_bar(enabled=progress) as bar:

        def show(outcome: "Outcome") -> None:
            if outcome.error is not None:
                with bar.paused():
                    print_error(outcome.error)

        run = spot_videos(
            mine,
            place,
            config,
            frames_per_s=frames_per_s,
            blur_faces=blur_faces,
            engine=there,
            progress=bar,
            on_outcome=show,
        )
    if run.results:
        _print_found(run, place)
    _print_notices(run)
    print_run(run)
    if part is not None:
        print_shard(part, output, f"{len(mine)} of {len(targets)} videos")


def _print_found(run: "VideoRun", output: Path) -> None:
    kinds = [interval.kind for result in run.results for interval in result.intervals]
    seconds = sum(result.duration_s for result in run.results)
    duration = f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
    OUT.print(
        f"{len(run.results)} video(s), {duration}: {kinds.count('micro')} micro- and "
        f"{kinds.count('macro')} macro-expression(s); {output / 'spotting.csv'}",
    )


def _subject(clip: "Path | StillPair", rule: str) -> str:
    path = clip if isinstance(clip, Path) else clip.onset
    return path.absolute().parent.name if rule == "folder" else ""


def _print_notices(run: "VideoRun") -> None:
    """Print each notice that matters most once, with the videos that it is about."""
    videos: dict[str, list[str]] = {}
    for result in run.results:
        for notice in result.notices:
            if notice.code in _PRINTED:
                videos.setdefault(notice.message, []).append(result.video)
    for message, names in videos.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        ERR.print(f"notice: {names[0]}{others}: {message}")
