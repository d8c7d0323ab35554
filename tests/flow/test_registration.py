"""Registration against motion that is known, and against slow twins."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendered_faces import CANONICAL, paint_face

from hmrm.faces.align import canonical_transform, invert
from hmrm.faces.crops import IMAGE_WH_PX
from hmrm.flow.registration import (
    Grid,
    RegistrationConfig,
    Template,
    View,
    agreed,
    crop_correlation,
    crop_of,
    own_motion,
    register,
)

CONFIG = RegistrationConfig()
GRID = Grid(CONFIG)
IMAGE, POINTS = paint_face(np.random.default_rng(3), 170.0)
GREY = cv2.cvtColor(IMAGE, cv2.COLOR_RGB2GRAY)
TO_FRAME = invert(canonical_transform(POINTS, CONFIG.size_wh_px))
TEMPLATE = Template(crop_of(View.around(GREY, TO_FRAME, CONFIG), TO_FRAME, CONFIG), GRID)


def view_of(grey: np.ndarray) -> View:
    return View.around(grey, TO_FRAME, CONFIG)


def moved(shift_xy: tuple[float, float] = (0, 0), turn: float = 0.0, zoom: float = 1.0):
    """The picture with the whole head moved: px, degrees, factor."""
    x, y = POINTS.mean(0)
    matrix = cv2.getRotationMatrix2D((float(x), float(y)), turn, zoom)
    matrix[:, 2] += shift_xy
    size = GREY.shape[::-1]
    fine = cv2.warpAffine(GREY.astype(np.float32), matrix, size, flags=cv2.INTER_CUBIC)
    return np.clip(np.rint(fine), 0, 255).astype(np.uint8)


def bulged(region_xy: tuple[float, float], motion_xy: tuple[float, float], spread: float = 14.0):
    """The picture with a Gaussian patch moved; px of the picture."""
    gy, gx = np.mgrid[0 : GREY.shape[0], 0 : GREY.shape[1]].astype(np.float32)
    x, y = region_xy
    weight = np.exp(-((gx - x) ** 2 + (gy - y) ** 2) / (2 * spread**2))
    x_from, y_from = gx - motion_xy[0] * weight, gy - motion_xy[1] * weight
    return cv2.remap(GREY, x_from.astype(np.float32), y_from.astype(np.float32), cv2.INTER_CUBIC)


def lengths_px(grey: np.ndarray) -> dict[str, float]:
    """Every region's own motion, px of the canonical crop."""
    _, crop = register(TEMPLATE, view_of(grey), TO_FRAME, steps=4)
    motion = own_motion(TEMPLATE, crop) * IMAGE_WH_PX[0] / CONFIG.crop_width_px
    return dict(zip(GRID.regions, np.linalg.norm(motion, axis=1), strict=True))


def test_windows_are_smooth_and_add_up_to_one_inside() -> None:
    for windows in (GRID.across, GRID.down):
        total = windows.sum(0)
        inside = slice(18, -18)  # a cell, where a window is missing
        np.testing.assert_allclose(total[inside], 1.0, atol=1e-6)  # float32
        assert np.abs(np.diff(windows, axis=1)).max() < 0.1


def test_sums_agree_with_a_loop_over_cells() -> None:
    image = np.random.default_rng(0).normal(size=CONFIG.size_wh_px[::-1]).astype(np.float32)
    slow = np.zeros((GRID.rows, GRID.columns))
    for row in range(GRID.rows):
        for column in range(GRID.columns):
            window = np.outer(GRID.down[row], GRID.across[column])
            slow[row, column] = (window * image).sum()
    np.testing.assert_allclose(GRID.sums(image[None])[0], slow, rtol=1e-4, atol=1e-3)  # float32


@settings(max_examples=15, deadline=None)
@given(x=st.floats(-4, 4), y=st.floats(-4, 4), turn=st.floats(-2, 2), zoom=st.floats(0.98, 1.02))
def test_a_head_that_moves_as_one_has_no_motion_of_its_own(
    x: float, y: float, turn: float, zoom: float
) -> None:
    # Interpolating twice and rounding to grey levels leaves up to 0.06 px (measured).
    assert max(lengths_px(moved((x, y), turn, zoom)).values()) < 0.12


def test_the_transform_follows_the_head() -> None:
    found, _ = register(TEMPLATE, view_of(moved((3.0, -2.0))), TO_FRAME, steps=6)
    # Cells outside the face see the background, which moves along here.
    np.testing.assert_allclose(found[:, 2] - TO_FRAME[:, 2], [3.0, -2.0], atol=0.05)


@pytest.mark.parametrize(
    ("name", "corner", "motion"),
    [
        ("left_mouth_corner", 3, (0.0, -1.0)),
        ("right_mouth_corner", 4, (0.7, -0.7)),
        ("left_mouth_corner", 3, (0.0, 0.5)),
    ],
)
def test_a_moved_region_is_found_where_it_is(
    name: str, corner: int, motion: tuple[float, float]
) -> None:
    found = lengths_px(bulged(tuple(POINTS[corner]), motion))
    assert max(found, key=lambda region: found[region]) == name
    # The patch covers the region in part: its mean is below its peak, in px of the crop.
    peak = np.hypot(*motion) * 224 / 170
    assert 0.25 * peak < found[name] < peak


def test_gain_bias_and_uneven_light_are_not_motion() -> None:
    height, width = GREY.shape
    light = 0.85 + 0.3 * np.linspace(0, 1, width)[None] + 0.1 * np.linspace(0, 1, height)[:, None]
    lit = np.clip(GREY * light * 0.8 + 10, 0, 255).astype(np.uint8)
    assert max(lengths_px(lit).values()) < 0.12


def test_lids_do_not_move_the_brow() -> None:
    closed = GREY.copy()
    for x, y in POINTS[:2].astype(int):
        closed[y - 8 : y + 8, x - 16 : x + 16] = closed[y - 12, x]
    assert max(lengths_px(closed).values()) < 0.1


def test_identical_pictures_give_exactly_nothing() -> None:
    found, crop = register(TEMPLATE, view_of(GREY), TO_FRAME, steps=2)
    np.testing.assert_allclose(found, TO_FRAME, atol=1e-9)
    assert np.abs(own_motion(TEMPLATE, crop)).max() < 1e-6


def test_agreed_is_the_majority_not_the_mean() -> None:
    cells = np.zeros((60, 2))
    cells[:12] = [2.0, -1.0]
    fit = agreed(cells, np.ones(60), np.ones((60, 1)), within_px=0.04)
    assert np.abs(fit).max() < 0.02
    assert np.abs(cells.mean(0)).min() > 0.15


def test_correlation_is_numpys() -> None:
    size = TEMPLATE.crop.shape
    a, b = np.random.default_rng(1).normal(size=(2, *size)).astype(np.float32)
    found = crop_correlation(Template(a, TEMPLATE.grid), b)
    assert found == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-5)  # float32
    assert crop_correlation(Template(a, TEMPLATE.grid), np.ones_like(a)) == 0.0


def test_rendered_faces_lie_in_the_canonical_crop() -> None:
    crop = canonical_transform(CANONICAL * 100)
    eyes = np.array([[0.215, 0.27], [0.785, 0.27]]) * IMAGE_WH_PX - 0.5
    placed = (CANONICAL[:2] * 100) @ crop[:, :2].T + crop[:, 2]
    np.testing.assert_allclose(placed, eyes, atol=4)  # the average face is not the rendered one
