import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.errors import InputError
from hmrm.faces import align
from hmrm.faces.shape import MEAN_FACE_68, MIRRORED_68, five_points

turns = st.floats(-math.pi, math.pi)
scales = st.floats(0.01, 100)
shifts = st.floats(-2000, 2000)


def similar(turn, scale, x, y):
    c, s = scale * math.cos(turn), scale * math.sin(turn)
    return np.array([[c, -s, x], [s, c, y]])


@given(turns, scales, shifts, shifts, st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 68]))
def test_similarity_is_recovered_from_points_it_moved(turn, scale, x, y, seed, count):
    points = np.random.default_rng(seed).uniform(0, 640, (count, 2))
    true = similar(turn, scale, x, y)
    found = align.similarity(points, align.apply(true, points))
    # float64 on numbers up to 1e5 (scale 100 on 640 px and a shift): a relative 1e-12 of them.
    np.testing.assert_allclose(found[:, :2], true[:, :2], rtol=0, atol=1e-9 * max(1, scale))
    np.testing.assert_allclose(found[:, 2], true[:, 2], rtol=0, atol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_similarity_agrees_with_linear_least_squares(seed):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(2, 6, 2))
    weights = rng.uniform(0.1, 2, 6)
    # Slow twin: x' = a x - b y + c, y' = b x + a y + d as one weighted linear system.
    rows, right = [], []
    for (x, y), (u, v), w in zip(source, target, np.sqrt(weights), strict=True):
        rows += [[w * x, -w * y, w, 0], [w * y, w * x, 0, w]]
        right += [w * u, w * v]
    a, b, c, d = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    found = align.similarity(source, target, weights)
    np.testing.assert_allclose(found, [[a, -b, c], [b, a, d]], atol=1e-9)


def test_similarity_never_mirrors():
    points = np.array([[0, 0], [4, 0], [0, 3.0]])
    found = align.similarity(points, points * [-1, 1])
    assert np.linalg.det(found[:, :2]) >= 0


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (np.zeros((3, 2)), np.ones((3, 2))),
        (np.zeros((1, 2)), np.ones((1, 2))),
        (np.zeros((0, 2)), np.ones((0, 2))),
        (np.eye(2), np.ones((3, 2))),
        (np.array([[0, 0], [1, math.nan]]), np.ones((2, 2))),
    ],
)
def test_similarity_refuses_points_that_cannot_tell(source, target):
    with pytest.raises(InputError, match="similarity"):
        align.similarity(source, target)


@given(turns, st.floats(0.2, 5), shifts, shifts, st.sampled_from([5, 68]))
def test_average_face_lands_where_the_crop_says(turn, scale, x, y, count):
    face = MEAN_FACE_68 if count == 68 else five_points(MEAN_FACE_68)
    image_points = align.apply(similar(turn, 50 * scale, x, y), face)
    transform = align.canonical_transform(image_points, 224)
    landed = align.apply(align.invert(align.to_pixels(224)), align.apply(transform, image_points))
    five = five_points(landed) if count == 68 else landed
    # The mean face was rounded to 4 digits, and the picture's height to whole px.
    np.testing.assert_allclose(five[0], [0.215, 0.27], atol=5e-5)
    np.testing.assert_allclose(five[1], [0.785, 0.27], atol=5e-5)
    np.testing.assert_allclose(five[3:, 1], 0.68, atol=2e-4)


@given(turns, st.floats(0.3, 3), shifts, shifts, st.integers(0, 2**32 - 1))
def test_crop_shows_the_same_after_the_image_was_moved(turn, scale, x, y, seed):
    points = five_points(MEAN_FACE_68) * 100 + 300
    points += np.random.default_rng(seed).normal(0, 8, (5, 2))
    motion = similar(turn, scale, x, y)
    still = align.apply(align.canonical_transform(points), points)
    moved_points = align.apply(motion, points)
    moved = align.apply(align.canonical_transform(moved_points), moved_points)
    np.testing.assert_allclose(moved, still, atol=1e-6)


def test_resolutions_of_the_crop_agree():
    points = five_points(MEAN_FACE_68) * 80 + 200
    for size in (28, 112, 224, (224, 324), (112, 162)):
        shown = align.apply(align.canonical_transform(points, size), points)
        back = align.apply(align.invert(align.to_pixels(size)), shown)
        np.testing.assert_allclose(back[0], [0.215, 0.27], atol=5e-5)  # rounded mean face


def test_picture_size_is_not_squeezed():
    transform = align.canonical_transform(five_points(MEAN_FACE_68) * 80 + 200)
    linear = transform[:, :2]
    scale = math.hypot(*linear[:, 0])
    np.testing.assert_allclose(linear.T @ linear, scale**2 * np.eye(2), atol=1e-9)
    across, down = align.CANONICAL.eye_distance_wh
    assert across / down == pytest.approx(324 / 224)


def test_five_and_68_points_give_the_same_crop():
    points = MEAN_FACE_68 * 90 + 250
    np.testing.assert_allclose(
        align.canonical_transform(points), align.canonical_transform(five_points(points))
    )


@pytest.mark.parametrize("count", [0, 4, 6, 67])
def test_other_numbers_of_points_are_refused(count):
    with pytest.raises(InputError, match=f"got {count} points"):
        align.canonical_transform(np.zeros((count, 2)))


def slow_warp(image, transform, width, height):
    """Bilinear, border repeated, one pixel after the other."""
    inverse = align.invert(transform)
    out = np.zeros((height, width, *image.shape[2:]))
    h, w = image.shape[:2]
    for row in range(height):
        for column in range(width):
            x, y = inverse[:, :2] @ [column, row] + inverse[:, 2]
            x0, y0 = math.floor(x), math.floor(y)
            for dy in (0, 1):
                for dx in (0, 1):
                    weight = (1 - abs(x - x0 - dx)) * (1 - abs(y - y0 - dy))
                    pixel = image[np.clip(y0 + dy, 0, h - 1), np.clip(x0 + dx, 0, w - 1)]
                    out[row, column] += weight * pixel
    return out


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 3)])
def test_warp_agrees_with_slow_bilinear_sampling(shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 1.5)
    transform = similar(0.3, 0.8, 3.3, -7.7)
    fast = align.warp(image, transform, (31, 37)).astype(float)
    slow = slow_warp(image, transform, 31, 37)
    # OpenCV may sample on a grid of 1/32 px; the blurred picture changes by under 32 grey a px.
    assert np.abs(fast - slow).max() <= 1.5


def test_warp_averages_what_it_shrinks():
    # A chessboard finer than the crop: sampling would hit black or white, averaging gives grey.
    image = np.kron(np.indices((100, 100)).sum(0) % 2 * 255, np.ones((2, 2))).astype(np.uint8)
    small = align.warp(image, similar(0, 0.25, 0, 0), (40, 40))
    assert np.abs(small.astype(int) - 128).max() <= 2


@settings(max_examples=20)
@given(st.floats(0.1, 0.5), st.integers(61, 90), st.integers(61, 90))
def test_shrinking_warp_keeps_places(scale, height, width):
    # A ramp says in its grey values where each px came from.
    ramp = 2 * np.arange(width, dtype=np.uint8)
    image = np.repeat(ramp[None], height, axis=0)
    size = (int(width * scale) - 2, 5)
    out = align.warp(image, similar(0, scale, -1, -1), size)
    expected = 2 * (np.arange(size[0]) + 1) / scale
    assert np.abs(out[2].astype(float) - expected)[1:-1].max() <= 1.5


@pytest.mark.parametrize("place", [(-20.0, -15.0), (60.0, 50.0), (900.0, 700.0), (-900.0, 40.0)])
def test_shrinking_only_a_part_changes_nothing(place):
    rng = np.random.default_rng(4)
    image = rng.integers(0, 256, (331, 403, 3), dtype=np.uint8)
    turned = similar(0.4, 0.3, 0, 0)
    transform = align.compose(turned, np.array([[1, 0, -place[0]], [0, 1, -place[1]]]))
    # Slow twin: the whole image in blocks of three, one after the other, then bilinear.
    padded = np.pad(image, ((0, 2), (0, 2), (0, 0)), mode="edge").astype(float)
    blocks = np.array(
        [
            [padded[3 * r : 3 * r + 3, 3 * c : 3 * c + 3].mean((0, 1)) for c in range(135)]
            for r in range(111)
        ]
    )
    enlarged = align.compose(transform, np.array([[3.0, 0, 1], [0, 3, 1]]))
    slow = slow_warp(blocks, enlarged, 25, 31)
    fast = align.warp(image, transform, (25, 31)).astype(float)
    # Noise averaged over nine changes by up to 150 grey from block to block, and OpenCV may sample
    # on a grid of 1/32 px.
    assert np.abs(fast - slow).max() <= 6


def test_pair_shares_the_onsets_transform():
    rng = np.random.default_rng(1)
    onset = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    apex = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    transform = align.canonical_transform(five_points(MEAN_FACE_68) * 40 + 70)
    pair = align.align_pair(onset, apex, transform, onset_index=3, apex_index=9)
    np.testing.assert_array_equal(pair.apex, align.warp(apex, transform))
    np.testing.assert_array_equal(pair.onset, align.warp(onset, transform))
    assert (pair.onset_index, pair.apex_index) == (3, 9)
    assert pair.onset.shape == (324, 224, 3)
    with pytest.raises(InputError, match="two frames of one video"):
        align.align_pair(onset, apex[:-1], transform)


def test_average_landmarks_are_symmetric_and_in_place():
    points = align.canonical_landmarks68()
    mirrored = points[list(MIRRORED_68)] * [-1, 1] + [1, 0]
    np.testing.assert_allclose(mirrored, points, atol=1e-9)
    np.testing.assert_allclose(points[[48, 54], 1], 0.68, atol=2e-4)
    assert points[17:68].min() > -0.05
    assert points[17:68].max() < 1.05
