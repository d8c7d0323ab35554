"""hmrm export: results in, files for other programs out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.terminal import ERR, OUT, Display, output_folder, progress_bar

if TYPE_CHECKING:
    from hmrm.analysis.record import Analysis
    from hmrm.video.source import VideoSource


def export(
    results: Annotated[
        Path,
        typer.Argument(help="Folder that analyze or spot wrote.", show_default=False),
    ],
    format: Annotated[  # noqa: A002 - the option's name
        list[str],
        typer.Option(
            "-f",
            "--format",
            help="elan, textgrid, webvtt, boris, bids, openface, json, parquet, summary, mp4, or "
            "all; may be repeated, or names with commas.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder to write; else RESULTS/exports.", show_default=False
        ),
    ] = None,
    video: Annotated[
        list[Path] | None,
        typer.Option(
            help="Video or folder of videos that was analysed, for mp4; may be repeated. Each is "
            "found by its content.",
            show_default=False,
        ),
    ] = None,
    blur_faces: Annotated[
        bool,
        typer.Option(
            "--blur-faces",
            help="In the mp4: faces filled with one colour, frames without a tracked face whole.",
        ),
    ] = False,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Write results as files for ELAN, Praat, BORIS, spreadsheets and other programs.

    Example: hmrm export results --format elan

    One file per video; boris, bids and summary hold all videos of the folder. Every file has
    frames (the first is 0, onset and offset belong to the movement) and seconds. all writes what
    can be written here, and names the rest. docs/exports.md lists what opens each.
    """
    from hmrm.analysis.export.formats import FORMATS, VIDEO, export_results, format_of
    from hmrm.analysis.read import read_results

    names = [name.strip() for one in format for name in one.split(",") if name.strip()]
    for name in names:
        if name not in ("all", VIDEO):
            format_of(name)
    everything = "all" in names
    chosen = [name for name in FORMATS if everything or name in names]
    folder = output_folder(output or results / "exports")
    found = read_results(results)
    if (blur_faces or video) and not (everything or VIDEO in names):
        hint = "--blur-faces" if blur_faces else "--video"
        raise typer.BadParameter("is for the mp4 alone: give --format mp4", param_hint=hint)
    with progress_bar(enabled=progress) as bar:
        videos: Mapping[str, VideoSource] = {}
        if VIDEO in names or (everything and video):
            videos = _videos_of(found, video or ())
        for name in list(chosen):
            kind = FORMATS[name]
            if everything and not kind.is_installed():
                chosen.remove(name)
                ERR.print(f"not written: {name}, which needs pip install 'hmrm[{kind.extra}]'")
        for name, paths in export_results(found, folder, chosen).items():
            OUT.print(f"{name} ({FORMATS[name].program}): {_shown(paths)}")
        for name, source in videos.items():
            _write_video(folder / f"{name}_annotated.mp4", found[name], source, blur_faces, bar)
    if everything and not video:
        ERR.print("not written: mp4, which needs the video: --video VIDEO")


def _shown(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"


def _videos_of(found: "Mapping[str, Analysis]", places: Sequence[Path]) -> "dict[str, VideoSource]":
    """The video of each result, by its content.

    Raises:
        InputError: none is given, or one is of no result here, or a result lacks its video.
    """
    from hmrm.errors import InputError
    from hmrm.video.discover import discover
    from hmrm.video.images import StillPair
    from hmrm.video.reader import open_video

    if not places:
        raise InputError("mp4 needs the video that was analysed: give --video VIDEO")
    videos: dict[str, VideoSource] = {}
    for clip in discover(places):
        if isinstance(clip, StillPair):
            raise InputError(f"{clip.onset}: two still images are no video to annotate")
        by_rate: dict[float | None, str] = {}
        for name, analysis in found.items():
            rate = _rate_of(analysis, clip)
            if rate not in by_rate:
                by_rate[rate] = open_video(clip, frames_per_s=rate).content_hash()
            if by_rate[rate] == analysis.provenance.get("data_hash"):
                videos[name] = open_video(clip, frames_per_s=rate)
    lacking = [name for name in found if name not in videos]
    if lacking:
        raise InputError(
            f"{', '.join(map(str, places))}: not the video that was analysed as {lacking[0]} "
            f"({found[lacking[0]].source}): its content differs; give the same file"
        )
    return videos


def _rate_of(analysis: "Analysis", clip: Path) -> float | None:
    """The rate that an analysis was made with, where that is not the file's own."""
    if clip.is_dir() or analysis.clock.rate != 1:
        return analysis.frames_per_s
    return None


def _write_video(
    path: Path, analysis: "Analysis", source: "VideoSource", blur_faces: bool, bar: Display
) -> None:
    from hmrm.analysis.export.video import CODEC, write_video

    done = write_video(path, analysis, source, blur_faces=blur_faces, progress=bar)
    with bar.paused():
        OUT.print(f"mp4 (video players): {done.path}, {done.frames} frames")
        OUT.print(f"  codec: {CODEC}")
        if blur_faces:
            OUT.print(
                f"  faces blurred; blurred whole: {done.without_box} frames without a tracked "
                f"face, {done.still_visible} in which a face was still found"
            )
