import hashlib
from importlib import resources

import cv2
import numpy as np
import pytest

from hmrm.errors import InputError, WeightsError
from hmrm.faces.blazeface import BlazeFace, BlazeFaceConfig
from hmrm.faces.mesh import FaceMesh, MeshCrop
from hmrm.faces.mesh_points import EYES, KEPT, POINT_COUNT, REGIONS, ROW_OF, rows_of
from hmrm.faces.shape import five_points
from hmrm.synthetic.demo import demo_face

IMAGE, LANDMARKS = demo_face()
FIVE = five_points(LANDMARKS)
EYE_DISTANCE = float(np.linalg.norm(FIVE[1] - FIVE[0]))
CENTRE = LANDMARKS.mean(axis=0)
CROP = MeshCrop(
    centre_xy_px=(float(CENTRE[0]), float(CENTRE[1])), side_px=3.6 * EYE_DISTANCE, turn_rad=0.0
)


@pytest.fixture(scope="module")
def net():
    return FaceMesh()


def settled(net, image, crop=CROP):
    mesh = net.fit(image, crop)
    for _ in range(3):
        mesh = net.fit(image, MeshCrop.around(mesh.points_xyz_px))
    return mesh


@pytest.mark.parametrize("name", ["face_mesh", "blazeface"])
def test_weights_are_the_ones_on_their_card(name):
    folder = resources.files("hmrm") / "weights"
    digest = hashlib.sha256((folder / f"{name}.tflite").read_bytes()).hexdigest()
    card = (folder / f"{name}.md").read_text(encoding="utf-8")
    assert digest in card
    assert "Apache-2.0" in card


def test_mesh_lies_on_the_face(net):
    mesh = settled(net, IMAGE)
    assert mesh.presence > 0.95
    for eye, place in zip(EYES, FIVE[:2], strict=True):
        found = mesh.points_xyz_px[list(eye), :2].mean(axis=0)
        # Landmarks set by hand scatter by about .03 eye distances.
        assert np.linalg.norm(found - place) < 0.08 * EYE_DISTANCE
    corner = mesh.points_xyz_px[list(REGIONS["left_mouth_corner"]), :2].mean(axis=0)
    assert np.linalg.norm(corner - FIVE[3]) < 0.12 * EYE_DISTANCE


def test_the_crop_a_mesh_asks_for_no_longer_depends_on_the_first_one(net):
    other = MeshCrop(
        centre_xy_px=(CENTRE[0] + 0.15 * EYE_DISTANCE, CENTRE[1] - 0.1 * EYE_DISTANCE),
        side_px=1.15 * CROP.side_px,
        turn_rad=0.1,
    )
    a, b = settled(net, IMAGE).points_xyz_px, settled(net, IMAGE, other).points_xyz_px
    assert np.linalg.norm(a - b, axis=1)[:, None].max() < 0.06 * EYE_DISTANCE
    assert np.median(np.linalg.norm(a - b, axis=1)) < 0.01 * EYE_DISTANCE


def test_same_picture_same_mesh_and_grey_will_do(net):
    first, again = net.fit(IMAGE, CROP), FaceMesh().fit(IMAGE, CROP)
    assert np.array_equal(first.points_xyz_px, again.points_xyz_px)
    grey = settled(net, cv2.cvtColor(IMAGE, cv2.COLOR_RGB2GRAY))
    apart = np.linalg.norm(grey.points_xyz_px - settled(net, IMAGE).points_xyz_px, axis=1)
    assert np.median(apart) < 0.05 * EYE_DISTANCE


def test_a_turned_and_shifted_picture_gives_the_turned_and_shifted_mesh(net):
    h, w = IMAGE.shape[:2]
    matrix = cv2.getRotationMatrix2D((float(CENTRE[0]), float(CENTRE[1])), 12.0, 0.9)
    matrix[:, 2] += [7.0, -5.0]
    turned = cv2.warpAffine(IMAGE, matrix, (w, h), borderMode=cv2.BORDER_REPLICATE)
    straight = settled(net, IMAGE).points_xyz_px[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    found = settled(net, turned).points_xyz_px[:, :2]
    assert np.median(np.linalg.norm(found - straight, axis=1)) < 0.02 * EYE_DISTANCE


def test_noise_has_no_presence(net):
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3)).astype(np.uint8)
    crop = MeshCrop(centre_xy_px=(150.0, 150.0), side_px=250.0, turn_rad=0.0)
    assert net.fit(noise, crop).presence < 0.5


def test_damaged_missing_and_foreign_weights_are_named(tmp_path):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(b"TFL3" * 100)
    other = resources.files("hmrm") / "weights" / "blazeface.tflite"
    for path in (tmp_path / "none.tflite", damaged, other):
        with pytest.raises(WeightsError, match=r"\.tflite"):
            FaceMesh(weights=path)


def test_kept_points_hold_everything_that_is_measured():
    assert max(KEPT) < POINT_COUNT
    assert len(set(KEPT)) == len(KEPT) < POINT_COUNT / 3
    for points in REGIONS.values():
        assert [KEPT[row] for row in rows_of(points)] == list(points)
    assert ROW_OF[KEPT[0]] == 0


def canvas(*places, size=(360, 900)):
    rng = np.random.default_rng(3)
    image = cv2.GaussianBlur(rng.integers(60, 160, (*size, 3)).astype(np.uint8), (0, 0), 9)
    for x, y, scale in places:
        face = cv2.resize(IMAGE, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        image[y : y + face.shape[0], x : x + face.shape[1]] = face
    return image


def test_blazeface_finds_both_faces_and_their_eyes():
    image = canvas((40, 40, 1.0), (560, 60, 1.0))
    found = BlazeFace().detect(image)
    assert len(found) == 2
    for x, y in ((40, 40), (560, 60)):
        eyes = FIVE[:2] + np.array([x, y])
        apart = min(np.abs(one.points_xy_px[:2] - eyes).max() for one in found)
        assert apart < 0.15 * EYE_DISTANCE


def test_blazeface_finds_a_small_face_only_in_smaller_squares():
    image = canvas((1300, 400, 0.5), size=(900, 1600))
    assert len(BlazeFace(BlazeFaceConfig(levels=3)).detect(image)) == 1
    (found,) = BlazeFace(BlazeFaceConfig(levels=3)).detect(image)
    assert 1300 < found.points_xy_px[2, 0] < 1300 + 0.5 * IMAGE.shape[1]


def test_blazeface_finds_nothing_where_nothing_is():
    assert BlazeFace().detect(canvas()) == []
    with pytest.raises(InputError, match="no pixels"):
        BlazeFace().detect(np.empty((0, 5, 3), dtype=np.uint8))
