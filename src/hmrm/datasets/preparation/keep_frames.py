"""A clip's frames from onset to offset through the onset's transform, for methods on sequences."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from hmrm.clip import ClipId
from hmrm.datasets.frames import ClipFrames
from hmrm.errors import DataError
from hmrm.faces.align import warp
from hmrm.faces.crops import Transform
from hmrm.flow.aligned_frames import AlignedFrames
from hmrm.video.images import read_image

FRAME_RATES: Mapping[str, float] = {
    "casme": 60.0,
    "casme2": 200.0,
    "smic": 100.0,
    "smic-vis": 25.0,
    "smic-nir": 25.0,
    "smic-e-hs": 100.0,
    "smic-e-vis": 25.0,
    "smic-e-nir": 25.0,
    "samm": 200.0,
    "samm-lv": 200.0,
    "cas-me-2": 30.0,
    "mmew": 90.0,
    "4dme": 60.0,
}
"""Frames per second as the data sets' papers state them; the others have no single one."""


def aligned_frames(
    name: str,
    frames: ClipFrames,
    apex: Path,
    transform: Transform,
    flow: Float32[np.ndarray, "2 h w"],
) -> AlignedFrames:
    """Every frame of a clip in the crop.

    Args:
        name: id of the clip, which starts with its data set's name.
        apex: file of the apex; where it is none of the frames, it is added at the end.
        transform: image px of the onset → crop px.
        flow: onset→apex in the crop, px.

    Raises:
        DataError: frames of different sizes, or grey and coloured ones.
        InputError: an image cannot be read.
    """
    paths = [path for _, path in frames.between]
    if apex not in paths:
        paths.append(apex)
    crops, shapes = [], set()
    for path in paths:
        image = read_image(path)
        shapes.add(image.shape)
        crops.append(warp(image, transform))
    if len(shapes) > 1:
        raise DataError(f"{name}: its frames have different shapes, {sorted(map(str, shapes))}")
    return AlignedFrames(
        frames=np.stack(crops),
        apex=paths.index(apex),
        flow=flow,
        frame_rate=FRAME_RATES.get(ClipId.parse(name).dataset, float("nan")),
    )
