import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.faces.mesh_points import KEPT, STABLE, rows_of
from hmrm.spotting.rigid import align, median_shape

ROWS = rows_of(STABLE)
SHAPE = np.random.default_rng(0).normal(0, 50, (len(KEPT), 3))


def turned(shape, yaw, pitch, roll, scale=1.0, shift=(0.0, 0.0, 0.0)):
    rotation = np.eye(3)
    for axis, degrees in zip(((0, 1, 0), (1, 0, 0), (0, 0, 1)), (yaw, pitch, roll), strict=True):
        rotation = rotation @ cv2.Rodrigues(np.radians(degrees) * np.array(axis, dtype=float))[0]
    return scale * shape @ rotation.T + np.array(shift)


@settings(max_examples=30, deadline=None)
@given(
    st.floats(-40, 40),
    st.floats(-30, 30),
    st.floats(-40, 40),
    st.floats(0.5, 2.0),
    st.floats(-99, 99),
)
def test_pose_scale_and_place_are_taken_out(yaw, pitch, roll, scale, shift):
    points = turned(SHAPE, yaw, pitch, roll, scale, (shift, -shift, 3.0))[None]
    found = align(points, SHAPE, ROWS)
    assert np.abs(found.points[0] - SHAPE).max() < 1e-6 * 50 * 100
    assert found.misfit[0] < 1e-6


def test_pose_angles_are_those_of_the_turn():
    for i in range(3):
        pose = [0.0, 0.0, 0.0]
        pose[i] = 12.0
        found = align(turned(SHAPE, *pose)[None], SHAPE, ROWS).pose_deg[0]
        assert abs(abs(found[i]) - 12.0) < 0.01
        assert np.abs(np.delete(found, i)).max() < 0.01


def test_a_few_points_that_move_on_their_own_do_not_turn_the_head():
    points = SHAPE.copy()
    points[ROWS[:8]] += [0.0, 12.0, 0.0]
    found = align(points[None], SHAPE, ROWS)
    assert np.abs(found.pose_deg).max() < 0.5
    others = np.delete(np.arange(len(KEPT)), ROWS[:8])
    assert np.abs(found.points[0, others] - SHAPE[others]).max() < 1.0


def test_the_median_shape_is_the_face_whatever_its_pose():
    rng = np.random.default_rng(1)
    frames = np.stack(
        [
            turned(SHAPE, *rng.uniform(-15, 15, 3)) + rng.normal(0, 0.3, SHAPE.shape)
            for _ in range(60)
        ]
    )
    shape = median_shape(frames, ROWS)
    back = align(shape[None], SHAPE, ROWS).points[0]
    assert np.linalg.norm(back - SHAPE, axis=1).mean() < 0.3
