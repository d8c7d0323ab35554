"""FlyingThings3D (Mayer et al. 2016), the whole set: rendered sequences with flow, 960 × 540 px.

Layout, as downloaded: ``frames_cleanpass/TRAIN/A/0000/left/0006.png`` (or ``frames_finalpass``),
``optical_flow/TRAIN/A/0000/into_future/left/OpticalFlowIntoFuture_0006_L.pfm``, and likewise
``into_past`` with ``OpticalFlowIntoPast``; letters A, B, C, ten frames a sequence.
"""

from pathlib import Path
from typing import Literal

from hmrm.errors import DataError
from hmrm.flow.files.samples import FlowSample

_SPLITS = {"training": "TRAIN", "validation": "TEST"}
_DIRECTIONS = (("into_future", "IntoFuture", 1), ("into_past", "IntoPast", -1))


def flying_things(
    folder: Path,
    *,
    split: Literal["training", "validation"] = "training",
    render: Literal["clean", "final"] = "clean",
) -> list[FlowSample]:
    """Pairs of the left camera, forwards and backwards in time, by sequence and frame.

    Args:
        folder: holds ``frames_cleanpass`` or ``frames_finalpass``, and ``optical_flow``.

    Raises:
        DataError: a folder is missing, or a flow lacks an image it belongs to.
    """
    frames = folder / f"frames_{render}pass" / _SPLITS[split]
    flows = folder / "optical_flow" / _SPLITS[split]
    for path in (frames, flows):
        if not path.is_dir():
            raise DataError(f"{path}: no such folder; give the folder of FlyingThings3D")
    samples = []
    for sequence in sorted(flows.glob("[ABC]/*")):
        for direction, word, step in _DIRECTIONS:
            for flow in sorted((sequence / direction / "left").glob("*.pfm")):
                left = frames / sequence.parent.name / sequence.name / "left"
                sample = _sample(flow, left, word, step)
                if sample is not None:
                    samples.append(sample)
    if not samples:
        raise DataError(f"{flows}: holds no flow of a left camera; give FlyingThings3D's folder")
    return samples


def _sample(flow: Path, frames: Path, word: str, step: int) -> FlowSample | None:
    number = flow.stem.removeprefix(f"OpticalFlow{word}_").removesuffix("_L")
    if not (number.isascii() and number.isdecimal()):
        raise DataError(f"{flow}: unexpected name; expected OpticalFlow{word}_NNNN_L.pfm")
    onset = frames / f"{number}.png"
    apex = frames / f"{int(number) + step:0{len(number)}d}.png"
    if not onset.is_file():
        raise DataError(f"{onset}: missing, {flow.name} belongs to it; copy the data set again")
    # The flow of a sequence's last frame leads to a frame that was never rendered.
    return FlowSample(onset=onset, apex=apex, flow=flow) if apex.is_file() else None
