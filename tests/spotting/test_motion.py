"""Regional motion over time, on synthetic clips with known movement."""

import dataclasses

import cv2
import numpy as np
import pytest
from rendered_faces import Bump, RenderedClip, Scene

from hmrm.spotting.motion import MotionConfig, MotionMeter, MotionSignal

STILL = Scene(
    seconds=1.2,
    fps=50,
    face_px=170,
    noise=0,
    flicker=0,
    head_px=0,
    head_degrees=0,
    turn=0,
    zoom=0,
    jitter=0,
)


def measured(scene: Scene, *, jump_at: int | None = None) -> MotionSignal:
    meter = MotionMeter()
    for i, (time_s, image, points) in enumerate(RenderedClip(scene)):
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        meter.update(i, time_s, grey, points, jump=i == jump_at)
    return meter.signal()


def region(signal: MotionSignal, name: str) -> np.ndarray:
    return np.asarray(signal.motion_px)[:, signal.regions.index(name)]


def test_a_picture_that_stands_still_has_no_motion() -> None:
    found = measured(STILL)
    assert np.abs(found.motion_px).max() < 1e-5  # float32 sums
    assert found.eye_change.max() < 1e-5
    assert set(found.segment) == {0}


def test_jitter_of_the_landmarks_is_not_motion() -> None:
    found = measured(dataclasses.replace(STILL, jitter=0.006))
    # 1 px of jitter; what is left is interpolation at other places of the grid (measured 0.05).
    assert np.abs(found.motion_px).max() < 0.12


def test_head_motion_is_not_expression() -> None:
    moving = dataclasses.replace(STILL, head_px=5, head_degrees=1.5, zoom=0.01, head_hz=0.5)
    found = measured(moving)
    away = found.motion_px - np.median(found.motion_px, axis=0)
    assert np.linalg.norm(away, axis=2).max() < 0.2


def test_a_movement_shows_its_course_size_and_direction() -> None:
    bump = Bump(0.3, 0.5, 0.8, ("left_mouth_corner",), direction=-np.pi / 2, amplitude_px=1.0)
    found = measured(dataclasses.replace(STILL, bumps=(bump,)))
    mouth = region(found, "left_mouth_corner")
    lengths = np.linalg.norm(mouth, axis=1)
    assert 0.25 < lengths.max() < 1.0
    assert found.time_s[lengths.argmax()] == pytest.approx(0.5, abs=0.03)
    assert abs(mouth[lengths.argmax(), 0]) < 0.2 * -mouth[lengths.argmax(), 1]
    level = np.array([bump.level(t) for t in found.time_s])
    assert np.corrcoef(lengths, level)[0, 1] > 0.99
    assert np.linalg.norm(region(found, "right_brow"), axis=1).max() < 0.25 * lengths.max()


def test_anchors_hand_over_without_a_step() -> None:
    scene = dataclasses.replace(STILL, seconds=3.0, fps=30, noise=1.0)
    config = MotionConfig()
    found = measured(scene)
    steps = np.linalg.norm(np.diff(found.motion_px, axis=0), axis=2).max(1)
    handover = np.flatnonzero(
        np.isclose(found.time_s[1:] % config.anchor_every_s, 0, atol=0.5 / scene.fps)
    )
    assert steps[handover].max() < 3 * np.median(steps)


def test_blinks_change_the_eyes_and_nothing_else() -> None:
    found = measured(dataclasses.replace(STILL, blinks_s=(0.7,), blink_length_s=0.15))
    at = int(np.argmin(np.abs(found.time_s - 0.7)))
    assert found.eye_change[at] > 0.5
    assert found.eye_change[:10].max() < 0.02
    assert np.linalg.norm(found.motion_px, axis=2).max() < 0.15


@pytest.mark.parametrize("blink_s", [0.4, 0.5, 0.6, 1.0])
def test_an_anchor_that_falls_due_in_a_blink_does_not_hide_it(blink_s: float) -> None:
    # Anchors fall due at 0.5 and 1.0 s, when the lids are on their way, down, or up again.
    found = measured(dataclasses.replace(STILL, blinks_s=(blink_s,), blink_length_s=0.2))
    closed = np.abs(found.time_s - blink_s) < 0.05
    assert found.eye_change[closed].min() > 0.25
    assert found.eye_change[np.abs(found.time_s - blink_s) > 0.25].max() < 0.05


def test_eyes_that_moved_to_stay_are_the_new_look() -> None:
    clip = RenderedClip(dataclasses.replace(STILL, blinks_s=(0.0,), blink_length_s=0.2))
    (open_, points), (closed, _) = clip.frame(49), clip.frame(0)
    meter = MotionMeter()
    for i in range(150):
        image = open_ if i < 30 else closed
        meter.update(i, i / 50, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), points)
    eyes = meter.signal().eye_change
    assert eyes[30] > 0.25
    assert eyes[-50:].max() < 0.05


def test_a_jump_a_gap_and_another_face_begin_anew() -> None:
    assert measured(STILL, jump_at=20).segment.tolist() == [0] * 20 + [1] * 40
    meter = MotionMeter()
    frames = list(RenderedClip(STILL))[:4]
    for i, at_s in enumerate((0.0, 0.02, 1.0, 1.02)):
        meter.update(i, at_s, cv2.cvtColor(frames[i][1], cv2.COLOR_RGB2GRAY), frames[i][2])
    assert meter.signal().segment.tolist() == [0, 0, 1, 1]
    other = cv2.cvtColor(frames[0][1], cv2.COLOR_RGB2GRAY)[::-1].copy()
    meter.update(4, 1.04, other, frames[0][2])
    assert meter.signal().segment.tolist() == [0, 0, 1, 1, 2]


def test_the_number_of_anchors_does_not_grow() -> None:
    meter = MotionMeter()
    clip = RenderedClip(STILL)
    image, points = clip.frame(0)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    config = meter.config
    for i in range(100):
        meter.update(i, i / 10, grey, points)
        assert len(meter._anchors) <= config.anchor_life_s / config.anchor_every_s + 1


@pytest.mark.parametrize("shift", [(-150, 0), (0, -200), (200, 150)])
def test_a_face_at_the_border_does_no_harm(shift: tuple[int, int]) -> None:
    meter = MotionMeter()
    image, points = RenderedClip(STILL).frame(0)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    for i in range(3):
        meter.update(i, i / 30, np.roll(grey, shift[::-1], (0, 1)), points + shift)
    meter.update(3, 0.1, grey, points + 2000.0)
    assert np.isfinite(meter.signal().motion_px).all()


def test_large_faces_are_measured_in_px_of_the_crop() -> None:
    bump = Bump(0.1, 0.3, 0.5, ("left_mouth_corner",), direction=-np.pi / 2, amplitude_px=1.5)
    small = dataclasses.replace(STILL, seconds=0.6, bumps=(bump,))
    meter = MotionMeter()
    for i, (time_s, image, points) in enumerate(RenderedClip(small)):
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        large = cv2.resize(grey, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        meter.update(i, time_s, large, (points + 0.5) * 3 - 0.5)
    at_three = np.linalg.norm(region(meter.signal(), "left_mouth_corner"), axis=1).max()
    at_one = np.linalg.norm(region(measured(small), "left_mouth_corner"), axis=1).max()
    assert at_three == pytest.approx(at_one, rel=0.15)
