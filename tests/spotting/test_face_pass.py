"""The pass over a video: who is seen, what is measured, and what a shaking camera is not."""

import cv2
import numpy as np

from hmrm.clip import Frame
from hmrm.spotting.face_pass import pass_over
from hmrm.synthetic.demo import demo_face

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


def film(images, rate=25.0):
    for i, image in enumerate(images):
        grain = np.random.default_rng(100 + i).normal(0, 1.5, image.shape)
        noisy = np.clip(image + grain, 0, 255).astype(np.uint8)
        yield Frame(index=i, time_s=i / rate, image=noisy)


def test_one_face_is_measured_by_both_instruments_and_at_rest_nothing_is_found():
    seen = pass_over(film([scene((100, 60))] * 30))
    (face,) = seen.faces
    assert len(face.measures) == len(face.motion.index) == 30
    assert seen.frame_count == 30
    assert len(face.appearances.index) == 10
    assert face.events().events == ()
    assert seen.largest is face


def test_a_face_gives_the_same_alone_and_beside_another():
    alone = pass_over(film([scene((60, 60))] * 8)).faces
    both = pass_over(film([scene((60, 60), (500, 60))] * 8)).faces
    assert (len(alone), len(both)) == (1, 2)
    wide = alone[0].measures.mouth_width
    # Where a detection began decides the first crop a little; both settle to the same mesh.
    assert any(np.abs(face.measures.mouth_width - wide)[2:].max() < 0.02 for face in both)


def test_a_shaking_camera_makes_no_cut_and_another_scene_does():
    rng = np.random.default_rng(0)
    shaken = [scene((100, 60), shift=tuple(rng.integers(-14, 15, 2).tolist())) for _ in range(16)]
    seen = pass_over(film(shaken))
    assert seen.cuts_s == ()
    assert len(seen.faces) == 1
    other = [scene((100, 60))] * 6 + [scene((480, 90), seed=9)] * 6
    cut = pass_over(film(other))
    assert len(cut.cuts_s) == 1
    assert cut.faces[0].measures.segment.max() <= 1


def test_nobody_black_frames_and_single_frames_do_no_harm():
    assert pass_over(film([scene()] * 3)).faces == ()
    black = [np.zeros((120, 160, 3), dtype=np.uint8)] * 3
    assert pass_over(film(black)).largest is None
    one = pass_over(film([scene((100, 60))]))
    (face,) = one.faces
    assert face.events().events == ()


def test_every_second_frame_is_looked_at_when_asked():
    seen = pass_over(film([scene((100, 60))] * 10), stride=2)
    assert seen.faces[0].measures.index.tolist() == [0, 2, 4, 6, 8]
    assert seen.frame_count == 10
