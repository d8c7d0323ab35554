import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from safetensors.numpy import load_file, save_file

import hmrm
from hmrm.errors import InputError, WeightsError
from hmrm.faces.mtcnn import MTCNN, MTCNNConfig
from hmrm.faces.shape import five_points
from hmrm.provenance import sha256
from hmrm.synthetic.rendered_face import render_face

WEIGHTS = Path(hmrm.__file__).parent / "weights" / "mtcnn.safetensors"


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def detector():
    return MTCNN()


# Slow twins of the layers, one output value after the other, (channels, rows, columns).


def conv(x, weight, bias):
    size = weight.shape[2]
    rows, columns = x.shape[1] - size + 1, x.shape[2] - size + 1
    out = np.empty((len(weight), rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = x[:, r : r + size, c : c + size]
            out[:, r, c] = (weight * window).sum(axis=(1, 2, 3)) + bias
    return out


def pool(x, size):
    """Stride 2; a last window that hangs over the edge counts what it has."""
    rows, columns = (-(-(n - size) // 2) + 1 for n in x.shape[1:])
    return np.stack(
        [
            np.stack(
                [
                    x[:, 2 * r : 2 * r + size, 2 * c : 2 * c + size].max((1, 2))
                    for c in range(columns)
                ],
                axis=1,
            )
            for r in range(rows)
        ],
        axis=1,
    )


def slope(x, weight):
    weight = weight.reshape(-1, *[1] * (x.ndim - 1))
    return np.where(x > 0, x, weight * x)


def softmax(x):
    e = np.exp(x - x.max(axis=0))
    return e / e.sum(axis=0)


class Twin:
    def __init__(self, name):
        tensors = {k: v.astype(np.float64) for k, v in load_file(WEIGHTS).items()}
        self.weights = {k.removeprefix(f"{name}."): v for k, v in tensors.items() if name in k}

    def conv(self, x, number):
        x = conv(x, self.weights[f"conv{number}.weight"], self.weights[f"conv{number}.bias"])
        return slope(x, self.weights[f"slope{number}.weight"])

    def head(self, x, name):
        weight = self.weights[f"{name}.weight"].reshape(-1, x.shape[0])
        return np.tensordot(weight, x, 1) + self.weights[f"{name}.bias"].reshape(
            -1, *[1] * (x.ndim - 1)
        )

    def full(self, x, number):
        # Columns first, then rows, then channels vary fastest in the other order: (w, h, c).
        flat = np.array([v for w in x.transpose(2, 1, 0) for h in w for v in h])
        return slope(self.head(flat, "full"), self.weights[f"slope{number}.weight"])


def compare(net, x, expected):
    with torch.no_grad():
        found = net(torch.from_numpy(x[None].astype(np.float32)))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        # float32 through at most six layers; measured below 4e-6.
        np.testing.assert_allclose(a[0].numpy(), b, atol=3e-5)


def image(astronaut, side, columns=None):
    face = cv2.resize(astronaut[50:190, 150:290], (columns or side, side))
    return (face.astype(np.float64).transpose(2, 0, 1) - 127.5) / 128


def test_first_network_agrees_with_its_twin(detector, astronaut):
    twin, x = Twin("pnet"), image(astronaut, 15, 20)
    y = pool(twin.conv(x, 1), 2)
    y = twin.conv(twin.conv(y, 2), 3)
    compare(detector._proposal, x, (twin.head(y, "box"), softmax(twin.head(y, "score"))[1]))


def test_second_network_agrees_with_its_twin(detector, astronaut):
    twin, x = Twin("rnet"), image(astronaut, 24)
    y = pool(pool_input := twin.conv(x, 1), 3)
    assert pool_input.shape == (28, 22, 22)
    y = twin.full(twin.conv(pool(twin.conv(y, 2), 3), 3), 4)
    compare(detector._refine, x, (twin.head(y, "box"), softmax(twin.head(y, "score"))[1]))


def test_third_network_agrees_with_its_twin(detector, astronaut):
    twin, x = Twin("onet"), image(astronaut, 48)
    y = pool(twin.conv(pool(twin.conv(x, 1), 3), 2), 3)
    y = twin.full(twin.conv(pool(twin.conv(y, 3), 2), 4), 5)
    score = softmax(twin.head(y, "score"))[1]
    assert score > 0.99
    compare(detector._output, x, (twin.head(y, "box"), score, twin.head(y, "points")))


def test_weights_are_the_ones_of_the_model_card():
    card = WEIGHTS.with_suffix(".md").read_text(encoding="utf-8")
    assert sha256(WEIGHTS) in card
    assert "Kaipeng Zhang" in card
    assert "Permission is hereby granted" in card


def test_finds_the_astronaut(detector, astronaut):
    (face,) = detector.detect(astronaut)
    # Measured once; 1 px leaves room for other versions of OpenCV's resizing.
    np.testing.assert_allclose(face.box_xyxy_px, [181.4, 61.6, 268.0, 172.7], atol=1)
    golden = [[203.8, 100.4], [246.3, 102.8], [223.9, 127.8], [201.2, 139.1], [245.0, 141.1]]
    np.testing.assert_allclose(face.points_xy_px, golden, atol=1)
    assert face.confidence > 0.99
    assert face.eye_distance_px == pytest.approx(43.5, abs=1.5)


def test_grey_pictures_are_fine(detector, astronaut):
    (colour,) = detector.detect(astronaut)
    (grey,) = detector.detect(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY))
    # Points scatter by 0.6 % of the eye distance (0.3 px); the colours' loss adds a little.
    np.testing.assert_allclose(grey.points_xy_px, colour.points_xy_px, atol=1)


@pytest.mark.parametrize("factor", [0.4, 2.0, 3.0])
def test_resolution_does_not_matter(detector, astronaut, factor):
    (face,) = detector.detect(astronaut)
    kernel = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=kernel)
    (other,) = detector.detect(resized)
    back = (other.points_xy_px + 0.5) / factor - 0.5
    np.testing.assert_allclose(back, face.points_xy_px, atol=1.3)  # four times their scatter


def test_mirrored_face_has_mirrored_points(detector, astronaut):
    (face,) = detector.detect(astronaut)
    (other,) = detector.detect(np.ascontiguousarray(astronaut[:, ::-1]))
    back = (astronaut.shape[1] - 1 - other.points_xy_px[:, 0])[[1, 0, 2, 4, 3]]
    np.testing.assert_allclose(back, face.points_xy_px[:, 0], atol=1.3)


def test_several_faces_and_best_first(detector, astronaut):
    face = astronaut[:300, 100:350]
    found = detector.detect(np.concatenate([face, face], axis=1))
    assert sorted(d.points_xy_px[2, 0] > 250 for d in found) == [False, True]
    assert [d.confidence for d in found] == sorted((d.confidence for d in found), reverse=True)


@pytest.mark.parametrize(
    "image",
    [
        np.ascontiguousarray(np.rot90(skimage.data.astronaut())),
        np.ascontiguousarray(skimage.data.astronaut().transpose(1, 0, 2)),
        np.zeros((480, 640, 3), np.uint8),
        np.full((480, 640), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((5, 300), np.uint8),
        skimage.data.coffee(),
        skimage.data.rocket(),
        skimage.data.chelsea(),
    ],
    ids=[
        "lying",
        "transposed",
        "black",
        "white",
        "noise",
        "pixel",
        "strip",
        "coffee",
        "rocket",
        "cat",
    ],
)
def test_no_face_where_none_is(detector, image):
    assert detector.detect(image) == []


@pytest.mark.parametrize("seed", [11, 18])
def test_dark_faces_are_found_at_the_second_look(detector, seed):
    image, points = render_face(np.random.default_rng(seed), tone=5)
    assert MTCNN(MTCNNConfig(second_look=False)).detect(image) == []
    (face,) = detector.detect(image)
    # Eyes 100 px apart; a lit rendered face's points are off by .14 eye distances at most.
    assert np.linalg.norm(face.points_xy_px - five_points(points), axis=1).max() < 15


def test_a_face_that_is_found_is_not_looked_for_again(detector, astronaut):
    (once,) = MTCNN(MTCNNConfig(second_look=False)).detect(astronaut)
    (face,) = detector.detect(astronaut)
    np.testing.assert_array_equal(once.points_xy_px, face.points_xy_px)


def test_faces_that_fill_the_picture(detector, astronaut):
    (whole,) = detector.detect(astronaut)
    (tight,) = detector.detect(np.ascontiguousarray(astronaut[85:190, 180:268]))
    np.testing.assert_allclose(tight.points_xy_px + np.array([180, 85]), whole.points_xy_px, atol=3)


def test_smallest_face_is_respected(astronaut):
    assert MTCNN(MTCNNConfig(min_face_px=480.0)).detect(astronaut) == []
    assert len(MTCNN(MTCNNConfig(min_face_px=80.0)).detect(astronaut)) == 1
    small = cv2.resize(astronaut, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((512, 512, 3), np.uint8)
    canvas[100:228, 200:328] = small
    assert MTCNN(MTCNNConfig(min_face=0.2)).detect(canvas) == []
    (face,) = MTCNN(MTCNNConfig(min_face_px=16.0)).detect(canvas)
    assert face.eye_distance_px == pytest.approx(43.5 / 4, rel=0.1)


def test_same_picture_same_faces(detector, astronaut):
    first, second = detector.detect(astronaut)[0], MTCNN().detect(astronaut)[0]
    assert first.box_xyxy_px == second.box_xyxy_px
    np.testing.assert_array_equal(first.points_xy_px, second.points_xy_px)


def test_picture_without_pixels_is_refused(detector):
    with pytest.raises(InputError, match="no pixels"):
        detector.detect(np.zeros((0, 10), np.uint8))


@pytest.mark.parametrize(
    "values",
    [{"min_face": 0.0}, {"min_face_px": 5.0}, {"pyramid": 1.0}, {"max_side_px": 4}],
)
def test_impossible_settings_are_refused(values):
    with pytest.raises(ValueError, match="expected"):
        MTCNNConfig(**values)


def test_other_weight_files_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"missing\.safetensors"):
        MTCNN(weights=tmp_path / "missing.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(WEIGHTS.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"broken\.safetensors"):
        MTCNN(weights=broken)
    other = tmp_path / "other.safetensors"
    save_file({"weight": np.zeros(3, np.float32)}, other)
    with pytest.raises(WeightsError, match=r"other\.safetensors"):
        MTCNN(weights=other)


def test_without_torch_the_message_says_what_to_install():
    program = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from hmrm.errors import MissingExtraError\n"
        "import hmrm.faces.detector, hmrm.faces.regions\n"
        "try:\n"
        "    hmrm.faces.detector.build_detector()\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'hmrm[torch]'" in done.stdout, done.stderr
