"""hmrm flow: optical flow between pictures, as files and as pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.terminal import ERR, OUT, progress_bar
from hmrm.errors import HmrmError, InputError

if TYPE_CHECKING:
    import numpy as np

    from hmrm.clip import Image
    from hmrm.flow.files.folders import NamedPair


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One pair: its name, and how to load it once its turn comes."""

    name: str
    load: "Callable[[], tuple[Image, Image]]"


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What is to be done with each pair, and where the results go."""

    method: str
    output: Path
    picture: Path | None
    arrows: bool
    max_px: float


def flow(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Onset and apex picture; a folder of pairs; two folders; or a video.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Flow file (.flo, .png, .pfm; .npy: 2 x height x width), or a folder.",
        ),
    ] = Path("flow.flo"),
    picture: Annotated[
        Path | None,
        typer.Option(help="Colour picture with legend (.png), or a folder.", show_default=False),
    ] = None,
    arrows: Annotated[bool, typer.Option(help="Draw arrows on the onset instead.")] = False,
    method: Annotated[
        str, typer.Option(help="gru-aofe, gru-aofe-fast, tvl1, deepflow, dis or farneback.")
    ] = "deepflow",
    max_px: Annotated[
        float, typer.Option(help="Motion drawn in full colour, px.", min=0.001)
    ] = 2.0,
    onset: Annotated[
        int | None, typer.Option(help="Onset frame of a video, from 0.", show_default=False)
    ] = None,
    apex: Annotated[
        int | None, typer.Option(help="Apex frame of a video, from 0.", show_default=False)
    ] = None,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Estimate the optical flow from onset to apex, px, u right and v down.

    In one folder NAME_onset.png belongs to NAME_apex.png (or NAME_img1.ppm to NAME_img2.ppm); in
    two folders pictures of the same name do. Several pairs need folders for -o and --picture, in
    which each result gets its pair's name.
    """
    jobs = _jobs(sources, onset=onset, apex=apex)
    wish = _Wish(method=method, output=output, picture=picture, arrows=arrows, max_px=max_px)
    _run_all(jobs, wish, progress=progress and len(jobs) > 1)


def _run_all(jobs: list[_Job], wish: _Wish, *, progress: bool) -> None:
    failures: list[HmrmError] = []
    with progress_bar(enabled=progress) as bar:
        for done, job in enumerate(jobs, start=1):
            try:
                line = _run(job, wish, several=len(jobs) > 1)
            except HmrmError as error:
                if len(jobs) == 1:
                    raise
                failures.append(error)
                ERR.print(f"error: {error}", markup=False)
            else:
                OUT.print(line, markup=False)
            bar("flow", done, len(jobs))
    if failures:
        ERR.print(f"{len(failures)} of {len(jobs)} pairs failed, see above")
        raise typer.Exit(failures[0].exit_code)


def _jobs(sources: list[Path], *, onset: int | None, apex: int | None) -> list[_Job]:
    from hmrm.flow.files.folders import find_pairs

    if onset is not None or apex is not None:
        return [_video_job(sources, onset=onset, apex=apex)]
    if len(sources) == 1 and sources[0].is_file():
        raise InputError(
            f"{sources[0]}: one file alone; of a video give --onset and --apex, of pictures two"
        )
    return [_Job(name=pair.name, load=partial(_load, pair)) for pair in find_pairs(sources)]


def _load(pair: "NamedPair") -> "tuple[Image, Image]":
    from hmrm.video.images import read_image

    return read_image(pair.onset), read_image(pair.apex)


def _video_job(sources: list[Path], *, onset: int | None, apex: int | None) -> _Job:
    from hmrm.errors import FrameIndexError
    from hmrm.video.reader import open_video

    if len(sources) != 1:
        raise InputError("flow: --onset and --apex belong to one video or image folder; give one")
    if onset is None or apex is None or onset == apex:
        raise FrameIndexError(
            f"{sources[0]}: onset {onset}, apex {apex}; give both, as two different frames"
        )

    def load() -> "tuple[Image, Image]":
        frames = open_video(sources[0]).frames_at((onset, apex))
        return frames[onset].image, frames[apex].image

    return _Job(name=f"{sources[0].stem}-{onset}-{apex}", load=load)


def _run(job: _Job, wish: _Wish, *, several: bool) -> str:
    """Estimate and write one pair; the line that reports it."""
    import numpy as np

    from hmrm.flow.estimate import estimate_flow, noise_floor_px
    from hmrm.flow.files.formats import FORMATS, write_flow

    path = _place(wish.output, job.name, suffixes=set(FORMATS), default=".flo", several=several)
    drawn = wish.picture and _place(
        wish.picture, job.name, suffixes={".png"}, default=".png", several=several
    )
    if drawn and drawn.absolute() == path.absolute():
        raise InputError(f"{path}: flow and picture cannot share one file; name them differently")
    onset, apex = job.load()
    found = estimate_flow(onset, apex, method=wish.method)
    write_flow(path, found)
    if drawn:
        _draw(drawn, onset, found, wish)
    length = np.linalg.norm(found, axis=0)
    return (
        f"{path}: {found.shape[2]} x {found.shape[1]} px, motion mean {length.mean():.3f} px, "
        f"largest {length.max():.2f} px (a static pair gives about "
        f"{noise_floor_px(wish.method):.3f} px with {wish.method})"
    )


def _place(wanted: Path, name: str, *, suffixes: set[str], default: str, several: bool) -> Path:
    """The file itself, or the pair's file in the folder that was named."""
    is_file = wanted.suffix.lower() in suffixes and not wanted.is_dir()
    if not is_file and wanted.suffix and not wanted.is_dir():
        raise InputError(
            f"{wanted}: unknown suffix; use one of {', '.join(sorted(suffixes))}, or a folder"
        )
    if is_file and several:
        raise InputError(f"{wanted}: several pairs cannot share one file; name a folder")
    return wanted if is_file else wanted / f"{name}{default}"


def _draw(path: Path, onset: "Image", found: "np.ndarray", wish: _Wish) -> None:
    import cv2

    from hmrm import atomic
    from hmrm.flow.picture import (
        beside,
        flow_and_legend_picture,
        legend_picture,
        quiver_picture,
    )

    if wish.arrows:
        image = beside(
            quiver_picture(onset, found, max_px=wish.max_px), legend_picture(max_px=wish.max_px)
        )
    else:
        image = flow_and_legend_picture(found, max_px=wish.max_px)
    done, content = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done
    atomic.write_bytes(path, content.tobytes())
