"""The pairs: which images, which columns, which seeds."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from skimage import data

from hmrm.synthetic.known_flow import KnownPair, PairRecipe, known_pair

SIDE_PX = 224
SMALL_SIDES_PX = (64, 80, 96, 112)
SEED = 20_251


@dataclass(frozen=True, kw_only=True)
class Column:
    """One condition; every method sees the same pairs of it."""

    title: str
    recipe: PairRecipe
    small: bool = False


COLUMNS = {
    "px_0.3": Column(title="0.3 px", recipe=PairRecipe(largest_px=0.3)),
    "px_1": Column(title="1 px", recipe=PairRecipe(largest_px=1.0)),
    "px_3": Column(title="3 px", recipe=PairRecipe(largest_px=3.0)),
    "gain": Column(title="0.3 px, gain +3 %", recipe=PairRecipe(largest_px=0.3, gain=0.03)),
    "noise_0": Column(title="0.3 px, noise 0", recipe=PairRecipe(largest_px=0.3, noise=0.0)),
    "noise_5": Column(title="0.3 px, noise 5", recipe=PairRecipe(largest_px=0.3, noise=5.0)),
    "blur": Column(
        title="0.3 px, blur 1.5 px", recipe=PairRecipe(largest_px=0.3, blur_sigma_px=1.5)
    ),
    "small_0.3": Column(title="64–112 px, 0.3 px", recipe=PairRecipe(largest_px=0.3), small=True),
    "small_1": Column(title="64–112 px, 1 px", recipe=PairRecipe(largest_px=1.0), small=True),
    "static": Column(title="static", recipe=PairRecipe(largest_px=0.0)),
}
"""Noise is 2 grey levels of 255 where the title does not say otherwise."""


def images() -> dict[str, np.ndarray]:
    """Twelve grey images, 224 × 224 px, that no training of this project ever sees.

    The astronaut's head is cut without resampling and her face enlarged, as faces of
    low-resolution recordings are; of the others the middle square is reduced to half at most.
    """
    astronaut = _grey(data.astronaut())
    found = {
        "astronaut head": astronaut[0:SIDE_PX, 110 : 110 + SIDE_PX],
        "astronaut face": _resized(astronaut[45:173, 160:288], SIDE_PX),
    }
    others = {
        "camera": data.camera(),
        "chelsea": data.chelsea(),
        "coffee": data.coffee(),
        "coins": data.coins(),
        "motorcycle": data.stereo_motorcycle()[0],
        "gravel": data.gravel(),
        "grass": data.grass(),
        "brick": data.brick(),
        "moon": data.moon(),
        "retina": data.retina(),
    }
    found |= {name: _resized(_middle(_grey(image)), SIDE_PX) for name, image in others.items()}
    return found


def pairs(column: Column, sources: Sequence[np.ndarray], per_image: int) -> Iterator[KnownPair]:
    """The pairs of a column, half of them local bumps and half smooth fields.

    Each pair has its own seed, the same in every column: columns differ by their condition alone.
    """
    for index in range(len(sources) * per_image):
        source = sources[index % len(sources)]
        if column.small:
            source = _resized(source, SMALL_SIDES_PX[index % len(SMALL_SIDES_PX)])
        kind = "bumps" if (index // len(sources) + index) % 2 == 0 else "field"
        recipe = PairRecipe(**{**vars(column.recipe), "kind": kind})
        yield known_pair(source, recipe, generator=np.random.default_rng([SEED, index]))


def border_px(side_px: int) -> int:
    """Pixels excluded at each side: there the true flow reaches across the border."""
    return 8 if side_px >= SIDE_PX else 4


def images_hash(sources: dict[str, np.ndarray]) -> str:
    """One digest over all images, so that a result states what it was measured on."""
    total = hashlib.sha256()
    for name, image in sources.items():
        total.update(name.encode() + image.tobytes())
    return total.hexdigest()[:16]


def _grey(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _middle(image: np.ndarray) -> np.ndarray:
    side = min(*image.shape, 2 * SIDE_PX)
    y, x = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return image[y : y + side, x : x + side]


def _resized(image: np.ndarray, side_px: int) -> np.ndarray:
    smaller = side_px <= image.shape[0]
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LANCZOS4
    return cv2.resize(image, (side_px, side_px), interpolation=interpolation)
