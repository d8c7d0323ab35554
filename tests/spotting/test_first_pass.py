"""The pass over a video: who is seen, what is measured, and what a shaking camera is not."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmrm.spotting.first_pass import FirstPassConfig, first_pass
from hmrm.spotting.settings import SpottingConfig
from hmrm.spotting.spot import find_events
from hmrm.synthetic.demo import demo_face
from hmrm.video.source import TimedImage, VideoSource

IMAGE = demo_face()[0]
HEIGHT, WIDTH = IMAGE.shape[:2]


def scene(*places, size=(340, 820), shift=(0, 0), seed=3):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 200, (12, 28, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    for x, y in places:
        image[y : y + HEIGHT, x : x + WIDTH] = IMAGE
    if shift != (0, 0):
        matrix = np.array([[1.0, 0, shift[0]], [0, 1, shift[1]]])
        image = cv2.warpAffine(image, matrix, size[::-1], borderMode=cv2.BORDER_REPLICATE)
    return image


class Film(VideoSource):
    """The given pictures with a little grain."""

    def __init__(self, images, rate=25.0):
        super().__init__(name="film", path=Path("film"), max_frames=None)
        self.frames_per_s, self.frame_count, self._given = rate, len(images), images
        self.size_wh_px = images[0].shape[1::-1]

    def _images(self):
        for i, image in enumerate(self._given):
            grain = np.random.default_rng(100 + i).normal(0, 1.5, image.shape)
            noisy = np.clip(image + grain, 0, 255).astype(np.uint8)
            time_s = i / self.frames_per_s
            load = partial(np.asarray, noisy)
            yield TimedImage(time_s=time_s, size_wh_px=self.size_wh_px, load=load)


def found_in(seen):
    return find_events(seen, SpottingConfig()).events


def test_one_face_is_measured_by_both_instruments_and_at_rest_nothing_is_found():
    seen = first_pass(Film([scene((100, 60))] * 30))
    (face,) = seen.tracks
    assert len(face.measures) == len(face.signal.index) == 30
    assert seen.frame_count == 30
    assert len(face.appearances.index) == 10
    assert found_in(seen) == ()
    assert seen.largest is face


def test_a_face_gives_the_same_alone_and_beside_another():
    alone = first_pass(Film([scene((60, 60))] * 8)).tracks
    both = first_pass(Film([scene((60, 60), (500, 60))] * 8)).tracks
    assert (len(alone), len(both)) == (1, 2)
    wide = alone[0].measures.mouth_width
    # Where a detection began decides the first crop a little; both settle to the same mesh.
    assert any(np.abs(face.measures.mouth_width - wide)[2:].max() < 0.02 for face in both)


def test_a_shaking_camera_makes_no_cut_and_another_scene_does():
    rng = np.random.default_rng(0)
    shaken = [scene((100, 60), shift=tuple(rng.integers(-14, 15, 2).tolist())) for _ in range(16)]
    seen = first_pass(Film(shaken))
    assert seen.cuts_s == ()
    assert len(seen.tracks) == 1
    other = [scene((100, 60))] * 6 + [scene((480, 90), seed=9)] * 6
    cut = first_pass(Film(other))
    assert len(cut.cuts_s) == 1
    assert cut.tracks[0].measures.segment.max() <= 1


def test_nobody_black_frames_and_single_frames_do_no_harm():
    assert first_pass(Film([scene()] * 3)).tracks == ()
    black = [np.zeros((120, 160, 3), dtype=np.uint8)] * 3
    assert first_pass(Film(black)).largest is None
    one = first_pass(Film([scene((100, 60))]))
    assert len(one.tracks) == 1
    assert found_in(one) == ()


def test_every_second_frame_is_looked_at_when_asked():
    seen = first_pass(
        Film([scene((100, 60))] * 10), FirstPassConfig(most_frames_per_s=12.5, thinned_from_s=0.4)
    )
    assert seen.tracks[0].index.tolist() == [0, 2, 4, 6, 8]
    assert seen.frame_count == 10


def moving(count):
    """A face that goes to the right by half a px a frame and turns in the plane a little."""
    still = scene((200, 60))
    frames = []
    for i in range(count):
        matrix = cv2.getRotationMatrix2D((330.0, 190.0), 0.02 * i, 1.0)
        matrix[0, 2] += 0.5 * i
        frames.append(cv2.warpAffine(still, matrix, still.shape[1::-1], flags=cv2.INTER_CUBIC))
    return frames


def test_between_meshes_registration_follows_the_face():
    film = Film(moving(60), rate=100.0)
    often = FirstPassConfig(most_frames_per_s=50.0, thinned_from_s=0.0, mesh_every_s=0.0)
    seldom = FirstPassConfig(most_frames_per_s=50.0, thinned_from_s=0.0, mesh_every_s=0.06)
    (every,), (third,) = (first_pass(film, config).tracks for config in (often, seldom))
    assert every.index.tolist() == every.signal.index.tolist() == list(range(0, 60, 2))
    assert third.index.tolist() == list(range(0, 60, 6))
    assert third.signal.index.tolist() == list(range(0, 60, 2))
    assert third.time_of(8) == 0.08
    assert third.row_of(59) == len(third.index) - 1
    # A still face in a moving head, whatever shows where it is.
    assert np.abs(np.asarray(third.signal.motion_px) - every.signal.motion_px).max() < 0.1
    apart = third.points_xy_px - every.points_xy_px[::3]
    assert np.abs(apart).max() < 0.05 * every.eye_distance_px.min()


def test_a_cut_between_two_meshes_is_seen_at_once():
    film = Film([scene((100, 60))] * 16 + [scene((480, 90), seed=9)] * 16, rate=100.0)
    seen = first_pass(
        film, FirstPassConfig(most_frames_per_s=50.0, thinned_from_s=0.0, mesh_every_s=0.06)
    )
    assert seen.cuts_s == (0.16,)
    assert {int(i) for track in seen.tracks for i in track.index} >= {0, 6, 12, 16, 22, 28}


def test_of_short_videos_every_frame_is_measured():
    short, long = [scene((100, 60))] * 10, [scene((100, 60))] * 20
    config = FirstPassConfig(most_frames_per_s=50.0, thinned_from_s=0.2, mesh_every_s=0.03)
    (face,) = first_pass(Film(short, rate=100.0), config).tracks
    assert face.index.tolist() == face.signal.index.tolist() == list(range(10))
    (thinned,) = first_pass(Film(long, rate=100.0), config).tracks
    assert thinned.signal.index.tolist() == list(range(0, 20, 2))


def test_videos_that_are_not_thinned_have_a_mesh_in_every_frame():
    (face,) = first_pass(Film([scene((100, 60))] * 8, rate=90.0)).tracks
    assert face.index.tolist() == face.signal.index.tolist() == list(range(8))


@pytest.mark.parametrize(
    ("rate", "stride"),
    [(25.0, 1), (60.0, 1), (100.0, 1), (131.0, 1), (132.0, 2), (199.98, 3), (1000.0, 15)],
)
def test_never_fewer_frames_are_measured_than_stated(rate, stride):
    config = FirstPassConfig()
    assert config.stride(rate, 60.0) == stride
    assert config.stride(rate, None) == stride
    assert config.stride(rate, 2.9) == 1
