"""The apex of an expression whose onset and offset are known.

Every frame is registered to the onset; the face's own motion, head apart, is projected on its
strongest shape, and a rise, a hold and a decay are fitted to that curve. The apex is the middle of
the hold: on the flat top of a curve the largest value is a matter of noise, the flanks are not.

Source: registration as in ``registration.py``; the matched filter as in ``spot.py``. Departs from
the field's usual rule (largest sum of absolute differences to onset and offset, as CapsuleNet's
data preparation has it), which head motion and light mislead. Flanks are half cosines, which is
how ``facs/clips.py`` draws them too: on other courses the middle of the hold is less exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hmrm.clip import Frame
from hmrm.errors import FrameIndexError
from hmrm.faces.align import canonical_transform, invert
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

_LEAST_FRAMES = 3
_WEAKEST = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """How an expression came and went.

    Attributes:
        apex_index: frame in the middle of the hold.
        hold_indices: first and last frame of the hold.
        strength: displacement along the strongest shape, 1 at the fitted hold, per frame.
        fit: the fitted rise, hold and decay on the same frames.
    """

    apex_index: int
    hold_indices: tuple[int, int]
    strength: Float[np.ndarray, " t"]
    fit: Float[np.ndarray, " t"]


def find_apex(
    frames: Sequence[Frame],
    points_xy_px: Float[np.ndarray, "p 2"],
    config: RegistrationConfig | None = None,
) -> Course:
    """Find the apex between onset and offset.

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
    motion = _own_motion(frames, points_xy_px, config or RegistrationConfig())
    curve = _strength(motion)
    first, last, fit = _rise_hold_decay(curve)
    top = max(float(np.abs(fit).max()), _WEAKEST)
    middle = (first + last) / 2
    return Course(
        apex_index=frames[int(middle)].index,
        hold_indices=(frames[first].index, frames[last].index),
        strength=curve / top,
        fit=fit / top,
    )


def _own_motion(
    frames: Sequence[Frame], points: Float[np.ndarray, "p 2"], config: RegistrationConfig
) -> Float[np.ndarray, "t r 2"]:
    """Motion of each region since the onset, head apart, px of the registration's crop."""
    grid = Grid(config)
    to_frame = invert(canonical_transform(points, config.size_wh_px))
    onset = View.around(to_grey(frames[0].image, name="onset"), to_frame, config)
    template = Template(crop_of(onset, to_frame, config), grid)
    watched = [i for i, name in enumerate(grid.watched) if name != "nose"]
    rows = np.zeros((len(frames), len(watched), 2))
    for i, frame in enumerate(frames[1:], 1):
        view = View.around(to_grey(frame.image, name="frame"), to_frame, config)
        to_frame, crop = register(template, view, to_frame, steps=2)
        rows[i] = own_motion(template, crop)[watched]
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
