import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from hmrm.clip import Image
from hmrm.video.cuts import CutDetector, FrameFlags

SIZE = (320, 240)


def photograph(name: str) -> Image:
    image = getattr(data, name)()
    colour = image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return cv2.resize(np.ascontiguousarray(colour), SIZE, interpolation=cv2.INTER_AREA)


PHOTOGRAPHS = {n: photograph(n) for n in ("astronaut", "coffee", "chelsea", "rocket", "camera")}
FACE = cv2.resize(data.astronaut()[:300, 100:400], SIZE, interpolation=cv2.INTER_AREA)


def moved(image: Image, x: float, y: float = 0.0, *, turn_deg: float = 0.0, zoom: float = 1.0):
    matrix = cv2.getRotationMatrix2D((160, 120), turn_deg, zoom)
    matrix[:, 2] += (x, y)
    return cv2.warpAffine(image, matrix, SIZE, borderMode=cv2.BORDER_REFLECT)


def noisy(image: Image, generator: np.random.Generator, sigma: float = 3.0) -> Image:
    return np.clip(image + generator.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


def flags_of(frames) -> list[FrameFlags]:
    detector = CutDetector()
    return [detector.update(frame) for frame in frames]


def cuts_in(frames) -> list[int]:
    return [i for i, flags in enumerate(flags_of(frames)) if flags.cut]


@pytest.mark.parametrize("before", sorted(PHOTOGRAPHS))
@pytest.mark.parametrize("after", sorted(PHOTOGRAPHS))
def test_a_cut_between_scenes_is_found_at_its_frame(before, after):
    generator = np.random.default_rng(0)
    frames = [noisy(PHOTOGRAPHS[before if i < 9 else after], generator) for i in range(20)]
    assert cuts_in(frames) == ([] if before == after else [9])


@pytest.mark.parametrize(
    "jump", [{"x": 8, "turn_deg": 2}, {"x": 20, "y": 5}, {"x": 0, "zoom": 1.3}]
)
def test_a_jump_within_the_same_scene_is_found(jump):
    generator = np.random.default_rng(1)
    frames = [noisy(FACE if i < 30 else moved(FACE, **jump), generator) for i in range(45)]
    assert cuts_in(frames) == [30]


def head_motion(i):
    return moved(FACE, 10 * np.sin(i / 7), 4 * np.sin(i / 5), turn_deg=3 * np.sin(i / 9))


def fast_head_at_low_rate(i):
    return moved(FACE, 40 * np.sin(i / 2), 10 * np.sin(i / 3), turn_deg=10 * np.sin(i / 2.5))


def nod_from_rest(i):
    speed = np.clip(np.minimum(np.arange(60) - 29, 46 - np.arange(60)), 0, 4) * 2.0  # px per frame
    return moved(FACE, 0, float(np.cumsum(speed)[i]))


def flicker(i):
    return np.clip(FACE * (1 + 0.3 * (-1) ** i), 0, 255).astype(np.uint8)


def flash(i):
    return np.clip(FACE.astype(int) + (100 if i == 30 else 0), 0, 255).astype(np.uint8)


def dimming(i):
    return (FACE * (1 - i / 70)).astype(np.uint8)


def hand(i):
    image = FACE.copy()
    cv2.rectangle(image, (-60 + 10 * i, 60), (60 + 10 * i, 200), (180, 120, 90), -1)
    return image


def flat(i):
    return np.full_like(FACE, 90)


@pytest.mark.parametrize(
    "scene",
    [head_motion, fast_head_at_low_rate, nod_from_rest, flicker, flash, dimming, hand, flat],
    ids=lambda f: f.__name__,
)
def test_motion_and_light_are_no_cuts(scene):
    generator = np.random.default_rng(2)
    assert cuts_in(noisy(scene(i), generator) for i in range(60)) == []


def test_black_frames_are_found_and_cut_off_from_the_rest():
    generator = np.random.default_rng(3)
    black = np.full_like(FACE, 4)
    frames = [noisy(black if 10 <= i < 15 else FACE, generator) for i in range(30)]
    flags = flags_of(frames)
    assert [i for i, f in enumerate(flags) if f.black] == list(range(10, 15))
    assert [i for i, f in enumerate(flags) if f.cut] == [10, 15]


def test_a_dark_room_is_not_black():
    assert not any(f.black for f in flags_of([(FACE * 0.35).astype(np.uint8)] * 3))


def test_repeated_frames_are_found():
    generator = np.random.default_rng(4)
    first, second = noisy(FACE, generator), noisy(FACE, generator)
    one_pixel = second.copy()
    one_pixel[7, 7, 1] ^= 1
    flags = flags_of([first, first.copy(), second, second, one_pixel])
    assert [f.repeated for f in flags] == [False, True, False, True, False]


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(2, 300), st.integers(2, 300)),
    grey=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_size_gives_flags_in_range(shape, grey, seed):
    generator = np.random.default_rng(seed)
    full = shape if grey else (*shape, 3)
    frames = [generator.integers(0, 256, full).astype(np.uint8) for _ in range(3)]
    flags = flags_of([*frames, frames[-1]])
    assert flags[0].change == 0.0
    assert not flags[0].cut
    assert all(0 <= f.change <= 2 for f in flags)
    assert flags[-1].repeated


def test_grey_and_colour_agree():
    generator = np.random.default_rng(5)
    grey = [
        noisy(PHOTOGRAPHS["camera" if i < 9 else "rocket"], generator)[..., 0] for i in range(20)
    ]
    colour = [cv2.cvtColor(np.ascontiguousarray(g), cv2.COLOR_GRAY2RGB) for g in grey]
    assert [f.cut for f in flags_of(grey)] == [f.cut for f in flags_of(colour)]
