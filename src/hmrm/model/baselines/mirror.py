"""A face seen in a mirror, as a map: pictures flip, and motion to the right becomes to the left."""

import numpy as np
from jaxtyping import Float


def mirrored_maps(maps: Float[np.ndarray, "n 3 h w"]) -> Float[np.ndarray, "n 3 h w"]:
    """Mirror left and right: all channels flip, u changes its sign around each map's median.

    The median stands for "no motion": canonical maps have it at 0, raw ones (scaled per image)
    anywhere. Twice mirrored is the map itself, up to rounding.
    """
    flipped = maps[..., ::-1].copy()
    rest = np.median(maps[:, 0], axis=(1, 2), keepdims=True)
    flipped[:, 0] = 2 * rest - flipped[:, 0]
    return flipped
