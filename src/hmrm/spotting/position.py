"""The face's position: a dozen numbers that expressions change, each with its stated uncertainty.

Position, not change: a smile that is held stays away from rest until it ends.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from hmrm.faces.mesh_points import REGIONS
from hmrm.spotting.measures import FaceMeasures

_ROW = {name: i for i, name in enumerate(REGIONS)}

PARTS = (
    "left_brow",
    "right_brow",
    "left_mouth_corner",
    "right_mouth_corner",
    "upper_lip",
    "mouth_opening",
    "chin",
    "lips_forward",
)
"""Parts of the face that are distinguished; each is one or two of the columns below."""

COLUMNS = (
    ("left_brow_inner_y", "left_brow", "brow"),
    ("left_brow_outer_y", "left_brow", "brow"),
    ("right_brow_inner_y", "right_brow", "brow"),
    ("right_brow_outer_y", "right_brow", "brow"),
    ("left_corner_x", "left_mouth_corner", "corner_x"),
    ("left_corner_lift", "left_mouth_corner", "corner_lift"),
    ("right_corner_x", "right_mouth_corner", "corner_x"),
    ("right_corner_lift", "right_mouth_corner", "corner_lift"),
    ("upper_lip_y", "upper_lip", "upper_lip"),
    ("mouth_opening", "mouth_opening", "mouth_opening"),
    ("chin_y", "chin", "chin"),
    ("lips_forward", "lips_forward", "lips_forward"),
)
"""Name, part and kind of uncertainty of every column of a position."""

PART_OF_COLUMN = np.array([PARTS.index(part) for _, part, _ in COLUMNS])


@dataclass(frozen=True, kw_only=True)
class PositionConfig:
    """What a position is made of, and how far it wanders while a face is at rest.

    Attributes:
        wander: standard deviation at rest, eye distances, by kind of column: measured over the
            rest frames of ten filmed faces; breathing, slight turns and the mesh's slow errors
            are in it.
        own_noise: a clip whose mesh scatters more (dark, small, compressed) adds this many times
            its own scatter from frame to frame.
        jaw_fraction: part of the lower lip's way that corners go when the jaw merely drops
            (measured .2 to .45); the rest of a corner's way is its own.
        smooth_s: standard deviation of the smoothing in time.
    """

    wander: dict[str, float] = field(
        default_factory=lambda: {
            "brow": 0.006,
            "corner_x": 0.0125,
            "corner_lift": 0.006,
            "upper_lip": 0.005,
            "mouth_opening": 0.016,
            "chin": 0.014,
            "lips_forward": 0.0085,
        }
    )
    own_noise: float = 1.0
    jaw_fraction: float = 0.3
    smooth_s: float = 0.03

    def __post_init__(self) -> None:
        missing = {kind for _, _, kind in COLUMNS} - set(self.wander)
        if missing:
            raise ValueError(f"wander: no value for {sorted(missing)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Position:
    """Positions of one face.

    Attributes:
        values: eye distances, columns as ``COLUMNS``, smoothed within segments.
        sigma: uncertainty of each column at rest, eye distances.
    """

    values: Float[np.ndarray, "n c"]
    sigma: Float[np.ndarray, " c"]


def position_of(measures: FaceMeasures, config: PositionConfig | None = None) -> Position:
    """Positions of a face in all its frames."""
    config = config or PositionConfig()
    columns = _columns(measures, config.jaw_fraction)
    wander = np.array([config.wander[kind] for _, _, kind in COLUMNS])
    noise = config.own_noise * scatter(columns, measures.segment)
    return Position(
        values=smooth_within(columns, measures, config.smooth_s),
        sigma=np.hypot(wander, noise),
    )


def _columns(measures: FaceMeasures, jaw_fraction: float) -> Float[np.ndarray, "n c"]:
    place = np.asarray(measures.place, dtype=np.float64)

    def at(region: str, axis: int) -> Float[np.ndarray, " n"]:
        return place[:, _ROW[region], axis]

    upper, lower = at("upper_lip", 1), at("lower_lip", 1)
    jaw = (1 - jaw_fraction) * upper + jaw_fraction * lower
    left, right = "left_mouth_corner", "right_mouth_corner"
    wings = (at("left_nose_wing", 1) + at("right_nose_wing", 1)) / 2
    lips_z = (at("upper_lip", 2) + at("lower_lip", 2)) / 2
    return np.stack(
        [
            at("left_brow_inner", 1),
            at("left_brow_outer", 1),
            at("right_brow_inner", 1),
            at("right_brow_outer", 1),
            at(left, 0),
            at(left, 1) - jaw,
            at(right, 0),
            at(right, 1) - jaw,
            upper - wings,
            measures.mouth_opening,
            at("chin", 1),
            lips_z - (at(left, 2) + at(right, 2)) / 2,
        ],
        axis=1,
    )


def scatter(
    columns: Float[np.ndarray, "n c"], segment: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " c"]:
    """Standard deviation of one frame's noise, from the median step; 0 for under five frames."""
    steps = np.diff(columns, axis=0)[np.diff(segment) == 0]
    if len(steps) < 4:
        return np.zeros(columns.shape[1])
    return 1.4826 * np.median(np.abs(steps), axis=0) / np.sqrt(2)


def smooth_within(
    columns: Float[np.ndarray, "n c"], measures: FaceMeasures, sigma_s: float
) -> Float[np.ndarray, "n c"]:
    """Gaussian along time inside every segment; the ends are repeated."""
    sigma = sigma_s * measures.frames_per_s
    if sigma < 0.3:
        return columns
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    smooth = np.empty_like(columns)
    edges = np.flatnonzero(np.diff(measures.segment)) + 1
    for rows in np.split(np.arange(len(columns)), edges):
        padded = np.pad(columns[rows], ((reach, reach), (0, 0)), mode="edge")
        smooth[rows] = sum(
            weight * padded[i : i + len(rows)] for i, weight in enumerate(kernel.tolist())
        )
    return smooth


def by_part(scaled: Float[np.ndarray, "*n c"]) -> Float[np.ndarray, "*n p"]:
    """Length of every part's displacement, from columns in one common unit."""
    squares = scaled**2
    return np.sqrt(
        np.stack([squares[..., i == PART_OF_COLUMN].sum(-1) for i in range(len(PARTS))], axis=-1)
    )
