"""hmrm flow: optical flow between images, as files and colour images, and its error to a truth."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmrm.cli.terminal import ERR, OUT, output_file, output_folder, progress_bar
from hmrm.errors import HmrmError, InputError

if TYPE_CHECKING:
    import numpy as np

    from hmrm.clip import Image
    from hmrm.flow.files.folders import NamedPair
    from hmrm.flow.metrics import FlowScores


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One pair: its name, and how to load it once its turn comes."""

    name: str
    load: "Callable[[], tuple[Image, Image]]"
    truth_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What is to be done with each pair, and where the results go; ``truth`` is by pair."""

    method: str
    align: bool
    output: Path
    image: Path | None
    arrows: bool
    max_px: float
    truth: dict[str, Path]


def flow(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Onset and apex image; a folder of pairs; two folders; or a video.",
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
    image: Annotated[
        Path | None,
        typer.Option(
            "--image",
            "--picture",
            help="Colour image with legend (.png), or a folder.",
            show_default=False,
        ),
    ] = None,
    arrows: Annotated[bool, typer.Option(help="Draw arrows on the onset instead.")] = False,
    method: Annotated[
        str,
        typer.Option(
            help="gru-aofe, gru-aofe-fast, tvl1, deepflow, dis, farneback, or raft:FILE (weights "
            "of hmrm weights raft)."
        ),
    ] = "deepflow",
    align: Annotated[
        bool,
        typer.Option(
            "--align",
            help="Take the motion of the head as a whole out of the apex image first, and add "
            "it again: nearer the truth on faces that move.",
        ),
    ] = False,
    max_px: Annotated[
        float, typer.Option(help="Motion shown in full colour, px.", min=0.001)
    ] = 2.0,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="True flow: print the error (end-point, angular, Fl-all) and write it. A flow "
            "file, or a folder of NAME.flo or NAME_flow.flo, or of files named as in its data set.",
            show_default=False,
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            help="Where errors are written (.csv, .json); next to the flow by default.",
            show_default=False,
        ),
    ] = None,
    onset: Annotated[
        int | None, typer.Option(help="Onset frame of a video, from 0.", show_default=False)
    ] = None,
    apex: Annotated[
        int | None, typer.Option(help="Apex frame of a video, from 0.", show_default=False)
    ] = None,
    progress: Annotated[bool, typer.Option(help="Draw progress bars.")] = True,
) -> None:
    """Estimate the optical flow from onset to apex, px, u right and v down.

    Example: hmrm flow onset.png apex.png --image flow.png

    In one folder NAME_onset.png belongs to NAME_apex.png, or images are named as those of
    FlyingChairs, KITTI, Middlebury or Sintel are; in two folders images of the same name belong
    together. Several pairs need folders for -o and --image, in
    which each result gets its pair's name.
    """
    from hmrm.flow.files.truth import SCORE_SUFFIXES, find_truth, write_scores

    if scores is not None and truth is None:
        raise InputError(f"flow: --scores {scores} needs the true flow; give --truth")
    if scores is not None and scores.suffix.lower() not in SCORE_SUFFIXES:
        raise InputError(f"{scores}: unknown suffix; use {' or '.join(SCORE_SUFFIXES)}")
    jobs = _jobs(sources, onset=onset, apex=apex)
    (output_file if _is_file(output) else output_folder)(output)
    task = _Task(
        method=method,
        align=align,
        output=output,
        image=image,
        arrows=arrows,
        max_px=max_px,
        truth=find_truth(truth, {job.name: job.truth_names for job in jobs}) if truth else {},
    )
    found, failures = _run_all(jobs, task, progress=progress and len(jobs) > 1)
    if found:
        where = scores or _scores_place(output)
        write_scores(where, found)
        _print_scores(found, where)
    if failures:
        ERR.print(f"{len(failures)} of {len(jobs)} pairs failed, see above")
        raise typer.Exit(failures[0].exit_code)


def _run_all(
    jobs: list[_Job], task: _Task, *, progress: bool
) -> "tuple[dict[str, FlowScores], list[HmrmError]]":
    """Errors by pair where the truth is known, and what went wrong."""
    failures: list[HmrmError] = []
    scores: dict[str, FlowScores] = {}
    with progress_bar(enabled=progress) as bar:
        for done, job in enumerate(jobs, start=1):
            try:
                line, score = _run(job, task, several=len(jobs) > 1)
            except HmrmError as error:
                if len(jobs) == 1:
                    raise
                failures.append(error)
                ERR.print(f"error: {error}")
            else:
                OUT.print(line)
                if score is not None:
                    scores[job.name] = score
            bar("flow", done, len(jobs))
    return scores, failures


def _jobs(sources: list[Path], *, onset: int | None, apex: int | None) -> list[_Job]:
    from hmrm.flow.files.folders import find_pairs

    if onset is not None or apex is not None:
        return [_video_job(sources, onset=onset, apex=apex)]
    if len(sources) == 1 and sources[0].is_file():
        raise InputError(
            f"{sources[0]}: one file alone; of a video give --onset and --apex, of images two"
        )
    return [
        _Job(name=pair.name, load=partial(_load, pair), truth_names=pair.truth_names)
        for pair in find_pairs(sources)
    ]


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


def _run(job: _Job, task: _Task, *, several: bool) -> "tuple[str, FlowScores | None]":
    """Estimate and write one pair; the line that reports it, and its error if that is known."""
    import numpy as np

    from hmrm.flow.estimate import NOISE_FLOOR_PX, estimate_flow, noise_floor_px
    from hmrm.flow.files.formats import FORMATS, write_flow

    path = _place(task.output, job.name, suffixes=set(FORMATS), default=".flo", several=several)
    synthetic = task.image and _place(
        task.image, job.name, suffixes={".png"}, default=".png", several=several
    )
    if synthetic and synthetic.absolute() == path.absolute():
        raise InputError(f"{path}: flow and image cannot share one file; name them differently")
    onset, apex = job.load()
    found = estimate_flow(onset, apex, method=task.method, align=task.align)
    write_flow(path, found)
    if synthetic:
        _draw(synthetic, onset, found, task)
    length = np.linalg.norm(found, axis=0)
    line = (
        f"{path}: {found.shape[2]} x {found.shape[1]} px, motion mean {length.mean():.3f} px, "
        f"largest {length.max():.2f} px"
    )
    if task.method in NOISE_FLOOR_PX:
        floor = noise_floor_px(task.method)
        line += f" (a static pair gives about {floor:.3f} px with {task.method})"
    truth = task.truth.get(job.name)
    return line, None if truth is None else _score(found, truth)


def _score(found: "np.ndarray", path: Path) -> "FlowScores":
    from hmrm.flow.files.formats import read_flow
    from hmrm.flow.metrics import flow_scores

    truth = read_flow(path)
    if truth.shape != found.shape:
        raise InputError(
            f"{path}: true flow of {truth.shape[2]} x {truth.shape[1]} px, images of "
            f"{found.shape[2]} x {found.shape[1]} px; give the truth of this pair"
        )
    try:
        return flow_scores(found, truth)
    except ValueError as error:
        raise InputError(f"{path}: no pixel of it is known; give another truth") from error


def _scores_place(output: Path) -> Path:
    """``scores.csv`` in the folder of several flows, ``NAME-scores.csv`` next to a single file."""
    alone = _is_file(output)
    return output.with_name(f"{output.stem}-scores.csv") if alone else output / "scores.csv"


def _is_file(output: Path) -> bool:
    from hmrm.flow.files.formats import FORMATS

    return output.suffix.lower() in FORMATS


def _print_scores(found: "dict[str, FlowScores]", where: Path) -> None:
    from hmrm.flow.metrics import mean_scores

    lines = {**found, f"mean of {len(found)}": mean_scores(list(found.values()))}
    for name, one in (lines if len(found) > 1 else found).items():
        OUT.print(
            f"{name}: end-point error {one.epe_px:.3f} px (median {one.epe_median_px:.3f}, fastest "
            f"tenth {one.epe_fastest_px:.3f}; no flow at all {one.zero_epe_px:.3f}), angular "
            f"{one.angular_deg:.2f} degrees, Fl-all {100 * one.fl_all:.1f} %",
        )
    OUT.print(f"errors in {where}")


def _place(expected: Path, name: str, *, suffixes: set[str], default: str, several: bool) -> Path:
    """The file itself, or the pair's file in the folder that was named."""
    is_file = expected.suffix.lower() in suffixes and not expected.is_dir()
    if not is_file and expected.suffix and not expected.is_dir():
        raise InputError(
            f"{expected}: unknown suffix; use one of {', '.join(sorted(suffixes))}, or a folder"
        )
    if is_file and several:
        raise InputError(f"{expected}: several pairs cannot share one file; name a folder")
    return expected if is_file else expected / f"{name}{default}"


def _draw(path: Path, onset: "Image", found: "np.ndarray", task: _Task) -> None:
    import cv2

    from hmrm import atomic
    from hmrm.flow.image import (
        alongside,
        flow_and_legend_image,
        legend_image,
        quiver_image,
    )

    if task.arrows:
        image = alongside(
            quiver_image(onset, found, max_px=task.max_px), legend_image(max_px=task.max_px)
        )
    else:
        image = flow_and_legend_image(found, max_px=task.max_px)
    done, content = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done
    atomic.write_bytes(path, content.tobytes())
