"""A face's places in frames with and without a mesh."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scripted import face as scripted_face

from hmrm.spotting.cover import AppearanceRecorder
from hmrm.spotting.disk_rows import DiskRows
from hmrm.spotting.motion import MotionMeter
from hmrm.spotting.tracks import FaceTrack

COUNT = 20


@given(every=st.integers(1, 4), index=st.integers(-3, 4 * COUNT + 3), on_disk=st.booleans())
def test_points_between_frames_with_a_mesh_lie_on_straight_lines(every, index, on_disk):
    measures = scripted_face(COUNT, rate=25.0)
    object.__setattr__(measures, "index", every * np.arange(COUNT))
    points = np.random.default_rng(every).normal(100, 5, (COUNT, 5, 2)).astype(np.float32)
    rows = DiskRows((5, 2), np.float32)
    rows.extend(points)
    track = FaceTrack(
        face_id=0,
        box_xyxy_px=np.zeros((COUNT, 4)),
        points_xy_px=rows if on_disk else points,
        detection_confidence=np.ones(COUNT),
        measures=measures,
        signal=MotionMeter().signal(),
        appearances=AppearanceRecorder().appearances(),
    )
    expected = [np.interp(index, measures.index, column) for column in points.reshape(COUNT, 10).T]
    np.testing.assert_allclose(track.points_of(index).ravel(), expected, rtol=1e-12)
