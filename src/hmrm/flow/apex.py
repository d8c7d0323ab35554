"""The apex of an expression whose onset and offset are known: the rules, and one way to ask them.

``APEX_RULES`` holds every rule by the name that commands take; `apex_index` applies one.

*difference* is CapsuleNet's (Quang, Chun, Tokuyama: "CapsuleNet for Micro-Expression Recognition",
FG 2019), which the field's data are prepared with: differences to onset and to offset in cells
around brows, eyes, nose and mouth, each normalised by how much the image changes from one frame
to the next, summed; the largest wins. Departs from it: cells lie at the average face's landmarks
in the aligned crop, since all frames of a clip go through one transform.

*registration* registers every frame to the onset; the face's own motion, head apart, is projected
on its strongest shape, and a rise, a hold and a decay are fitted to that curve. The apex is the
middle of the hold: on the flat top of a curve the largest value is a matter of noise, the flanks
are not. Head motion and light, which mislead differences, do not move it: of 30 synthetic clips at
200 frames/s (0.7 to 2 px, ``tests/flow/test_apex.py``) it is within two frames of the truth in 30,
the middle in 11, the largest difference in 4. Source: ``registration``
and the matched filter of ``spotting/fine.py``. Flanks are half cosines, which is how
``synthetic/clips.py`` renders them too: on other courses the middle of the hold is less exact.

*middle* reads no frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from hmrm.clip import Frame
from hmrm.errors import ConfigError, FrameIndexError, InputError
from hmrm.faces.align import canonical_landmarks68, canonical_transform, invert, warp
from hmrm.flow.estimate import to_grey
from hmrm.flow.registration import (
    Grid,
    RegistrationConfig,
    Template,
    View,
    crop_of,
    own_motion,
    register,
)

DEFAULT_APEX_RULE = "difference"

_LEAST_FRAMES = 3
_WEAKEST = 1e-6
_DIFFERENCE_CROP_WH_PX = (112, 162)

# Brows, inner and outer lid corners, nostrils, mouth corners and lips.
_CELLS_AT = (17, 19, 21, 22, 24, 26, 36, 39, 42, 45, 31, 33, 35, 48, 51, 54, 57)
_CELL_HALF = 0.045

Points = Float[np.ndarray, "p 2"]


@runtime_checkable
class Frames(Protocol):
    """Frames by place: a list of them, or anything that loads one when it is asked for."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, index: int, /) -> Frame:
        """The frame at a place from 0."""


@dataclass(frozen=True, kw_only=True)
class ApexRule:
    """One way to find the apex.

    Attributes:
        position: place of the apex in at least three frames from onset to offset, the first frame's
            5 points or 68 landmarks given.
        needs_face: whether it reads the frames, and so needs the points.
    """

    position: Callable[[Frames, Points], int]
    needs_face: bool = True


def apex_index(frames: Frames, points_xy_px: Points | None, rule: str) -> int:
    """Index of the apex frame by one of ``APEX_RULES``; never the first frame.

    Two frames have no choice: the second one is the apex.

    Args:
        frames: all frames from onset to offset, both included.
        points_xy_px: 5 points or 68 landmarks of the face in the first frame; None only for a rule
            that needs none.

    Returns:
        ``Frame.index`` of the apex.

    Raises:
        ConfigError: there is no such rule.
        InputError: fewer than two frames, or points from which no crop can be made.
    """
    find = rule_named(rule)
    if len(frames) < 2:
        raise InputError("apex: a clip of one frame has no movement; give onset and offset")
    if find.needs_face and points_xy_px is None:
        raise InputError(f"apex: rule {rule} needs the face's points in the onset; give them")
    if len(frames) < _LEAST_FRAMES:
        return frames[1].index
    points = np.empty((0, 2)) if points_xy_px is None else points_xy_px
    return frames[find.position(frames, points)].index


def rule_named(name: str) -> ApexRule:
    """The rule of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in APEX_RULES:
        raise ConfigError(f"apex rule {name!r}; choose one of {', '.join(APEX_RULES)}")
    return APEX_RULES[name]


def _middle(frames: Frames, points: Points) -> int:
    del points
    return max(1, (len(frames) - 1) // 2)


def _most_different(frames: Frames, points: Points) -> int:
    return 1 + int(np.argmax(difference_scores(_Crops(frames, points))))


class _Crops(Sequence[UInt8[np.ndarray, "h w"]]):
    """Grey canonical crops through the onset's transform, each made when it is asked for."""

    def __init__(self, frames: Frames, points: Points) -> None:
        self._frames = frames
        self._transform = canonical_transform(points, _DIFFERENCE_CROP_WH_PX)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: Any) -> Any:
        grey = to_grey(self._frames[index].image, name=f"frame {index} of the clip")
        return warp(grey, self._transform, _DIFFERENCE_CROP_WH_PX)


def difference_scores(crops: Sequence[UInt8[np.ndarray, "h w"]]) -> Float[np.ndarray, " t"]:
    """Score of every crop but the first and the last; grey levels over grey levels.

    Args:
        crops: grey canonical crops through one transform, onset first; each is asked for once,
            and no more than five are held.
    """
    last = len(crops) - 1
    onset, offset = _cells(crops[0]), _cells(crops[last])
    before, now = onset, _cells(crops[1])
    scores = np.empty(last - 1)
    for i in range(1, last):
        after = offset if i + 1 == last else _cells(crops[i + 1])
        # One grey level keeps a still cell from deciding.
        step = 1.0 + (_difference(now, before) + _difference(now, after)) / 2
        total = (1.0 + _difference(now, onset)) + (1.0 + _difference(now, offset))
        scores[i - 1] = (total / step).sum()
        before, now = now, after
    return scores


def _difference(
    one: Float[np.ndarray, "n p"], other: Float[np.ndarray, "n p"]
) -> Float[np.ndarray, " n"]:
    return np.abs(one - other).mean(axis=1)


def _cells(crop: UInt8[np.ndarray, "h w"]) -> Float[np.ndarray, "n p"]:
    height, width = crop.shape
    half = max(2, round(_CELL_HALF * width))
    cells = []
    for x, y in canonical_landmarks68()[list(_CELLS_AT)]:
        column = int(np.clip(x * width, half, width - half))
        row = int(np.clip(y * height, half, height - half))
        cells.append(crop[row - half : row + half, column - half : column + half].ravel())
    return np.stack(cells).astype(np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """How an expression came and went.

    Attributes:
        apex: place of the frame in the middle of the hold.
        hold: places of the first and the last frame of the hold.
        strength: displacement along the strongest shape, 1 at the fitted hold, per frame.
        fit: the fitted rise, hold and decay on the same frames.
    """

    apex: int
    hold: tuple[int, int]
    strength: Float[np.ndarray, " t"]
    fit: Float[np.ndarray, " t"]


def course_of(
    frames: Frames,
    points_xy_px: Points,
    config: RegistrationConfig | None = None,
) -> Course:
    """Follow an expression from onset to offset.

    Args:
        frames: all frames from onset to offset, both included.
        points_xy_px: 5 points or 68 landmarks of the face in the first frame.

    Raises:
        FrameIndexError: fewer than three frames.
        InputError: points from which no crop can be made.
    """
    if len(frames) < _LEAST_FRAMES:
        raise FrameIndexError(
            f"apex: {len(frames)} frame(s) from onset to offset; at least {_LEAST_FRAMES} are "
            "needed to have one between"
        )
    curve = _strength(_own_motion(frames, points_xy_px, config or RegistrationConfig()))
    first, last, fit = _rise_hold_decay(curve)
    top = max(float(np.abs(fit).max()), _WEAKEST)
    return Course(apex=(first + last) // 2, hold=(first, last), strength=curve / top, fit=fit / top)


def _middle_of_the_hold(frames: Frames, points: Points) -> int:
    return course_of(frames, points).apex


def _own_motion(
    frames: Frames, points: Float[np.ndarray, "p 2"], config: RegistrationConfig
) -> Float[np.ndarray, "t r 2"]:
    """Motion of each region since the onset, head apart, px of the registration's crop."""
    grid = Grid(config)
    to_frame = invert(canonical_transform(points, config.size_wh_px))
    onset = View.around(to_grey(frames[0].image, name="onset"), to_frame, config)
    template = Template(crop_of(onset, to_frame, config), grid)
    chosen = [i for i, name in enumerate(grid.regions) if name != "nose"]
    rows = np.zeros((len(frames), len(chosen), 2))
    for i in range(1, len(frames)):
        frame = frames[i]
        view = View.around(to_grey(frame.image, name="frame"), to_frame, config)
        to_frame, crop = register(template, view, to_frame, steps=2)
        rows[i] = own_motion(template, crop)[chosen]
    return rows


def _strength(motion: Float[np.ndarray, "t r 2"]) -> Float[np.ndarray, " t"]:
    """The motion along its first principal direction about the onset, positive where strong."""
    flat = motion.reshape(len(motion), -1)
    _, _, directions = np.linalg.svd(flat, full_matrices=False)
    curve = flat @ directions[0]
    return curve * (1.0 if curve.sum() >= 0 else -1.0)


def _rise_hold_decay(
    curve: Float[np.ndarray, " t"],
) -> tuple[int, int, Float[np.ndarray, " t"]]:
    """First and last frame of the hold, in least squares, and the fitted curve.

    The flanks are half cosines from the first frame and to the last; drift of the registration is
    a straight line added to it.
    """
    last = len(curve) - 1
    t = np.arange(len(curve), dtype=np.float64)
    line = np.stack([np.ones_like(t), t / last], axis=1)
    line_q, _ = np.linalg.qr(line)
    rest = curve - line_q @ (line_q.T @ curve)
    best, chosen = -1.0, (0, last)
    for first in range(1, last):
        up = 0.5 - 0.5 * np.cos(np.pi * np.minimum(t / first, 1.0))
        ends = np.arange(first, last)
        down = 0.5 - 0.5 * np.cos(np.pi * np.minimum((last - t) / (last - ends)[:, None], 1.0))
        shapes = up * down
        shapes -= (shapes @ line_q) @ line_q.T
        norms = np.linalg.norm(shapes, axis=1)
        gains = np.maximum(shapes @ rest, 0.0) / np.maximum(norms, _WEAKEST)
        k = int(gains.argmax())
        if gains[k] > best:
            best, chosen = float(gains[k]), (first, int(ends[k]))
    first, end = chosen
    up = 0.5 - 0.5 * np.cos(np.pi * np.minimum(t / first, 1.0)) if first else np.ones_like(t)
    down = 0.5 - 0.5 * np.cos(np.pi * np.minimum((last - t) / max(last - end, 1), 1.0))
    basis = np.column_stack([up * down, line])
    weights, *_ = np.linalg.lstsq(basis, curve, rcond=None)
    return first, end, weights[0] * up * down


APEX_RULES: dict[str, ApexRule] = {
    "difference": ApexRule(position=_most_different),
    "middle": ApexRule(position=_middle, needs_face=False),
    "registration": ApexRule(position=_middle_of_the_hold),
}
"""Every rule, by the name that commands take."""
