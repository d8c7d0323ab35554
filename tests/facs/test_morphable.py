"""The morphable source, on a made-up model; and on the real one where it is at hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from hmrm.errors import ConfigError, DataError
from hmrm.faces.align import canonical_landmarks68
from hmrm.faces.shape import MEAN_FACE_68
from hmrm.facs.atlas import IMAGE_PX, ActionUnit, AtlasSource
from hmrm.facs.morphable import (
    FACE_VERTICES,
    SHAPES,
    FacePose,
    MorphableModel,
    MorphableSource,
    load_model,
    save_compact,
)

REAL = Path(__file__).parents[2].parent / "shared/data/ict_face/ict_face.npz"
SIDE = 97  # squared, it is FACE_VERTICES
CM_PER_EYE_DISTANCE = 6.3


def made_up_model() -> MorphableModel:
    """A bulging sheet with the mean face's landmarks and one bump of motion per shape."""
    x, y = np.meshgrid(np.linspace(-1.6, 1.6, SIDE), np.linspace(1.2, -2.2, SIDE))
    depth = 1.0 - 0.2 * (x**2 + (y + 0.5) ** 2)
    neutral = np.stack([x, y, depth], axis=-1).reshape(-1, 3) * CM_PER_EYE_DISTANCE
    target = MEAN_FACE_68 * [1.0, -1.0] * CM_PER_EYE_DISTANCE
    far = np.linalg.norm(neutral[None, :, :2] - target[:, None], axis=2)
    landmarks = far.argmin(axis=1)
    names = sorted({name for shapes in SHAPES.values() for name in shapes} - {"jawOpen"})
    paired = [f"{name}_{side}" for name in names for side in "LR"]
    paired += [f"eyeLook{way}_{side}" for way in ("In", "Out") for side in "LR"]
    names = [*sorted(set(paired)), "jawOpen"]
    rng = np.random.default_rng(0)
    shapes = []
    for name in names:
        centre = rng.uniform([0.3, -1.2], [0.7, 0.3]) * CM_PER_EYE_DISTANCE
        # The person's left is image right, where x is positive.
        centre[0] *= {"_L": 1.0, "_R": -1.0}.get(name[-2:], 0.0)
        near = np.exp(-0.5 * ((neutral[:, :2] - centre) ** 2).sum(axis=1) / 1.5**2)
        shapes.append(near[:, None] * rng.normal(size=3))
    cells = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a, b, c, d = (cells[i : SIDE - 1 + i, j : SIDE - 1 + j].ravel() for i, j in
                  ((0, 0), (0, 1), (1, 1), (1, 0)))  # fmt: skip
    wide = neutral * [0.02, 0.0, 0.0]
    return MorphableModel(
        neutral=neutral,
        identity=np.stack([wide, neutral * [0.0, 0.03, 0.0]]),
        expression=np.stack(shapes),
        expression_names=tuple(names),
        triangles=np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]),
        landmarks=landmarks,
    )


MODEL = made_up_model()


def write_folder(folder: Path) -> None:
    folder.mkdir()
    cells = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    quads = np.stack(
        [cells[:-1, :-1].ravel(), cells[:-1, 1:].ravel(), cells[1:, 1:].ravel(),
         cells[1:, :-1].ravel()], axis=1,
    )  # fmt: skip

    def write(name: str, vertices: np.ndarray) -> None:
        lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
        lines += ["f " + " ".join(f"{i + 1}/1/1" for i in quad) for quad in quads]
        (folder / f"{name}.obj").write_text("# a face\n" + "\n".join(lines) + "\n")

    write("generic_neutral_mesh", MODEL.neutral)
    write("identity000", MODEL.neutral + MODEL.identity[0])
    for name in ("jawOpen", "mouthSmile_L", "mouthSmile_R"):
        write(name, MODEL.neutral + MODEL.expression[MODEL.expression_names.index(name)])
    listed = {"idx_to_landmark_verts": MODEL.landmarks.tolist()}
    (folder / "vertex_indices.json").write_text(json.dumps(listed))


def test_vertices_of_the_sheet_are_as_many_as_the_models() -> None:
    assert SIDE * SIDE == FACE_VERTICES


def test_landmarks_lie_where_the_crop_puts_the_mean_face() -> None:
    source = MorphableSource(MODEL)
    expected = canonical_landmarks68() * IMAGE_PX
    # Vertices are 0.03 eye distances apart, 4 px.
    assert np.abs(source.landmarks_xy_px - expected).max() < 4.5


def test_flow_of_a_shape_is_its_projection() -> None:
    """Brute force: displace the vertices, project both, and compare at vertices in view."""
    source = MorphableSource(MODEL)
    flow = source.flow([ActionUnit(12, "both", 1.0)], size=224)
    shape = sum(
        MODEL.expression[MODEL.expression_names.index(f"mouthSmile_{side}")] for side in "LR"
    )
    scale = np.linalg.norm(np.diff(source.landmarks_xy_px[[36, 45]], axis=0)) / np.linalg.norm(
        np.diff(MODEL.neutral[MODEL.landmarks[[36, 45]], :2], axis=0)
    )
    moved = shape[:, :2] * [1.0, -1.0] * scale
    at = source._points_px * [1.0, 224 / 324]
    inside = ((at > 4) & (at < 220)).all(axis=1)
    read = flow[:, at[inside, 1].astype(int), at[inside, 0].astype(int)].T
    seen = moved[inside] / np.linalg.norm(moved[inside], axis=1).max()
    # Half a sample of 1.4 px between the vertex and the sample read.
    np.testing.assert_allclose(read, seen, atol=0.04)


def test_intensity_is_the_peak_and_flow_is_linear() -> None:
    source = MorphableSource(MODEL)
    for number in SHAPES:
        flow = source.flow([ActionUnit(number, "left", 2.0)], size=28)
        assert np.hypot(*flow).max() == pytest.approx(2.0, rel=1e-4), number
    both = source.flow([ActionUnit(4), ActionUnit(12, "both", 0.5)], size=28)
    parts = source.flow([ActionUnit(4)], size=28) + 0.5 * source.flow([ActionUnit(12)], size=28)
    np.testing.assert_allclose(both, parts, atol=1e-6)
    assert not source.flow([ActionUnit(12, "both", 0.0)], size=28).any()


def test_one_side_moves_alone() -> None:
    flow = MorphableSource(MODEL).flow([ActionUnit(12, "left")], size=28)
    lengths = np.hypot(*flow)
    assert lengths[:, :14].max() > 0.9 and lengths[:, 18:].max() < 0.05


def test_turning_the_head_changes_the_field_and_depth_faces_the_viewer() -> None:
    ahead, turned = MorphableSource(MODEL), MorphableSource(MODEL, FacePose(yaw_deg=15.0))
    unit = [ActionUnit(12)]
    assert np.abs(ahead.flow(unit, 28) - turned.flow(unit, 28)).max() > 0.05
    depth = ahead.depth_px(28)
    assert depth[12, 14] == pytest.approx(depth.max(), abs=5.0)


def test_turning_right_brings_what_is_near_to_image_right() -> None:
    sheet = MorphableSource(MODEL)
    turned = MorphableSource(MODEL, FacePose(yaw_deg=10.0))
    tip, rim = 30, 0
    nearer = turned.landmarks_xy_px[tip, 0] - sheet.landmarks_xy_px[tip, 0]
    further = turned.landmarks_xy_px[rim, 0] - sheet.landmarks_xy_px[rim, 0]
    assert nearer > further


def test_folder_and_compact_file_are_the_same_model(tmp_path: Path) -> None:
    write_folder(tmp_path / "FaceXModel")
    save_compact(tmp_path / "FaceXModel", tmp_path / "face.npz")
    from_folder, compact = load_model(tmp_path / "FaceXModel"), load_model(tmp_path / "face.npz")
    assert from_folder.expression_names == ("jawOpen", "mouthSmile_L", "mouthSmile_R")
    # float16 keeps 3 digits of shapes of a few cm.
    np.testing.assert_allclose(from_folder.expression, compact.expression, atol=5e-3)
    np.testing.assert_allclose(from_folder.neutral, compact.neutral, atol=1e-5)
    unit = [ActionUnit(12)]
    np.testing.assert_allclose(
        MorphableSource(from_folder).flow(unit, 28), MorphableSource(MODEL).flow(unit, 28),
        atol=1e-3,
    )  # fmt: skip


def test_wrong_models_and_poses_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="FaceXModel"):
        load_model(tmp_path / "none.npz")
    with pytest.raises(DataError, match="generic_neutral_mesh"):
        load_model(tmp_path)
    (tmp_path / "odd.npz").write_bytes(b"no zip")
    with pytest.raises(DataError, match="ICT-FaceKit"):
        load_model(tmp_path / "odd.npz")
    with pytest.raises(ConfigError, match="identity weights"):
        MorphableSource(MODEL, FacePose(identity=(0.0,) * 5))
    with pytest.raises(ConfigError, match="38"):
        MorphableSource(MODEL).flow([ActionUnit(38)], 28)


@pytest.mark.skipif(not REAL.exists(), reason="the morphable face is not in ../shared")
def test_real_model_moves_as_the_atlas_says() -> None:
    real, atlas = MorphableSource(load_model(REAL)), AtlasSource()
    for number in (1, 2, 4, 12, 15, 17, 26):
        a, b = (s.flow([ActionUnit(number)], 28) for s in (real, atlas))
        cosine = (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
        # Measured 0.55 (AU15) to 0.9; two independent descriptions of one movement.
        assert cosine > 0.45, (number, cosine)


@pytest.mark.skipif(not REAL.exists(), reason="the morphable face is not in ../shared")
def test_real_model_has_every_shape_that_the_table_names() -> None:
    source = MorphableSource(load_model(REAL))
    for number in (*SHAPES, 61, 62):
        assert np.hypot(*source.flow([ActionUnit(number)], 28)).max() == pytest.approx(1, rel=1e-4)
