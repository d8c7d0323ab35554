import cv2
import numpy as np
import pytest
import skimage.data

from hmrm.clip import Frame
from hmrm.faces.boxes import Detection
from hmrm.faces.track import FaceTracker, TrackConfig

POINTS = np.array([[203.8, 100.4], [246.3, 102.8], [223.9, 127.8], [201.2, 139.1], [245.0, 141.1]])
BOX = np.array([181.4, 61.6, 268.0, 172.7])
FACE = skimage.data.astronaut()[0:220, 120:340]
FACE_AT = np.array([120.0, 0.0])
WH = (640, 480)


class Told:
    """A detector that is told the truth, with noise of its own; counts how often it is asked."""

    def __init__(self, noise=0.0):
        self.truth, self.calls, self.error = [], 0, 0.0
        self.noise, self.rng = noise, np.random.default_rng(0)

    def detect(self, image):
        self.calls += 1
        return [
            Detection(
                box_xyxy_px=tuple(map(float, box)),
                confidence=0.99,
                points_xy_px=points + self.error + self.noise * self.rng.standard_normal((5, 2)),
            )
            for box, points in self.truth
        ]


class Scene:
    """Faces drawn on a canvas; the detector is told where, unless they are hidden from it."""

    def __init__(self, config=None, noise=0.0, detector_noise=0.0, fps=30.0):
        self.detector = Told(detector_noise)
        self.tracker = FaceTracker(config or TrackConfig(), detector=self.detector)
        self.background = cv2.resize(skimage.data.coffee(), WH)
        self.noise = noise
        grain = np.random.default_rng(1).normal(0, noise, (5, 480, 640, 3)) if noise else []
        self.grain = np.round(grain).astype(np.int16)
        self.fps, self.index = fps, 0

    def show(self, *places, hidden=False, blank=None, scale=1.0):
        """One more frame, faces shifted by ``places`` px."""
        image = self.background.copy() if blank is None else np.full((480, 640, 3), blank, np.uint8)
        truth = []
        for dx, dy in places:
            matrix = np.array([[scale, 0.0, dx], [0, scale, dy]])
            face = cv2.warpAffine(FACE, matrix, WH, flags=cv2.INTER_CUBIC)
            cover = cv2.warpAffine(np.full(FACE.shape[:2], 255, np.uint8), matrix, WH) > 127
            image[cover] = face[cover]
            truth.append(
                (
                    scale * (BOX - np.tile(FACE_AT, 2)) + np.tile([dx, dy], 2),
                    scale * (POINTS - FACE_AT) + [dx, dy],
                )
            )
        if self.noise:
            image = cv2.add(image, self.grain[self.index % len(self.grain)], dtype=cv2.CV_8U)
        self.detector.truth = [] if hidden else truth
        frame = Frame(index=self.index, time_s=self.index / self.fps, image=image)
        self.index += 1
        return self.tracker.update(frame)


def test_points_follow_a_moving_face_without_drift():
    scene, start = Scene(noise=2.0, detector_noise=0.3), None
    for i in range(60):
        place = np.array([200 + 10 * np.sin(i / 12), 120 + 6 * np.sin(i / 9)])
        (face,) = scene.show(place)
        error = face.points_xy_px - (POINTS - FACE_AT + place)
        start = error if start is None else start
        # The detector's first error stays; following adds less than its noise in two seconds.
        assert np.abs(error - start).max() < 0.3
        assert face.jump == (i == 0)
        assert face.success
    assert face.face_id == 0


def test_detections_never_make_the_points_jump():
    config = TrackConfig(detect_every_s=0.2)
    scene = Scene(config, noise=1.0, detector_noise=1.0)
    places = [np.array([200 + 0.2 * i, 120.0]) for i in range(60)]
    points = np.array([scene.show(place)[0].points_xy_px - place for place in places])
    steps = np.abs(np.diff(points, axis=0))
    # The detector errs by 1 px; within slack nothing happens, the rest comes over blend_s.
    assert scene.detector.calls >= 9
    assert steps.max() < 0.15


def test_a_wrong_start_is_worked_in_slowly():
    scene = Scene()
    shift = np.array([4.0, 0])
    scene.detector.error = shift
    scene.show((200, 120))
    scene.detector.error = 0.0
    errors = []
    for _ in range(90):
        (face,) = scene.show((200, 120))
        errors.append(face.points_xy_px[0, 0] - (POINTS - FACE_AT)[0, 0] - 200)
    assert errors[0] == pytest.approx(4)
    # Up to the slack, 3 % of an eye distance of 42.6 px.
    assert errors[-1] == pytest.approx(0.03 * 42.6, abs=0.1)
    assert np.abs(np.diff(errors)).max() < 4 / 30


def test_still_pictures_have_still_points():
    scene = Scene(detector_noise=0.2)
    points = [scene.show((210, 130))[0].points_xy_px for _ in range(40)]
    assert scene.detector.calls >= 3
    assert all(np.array_equal(p, points[0]) for p in points)


def test_detector_is_asked_by_time_not_by_frames():
    calls = {}
    for fps in (10.0, 100.0):
        scene = Scene(TrackConfig(detect_every_s=0.4), fps=fps)
        for _ in range(int(1.1 * fps)):
            scene.show((200, 120))
        calls[fps] = scene.detector.calls
    # At 0, at 0.2 s (a new face is looked at twice), then every 0.4 s.
    assert calls == {10.0: 4, 100.0: 4}


def test_two_faces_keep_their_ids():
    scene, was_left = Scene(), None
    for i in range(45):
        first, second = scene.show((10 + i, 100), (380 - i, 200))
        assert (first.face_id, second.face_id) == (0, 1)
        left = first.points_xy_px[0, 0] < second.points_xy_px[0, 0]
        was_left = left if was_left is None else was_left
        assert left == was_left


def test_a_face_that_leaves_and_comes_back_keeps_its_id():
    scene = Scene()
    for _ in range(10):
        scene.show((200, 120))
    assert scene.show(blank=30) == []
    for _ in range(40):
        assert scene.show(blank=30) == []
    found = [scene.show((215, 130)) for _ in range(10)]
    seen = [faces[0] for faces in found if faces]
    # Looked for every 0.2 s, that is six frames.
    assert len(seen) >= 4
    assert seen[0].jump
    assert not any(f.jump for f in seen[1:])
    assert {f.face_id for f in seen} == {0}


def test_a_face_elsewhere_or_much_later_is_a_new_one():
    scene = Scene(TrackConfig(remember_s=1.0))
    scene.show((20, 20))
    scene.show(blank=0)
    for _ in range(6):
        found = scene.show((400, 250))
    assert [f.face_id for f in found] == [1]
    for _ in range(45):
        scene.show(blank=0)
    for _ in range(7):
        found = scene.show((400, 250))
    assert [f.face_id for f in found] == [2]


def test_a_face_that_walks_out_is_lost():
    scene = Scene()
    last = None
    for i in range(60):
        place = (200 + 12 * i, 120)
        visible = 200 + 12 * i + 150 < 640
        found = scene.show(place, hidden=not visible)
        last = found[0] if found else last
        if 200 + 12 * i > 640:
            assert found == []
    assert last is not None
    assert last.points_xy_px[2, 0] < 720


def test_a_cut_to_another_place_jumps():
    scene = Scene()
    for _ in range(5):
        scene.show((100, 100))
    (face,) = scene.show((330, 200), blank=200)
    np.testing.assert_allclose(face.points_xy_px, POINTS - FACE_AT + [330, 200], atol=1e-6)
    assert face.jump
    (after,) = scene.show((330, 200), blank=200)
    assert not after.jump


def test_a_hidden_face_is_doubted_then_dropped():
    scene = Scene(TrackConfig(drop_after_s=0.5))
    for _ in range(30):
        (face,) = scene.show((200, 120))
        assert face.success
    seen = [scene.show((200, 120), hidden=True) for _ in range(60)]
    doubted = [i for i, faces in enumerate(seen) if faces and not faces[0].success]
    gone = [i for i, faces in enumerate(seen) if not faces]
    assert doubted
    assert 10 <= len(doubted) <= 25
    assert gone
    assert min(gone) > max(doubted)


def test_a_false_face_is_dropped_at_the_second_look():
    scene = Scene()
    scene.show((200, 120))
    seen = [len(scene.show((200, 120), hidden=True)) for _ in range(10)]
    assert seen == [1] * 5 + [0] * 5


def test_points_far_off_are_set_anew_with_a_jump():
    scene = Scene()
    scene.detector.error = np.array([16.0, 0])
    scene.show((200, 120))
    scene.detector.error = 0.0
    found = [scene.show((200, 120))[0] for _ in range(12)]
    (jump,) = [i for i, face in enumerate(found) if face.jump]
    assert found[jump - 1].points_xy_px[0, 0] == pytest.approx(203.8 - 120 + 216)
    assert found[jump].points_xy_px[0, 0] == pytest.approx(203.8 - 120 + 200)


@pytest.mark.parametrize(("scale", "too_small"), [(1.0, True), (1.2, False), (2.0, False)])
def test_small_faces_are_flagged(scale, too_small):
    # The eyes are 42.6 px apart at scale 1.
    (face,) = Scene().show((20, 10), scale=scale)
    assert face.too_small == too_small
    assert face.success and not face.turned
    assert face.too_small is too_small
    assert face.eye_distance_px == pytest.approx(42.57 * scale, abs=0.05)


@pytest.mark.parametrize(("aside", "turned"), [(0, False), (10, False), (16, True), (-16, True)])
def test_turned_faces_are_flagged(aside, turned):
    detector, points = Told(), POINTS.copy()
    points[2] = points[:2].mean(axis=0) + np.array([aside, 25])
    detector.truth = [(BOX, points)]
    tracker = FaceTracker(detector=detector)
    (face,) = tracker.update(Frame(index=0, time_s=0.0, image=skimage.data.coffee()))
    assert face.turned == turned


def test_at_most_max_faces_and_the_rest_is_counted():
    scene = Scene(TrackConfig(max_faces=1))
    faces = scene.show((10, 100), (380, 200))
    assert len(faces) == 1
    assert scene.tracker.excluded == 1


def test_large_frames_give_the_same_faces_in_their_own_px():
    small, large = Scene(), Scene()
    for i in range(8):
        place = (200 + i, 120)
        (a,) = small.show(place)
        truth = small.detector.truth
        image = cv2.resize(small.background, None, fx=3, fy=3)
        matrix = np.array([[3.0, 0, 3 * place[0] + 1], [0, 3, 3 * place[1] + 1]])
        face = cv2.warpAffine(FACE, matrix, (1920, 1440), flags=cv2.INTER_CUBIC)
        cover = face.any(axis=2)
        image[cover] = face[cover]
        large.detector.truth = [((b + 0.5) * 3 - 0.5, (p + 0.5) * 3 - 0.5) for b, p in truth]
        (b,) = large.tracker.update(Frame(index=i, time_s=i / 30, image=image))
        np.testing.assert_allclose((b.points_xy_px + 0.5) / 3 - 0.5, a.points_xy_px, atol=0.3)


def test_frames_of_another_size_start_anew():
    scene = Scene()
    scene.show((200, 120))
    grey = np.zeros((200, 300), np.uint8)
    scene.detector.truth = []
    assert scene.tracker.update(Frame(index=1, time_s=0.03, image=grey)) == []


def test_same_video_same_points():
    def run():
        scene = Scene(noise=3.0, detector_noise=0.5)
        return np.array([scene.show((200 + i, 120))[0].points_xy_px for i in range(25)])

    np.testing.assert_array_equal(run(), run())


@pytest.mark.parametrize("name", ["detect_every_s", "blend_s", "max_faces"])
def test_impossible_settings_are_refused(name):
    with pytest.raises(ValueError, match=name):
        TrackConfig(**{name: 0 if name == "max_faces" else 0.0})


def test_with_the_real_detector():
    tracker = FaceTracker()
    face = skimage.data.astronaut()[:300, 100:350]
    image = np.concatenate([face, face], axis=1)
    for index in range(8):
        found = tracker.update(Frame(index=index, time_s=index / 25, image=image))
        assert [f.face_id for f in found] == [0, 1]
    assert tracker.update(Frame(index=8, time_s=0.32, image=np.zeros_like(image))) == []
