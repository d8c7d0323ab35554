"""hmrm analyze: videos in, events and reports out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hmrm.cli.engine_options import (
    EngineName,
    ShardText,
    Workers,
    opened_engine,
    print_shard,
    shard_of,
)
from hmrm.cli.live import analyze_live
from hmrm.cli.terminal import ERR, OUT, Display, output_folder, print_error, progress_bar
from hmrm.cli.video_options import ApexRule, BlurFaces, Detector, Faces, print_untaken
from hmrm.errors import ConfigError

if TYPE_CHECKING:
    from hmrm.analysis.record import Analysis
    from hmrm.analysis.results import VideoResult
    from hmrm.analysis.run import VideoRun
    from hmrm.analysis.settings import AnalyzeConfig
    from hmrm.clip import Event
    from hmrm.engine.contract import Engine
    from hmrm.video.images import StillPair

_ALIGNED_BY: Mapping[str, Literal["mesh", 5, 68]] = {"mesh": "mesh", "5": 5, "68": 68}


def analyze(
    videos: Annotated[
        list[Path],
        typer.Argument(
            help="Videos, image folders, folders of these, or two images: onset and apex.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=output_folder, help="Folder for the results.")
    ] = Path("hmrm-results"),
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
        str, typer.Option(help="Weights that give the classes: shipped name, path, or none.")
    ] = "hmrm-synthetic",
    faces: Faces = "all",
    apex_rule: ApexRule = "displacement",
    detector: Detector = "blazeface",
    landmarks: Annotated[
        Literal["mesh", "5", "68"],
        typer.Option(
            help="Align the crops of events by five points of the face mesh, by MTCNN's 5, or by "
            "68 as the paper does (needs the extra dlib; its model excludes commercial use)."
        ),
    ] = "mesh",
    frames_per_s: Annotated[
        float | None,
        typer.Option(
            help="Rate of image folders, which have none (200 is assumed); videos follow it "
            "instead of their own.",
            show_default=False,
        ),
    ] = None,
    blur_faces: BlurFaces = False,
    workers: Workers = 1,
    engine: EngineName = "local",
    shard: ShardText = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Play the one video in real time, or read a camera (/dev/video0; untested), and "
            "report each movement within about a second of its end.",
        ),
    ] = False,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Find micro-expressions (to 0.5 s) and longer expressions in videos, and classify them.

    Example: hmrm analyze video.mp4 -o results

    Each video gets events.csv, frames.csv, analysis.json and report.html: in the output folder
    itself, or, of several videos, in a folder each. A video that fails does not stop the others;
    the exit code is then that of the first failure. A repeated run of several videos resumes where
    it stopped: what is finished is kept while the video and the settings are the same.
    """
    from hmrm.video.discover import discover, unique_names

    untaken: list[Path] = []
    clips = [] if live else discover(videos, untaken=untaken)
    print_untaken(untaken)
    # After it: a name that is wrong is refused before half a second of imports.
    from hmrm import parallel
    from hmrm.analysis.settings import AnalyzeConfig

    # A second thread costs half as much again for a tenth of the wait.
    parallel.single_thread()
    config = AnalyzeConfig(
        flow=flow,
        faces=faces,
        head_motion=head_motion,
        apex_rule=apex_rule,
        detector=detector,
        landmarks=_ALIGNED_BY[landmarks],
    )
    given = _Given(onset=onset, apex=apex, frames_per_s=frames_per_s, blur_faces=blur_faces)
    classes_from = None if weights == "none" else weights
    if live:
        _require_live(videos, given)
        analyze_live(str(videos[0]), output, config, classes_from)
        return
    part = shard_of(shard, engine=engine)
    if len(clips) == 1:
        if part is not None or engine != "local":
            raise ConfigError("one video is one task: leave --shard and --engine out")
        with progress_bar(enabled=progress) as bar:
            _analyze_one(clips[0], output, config, given, classes_from, bar)
        return
    named = list(zip(unique_names(clips), clips, strict=True))
    mine, place = (named, output) if part is None else (part.part(named), part.folder(output))
    with opened_engine(engine, workers=workers) as there, progress_bar(enabled=progress) as bar:
        run = _analyze_several(dict(mine), place, config, given, classes_from, there, bar)
    print_run(run)
    if part is not None:
        print_shard(part, output, f"{len(mine)} of {len(named)} videos")


def _require_live(videos: list[Path], given: "_Given") -> None:
    if len(videos) != 1:
        raise typer.BadParameter("takes one video or camera", param_hint="--live")
    if given != _Given(onset=None, apex=None, frames_per_s=None, blur_faces=False):
        raise typer.BadParameter(
            "--onset, --apex, --frames-per-s and --blur-faces are for recorded videos; leave them "
            "out",
            param_hint="--live",
        )


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What the user knows of the videos, and whether faces may be seen."""

    onset: int | None
    apex: int | None
    frames_per_s: float | None
    blur_faces: bool


def _analyze_one(
    clip: "Path | StillPair",
    output: Path,
    config: "AnalyzeConfig",
    given: _Given,
    weights: str | None,
    bar: Display,
) -> None:
    from hmrm.analysis.analyze import analyze as run
    from hmrm.analysis.saved import save

    found = run(
        clip,
        onset=given.onset,
        apex=given.apex,
        frames_per_s=given.frames_per_s,
        config=config,
        classifier=weights,
        progress=bar,
    )
    page = save(output, found, blur_faces=given.blur_faces)
    with bar.paused():
        print_found(found, page)


def _analyze_several(
    named: "Mapping[str, Path | StillPair]",
    output: Path,
    config: "AnalyzeConfig",
    given: _Given,
    weights: str | None,
    engine: "Engine",
    bar: Display,
) -> "VideoRun":
    from hmrm.analysis.analyze_videos import analyze_videos
    from hmrm.analysis.run import Outcome
    from hmrm.analysis.target import Target

    def show(outcome: Outcome) -> None:
        with bar.paused():
            if outcome.error is not None:
                print_error(outcome.error)
            elif outcome.result is not None:
                page = output / outcome.target.folder / "report.html"
                print_found(outcome.result, page, resumed=outcome.state == "resumed")

    return analyze_videos(
        [Target(video=name, source=clip) for name, clip in named.items()],
        output,
        config,
        onset=given.onset,
        apex=given.apex,
        frames_per_s=given.frames_per_s,
        weights=weights,
        blur_faces=given.blur_faces,
        engine=engine,
        progress=bar,
        on_outcome=show,
    )


def print_found(found: "Analysis | VideoResult", page: Path, *, resumed: bool = False) -> None:
    """Print what was found, what to beware of, and where the report lies."""
    count = len(found.events)
    OUT.print(
        f"{found.source}: {count} movement{'' if count == 1 else 's'} "
        f"in {found.duration_s:.1f} s ({found.frame_count} frames)"
        + (", from an earlier run" if resumed else ""),
    )
    for event in found.events:
        OUT.print(
            f"  {event.onset_s:.2f}–{event.offset_s:.2f} s, apex {event.apex_s:.2f} s, "
            f"face {event.face_id}, {event.region.replace('_', ' ')}, "
            f"{_motion(event)}{event.label or 'not classified'}"
            + (f" [{', '.join(event.flags)}]" if event.flags else ""),
        )
    for notice in found.notices:
        ERR.print(f"  note: {notice.message}")
    OUT.print(f"  report: {page}")


def _motion(event: "Event") -> str:
    return "" if event.peak_motion_px is None else f"{event.peak_motion_px:.2f} px on average, "


def print_run(run: "VideoRun") -> None:
    """Print how many videos were taken from an earlier run, made again, or failed.

    Raises:
        Exit: with the code of the first failure, if there is one.
    """
    total = len(run.outcomes)
    if run.count("resumed"):
        OUT.print(f"{run.count('resumed')} of {total} videos from an earlier run")
    if run.count("redone"):
        OUT.print(
            f"{run.count('redone')} of {total} videos again: content, settings, version or files "
            "changed since an earlier run",
        )
    if run.failures:
        ERR.print(f"{len(run.failures)} of {total} videos failed, see above")
        raise typer.Exit(next(iter(run.failures.values())).exit_code)
