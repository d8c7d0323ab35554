"""Pairs on disk with their true flow: what FlyingChairs and FlyingThings3D consist of."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from hmrm.errors import DataError
from hmrm.flow.estimate import to_grey
from hmrm.flow.files.formats import read_flow
from hmrm.video.images import read_image


@dataclass(frozen=True, kw_only=True)
class FlowSample:
    """Files of one pair and of the flow from its onset to its apex."""

    onset: Path
    apex: Path
    flow: Path


def read_sample(
    sample: FlowSample, *, most_px: float = 400.0
) -> tuple[UInt8[np.ndarray, "2 h w"], Float32[np.ndarray, "2 h w"]]:
    """Onset and apex in grey, and the flow, px; NaN where it is unknown or above ``most_px``.

    Raises:
        DataError: flow and images differ in size, or the flow cannot be read.
        InputError: an image cannot be read.
    """
    onset, apex = (
        to_grey(read_image(path), name=str(path)) for path in (sample.onset, sample.apex)
    )
    flow = read_flow(sample.flow)
    sizes = {onset.shape, apex.shape, flow.shape[1:]}
    if len(sizes) > 1:
        raise DataError(
            f"{sample.flow}: flow is {flow.shape[2]} x {flow.shape[1]} px, its images "
            f"{onset.shape[1]} x {onset.shape[0]} and {apex.shape[1]} x {apex.shape[0]}; "
            "the data set is damaged or mixed up"
        )
    with np.errstate(invalid="ignore"):
        flow[:, ~(np.abs(flow).max(axis=0) <= most_px)] = np.nan
    return np.stack([onset, apex]), flow
