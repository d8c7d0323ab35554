"""Which way up: a video stored sideways is turned, and its events are those of the upright one."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hmrm import analyze
from hmrm.spotting.upright import upright
from hmrm.synthetic.demo import demo_clip
from hmrm.video.source import TimedImage, VideoSource
from hmrm.video.turned import TurnedVideo
from hmrm.video.writer import write_video

CLIP = demo_clip()


class Film(VideoSource):
    """The given images."""

    def __init__(self, images):
        super().__init__(name="film", path=Path("film"), max_frames=None)
        self.frames_per_s, self.frame_count, self._given = 25.0, len(images), images
        self.size_wh_px = images[0].shape[1::-1]

    def _images(self):
        for i, image in enumerate(self._given):
            load = partial(np.asarray, image)
            yield TimedImage(time_s=i / 25, size_wh_px=self.size_wh_px, load=load)

    def content_hash(self):
        return "film's"


def film(turns):
    """Three frames of the demo's face, stored turned anticlockwise."""
    return Film([np.ascontiguousarray(np.rot90(CLIP.frame(i).image, turns)) for i in range(3)])


def test_an_upright_face_stays_as_it_is():
    video = film(0)
    assert upright(video) is video


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        (1, "a quarter turn clockwise"),
        (2, "upside down"),
        (3, "a quarter turn anticlockwise"),
    ],
)
def test_a_turned_face_is_turned_back_and_a_notice_says_so(turns, words):
    turned = upright(film(turns))
    assert isinstance(turned, TurnedVideo)
    assert np.array_equal(turned.frame(2).image, CLIP.frame(2).image)
    assert turned.size_wh_px == film(0).size_wh_px
    assert turned.content_hash() == "film's"
    (notice,) = turned.notices
    assert notice.code == "turned"
    assert words in notice.message


def test_a_video_without_a_face_stays_as_it_is():
    grey = np.full((240, 320, 3), 90, dtype=np.uint8)
    video = Film([grey] * 3)
    assert upright(video) is video


def test_the_pair_of_a_sideways_video_is_analysed_upright(tmp_path):
    path = tmp_path / "sideways.mp4"
    frames = [np.ascontiguousarray(np.rot90(CLIP.frame(i).image)) for i in (180, 195)]
    write_video(path, frames, 25.0)
    found = analyze(path, onset=0, apex=1, classifier=None)
    assert [event.region for event in found.events] == ["left_mouth_corner"]
    assert "turned" in {notice.code for notice in found.notices}
