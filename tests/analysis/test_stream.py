"""Events of a stream come while it runs, and are those of the recorded video."""

from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np
import pytest

from hmrm.analysis.stream import Analyzer, StreamConfig
from hmrm.clip import Event, Image
from hmrm.errors import InputError
from hmrm.synthetic.demo import demo_face

RATE = 30.0
ONSET_S, RISEN_S, FALLS_S, OFFSET_S = 3.0, 3.3, 3.7, 4.0
FACE = cv2.resize(demo_face()[0], None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
LANDMARKS = 2.0 * demo_face()[1]
CORNERS = LANDMARKS[[48, 54]]
EYES_PX = float(np.linalg.norm(LANDMARKS[42:48].mean(axis=0) - LANDMARKS[36:42].mean(axis=0)))


def smile(time_s: float) -> Image:
    """The face, its mouth corners pulled 3 px of the canonical crop out and up, regions by half."""
    level = np.interp(time_s, [ONSET_S, RISEN_S, FALLS_S, OFFSET_S], [0.0, 1.0, 1.0, 0.0])
    level = 0.5 - 0.5 * np.cos(np.pi * level)
    height, width = FACE.shape[:2]
    px = 3.0 * EYES_PX / (0.57 * 224)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    move = np.zeros((2, height, width), np.float32)
    for corner, side in zip(CORNERS, (-1.0, 1.0), strict=True):
        away = ((x - corner[0]) ** 2 + (y - corner[1]) ** 2) / (0.3 * EYES_PX) ** 2
        weight = np.exp(-away / 2)
        move += level * px * weight * np.array([0.8 * side, -0.6])[:, None, None]
    moved = cv2.remap(FACE, x - move[0], y - move[1], cv2.INTER_CUBIC)
    grain = np.random.default_rng(round(time_s * RATE)).normal(0, 1.5, moved.shape)
    return np.clip(moved + grain, 0, 255).astype(np.uint8)


FILM = cache(lambda index: smile(index / RATE))


def film(seconds: float) -> Iterator[tuple[Image, float]]:
    for index in range(round(seconds * RATE)):
        yield FILM(index), index / RATE


def announced(analyzer: Analyzer, start_s: float = 0.0) -> list[tuple[Event, float]]:
    found = []
    for image, time_s in film(5.2):
        found += [(event, time_s) for event in analyzer.push(image, start_s + time_s)]
    return found


def test_a_smile_is_announced_within_a_second_of_its_offset() -> None:
    found = announced(Analyzer())
    [(event, now_s)] = found
    assert now_s - OFFSET_S < 1.0 and now_s > event.offset_s
    assert abs(event.onset_s - ONSET_S) < 0.2 and abs(event.offset_s - OFFSET_S) < 0.2
    assert event.onset_index == round(event.onset_s * RATE)
    assert event.label == "positive"


def test_times_are_on_the_clock_of_the_frames() -> None:
    [(event, _)] = announced(Analyzer(classifier=None), start_s=1000.0)
    assert abs(event.onset_s - 1000.0 - ONSET_S) < 0.2
    assert event.label is None


def test_what_is_open_at_the_end_comes_then_and_nothing_twice() -> None:
    analyzer = Analyzer(classifier=None)
    for image, time_s in film(4.1):
        assert analyzer.push(image, time_s) == ()
    [event] = analyzer.finish()
    assert event.onset_s < RISEN_S < event.offset_s
    assert analyzer.finish() == ()


def test_memory_does_not_grow_with_the_stream() -> None:
    analyzer = Analyzer(classifier=None, stream=StreamConfig(window_s=1.0, kept_s=0.5, every_s=0.5))
    still = smile(0.0)
    sizes = []
    for index in range(150):
        analyzer.push(still, index / RATE)
        if index % 50 == 49:
            under_way = analyzer._under_way
            assert under_way is not None
            [track] = under_way.so_far(index + 1, index / RATE).tracks
            kept = sum(map(len, analyzer._crops.values()))
            sizes.append((len(track.measures), len(track.signal.index), kept))
            assert len(track.appearances.index) <= 20
    assert all(measured <= 47 and moved <= 47 and kept <= 16 for measured, moved, kept in sizes)


@pytest.mark.parametrize(("rate", "stride"), [(30, 1), (100, 1), (125, 1), (200, 3)])
def test_as_many_frames_are_measured_as_of_a_recorded_video(rate: int, stride: int) -> None:
    analyzer = Analyzer(classifier=None)
    still = smile(0.0)[::2, ::2].copy()
    for index in range(24):
        analyzer.push(still, 5.0 + index / rate)
    under_way = analyzer._under_way
    assert under_way is not None
    [track] = under_way.so_far(24, 23 / rate).tracks
    assert track.signal.index.tolist() == list(range(0, 24, stride))
    gaps_s = np.diff(track.measures.time_s)
    assert (gaps_s > 0.03 - 1e-6).all() and (gaps_s < 0.03 + stride / rate).all()


def test_a_frame_of_another_size_or_time_is_refused() -> None:
    analyzer = Analyzer(classifier=None)
    analyzer.push(smile(0.0), 5.0)
    with pytest.raises(InputError, match="not after"):
        analyzer.push(smile(0.0), 5.0)
    with pytest.raises(InputError, match="the first had"):
        analyzer.push(smile(0.0)[:-2], 6.0)
    assert Analyzer(classifier=None).finish() == ()


def test_a_stream_without_a_face_has_no_events() -> None:
    analyzer = Analyzer(classifier=None)
    blank = np.full((120, 160, 3), 90, np.uint8)
    assert [analyzer.push(blank, index / RATE) for index in range(40)] == [()] * 40
    assert analyzer.finish() == ()
