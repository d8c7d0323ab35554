"""Rendered faces: repeatable, textured, found where their landmarks say."""

import numpy as np
import pytest

from hmrm.errors import ConfigError
from hmrm.faces.shape import five_points
from hmrm.facs.atlas import ActionUnit
from hmrm.synthetic.clips import ClipConfig, Expression, render_clip
from hmrm.synthetic.rendered_face import TONES, render_face


def test_same_generator_same_face_other_generator_other_face() -> None:
    one, points = render_face(np.random.default_rng(4))
    again, _ = render_face(np.random.default_rng(4))
    other, _ = render_face(np.random.default_rng(5))
    assert one.shape == (400, 320, 3) and points.shape == (68, 2)
    assert np.array_equal(one, again)
    assert np.abs(one.astype(int) - other).mean() > 5


def test_eyes_and_mouth_stand_out_at_their_landmarks() -> None:
    for seed in range(5):
        image, points = render_face(np.random.default_rng(seed))
        grey = image.mean(axis=2)
        left, right, _, *_ = five_points(points)
        cheek = (left + points[48]) / 2
        for eye in (left, right):
            x, y = eye.astype(int)
            around = grey[y - 6 : y + 7, x - 12 : x + 13]
            x, y = cheek.astype(int)
            skin = grey[y - 6 : y + 7, x - 12 : x + 13]
            assert around.std() > 3 * skin.std()


def test_skin_has_texture_to_see_motion_by() -> None:
    image, points = render_face(np.random.default_rng(1))
    x, y = ((points[31] + points[2]) / 2).astype(int)
    skin = image[y - 10 : y + 10, x - 10 : x + 10].astype(float).mean(axis=2)
    assert np.hypot(*np.gradient(skin)).mean() > 0.5


def test_skin_tone_and_beard_change_nothing_else() -> None:
    light, points = render_face(np.random.default_rng(6), tone=0)
    dark, same_points = render_face(np.random.default_rng(6), tone=TONES - 1)
    bearded, bearded_points = render_face(np.random.default_rng(6), tone=0, beard=True)
    assert np.array_equal(points, same_points) and np.array_equal(points, bearded_points)
    x, y = ((points[31] + points[2]) / 2).astype(int)
    assert light[y, x].mean() > dark[y, x].mean() + 60
    x, y = ((points[8] + points[57]) / 2).astype(int)
    chin = np.s_[y - 5 : y + 6, x - 10 : x + 11]
    assert light[chin].mean() > bearded[chin].mean() + 8  # its hair is grey
    x, y = points[27].astype(int)  # between the eyes no hair grows
    assert np.abs(light[y, x].astype(int) - bearded[y, x]).max() < 12
    with pytest.raises(ConfigError, match="use 0 to 5"):
        render_face(np.random.default_rng(6), tone=6)


def test_a_rendered_face_can_smile() -> None:
    image, points = render_face(np.random.default_rng(2))
    smile = Expression(units=(ActionUnit(12, "both", 2.0),), onset_s=0.2)
    config = ClipConfig(size_wh_px=(240, 240), duration_s=0.6, eye_distance_px=60.0)
    clip = render_clip(image, points, [smile], config, rng=np.random.default_rng(0))
    event = clip.truth.events[0]
    rise = clip.points_at(event.onset_index)[48, 1] - clip.points_at(event.apex_index)[48, 1]
    assert rise > 0.3


@pytest.mark.slow
def test_the_detector_finds_most_of_them() -> None:
    from hmrm.faces.mtcnn import MTCNN

    detector, found = MTCNN(), 0
    for seed in range(20):
        image, points = render_face(np.random.default_rng(seed))
        detections = detector.detect(image)
        if detections:
            error = np.linalg.norm(detections[0].points_xy_px - five_points(points), axis=1)
            found += bool(error.max() < 15)
    # Measured 19 of 20, points within 0.14 eye distances (100 px).
    assert found >= 17
