"""Whether a hand or another thing lies over the face: small looks at it, compared with rest.

The mesh guesses on under a hand, with full presence. But nose, cheeks and eyes hardly change their
look in any expression (measured over filmed expressions: a tenth of the nose, a sixth of a cheek
for longer than a moment, a quarter of an eye), and a hand over mouth or brow covers some of them.
"""

import bisect
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from hmrm.clip import Image
from hmrm.faces.align import canonical_transform, warp
from hmrm.faces.regions import ANATOMICAL
from hmrm.spotting.disk_rows import DiskRows
from hmrm.spotting.position import PARTS

LOOK_WH_PX = (36, 52)
_LOOK_SHAPE = (LOOK_WH_PX[1], LOOK_WH_PX[0], 3)

_STEADY: Mapping[str, str] = {
    "nose": "nose",
    "left_cheek": "cheek",
    "right_cheek": "cheek",
    "left_eye": "eye",
    "right_eye": "eye",
}
"""Regions that tell of a cover → the setting that says how much of them must have changed."""

_UPPER: Mapping[str, tuple[str, ...]] = {
    "left_brow": ("left_brow", "left_eye"),
    "right_brow": ("right_brow", "right_eye"),
}
_LOWER = tuple(part for part in PARTS if part not in _UPPER)
_REGIONS = ("left_brow", "right_brow", *_STEADY)
_FOR_REST = 600  # images, a minute; of longer videos rest is read from as many, evenly taken
_AT_A_TIME = 100  # images that are compared at once: long videos need little memory


@dataclass(frozen=True, kw_only=True)
class CoverConfig:
    """When part of a face is covered.

    Attributes:
        every_s: a look is taken this often.
        unlike: a pixel has changed when its colour is off by so many usual differences at rest.
        least: usual difference assumed at least, part of the face's brightness.
        nose, cheek, eye: part of it that must have changed; blinks and squeezed eyes change up to
            a quarter of an eye.
        part: part of a brow or of its eye that is then taken for covered too.
        least_rest: fewer looks at rest tell nothing.
    """

    every_s: float = 0.1
    unlike: float = 4.8
    least: float = 0.03
    nose: float = 0.15
    cheek: float = 0.3
    eye: float = 0.4
    part: float = 0.2
    least_rest: int = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceAppearances:
    """Small aligned images of a face.

    Attributes:
        index: frames they were taken in, increasing.
        pixels: RGB, aligned to the canonical crop.
    """

    index: Int[np.ndarray, " k"]
    pixels: "UInt8[np.ndarray, 'k h w 3'] | DiskRows"


class AppearanceRecorder:
    """Takes a look at a face every now and then; 5 kB each, on disk if they are many."""

    def __init__(self, config: CoverConfig | None = None) -> None:
        self.config = config or CoverConfig()
        self._index = array("q")
        self._pixels = DiskRows(_LOOK_SHAPE, np.uint8)
        self._last: UInt8[np.ndarray, "h w 3"] | None = None
        self._due_s = -np.inf

    def add(
        self, index: int, time_s: float, image: Image, points_xy_px: Float[np.ndarray, "5 2"]
    ) -> None:
        """Take a look at this frame if one is due.

        Args:
            points_xy_px: the five points that place the crop (``CropPoints``).
        """
        if time_s < self._due_s - 1e-6:
            return
        self._due_s = time_s + self.config.every_s
        self._index.append(index)
        self._last = _look(image, points_xy_px)
        self._pixels.append(self._last)

    def cosine_similarity(self, image: Image, points_xy_px: Float[np.ndarray, "5 2"]) -> float:
        """Correlation of the face in an image with the last look taken; 0 before the first."""
        if self._last is None:
            return 0.0
        now, last = (
            pixels.mean(axis=2, dtype=np.float64).ravel()
            for pixels in (_look(image, points_xy_px), self._last)
        )
        now, last = now - now.mean(), last - last.mean()
        return float(now @ last / max(np.sqrt((now @ now) * (last @ last)), 1e-9))

    def forget(self, before: int) -> None:
        """Drop the images of earlier frames, but for the last one taken."""
        rows = min(bisect.bisect_left(self._index, before), len(self._index) - 1)
        if rows > 0:
            del self._index[:rows]
            self._pixels.forget(rows)

    def appearances(self) -> FaceAppearances:
        """All looks so far; they hold until the next look is taken."""
        return FaceAppearances(index=np.array(self._index, dtype=np.int64), pixels=self._pixels)


def _look(image: Image, points_xy_px: Float[np.ndarray, "5 2"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    look = warp(image, canonical_transform(points_xy_px, LOOK_WH_PX), LOOK_WH_PX)
    return look if look.ndim == 3 else np.repeat(look[..., None], 3, axis=2)


def covered_parts(
    appearances: FaceAppearances,
    index: Int[np.ndarray, " n"],
    at_rest: Float[np.ndarray, " n"],
    config: CoverConfig | None = None,
) -> Bool[np.ndarray, "n p"]:
    """Which parts of the face (order of ``PARTS``) are covered in which frame.

    Args:
        index: frames in which the face was measured; a look counts up to half-way to the next.
        at_rest: how surely the face is at rest in them.
    """
    config = config or CoverConfig()
    covered = np.zeros((len(index), len(PARTS)), dtype=bool)
    if not len(appearances.index):
        return covered
    nearest = _nearest(appearances.index, index)
    rest = at_rest[np.clip(np.searchsorted(index, appearances.index), 0, len(index) - 1)] > 0.5
    if rest.sum() < config.least_rest:
        return covered
    changed = _changed(appearances.pixels, rest, config)
    over = np.any([changed[name] > getattr(config, kind) for name, kind in _STEADY.items()], axis=0)
    parts = np.zeros((len(appearances.index), len(PARTS)), dtype=bool)
    # The network fits the lower face as one: with a cheek hidden it guesses at the whole mouth.
    for part in _LOWER:
        parts[:, PARTS.index(part)] = over
    for part, names in _UPPER.items():
        hidden = over & np.any([changed[name] > config.part for name in names], axis=0)
        parts[:, PARTS.index(part)] = hidden
    return parts[nearest]


def _nearest(taken: Int[np.ndarray, " k"], index: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Which of increasing frames lies nearest to each of others; the earlier of two as near."""
    if len(taken) == 1:
        return np.zeros(len(index), dtype=np.int64)
    after = np.clip(np.searchsorted(taken, index), 1, len(taken) - 1)
    return after - (index - taken[after - 1] <= taken[after] - index)


def _changed(
    pixels: "UInt8[np.ndarray, 'k h w 3'] | DiskRows",
    rest: Bool[np.ndarray, " k"],
    config: CoverConfig,
) -> dict[str, Float[np.ndarray, " k"]]:
    """Part of every region's pixels that look unlike rest, by look."""
    masks = {name: ANATOMICAL[name].mask(LOOK_WH_PX) for name in _REGIONS}
    face = np.any(list(masks.values()), axis=0)
    at_rest = np.flatnonzero(rest)
    some = pixels[at_rest[:: max(1, len(at_rest) // _FOR_REST)]][:, face]
    usual = np.median(np.maximum(some, 1).astype(np.float32), axis=0).astype(np.float64)
    spread = np.median(_distances(some, usual), axis=0) + config.least

    def unlike(shown: UInt8[np.ndarray, "k h w 3"]) -> Bool[np.ndarray, "k p"]:
        return _distance(shown[:, face], usual) > config.unlike * spread

    starts = range(0, len(pixels), _AT_A_TIME)
    changed = np.concatenate([unlike(pixels[i : i + _AT_A_TIME]) for i in starts])
    return {name: changed[:, mask[face]].mean(axis=1) for name, mask in masks.items()}


def _distances(
    pixels: UInt8[np.ndarray, "k p 3"], usual: Float[np.ndarray, "p 3"]
) -> Float[np.ndarray, "k p"]:
    """`_distance` of many images."""
    starts = range(0, len(pixels), _AT_A_TIME)
    parts = (_distance(pixels[i : i + _AT_A_TIME], usual) for i in starts)
    return np.concatenate([part.astype(np.float32) for part in parts])


def _distance(
    pixels: UInt8[np.ndarray, "k p 3"], usual: Float[np.ndarray, "p 3"]
) -> Float[np.ndarray, "k p"]:
    """How unlike rest each pixel of each image is."""
    colours = np.maximum(pixels, 1).astype(np.float64)
    # Light that changes on most of the face is no hand.
    light = np.median(colours / usual, axis=1)[:, None]
    middle = np.median(usual, axis=0)
    return np.abs(colours / light / middle - usual / middle).mean(axis=-1)
