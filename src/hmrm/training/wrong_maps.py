"""Flow maps that are wrong on purpose: what a class of theirs says means nothing."""

from collections.abc import Callable
from types import MappingProxyType

import cv2
import numpy as np
from jaxtyping import Float

from hmrm.model.novelty import SIDE

Flows = Float[np.ndarray, "n 2 28 28"]

_QUARTER = SIDE // 4


def upside_down(flows: Flows, random: np.random.Generator) -> Flows:
    """The face stands on its head; every second time the motion is turned with it."""
    turned = flows[:, :, ::-1].copy()
    turned[:, 1] *= random.choice([-1.0, 1.0], len(flows))[:, None, None]
    return turned


def shifted(flows: Flows, random: np.random.Generator) -> Flows:
    """The face lies a quarter of the map aside, above or below; what leaves comes in again."""
    steps = random.permutation([(0, 1), (0, -1), (1, 0), (-1, 0)])
    return np.stack(
        [np.roll(one, tuple(_QUARTER * steps[i % 4]), axis=(1, 2)) for i, one in enumerate(flows)]
    )


def shifted_far(flows: Flows, random: np.random.Generator) -> Flows:
    """The face lies anywhere."""
    steps = random.integers(5, SIDE - 5, (len(flows), 2))
    return np.stack(
        [np.roll(one, tuple(step), axis=(1, 2)) for one, step in zip(flows, steps, strict=True)]
    )


def on_its_side(flows: Flows, random: np.random.Generator) -> Flows:
    """The face lies on one cheek."""
    turns = random.choice([1, 3], len(flows))
    return np.stack(
        [np.rot90(one, turn, axes=(1, 2)) for one, turn in zip(flows, turns, strict=True)]
    )


def noise(flows: Flows, random: np.random.Generator) -> Flows:
    """No face at all: noise of four grades of fineness."""
    found = random.normal(size=flows.shape)
    for i, sigma in enumerate(random.choice([0.0, 0.0, 1.0, 2.0], len(flows))):
        if sigma:
            found[i] = [cv2.GaussianBlur(channel, (0, 0), sigma) for channel in found[i]]
    return found


def rigid(flows: Flows, random: np.random.Generator) -> Flows:
    """The head alone moves, turns and comes nearer; some noise."""
    y, x = (np.mgrid[0:SIDE, 0:SIDE] - (SIDE - 1) / 2) / (SIDE / 2)
    count = len(flows)
    along, across, nearer, turned = random.normal(size=(4, count, 1, 1))
    found = np.stack([along + nearer * x - turned * y, across + nearer * y + turned * x], axis=1)
    found /= np.sqrt((found**2).mean(axis=(1, 2, 3), keepdims=True))
    grain = random.choice([0.0, 0.05, 0.15], (count, 1, 1, 1))
    return found + grain * random.normal(size=found.shape)


KINDS = MappingProxyType[str, Callable[[Flows, np.random.Generator], Flows]](
    {
        "upside down": upside_down,
        "shifted by a quarter": shifted,
        "shifted far": shifted_far,
        "on its side": on_its_side,
        "noise": noise,
        "rigid motion": rigid,
    }
)


def centred(flows: Flows) -> Flows:
    """Motion against the median, as in canonical form (``hmrm.flow.pair.centre_and_scale``)."""
    return flows - np.median(flows, axis=(2, 3), keepdims=True)


def wrong_maps(
    flows: Flows, count: int, random: np.random.Generator
) -> Float[np.ndarray, "m 2 28 28"]:
    """So many wrong maps, of every kind alike, made from maps of faces."""
    each = -(-count // len(KINDS))
    made = [
        centred(make(flows[random.integers(0, len(flows), each)], random))
        for make in KINDS.values()
    ]
    return np.concatenate(made)[:count]
