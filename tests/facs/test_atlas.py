"""The atlas: complete, linear, mirror symmetric, zero where nothing moves; directions as FACS."""

import dataclasses
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.errors import ConfigError
from hmrm.faces.align import canonical_landmarks68
from hmrm.faces.shape import MIRRORED_68
from hmrm.facs.atlas import IMAGE_PX, ActionUnit, AtlasSource, sample_positions
from hmrm.facs.atlas_table import CONJUGATE_UNITS, MIRRORED_UNITS, TABLE, Pull
from hmrm.facs.landmark_shapes import draw_landmarks

NAMED_IN_MICRO_EXPRESSIONS = {1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25,
                              26, 28, 38, 45}  # fmt: skip

units = st.builds(
    ActionUnit,
    st.sampled_from(sorted(TABLE)),
    st.sampled_from(["both", "left", "right"]),
    st.floats(0.1, 4.0),
)
faces = st.integers(0, 2**31).map(
    lambda seed: draw_landmarks(np.random.default_rng(seed), spread=1.0)
)


def test_table_holds_every_unit_that_annotators_name() -> None:
    assert set(TABLE) >= NAMED_IN_MICRO_EXPRESSIONS
    assert all(row.name and row.muscle and row.pulls for row in TABLE.values())


def test_table_is_to_the_bit_the_one_that_weights_were_trained_with() -> None:
    def facts_of(pull: Pull) -> tuple[object, ...]:
        return pull.anchor, pull.move, pull.spread, pull.shift, pull.lip

    facts = [(n, row.name, row.muscle, list(map(facts_of, row.pulls))) for n, row in TABLE.items()]
    # Of the table while it was code.
    digest = "ab9bdf603b4b135efc13213e5bad5acb7bc1fca8b7f7b1d6859526002761f48b"
    assert hashlib.sha256(repr(facts).encode()).hexdigest() == digest
    assert {61, 62, 63, 64} == CONJUGATE_UNITS and MIRRORED_UNITS == {61: 62, 62: 61}


def test_table_anchors_lie_on_the_image_left_half_or_the_middle() -> None:
    points = canonical_landmarks68()
    for number, row in TABLE.items():
        for pull in row.pulls:
            assert points[list(pull.anchor)].mean(axis=0)[0] <= 0.5 + 1e-6, number


@given(unit=units, face=faces)
@settings(max_examples=40, deadline=None)
def test_peak_is_the_intensity(unit: ActionUnit, face: np.ndarray) -> None:
    flow = AtlasSource(face).flow([unit], size=112, margin=0.25)
    # Peaks are found on a coarser grid; the narrow ones, of gaze and lids, are up to 6 % higher.
    assert np.hypot(*flow).max() == pytest.approx(unit.intensity_px, rel=0.08)


@given(unit=units, factor=st.floats(0.0, 3.0))
@settings(max_examples=20, deadline=None)
def test_flow_is_linear_in_intensity_and_additive(unit: ActionUnit, factor: float) -> None:
    source = AtlasSource()
    other = ActionUnit(17, "both", 0.7)
    scaled = dataclasses.replace(unit, intensity_px=unit.intensity_px * factor)
    together = source.flow([scaled, other], size=56)
    apart = factor * source.flow([unit], size=56) + source.flow([other], size=56)
    np.testing.assert_allclose(together, apart, atol=2e-6 * (1 + factor * unit.intensity_px))


def test_zero_intensity_and_no_units_give_exactly_zero() -> None:
    source = AtlasSource()
    assert not source.flow([], size=28).any()
    assert not source.flow([ActionUnit(n, "both", 0.0) for n in TABLE], size=28).any()


@given(unit=units, face=faces)
@settings(max_examples=40, deadline=None)
def test_mirrored_unit_on_the_mirrored_face_is_the_mirrored_field(
    unit: ActionUnit, face: np.ndarray
) -> None:
    mirrored_face = face[list(MIRRORED_68)] * [-1, 1] + [IMAGE_PX[0], 0]
    flow = AtlasSource(face).flow([unit], size=56, margin=0.2)
    mirrored = AtlasSource(mirrored_face).flow([unit.mirrored()], size=56, margin=0.2)
    expected = flow[:, :, ::-1] * np.array([-1, 1])[:, None, None]
    np.testing.assert_allclose(mirrored, expected, atol=1e-5)


def test_nothing_moves_outside_the_face() -> None:
    flow = AtlasSource().flow([ActionUnit(n) for n in TABLE], size=64, margin=0.6)
    x, y = sample_positions(64, 0.6)
    outside = (np.abs(x - 112) > 158)[None, :] | (y < -90)[:, None] | (y > 350)[:, None]
    assert outside.any() and not flow[:, outside].any()


def test_grid_size_does_not_change_the_motion() -> None:
    source, unit = AtlasSource(), ActionUnit(12, "left", 1.5)
    coarse, fine = source.flow([unit], size=28), source.flow([unit], size=84)
    np.testing.assert_allclose(coarse, fine[:, 1::3, 1::3], atol=1e-6)


@pytest.mark.parametrize(
    ("number", "landmark", "direction"),
    [
        (1, 21, (0, -1)),
        (2, 18, (0, -1)),
        (4, 20, (0.4, 0.9)),
        (5, 37, (0, -1)),
        (7, 41, (0, -1)),
        (9, 31, (0, -1)),
        (10, 50, (0, -1)),
        (12, 48, (-0.6, -0.8)),
        (14, 48, (-1, 0)),
        (15, 48, (0, 1)),
        (16, 58, (0, 1)),
        (17, 57, (0, -1)),
        (18, 48, (1, 0)),
        (20, 48, (-1, 0)),
        (24, 57, (0, -1)),
        (25, 57, (0, 1)),
        (26, 8, (0, 1)),
        (28, 51, (0, 1)),
        (45, 37, (0, 1)),
    ],
)
def test_landmarks_move_the_way_facs_says(
    number: int, landmark: int, direction: tuple[float, float]
) -> None:
    flow = AtlasSource().flow([ActionUnit(number)], size=224)
    x, y = canonical_landmarks68()[landmark] * 224
    moved = flow[:, int(np.clip(y, 0, 223)), int(np.clip(x, 0, 223))]
    cosine = moved @ np.array(direction) / np.linalg.norm(moved) / np.linalg.norm(direction)
    assert cosine > 0.9
    assert np.linalg.norm(moved) > 0.3


def test_lips_open_along_a_line() -> None:
    flow = AtlasSource().flow([ActionUnit(25)], size=224)
    x, y = (canonical_landmarks68()[[62, 66]].mean(axis=0) * 224).astype(int)
    assert flow[1, y + 4, x] - flow[1, y - 4, x] > 0.5


def test_gaze_moves_both_eyes_the_same_way() -> None:
    flow = AtlasSource().flow([ActionUnit(61)], size=56)
    assert flow[0, :, :28].min() < -0.9 and flow[0, :, 28:].min() < -0.9
    assert frozenset(TABLE) >= CONJUGATE_UNITS


def test_other_landmarks_give_another_field() -> None:
    face = draw_landmarks(np.random.default_rng(5))
    mean = AtlasSource().flow([ActionUnit(12)], size=28)
    assert np.abs(AtlasSource(face).flow([ActionUnit(12)], size=28) - mean).max() > 0.05


@pytest.mark.parametrize(
    "arguments", [(3,), (12, "up"), (12, "both", -1.0), (12, "both", float("nan"))]
)
def test_impossible_units_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises((ConfigError, TypeError), match=r"unit|side"):
        ActionUnit(*arguments)  # type: ignore[arg-type]


def test_landmarks_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ConfigError, match="NaN"):
        AtlasSource(np.full((68, 2), np.nan))
