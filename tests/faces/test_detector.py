"""Which points a detected face has: the detector's own, or those of 68 landmarks."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hmrm.errors import MissingExtraError
from hmrm.faces import detector as detectors
from hmrm.faces import landmarks
from hmrm.faces.boxes import Detection
from hmrm.faces.detector import LandmarkDetector, MeshDetector, build_detector
from hmrm.faces.mtcnn import MTCNN
from hmrm.faces.shape import MEAN_FACE_68, five_points
from hmrm.synthetic.demo import demo_face

LANDMARKS = MEAN_FACE_68 * 40 + [100, 80]


class OneFace:
    """A detector that finds one face, whose points are all off by 3 px."""

    def detect(self, image: np.ndarray) -> list[Detection]:
        points = five_points(LANDMARKS) + 3
        return [
            Detection(box_xyxy_px=(50.0, 30.0, 150.0, 150.0), confidence=0.9, points_xy_px=points)
        ]


@pytest.fixture
def model(monkeypatch):
    found = SimpleNamespace(find=lambda *_: LANDMARKS)
    monkeypatch.setattr(detectors, "landmarker", lambda: found)
    monkeypatch.setattr(landmarks, "landmarker", lambda: found)


def test_five_points_are_the_detectors_own():
    own = OneFace()
    assert build_detector(5, own) is own


def test_68_landmarks_set_the_points_and_nothing_else(model):
    (face,) = build_detector(68, OneFace()).detect(np.zeros((200, 200), np.uint8))
    np.testing.assert_array_equal(face.points_xy_px, five_points(LANDMARKS))
    assert (face.box_xyxy_px, face.confidence) == ((50, 30, 150, 150), 0.9)


def test_points_are_refined_once(model):
    refined = build_detector(68, OneFace())
    assert isinstance(refined, LandmarkDetector)
    assert build_detector(68, refined) is refined


def test_a_missing_model_is_told_before_any_face_is_looked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    landmarks.landmarker.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pip install 'hmrm\[dlib\]'"):
        build_detector(68, OneFace())


class RoughFace:
    """A detector whose points are off by a tenth of the demo face's eye distance."""

    def __init__(self) -> None:
        self.image, truth = demo_face()
        self.truth = five_points(truth)
        self.eyes_px = float(np.linalg.norm(self.truth[1] - self.truth[0]))

    def detect(self, image: np.ndarray) -> list[Detection]:
        low, high = self.truth.min(axis=0) - self.eyes_px / 2, self.truth.max(axis=0)
        x1, y1, x2, y2 = (*low.tolist(), *(high + self.eyes_px / 2).tolist())
        points = self.truth + np.array([0.1 * self.eyes_px, 0])
        return [Detection(box_xyxy_px=(x1, y1, x2, y2), confidence=0.8, points_xy_px=points)]


def test_the_mesh_sets_the_points_and_nothing_else():
    rough = RoughFace()
    (before,), (face,) = (
        rough.detect(rough.image),
        build_detector("mesh", rough).detect(rough.image),
    )
    # The mesh puts its points where MTCNN has them, from which 68 landmarks differ by some percent.
    (mtcnn,) = MTCNN().detect(rough.image)
    apart = np.linalg.norm(face.points_xy_px - mtcnn.points_xy_px, axis=1) / rough.eyes_px
    assert apart.mean() < 0.08
    assert (face.box_xyxy_px, face.confidence) == (before.box_xyxy_px, before.confidence)


def test_where_the_mesh_sees_no_face_the_detectors_points_stay():
    rough = RoughFace()
    empty = np.full_like(rough.image, 90)
    (before,), (face,) = rough.detect(empty), MeshDetector(rough).detect(empty)
    np.testing.assert_array_equal(face.points_xy_px, before.points_xy_px)
