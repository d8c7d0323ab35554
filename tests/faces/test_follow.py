import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from hmrm.faces.align import apply
from hmrm.faces.follow import FollowConfig, corners_in, follow, robust_similarity

BOX = (181.0, 61.0, 268.0, 173.0)
CONFIG = FollowConfig()


@pytest.fixture(scope="module")
def grey():
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)


def turned(grey, degrees, scale, dx, dy):
    matrix = cv2.getRotationMatrix2D((224, 117), degrees, scale)
    matrix[:, 2] += dx, dy
    flags, border = cv2.INTER_CUBIC, cv2.BORDER_REFLECT
    moved = cv2.warpAffine(grey, matrix, grey.shape[::-1], flags=flags, borderMode=border)
    return moved, matrix


@given(st.integers(0, 2**32 - 1), st.floats(0.9, 1.1), st.floats(-0.2, 0.2))
def test_robust_similarity_ignores_a_minority(seed, scale, turn):
    rng = np.random.default_rng(seed)
    source = rng.uniform(0, 100, (60, 2))
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    true = np.array([[c, -s, 3.0], [s, c, -2.0]])
    target = apply(true, source)
    target[:15] += rng.uniform(3, 6, (15, 2))
    found = robust_similarity(source, target)
    # Weights of Geman and McClure never reach zero: a quarter moving 4 to 8 px leaves a trace.
    assert np.abs(apply(found, source[15:]) - target[15:]).max() < 0.05


@pytest.mark.parametrize(
    "motion", [(0, 1, 0.3, -0.2), (0, 1, 6, 4), (3, 1.02, -2, 1.5), (-5, 0.97, 5, -8)]
)
def test_motion_of_a_face_is_found(grey, motion):
    moved, matrix = turned(grey, *motion)
    corners = corners_in(grey, BOX)
    transform, found = follow(grey, moved, corners, CONFIG)
    eyes_mouth = np.array([[203.0, 100], [246, 103], [201, 139], [245, 141]])
    # Measured 0.14 px at the largest turn; steps between frames are a tenth of these.
    np.testing.assert_allclose(
        apply(transform, eyes_mouth), apply(matrix, eyes_mouth), rtol=0, atol=0.2
    )
    assert len(found) > 0.8 * len(corners)


def test_identical_pictures_do_not_move(grey):
    corners = corners_in(grey, BOX)
    transform, found = follow(grey, grey.copy(), corners, CONFIG)
    np.testing.assert_array_equal(transform, np.eye(2, 3))
    np.testing.assert_array_equal(found, corners)


def test_head_motion_is_told_from_a_moving_mouth(grey):
    moved, matrix = turned(grey, 2, 1, 1.5, -1)
    mouth = grey[125:155, 195:250]
    talking = moved.copy()
    talking[129:159, 197:252] = mouth
    transform, _ = follow(grey, talking, corners_in(grey, BOX), CONFIG)
    eyes = np.array([[203.0, 100], [246, 103]])
    np.testing.assert_allclose(apply(transform, eyes), apply(matrix, eyes), rtol=0, atol=0.3)


@pytest.mark.parametrize("kind", ["black", "noise", "other"])
def test_another_picture_is_a_lost_face(grey, kind):
    after = {
        "black": np.zeros_like(grey),
        "noise": np.random.default_rng(0).integers(0, 256, grey.shape, dtype=np.uint8),
        "other": cv2.resize(skimage.data.camera(), grey.shape[::-1]),
    }[kind]
    assert follow(grey, after, corners_in(grey, BOX), CONFIG) is None


def test_too_few_corners_are_a_lost_face(grey):
    flat = np.full_like(grey, 90)
    assert len(corners_in(flat, BOX)) == 0
    assert len(corners_in(grey, (-300.0, -300.0, -200.0, -200.0))) == 0
    assert len(corners_in(grey, (100.0, 100.0, 110.0, 112.0))) == 0
    assert follow(grey, grey, corners_in(flat, BOX), CONFIG) is None


def test_corners_lie_in_the_box(grey):
    corners = corners_in(grey, BOX)
    assert 30 <= len(corners) <= 80
    assert (corners > BOX[:2]).all()
    assert (corners < BOX[2:]).all()
