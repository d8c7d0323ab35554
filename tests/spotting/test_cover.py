import tracemalloc

import cv2
import numpy as np

from hmrm.faces.regions import ANATOMICAL
from hmrm.faces.shape import five_points
from hmrm.spotting.cover import (
    LOOK_WH_PX,
    AppearanceRecorder,
    CoverConfig,
    FaceAppearances,
    covered_parts,
)
from hmrm.spotting.position import PARTS
from hmrm.synthetic.demo import demo_face

IMAGE, LANDMARKS = demo_face()
FIVE = five_points(LANDMARKS)
EYES_PX = float(np.linalg.norm(FIVE[1] - FIVE[0]))
SKIN = IMAGE[int(FIVE[2, 1] + 4), int(FIVE[2, 0] + 14)].tolist()


def hand(image, centre, radius):
    """A palm of the face's own colour, with darker edges and gaps between fingers."""
    covered = image.copy()
    x, y = (int(v) for v in centre)
    cv2.circle(covered, (x, y), int(radius), [int(0.7 * c) for c in SKIN], -1)
    cv2.circle(covered, (x, y), int(0.85 * radius), [int(c) for c in SKIN], -1)
    for shift in (-0.4, 0.0, 0.4):
        at = int(x + shift * radius)
        cv2.line(covered, (at, y - int(radius)), (at, y), [int(0.55 * c) for c in SKIN], 2)
    return covered


def looks_of(images):
    recorder = AppearanceRecorder()
    for i, image in enumerate(images):
        recorder.add(i, i / 10, image, FIVE)
    return recorder.appearances()


def covered(images, rest):
    appearances = looks_of(images)
    return covered_parts(appearances, np.arange(len(images)), np.asarray(rest, dtype=np.float64))


def noisy(image, seed, gain=1.0):
    grain = np.random.default_rng(seed).normal(0, 2, image.shape)
    return np.clip(gain * image + grain, 0, 255).astype(np.uint8)


def test_a_palm_over_mouth_and_nose_covers_the_mouth_and_not_the_brows():
    mouth = (FIVE[3] + FIVE[4]) / 2
    over = hand(IMAGE, mouth - [0, 0.2 * EYES_PX], 0.55 * EYES_PX)
    images = [noisy(IMAGE, i) for i in range(10)] + [noisy(over, 50 + i) for i in range(5)]
    found = covered(images, [1] * 10 + [0] * 5)
    assert not found[:10].any()
    assert found[10:, PARTS.index("mouth_opening")].all()
    assert not found[10:, PARTS.index("left_brow")].any()


def test_other_light_is_no_hand():
    images = [noisy(IMAGE, i) for i in range(10)] + [noisy(IMAGE, 50, gain=0.6)] * 3
    assert not covered(images, [1] * 10 + [0] * 3).any()


def test_an_open_mouth_is_no_hand():
    mouth = tuple(int(v) for v in (FIVE[3] + FIVE[4]) / 2 + [0, 6])
    wide = cv2.ellipse(
        IMAGE.copy(), mouth, (int(0.3 * EYES_PX), int(0.2 * EYES_PX)), 0, 0, 360, [60, 20, 25], -1
    )
    images = [noisy(IMAGE, i) for i in range(10)] + [noisy(wide, 50 + i) for i in range(4)]
    assert not covered(images, [1] * 10 + [0] * 4).any()


def test_too_little_rest_tells_nothing():
    mouth = (FIVE[3] + FIVE[4]) / 2
    images = [IMAGE, *[hand(IMAGE, mouth, EYES_PX)] * 4]
    assert not covered(images, [1, 0, 0, 0, 0]).any()
    empty = FaceAppearances(
        index=np.empty(0, dtype=np.int64),
        pixels=np.empty((0, LOOK_WH_PX[1], LOOK_WH_PX[0], 3), dtype=np.uint8),
    )
    assert not covered_parts(empty, np.arange(5), np.ones(5)).any()


def test_looks_are_taken_now_and_then_and_grey_will_do():
    recorder = AppearanceRecorder(CoverConfig(every_s=0.1))
    grey = cv2.cvtColor(IMAGE, cv2.COLOR_RGB2GRAY)
    for i in range(30):
        recorder.add(i, i / 30, grey, FIVE)
    appearances = recorder.appearances()
    assert 9 <= len(appearances.index) <= 11
    assert appearances.pixels.shape[1:] == (LOOK_WH_PX[1], LOOK_WH_PX[0], 3)
    assert all(ANATOMICAL[name].mask(LOOK_WH_PX).any() for name in ("nose", "left_cheek"))


def test_twenty_minutes_take_little_more_memory_than_one():
    looks, frames = 12_000, 36_000
    few = looks_of([noisy(IMAGE, i) for i in range(20)])
    tracemalloc.start()
    peaks = []
    for minutes in (1, 20):
        count = looks * minutes // 20
        long = FaceAppearances(
            index=np.arange(count) * 3, pixels=np.resize(few.pixels, (count, *few.pixels.shape[1:]))
        )
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        index = np.arange(frames * minutes // 20)
        assert not covered_parts(long, index, np.ones(len(index))).any()
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    # Once every look was compared with every frame: 7 GB.
    assert peaks[1] < peaks[0] + 30e6, peaks


def test_a_look_counts_for_the_frames_nearest_to_it():
    mouth = (FIVE[3] + FIVE[4]) / 2
    over = hand(IMAGE, mouth - [0, 0.2 * EYES_PX], 0.55 * EYES_PX)
    looks = looks_of([noisy(IMAGE, i) for i in range(8)] + [noisy(over, 60)])
    taken = FaceAppearances(index=np.arange(9) * 4, pixels=looks.pixels)
    found = covered_parts(taken, np.arange(40), np.ones(40))
    assert not found[:31].any()
    assert found[31:, PARTS.index("mouth_opening")].all()
