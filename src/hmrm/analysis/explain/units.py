"""Likely action units in a flow map: what of the atlas explains its motion best."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

from hmrm.clip import FlowMap, LikelyUnit
from hmrm.facs.atlas import (
    EYE_DISTANCE_PX,
    IMAGE_PX,
    ActionUnit,
    AtlasSource,
    sample_positions,
)
from hmrm.facs.basis import SIDES, UNITS
from hmrm.flow.pair import MAP_SIDE

LEAST_PX = 0.25
"""Motion below cannot be distinguished from what estimators make of skin at rest."""

LEAST_PART = 0.25
"""Of the strongest unit; weaker ones are mostly what the atlas draws otherwise than the face."""

PROBABLE = 0.4
"""Probability from which on a unit that a classifier names counts as likely."""

HALF_PART = 0.25
"""Of the stronger half, from which a unit moves both."""

_PENALTY = 0.08
"""Of a unit's px, relative to the strongest match: few units that explain most."""
_GAZE_FROM = 60
_BLINK, _CLOSED = 45, 43
"""Eyes that close move as in a blink; only the blink (45) is fitted."""
_ROUNDS = 200
_CONVERGED_PX = 1e-4

_NUMBERS = tuple(number for number in UNITS if number != _CLOSED)


def likely_units(
    flow_map: FlowMap, probabilities: Mapping[int, float] | None = None
) -> tuple[LikelyUnit, ...]:
    """Units whose motion by the atlas adds up to the map's, strongest first.

    Non-negative least squares over both halves of every unit, with the head's rest as a free
    similarity and a penalty on many units. It reads the motion alone, never the class.

    Args:
        flow_map: with a known ``scale_px``; without one nothing can be stated in px.
        probabilities: of units, by a classifier: which are likely is then its answer, and the atlas
            gives side and px. None: the atlas alone decides.

    Returns:
        Units of at least `LEAST_PX` and `LEAST_PART` of the strongest while many are penalised;
        their px are then fitted without penalty. "both" where the weaker half has at least half
        of the stronger one.

    Example:
        >>> import numpy as np
        >>> from hmrm.facs.atlas import ActionUnit, AtlasSource
        >>> from hmrm.flow.pair import flow_map
        >>> from hmrm.analysis.explain.units import likely_units
        >>> smile = AtlasSource().flow([ActionUnit(12, "left", 0.8)], 224)
        >>> [(unit.number, unit.side) for unit in likely_units(flow_map(smile))]
        [(12, 'left')]
    """
    if not np.isfinite(flow_map.scale_px) or flow_map.scale_px <= 0:
        return ()
    flow = flow_map.values[:2].astype(np.float64) * flow_map.scale_px
    expressive = np.array(_NUMBERS) < _GAZE_FROM
    if probabilities is None:
        pairs = _fitted_px(flow, np.ones(2 * len(_NUMBERS), dtype=bool), penalty=_PENALTY)
        strongest = pairs.max(axis=1)
        kept = strongest >= max(LEAST_PX, LEAST_PART * float(strongest[expressive].max()))
    else:
        kept = _probable(probabilities)
        pairs = _fitted_px(flow, np.repeat(kept, 2), penalty=0.0)
        strongest = pairs.max(axis=1)
    # A half that is much weaker than the other is what the other draws across the midline.
    halves = kept[:, None] & (pairs >= strongest[:, None] * HALF_PART)
    px = _fitted_px(flow, halves.reshape(-1), penalty=0.0)
    found = [
        _unit(number, own, px[row])
        for row, (number, own) in enumerate(zip(_NUMBERS, halves, strict=True))
        if expressive[row] and px[row].max() > 0
    ]
    return tuple(sorted(found, key=lambda unit: (-unit.px, unit.number)))


def _probable(probabilities: Mapping[int, float]) -> Bool[np.ndarray, " units"]:
    """Which units a classifier finds; closed eyes count as a blink."""
    found = dict(probabilities)
    found[_BLINK] = max(found.get(_BLINK, 0.0), found.get(_CLOSED, 0.0))
    return np.array([found.get(number, 0.0) >= PROBABLE for number in _NUMBERS])


def _unit(number: int, halves: Bool[np.ndarray, "2"], px: Float[np.ndarray, "2"]) -> LikelyUnit:
    if halves.all():
        # Halves overlap at the midline: together they move it further than each alone.
        return LikelyUnit(number=number, side="both", px=float(px.mean()) * _peak_of_both(number))
    row = int(halves.argmax())
    return LikelyUnit(number=number, side=SIDES[row], px=float(px[row]))


@lru_cache
def _peak_of_both(number: int) -> float:
    source = AtlasSource()
    halves = [source.flow([ActionUnit(number, side)], 2 * MAP_SIDE) for side in SIDES]
    return float(np.hypot(*(halves[0] + halves[1])).max())


def _fitted_px(
    flow: Float[np.ndarray, "2 s s"], allowed: Bool[np.ndarray, " k"], *, penalty: float
) -> Float[np.ndarray, "units 2"]:
    """Px of the left and the right half of each unit, 0 or more, by coordinate descent.

    Args:
        flow: px of the canonical crop, once a cell.
        allowed: halves that may move.
        penalty: of a unit's length, relative to the strongest match.
    """
    fields, free = _atlas()
    values = flow.reshape(-1)
    matches = fields.T @ (values - free @ (free.T @ values))
    gram = fields.T @ fields
    size = np.diag(gram)
    highest = max(float((matches / np.sqrt(size)).max()), 0.0)
    shrunk = matches - penalty * highest * np.sqrt(size)
    weights = np.zeros(len(matches))
    for _ in range(_ROUNDS):
        before = weights.copy()
        for k in np.flatnonzero(allowed):
            rest = shrunk[k] - gram[k] @ weights + size[k] * weights[k]
            weights[k] = max(rest / size[k], 0.0)
        if np.abs(weights - before).max() < _CONVERGED_PX:
            break
    return weights.reshape(-1, 2)


@lru_cache(maxsize=1)
def _atlas() -> tuple[Float[np.ndarray, "m k"], Float[np.ndarray, "m 4"]]:
    """Fields of all halves at 1 px without the head's part; an orthonormal basis of that part."""
    source = AtlasSource()
    x, y = np.meshgrid(*sample_positions(MAP_SIDE, 0.0))
    x, y = (x - IMAGE_PX[0] / 2) / EYE_DISTANCE_PX, (y - IMAGE_PX[1] / 2) / EYE_DISTANCE_PX
    zero, one = np.zeros_like(x), np.ones_like(x)
    motions = [(one, zero), (zero, one), (x, y), (-y, x)]
    free, _ = np.linalg.qr(np.stack([np.stack(pair).reshape(-1) for pair in motions], axis=1))
    fields = np.stack(
        [
            source.flow([ActionUnit(number, side)], MAP_SIDE).astype(np.float64).reshape(-1)
            for number in _NUMBERS
            for side in SIDES
        ],
        axis=1,
    )
    return fields - free @ (free.T @ fields), free
