"""Length of each region's motion away from rest in every frame: the curve that a reader sees."""

import numpy as np
from jaxtyping import Float

from hmrm.spotting.fine import FineConfig, blinks
from hmrm.spotting.regional import RegionalMotion, bridged, running_rest, segments, smooth

_SHORTEST = 5  # frames; fewer cannot tell rest from movement


def excursions_px(
    signal: RegionalMotion, config: FineConfig | None = None
) -> dict[str, Float[np.ndarray, " t"]]:
    """Region → its displacement from rest at the finest scale, px of the canonical crop.

    NaN in segments too short to tell rest from movement.
    """
    config = config or FineConfig()
    scale = config.scales[0]
    columns = [i for i, name in enumerate(signal.regions) if name not in config.ignored]
    lengths = np.full((len(columns), len(signal.index)), np.nan, dtype=np.float32)
    motion_px = np.asarray(signal.motion_px)
    blink = blinks(signal, config)
    for rows in segments(signal):
        if len(rows) < _SHORTEST:
            continue
        step_s = float(np.median(np.diff(signal.time_s[rows])))
        motion = motion_px[np.ix_(rows, np.array(columns))].reshape(len(rows), -1)
        motion = smooth(motion, scale.smooth_s / step_s)
        rest = running_rest(bridged(motion, blink[rows]), scale.rest_s / step_s)
        away = (motion - rest).reshape(len(rows), len(columns), 2)
        lengths[:, rows] = np.linalg.norm(away, axis=2).T
    return {signal.regions[i]: lengths[j] for j, i in enumerate(columns)}
