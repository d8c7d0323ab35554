"""Action units as motion: the source interface, and our own atlas behind it (FACS, 1978/2002)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

from hmrm.errors import ConfigError
from hmrm.faces.align import canonical_landmarks68
from hmrm.faces.crops import CANONICAL, IMAGE_WH_PX
from hmrm.faces.shape import MIRRORED_68
from hmrm.facs.atlas_table import CONJUGATE_UNITS, MIRRORED_UNITS, TABLE, Pull

Side = Literal["both", "left", "right"]
Grid = tuple[Float[np.ndarray, " w"], Float[np.ndarray, " h"]]

IMAGE_PX = np.array(IMAGE_WH_PX, dtype=np.float64)
"""The canonical crop's width and height, px, where a face is not squeezed. Displacements are in
these px whatever grid they are sampled on; points are too, from 0 at the crop's left and top."""

EYE_DISTANCE_PX = float(CANONICAL.eye_distance_wh[0] * IMAGE_PX[0])

_CANONICAL_POINTS_PX = canonical_landmarks68() * IMAGE_PX
_MIRROR = list(MIRRORED_68)


@dataclass(frozen=True)
class ActionUnit:
    """One action unit at work.

    Attributes:
        number: FACS number, a key of ``atlas_table.TABLE``.
        side: image side; FACS's own L and R are the person's sides.
        intensity_px: largest displacement it causes, px of the canonical crop, 224 px wide.

    Raises:
        ConfigError: unknown number or side, or an intensity that is negative or not finite.
    """

    number: int
    side: Side = "both"
    intensity_px: float = 1.0

    def __post_init__(self) -> None:
        if self.number not in TABLE:
            known = ", ".join(map(str, TABLE))
            raise ConfigError(f"action unit {self.number}: not in the atlas; known are {known}")
        if self.side not in ("both", "left", "right"):
            raise ConfigError(
                f"action unit {self.number}: side {self.side!r}; use both, left or right"
            )
        if not (np.isfinite(self.intensity_px) and self.intensity_px >= 0):
            raise ConfigError(
                f"action unit {self.number}: intensity {self.intensity_px} px; use a number ≥ 0"
            )

    def mirrored(self) -> "ActionUnit":
        """The unit as a mirror shows it."""
        sides: Mapping[Side, Side] = {"both": "both", "left": "right", "right": "left"}
        number = MIRRORED_UNITS.get(self.number, self.number)
        return ActionUnit(number, sides[self.side], self.intensity_px)


@runtime_checkable
class MotionSource(Protocol):
    """Anything that turns action units into the motion they cause."""

    def flow(
        self, units: Sequence[ActionUnit], size: int = 224, margin: float = 0.0
    ) -> Float32[np.ndarray, "2 h w"]:
        """Displacement (u right, v down) from neutral to the given units, on the neutral face.

        Args:
            size: samples across the canonical crop, and down it; cell centres, as in an image.
            margin: how far the grid reaches beyond the crop on every side, as a part of its width
                and height; ``h`` and ``w`` are then ``size + 2 * round(margin * size)``.

        Returns:
            px of the canonical crop 224 px wide and 324 px high, whatever ``size``; linear in
            every intensity.
        """


class AtlasSource:
    """The atlas on one face: Gaussian pulls anchored at its landmarks.

    The canonical crop's mean face is the default; any other 68 points give another identity.
    """

    def __init__(
        self,
        landmarks_xy_px: Float[np.ndarray, "68 2"] = _CANONICAL_POINTS_PX,
        *,
        reach: float = 1.0,
    ) -> None:
        """Take a face.

        Args:
            landmarks_xy_px: 68 points, px of the canonical crop (``IMAGE_PX``).
            reach: multiple of the table's spreads; loose tissue carries motion further.

        Raises:
            ConfigError: points that are not finite, or a reach that is not positive.
        """
        if not reach > 0:
            raise ConfigError(f"atlas: reach {reach}; use a number above 0")
        self._reach = reach
        if not np.isfinite(landmarks_xy_px).all():
            raise ConfigError("atlas: landmarks hold NaN or infinity; give 68 finite points")
        self.landmarks_xy_px = landmarks_xy_px.astype(np.float64)
        self._mirrored_xy_px = self.landmarks_xy_px[_MIRROR] * [-1.0, 1.0] + [IMAGE_PX[0], 0.0]
        self._peaks: dict[tuple[int, Side], float] = {}

    def flow(
        self, units: Sequence[ActionUnit], size: int = 224, margin: float = 0.0
    ) -> Float32[np.ndarray, "2 h w"]:
        """Displacement that the units cause together; see ``MotionSource.flow``.

        A unit's own peak is its ``intensity_px``, to 8 %; where units overlap they add. The field
        is smooth but for a step of about 2 px along the line between the lips, and zero outside
        the face.
        """
        grid = sample_positions(size, margin)
        total = np.zeros((2, grid[1].size, grid[0].size))
        for unit in units:
            scale = unit.intensity_px / self._peak(unit.number, unit.side)
            total += scale * self._raw(unit.number, unit.side, grid)
        return (total * self._face_mask(grid)).astype(np.float32)

    def _peak(self, number: int, side: Side) -> float:
        if (number, side) not in self._peaks:
            grid = sample_positions(56, 0.25)
            field = self._raw(number, side, grid) * self._face_mask(grid)
            self._peaks[number, side] = float(np.hypot(*field).max())
        return self._peaks[number, side]

    def _raw(self, number: int, side: Side, grid: Grid) -> np.ndarray:
        pulls = TABLE[number].pulls
        total = np.zeros((2, grid[1].size, grid[0].size))
        if side in ("both", "left"):
            total += _half(pulls, self.landmarks_xy_px, grid, self._reach)
        if side in ("both", "right"):
            # The grid is its own mirror image: samples lie symmetric about the crop's middle.
            mirrored = _half(pulls, self._mirrored_xy_px, grid, self._reach)[:, :, ::-1]
            # Gaze is conjugate: its horizontal sense is the image's on both eyes.
            sense = 1.0 if number in CONJUGATE_UNITS else -1.0
            total += mirrored * np.array([sense, 1.0])[:, None, None]
        return total

    def _face_mask(self, grid: Grid) -> np.ndarray:
        grid_x, grid_y = grid
        points = self.landmarks_xy_px
        middle_x = (points[0, 0] + points[16, 0]) / 2
        middle_y = points[27:31, 1].mean()
        half_width = (points[16, 0] - points[0, 0]) / 2
        chin = points[8, 1] - middle_y
        x = np.abs(grid_x - middle_x) / (1.08 * half_width)
        y = np.abs(grid_y - middle_y) / (1.12 * chin)
        # A squarish oval (exponent 2.5): jaws are fuller than ellipses.
        radius = (x[None, :] ** 2.5 + y[:, None] ** 2.5) ** 0.4
        t = np.clip((1.0 - radius) / 0.15, 0.0, 1.0)
        return t * t * (3.0 - 2.0 * t)


def sample_positions(size: int, margin: float) -> Grid:
    """Positions (x, y) of a flow grid's samples, crop px; they sit in the middle of its cells."""
    beyond = round(margin * size)
    cells = (np.arange(-beyond, size + beyond) + 0.5) / size
    return cells * IMAGE_PX[0], cells * IMAGE_PX[1]


def _half(
    pulls: Sequence[Pull], points: Float[np.ndarray, "68 2"], grid: Grid, reach: float
) -> np.ndarray:
    grid_x, grid_y = grid
    total = np.zeros((2, grid_y.size, grid_x.size))
    for pull in pulls:
        centre = points[list(pull.anchor)].mean(axis=0) + np.array(pull.shift) * EYE_DISTANCE_PX
        sigma = np.array(pull.spread) * EYE_DISTANCE_PX * reach
        fall_x = np.exp(-0.5 * ((grid_x - centre[0]) / sigma[0]) ** 2)
        fall_y = np.exp(-0.5 * ((grid_y - centre[1]) / sigma[1]) ** 2)
        weight = fall_y[:, None] * fall_x[None, :]
        if pull.lip != "none":
            weight = weight * _lip_side(pull.lip, points, grid)
        total += np.array(pull.move)[:, None, None] * weight
    return total


def _lip_side(lip: str, points: Float[np.ndarray, "68 2"], grid: Grid) -> np.ndarray:
    """1 on the named side of the line between the lips, 0 on the other; blurred off the mouth."""
    grid_x, grid_y = grid
    upper, lower = points[[48, 61, 62, 63, 54]], points[[48, 67, 66, 65, 54]]
    line = (upper + lower) / 2
    line_y = np.interp(grid_x, line[:, 0], line[:, 1])
    beyond = np.maximum(line[0, 0] - grid_x, grid_x - line[-1, 0]).clip(min=0.0)
    width = 0.7 + 0.35 * beyond
    below = (grid_y[:, None] - line_y[None, :]) / width[None, :]
    side = 0.5 * (1.0 + np.tanh(below))
    return side if lip == "lower" else 1.0 - side
