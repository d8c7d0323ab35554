"""Apexes of spotted events from frames that are read again: only faces under way are held."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from scripted import face as scripted_face

from hmrm.clip import Event, Frame
from hmrm.errors import ConfigError, VideoError
from hmrm.faces.shape import MEAN_FACE_68, five_points
from hmrm.flow import apex as rules
from hmrm.flow.apex import ApexRule
from hmrm.spotting.apexes import apexes_by_rule
from hmrm.spotting.cover import AppearanceRecorder
from hmrm.spotting.motion import MotionMeter
from hmrm.spotting.settings import SpottingConfig
from hmrm.spotting.tracks import FaceTrack
from hmrm.video.source import TimedImage, VideoSource

RATE = 50.0


class Numbered(VideoSource):
    """Frames of smooth texture whose brightness tells their number; counts what is decoded."""

    def __init__(self, count: int, size_wh_px: tuple[int, int] = (640, 480)) -> None:
        super().__init__(name="numbered", path=Path("numbered"), max_frames=None)
        self.frames_per_s, self.frame_count, self.size_wh_px = RATE, count, size_wh_px
        self.decoded = 0
        rng = np.random.default_rng(0)
        noise = rng.uniform(0, 200, (size_wh_px[1], size_wh_px[0])).astype(np.float32)
        self.texture = cv2.GaussianBlur(noise, (0, 0), 6).astype(np.uint8)

    def _images(self) -> Iterator[TimedImage]:
        for index in range(self.frame_count or 0):
            self.decoded += 1
            image = np.stack([self.texture + np.uint8(index)] * 3, axis=-1)
            yield TimedImage(
                time_s=index / RATE, size_wh_px=self.size_wh_px, load=partial(np.asarray, image)
            )


def track(face_id: int, points: Sequence[np.ndarray]) -> FaceTrack:
    count = len(points)
    return FaceTrack(
        face_id=face_id,
        box_xyxy_px=np.zeros((count, 4)),
        points_xy_px=np.stack(points),
        detection_confidence=np.ones(count),
        measures=scripted_face(count, rate=RATE),
        signal=MotionMeter().signal(),
        appearances=AppearanceRecorder().appearances(),
    )


def face_at(x: float, y: float, eye_distance_px: float) -> np.ndarray:
    return five_points(MEAN_FACE_68) * eye_distance_px + [x, y]


def event(face_id: int, onset: int, offset: int) -> Event:
    return Event(
        face_id=face_id,
        onset_index=onset,
        apex_index=onset + 1,
        offset_index=offset,
        onset_s=onset / RATE,
        apex_s=(onset + 1) / RATE,
        offset_s=offset / RATE,
        region="chin",
        peak_motion_px=0.5,
        salience=0.7,
    )


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Frame], np.ndarray]]:
    """What a rule that takes the last frame but one was shown."""
    calls: list[tuple[list[Frame], np.ndarray]] = []

    def last_but_one(frames: Sequence[Frame], points: np.ndarray) -> int:
        calls.append(([frames[i] for i in range(len(frames))], points))
        return len(frames) - 2

    monkeypatch.setitem(rules.APEX_RULES, "last but one", ApexRule(position=last_but_one))
    return calls


def test_a_rule_sees_its_face_from_onset_to_offset(
    seen: list[tuple[list[Frame], np.ndarray]],
) -> None:
    video = Numbered(60)
    left = track(0, [face_at(150 + 0.5 * i, 200, 60) for i in range(60)])
    right = track(3, [face_at(450, 250, 50)] * 60)
    events = [event(0, 5, 15), event(3, 10, 20), event(0, 30, 34)]
    found = apexes_by_rule(video, events, [left, right], "last but one")
    assert [(e.apex_index, e.apex_s) for e in found] == [
        (14, 14 / RATE),
        (19, 19 / RATE),
        (33, 33 / RATE),
    ]
    assert [(e.onset_index, e.offset_index, e.salience) for e in found] == [
        (e.onset_index, e.offset_index, e.salience) for e in events
    ]
    for one, (frames, points) in zip(events, seen, strict=True):
        assert [f.index for f in frames] == list(range(one.onset_index, one.offset_index + 1))
        face = (left if one.face_id == 0 else right).points_xy_px[one.onset_index]
        low = np.round(face - points)[0].astype(int)  # whole px: the window is cut, not resampled
        np.testing.assert_allclose(points + low, face, atol=1e-9)
        image = frames[3].image
        assert image.shape[0] < 480 and image.shape[1] < 640
        part = video.texture[low[1] : low[1] + image.shape[0], low[0] : low[0] + image.shape[1]]
        np.testing.assert_array_equal(image, part + np.uint8(frames[3].index))
    # Reading ends with the last event, but for a frame read ahead.
    assert video.decoded <= 36


def test_a_large_face_is_shrunk(seen: list[tuple[list[Frame], np.ndarray]]) -> None:
    video = Numbered(8, (1900, 1800))
    face = track(0, [face_at(950, 700, 500)] * 8)
    apexes_by_rule(video, [event(0, 2, 6)], [face], "last but one")
    ((frames, points),) = seen
    eyes_px = float(np.linalg.norm(points[1] - points[0]))
    factor = round(500 / eyes_px)
    assert factor >= 3 and eyes_px == pytest.approx(500 / factor, rel=1e-3)
    assert frames[0].image.shape[0] <= 1800 // factor
    assert frames[0].image.shape[1] <= 1900 // factor
    # The same place in both: the nose.
    x, y = np.round(points[2]).astype(int)
    x_full, y_full = np.round(face.points_xy_px[2][2]).astype(int)
    there = float(video.texture[y_full, x_full]) + frames[0].index
    assert float(frames[0].image[y, x]) == pytest.approx(there, abs=6)


def test_every_second_frame_as_in_the_first_pass(
    seen: list[tuple[list[Frame], np.ndarray]],
) -> None:
    face = track(0, [face_at(300, 200, 60)] * 40)
    found = apexes_by_rule(Numbered(40), [event(0, 10, 20)], [face], "last but one", stride=2)
    assert found[0].apex_index == 18
    assert [f.index for f in seen[0][0]] == [10, 12, 14, 16, 18, 20]


def test_a_face_at_the_border_and_nothing_to_do(
    seen: list[tuple[list[Frame], np.ndarray]],
) -> None:
    face = track(0, [face_at(20, 460, 60)] * 8)
    apexes_by_rule(Numbered(8), [event(0, 2, 5)], [face], "last but one")
    assert seen[0][0][0].image.size > 0
    video = Numbered(8)
    assert apexes_by_rule(video, [], [face], "last but one") == () and video.decoded == 0


def test_frames_to_hold_are_limited_before_they_are_held(
    seen: list[tuple[list[Frame], np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = [track(i, [face_at(300, 200, 60)] * 40) for i in range(2)]
    events = [event(0, 10, 20), event(1, 12, 22)]
    apexes_by_rule(Numbered(40), events, faces, "last but one")
    held = sum(frame.image.size for frames, _ in seen for frame in frames)
    monkeypatch.setenv("HMRM_LIMITS", f"held_pixels={held}")
    apexes_by_rule(Numbered(40), events, faces, "last but one")
    monkeypatch.setenv("HMRM_LIMITS", f"held_pixels={held - 1}")
    video = Numbered(40)
    with pytest.raises(VideoError, match=rf"{held} px .* HMRM_LIMITS=held_pixels={held}"):
        apexes_by_rule(video, events, faces, "last but one")
    assert video.decoded == 13


def test_an_unknown_rule_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ConfigError, match="displacement, difference"):
        SpottingConfig(apex_rule="largest")
