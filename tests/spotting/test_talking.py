"""The talking face of the spotting benchmark moves as mouths do."""

import numpy as np
import pytest

from benchmarks.spotting.talking import gesture_fields, speech_courses
from hmrm.faces.align import canonical_landmarks68
from hmrm.facs.atlas import IMAGE_PX

POINTS = canonical_landmarks68() * IMAGE_PX
SAMPLES, MARGIN = 256, 102


@pytest.fixture(scope="module")
def fields():
    return gesture_fields(POINTS, np.random.default_rng(0))


def way(field, *landmarks):
    """Displacement at the middle of some landmarks."""
    x, y = POINTS[list(landmarks)].mean(axis=0) / IMAGE_PX * SAMPLES + MARGIN
    return field[:, round(y - 0.5), round(x - 0.5)]


def test_the_jaw_drops_chin_and_lower_lip_and_neither_brow_nor_eye(fields):
    assert way(fields["jaw"], 57)[1] > 0.6
    assert way(fields["jaw"], 8)[1] > 0.5
    assert abs(way(fields["jaw"], 51)[1]) < 0.3
    assert np.abs(way(fields["jaw"], 19)).max() < 0.05
    assert np.abs(way(fields["jaw"], 36, 39)).max() < 0.05


def test_lips_spread_and_round_to_either_side(fields):
    assert way(fields["spread"], 48)[0] < -0.5 < 0.5 < way(fields["spread"], 54)[0]
    assert way(fields["round"], 54)[0] < -0.5 < 0.5 < way(fields["round"], 48)[0]


def test_speech_has_pauses_and_its_sounds_melt_into_one_another():
    courses = speech_courses(20.0, 5.0, np.random.default_rng(1))
    moved = np.stack(list(courses.values()))
    assert moved.shape == (6, 2000)
    assert (moved >= 0).all()
    assert 1.0 < moved.max() <= 1.2 * 5.0
    assert 0.2 < (moved.max(axis=0) < 0.01).mean() < 0.9
    # No gesture crosses its whole way within a hundredth of a second.
    assert np.abs(np.diff(moved, axis=1)).max() < 0.15 * 5.0
    again = speech_courses(20.0, 5.0, np.random.default_rng(1))
    assert all(np.array_equal(courses[name], again[name]) for name in courses)
