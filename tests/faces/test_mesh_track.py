import cv2
import numpy as np
import pytest

from hmrm.clip import Frame
from hmrm.faces.blazeface import BlazeFace
from hmrm.faces.mesh import FaceMesh
from hmrm.faces.mesh_track import MeshTrackConfig, MeshTracker
from hmrm.synthetic.demo import demo_face

IMAGE = cv2.resize(demo_face()[0], (200, 200), interpolation=cv2.INTER_AREA)
NET = FaceMesh()


def scene(*places, size=(300, 700)):
    rng = np.random.default_rng(3)
    image = cv2.GaussianBlur(rng.integers(60, 160, (*size, 3)).astype(np.uint8), (0, 0), 9)
    for x, y in places:
        image[y : y + 200, x : x + 200] = IMAGE
    return image


class Film:
    """Feeds a tracker frame by frame, 10 frames a second."""

    def __init__(self, config=None, detector=None):
        self.tracker, self.index = MeshTracker(config, mesh=NET, detector=detector), 0

    def show(self, image, *, cut=False):
        found = self.tracker.update(
            Frame(index=self.index, time_s=self.index / 10, image=image), cut=cut
        )
        self.index += 1
        return found


def test_a_moving_face_keeps_its_number_and_jumps_only_once():
    film, jumps, ids = Film(), [], set()
    for step in range(12):
        (face,) = film.show(scene((60 + 8 * step, 40)))
        jumps.append(face.jump)
        ids.add(face.face_id)
    assert ids == {0}
    assert jumps == [True] + [False] * 11
    x1, _, x2, _ = face.box_xyxy_px
    assert 60 + 88 < (x1 + x2) / 2 < 60 + 88 + 200


def test_what_is_measured_of_a_face_does_not_depend_on_who_else_is_there():
    alone, alongside = Film(), Film()
    for step in range(5):
        (one,) = alone.show(scene((40 + step, 40)))
        both = alongside.show(scene((40 + step, 40), (450, 50)))
        assert len(both) == 2
        same = min(both, key=lambda face: face.box_xyxy_px[0])
        apart = np.abs(same.mesh.points_xyz_px - one.mesh.points_xyz_px).max()
        # Both meshes settled in their own crop; what is left is where they began.
        assert apart < 0.02 * one.eye_distance_px
    assert apart < 0.005 * one.eye_distance_px


def test_a_face_that_comes_back_keeps_its_number_and_jumps():
    film = Film()
    for _ in range(3):
        film.show(scene((60, 40)))
    assert film.show(scene()) == []
    assert film.show(scene()) == []
    for _ in range(4):
        found = film.show(scene((80, 40)))
        if found:
            break
    assert [face.face_id for face in found] == [0]
    assert found[0].jump


def test_after_a_cut_nothing_is_followed():
    film = Film()
    film.show(scene((60, 40)))
    (face,) = film.show(scene((60, 40)), cut=True)
    assert face.jump


def test_somebody_who_joins_is_found_within_two_seconds_and_gets_the_next_number():
    film = Film()
    for _ in range(4):
        film.show(scene((40, 40)))
    seen = [len(film.show(scene((40, 40), (450, 50)))) for _ in range(20)]
    assert seen[-1] == 2
    assert {face.face_id for face in film.show(scene((40, 40), (450, 50)))} == {0, 1}


def test_more_faces_than_allowed_are_counted():
    film = Film(MeshTrackConfig(max_faces=1))
    assert len(film.show(scene((40, 40), (450, 50)))) == 1
    assert film.tracker.excluded == 1


def test_nonsense_settings_are_refused():
    with pytest.raises(ValueError, match="settle"):
        MeshTrackConfig(settle=0)


class Counting:
    """A detector that notes how it was asked, and sees nothing the mesh has not got."""

    def __init__(self):
        self.inner, self.asked = BlazeFace(), []

    def detect(self, image):
        self.asked.append("all")
        return self.inner.detect(image)

    def detect_large(self, image):
        self.asked.append("large")
        return self.inner.detect_large(image)


def test_small_newcomers_are_looked_for_less_often_and_always_while_somebody_is_missing():
    detector = Counting()
    config = MeshTrackConfig(detect_every_s=0.1, search_every_s=0.1, remember_s=0.35, small_every=3)
    film = Film(config, detector=detector)
    for _ in range(7):
        film.show(scene((60, 40)))
    assert detector.asked == ["all", "large", "large", "all", "large", "large", "all"]
    detector.asked.clear()
    for _ in range(3):
        film.show(scene())
    assert detector.asked == ["all"] * 3


def test_a_quick_look_finds_large_faces_and_a_whole_one_small_ones_too():
    finder, large, small = BlazeFace(), scene((60, 40)), scene()
    small[30:82, 560:612] = cv2.resize(IMAGE, (52, 52), interpolation=cv2.INTER_AREA)
    assert len(finder.detect_large(large)) == len(finder.detect(large)) == 1
    assert finder.detect_large(small) == []
    assert len(finder.detect(small)) == 1
