import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import skimage.data

from hmrm.errors import MissingExtraError, WeightsError
from hmrm.faces import landmarks
from hmrm.faces.boxes import Detection
from hmrm.faces.landmarks import FILE_NAME, VARIABLE, Landmarker, alignment_points, find_model
from hmrm.faces.shape import five_points

# What MTCNN gives for this picture (test_mtcnn.py).
POINTS = np.array([[203.8, 100.4], [246.3, 102.8], [223.9, 127.8], [201.2, 139.1], [245.0, 141.1]])
ASTRONAUT = Detection(box_xyxy_px=(181.4, 61.6, 268.0, 172.7), confidence=0.99, points_xy_px=POINTS)


class BrightestPoint:
    """Stands in for dlib's predictor: all landmarks on the brightest pixel of the view."""

    parts_given = 68

    def __init__(self, path):
        self.path = path

    def __call__(self, view, box):
        grey = view if view.ndim == 2 else view[:, :, 0]
        y, x = np.unravel_index(np.argmax(grey), grey.shape)
        self.seen = view, box
        parts = [SimpleNamespace(x=int(x), y=int(y))] * self.parts_given
        return SimpleNamespace(num_parts=self.parts_given, parts=lambda: parts)


@pytest.fixture
def fake_dlib(monkeypatch, tmp_path):
    rectangle = SimpleNamespace
    module = SimpleNamespace(
        shape_predictor=BrightestPoint,
        rectangle=lambda x1, y1, x2, y2: rectangle(x1=x1, y1=y1, x2=x2, y2=y2),
    )
    monkeypatch.setitem(sys.modules, "dlib", module)
    return tmp_path / "any.dat"


@pytest.mark.parametrize("colour", [True, False])
def test_landmarks_come_back_in_px_of_the_image(fake_dlib, colour):
    image = np.zeros((300, 400, 3) if colour else (300, 400), np.uint8)
    cv2.circle(image, (215, 120), 2, (255,) * 3, -1)
    image = cv2.GaussianBlur(image, (0, 0), 3)
    points = Landmarker(fake_dlib).find(image, ASTRONAUT)
    assert points.shape == (68, 2)
    # The view is some six times enlarged, and 8-bit peaks are flat for a few of its px.
    np.testing.assert_allclose(points, np.tile([215, 120], (68, 1)), atol=1)


def test_the_model_sees_a_square_at_its_usual_size(fake_dlib):
    finder = Landmarker(fake_dlib)
    for factor in (1, 4):
        box = tuple(factor * v for v in ASTRONAUT.box_xyxy_px)
        face = Detection(box_xyxy_px=box, confidence=0.9, points_xy_px=POINTS * factor)
        finder.find(np.zeros((300 * factor, 400 * factor), np.uint8), face)
        _, square = finder._predictor.seen
        assert square.x2 - square.x1 == square.y2 - square.y1 == 511


def test_a_model_with_other_points_is_refused(fake_dlib, monkeypatch):
    monkeypatch.setattr(BrightestPoint, "parts_given", 5)
    with pytest.raises(WeightsError, match="5 points"):
        Landmarker(fake_dlib).find(np.zeros((300, 400), np.uint8), ASTRONAUT)


def test_without_dlib_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hmrm\[dlib\]'"):
        Landmarker()


def test_model_is_looked_up_in_order(monkeypatch, tmp_path):
    package = tmp_path / "face_recognition_models"
    (package / "models").mkdir(parents=True)
    # Importing it must not be needed: the real one fails without pkg_resources.
    (package / "__init__.py").write_text("raise ImportError")
    debian, named = tmp_path / "dlib", tmp_path / "named.dat"
    debian.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(landmarks, "DEBIAN_FOLDER", debian)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(MissingExtraError, match=r"hmrm\[dlib\].*libdlib-data.*" + VARIABLE):
        find_model()
    (package / "models" / FILE_NAME).touch()
    assert find_model() == package / "models" / FILE_NAME
    (debian / FILE_NAME).touch()
    assert find_model() == debian / FILE_NAME
    monkeypatch.setenv(VARIABLE, str(named))
    with pytest.raises(WeightsError, match=r"named\.dat"):
        find_model()
    named.touch()
    assert find_model() == named


def test_a_file_that_is_no_model_is_refused(tmp_path):
    pytest.importorskip("dlib", reason="the extra [dlib] is not installed")
    path = tmp_path / "text.dat"
    path.write_text("not a model")
    with pytest.raises(WeightsError, match=r"text\.dat"):
        Landmarker(path)


def test_with_the_real_model():
    pytest.importorskip("dlib", reason="the extra [dlib] is not installed")
    try:
        path = find_model()
    except MissingExtraError:
        pytest.skip("dlib's landmark model is not installed")
    image = skimage.data.astronaut()
    points = Landmarker(path).find(image, ASTRONAUT)
    # MTCNN's eyes are pupils, these are means of lids: they differ by up to 1.5 px of 43.
    np.testing.assert_allclose(five_points(points), POINTS, atol=2)
    large = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    box = tuple(2 * v + 0.5 for v in ASTRONAUT.box_xyxy_px)
    face = Detection(box_xyxy_px=box, confidence=0.9, points_xy_px=2 * POINTS + 0.5)
    other = (Landmarker(path).find(large, face) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(other, points, atol=1)


def test_five_or_68_points_align_a_face(fake_dlib, monkeypatch):
    fake_dlib.touch()
    monkeypatch.setenv(VARIABLE, str(fake_dlib))
    landmarks.landmarker.cache_clear()
    image = np.zeros((300, 400), np.uint8)
    image[120, 215] = 255
    assert alignment_points(image, ASTRONAUT) is ASTRONAUT.points_xy_px
    assert alignment_points(image, ASTRONAUT, 68).shape == (68, 2)
    assert landmarks.landmarker() is landmarks.landmarker()
    landmarks.landmarker.cache_clear()
