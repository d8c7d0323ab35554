import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.errors import InputError
from hmrm.faces.align import canonical_landmarks68
from hmrm.faces.regions import ANATOMICAL, COARSE, FINE, Region, box, mixing_boxes


@given(st.integers(4, 60), st.integers(4, 60))
def test_grids_share_out_every_pixel_once(width, height):
    for grid in (COARSE, FINE):
        count = sum(region.mask((width, height)).astype(int) for region in grid)
        np.testing.assert_array_equal(count, 1)


def test_fine_regions_are_seven_by_seven_parts_of_their_parent():
    for index, fine in enumerate(FINE):
        mask, parent = fine.mask(28), COARSE[index // 4].mask(28)
        rows, columns = np.nonzero(mask)
        assert (np.ptp(rows), np.ptp(columns), mask.sum()) == (6, 6, 49)
        assert parent[mask].all()
    first = [FINE[i].box_xyxy[:2] for i in range(4)]
    assert first == [(0, 0), (0.25, 0), (0, 0.25), (0.25, 0.25)]
    assert [c.name for c in COARSE] == [
        "left_eye_brow",
        "right_eye_brow",
        "left_mouth",
        "right_mouth",
    ]
    assert [c.box_xyxy[:2] for c in COARSE] == [(0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5)]


def slow_inside(corners, x, y):
    """Even-odd rule, one ray to the left."""
    crossings = 0
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if min(y1, y2) <= y < max(y1, y2):
            crossings += x >= x1 + (y - y1) * (x2 - x1) / (y2 - y1)
    return crossings % 2 == 1


@pytest.mark.parametrize("name", sorted(ANATOMICAL))
def test_mask_agrees_with_slow_point_in_polygon(name):
    region = ANATOMICAL[name]
    expected = [
        [slow_inside(region.corners_xy, (i + 0.5) / 41, (j + 0.5) / 53) for i in range(41)]
        for j in range(53)
    ]
    np.testing.assert_array_equal(region.mask((41, 53)), expected)


def test_anatomical_regions_mirror_and_hold_their_landmarks():
    for left, right in (
        ("left_brow", "right_brow"),
        ("left_eye", "right_eye"),
        ("left_cheek", "right_cheek"),
        ("left_mouth_corner", "right_mouth_corner"),
    ):
        np.testing.assert_array_equal(
            ANATOMICAL[left].mask((224, 324))[:, ::-1], ANATOMICAL[right].mask((224, 324))
        )
    points = canonical_landmarks68()
    held = {"left_eye": range(36, 42), "nose": (28, 29, 30), "right_mouth_corner": (54, 53, 55)}
    held |= {"left_brow": (19, 20), "right_brow": (23, 24)}
    for name, rows in held.items():
        mask = ANATOMICAL[name].mask(1000)
        for x, y in points[list(rows)]:
            assert mask[int(y * 1000), int(x * 1000)], name


def test_anatomical_regions_do_not_overlap():
    total = sum(region.mask((224, 324)).astype(int) for region in ANATOMICAL.values())
    assert total.max() == 1


def test_masks_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        COARSE[0].mask(28)[0, 0] = False


def test_mixing_boxes_hold_eyes_brows_and_mouth():
    points = canonical_landmarks68() + np.array([0.02, -0.01])
    for boxes, shape in ((mixing_boxes(), canonical_landmarks68()), (mixing_boxes(points), points)):
        for name, rows in {"left_eye": range(36, 42), "mouth": range(48, 68)}.items():
            x1, y1, x2, y2 = boxes[name].box_xyxy
            inside = shape[list(rows)]
            assert (inside > [x1, y1]).all()
            assert (inside < [x2, y2]).all()
        assert all(0 <= v <= 1 for b in boxes.values() for v in b.box_xyxy)


def test_empty_boxes_are_refused():
    with pytest.raises(InputError, match="empty rectangle"):
        box("nothing", 0.5, 0.2, 0.5, 0.4)


def test_extent_of_a_polygon():
    region = Region(name="t", corners_xy=((0.1, 0.5), (0.4, 0.2), (0.3, 0.9)))
    assert region.box_xyxy == (0.1, 0.2, 0.4, 0.9)
