"""A morphable face as a source of motion: its expression shapes, seen from the front or turned.

The model's data stay with the user: give the folder of ICT-FaceKit (``FaceXModel``, MIT licence)
or the compact ``.npz`` that ``save_compact`` makes of it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int

from hmrm import atomic
from hmrm.errors import ConfigError, DataError
from hmrm.faces.align import apply, canonical_transform
from hmrm.facs.atlas import IMAGE_PX, ActionUnit, Side
from hmrm.facs.raster import Visible, rasterise

FACE_VERTICES = 9409
"""The model's first vertices are the face's skin; eyes, teeth and head follow."""

# fmt: off
SHAPES: dict[int, dict[str, float]] = {
    1: {"browInnerUp": 1.0}, 2: {"browOuterUp": 1.0}, 4: {"browDown": 1.0}, 5: {"eyeWide": 1.0},
    6: {"cheekRaiser": 1.0, "eyeSquint": 0.4}, 7: {"eyeSquint": 1.0, "eyeBlink": 0.1},
    9: {"noseSneer": 1.0, "browDown": 0.3}, 10: {"mouthUpperUp": 1.0, "noseSneer": 0.2},
    11: {"mouthUpperUp": 0.6, "noseSneer": 0.5}, 12: {"mouthSmile": 1.0},
    13: {"mouthSmile": 0.5, "mouthUpperUp": 0.5}, 14: {"mouthDimple": 1.0},
    15: {"mouthFrown": 1.0}, 16: {"mouthLowerDown": 1.0},
    17: {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.4}, 18: {"mouthPucker": 1.0},
    20: {"mouthStretch": 1.0}, 22: {"mouthFunnel": 1.0},
    23: {"mouthPress": 1.0, "mouthRollLower": 0.2, "mouthRollUpper": 0.2, "mouthPucker": 0.2},
    24: {"mouthPress": 1.0, "mouthShrugLower": 0.15, "mouthRollUpper": 0.15},
    25: {"mouthLowerDown": 0.8, "mouthUpperUp": 0.25, "jawOpen": 0.03}, 26: {"jawOpen": 1.0},
    27: {"jawOpen": 1.0, "mouthFunnel": 0.3}, 28: {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
    43: {"eyeBlink": 1.0}, 45: {"eyeBlink": 1.0, "eyeSquint": 0.3},
    63: {"eyeLookUp": 1.0}, 64: {"eyeLookDown": 1.0},
}
# fmt: on
"""Action unit → shapes and weights, our reading of both; for paired shapes ``_L`` and ``_R`` are
meant together. The nostrils (38) do not move in this model."""

# Gaze: the person's two eyes turn to one side, one of them in and the other out.
_GAZE = {
    61: {"eyeLookIn_L": 1.0, "eyeLookOut_R": 1.0},
    62: {"eyeLookOut_L": 1.0, "eyeLookIn_R": 1.0},
}

_SAMPLES_ACROSS = 84


@dataclass(frozen=True, kw_only=True, eq=False)
class MorphableModel:
    """Neutral face, identity and expression shapes, in the model's cm; x to image right, y up."""

    neutral: Float[np.ndarray, "v 3"]
    identity: Float[np.ndarray, "i v 3"]
    expression: Float[np.ndarray, "e v 3"]
    expression_names: tuple[str, ...]
    triangles: Int[np.ndarray, "t 3"]
    landmarks: Int[np.ndarray, "68"]


@dataclass(frozen=True, kw_only=True)
class FacePose:
    """Who is seen, and how turned.

    Attributes:
        identity: multiples of the identity shapes (standard deviations), as many as are needed.
        yaw_deg: turn to image right; pitch_deg: turn downwards.
    """

    identity: tuple[float, ...] = ()
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0


def load_model(path: Path) -> MorphableModel:
    """Read a compact ``.npz`` or a folder of ``.obj`` files.

    Raises:
        DataError: no such file, or not this model.
    """
    if path.is_dir():
        return _read_folder(path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            faces = stored["faces"]
            return _build(
                stored["neutral"],
                stored["identity"],
                stored["expression"],
                tuple(str(name) for name in stored["expression_names"]),
                faces,
                stored["landmarks68"],
            )
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"morphable face {path}: cannot be read ({error}); give the folder FaceXModel of "
            "ICT-FaceKit, or the .npz made from it"
        ) from error


def save_compact(folder: Path, target: Path) -> None:
    """Turn the folder of ``.obj`` files into one ``.npz`` that loads in a second.

    Raises:
        DataError: a file of the model is missing or damaged.
        OutputError: ``target`` cannot be written.
    """
    model = _read_folder(folder)
    with atomic.writing(target) as temporary:
        np.savez_compressed(
            temporary,
            neutral=model.neutral.astype(np.float32),
            identity=model.identity.astype(np.float16),
            expression=model.expression.astype(np.float16),
            expression_names=np.array(model.expression_names),
            faces=model.triangles.astype(np.int32),
            landmarks68=model.landmarks.astype(np.int32),
        )


def _build(
    neutral: np.ndarray,
    identity: np.ndarray,
    expression: np.ndarray,
    names: tuple[str, ...],
    faces: np.ndarray,
    landmarks: np.ndarray,
) -> MorphableModel:
    """Keep the skin, cut quads in two, and check that the arrays belong together."""
    skin = faces[(faces < FACE_VERTICES).all(axis=1)]
    triangles = skin if skin.shape[1] == 3 else np.concatenate([skin[:, :3], skin[:, [0, 2, 3]]])
    if landmarks.shape != (68,) or landmarks.max() >= min(FACE_VERTICES, len(neutral)):
        raise ValueError(f"landmarks {landmarks.shape} do not lie on the skin")
    if len(names) != len(expression):
        raise ValueError(f"{len(names)} names for {len(expression)} expression shapes")
    return MorphableModel(
        neutral=neutral[:FACE_VERTICES].astype(np.float64),
        identity=identity[:, :FACE_VERTICES].astype(np.float64),
        expression=expression[:, :FACE_VERTICES].astype(np.float64),
        expression_names=names,
        triangles=triangles.astype(np.int64),
        landmarks=landmarks.astype(np.int64),
    )


def _read_folder(folder: Path) -> MorphableModel:
    try:
        neutral, faces = _read_obj(folder / "generic_neutral_mesh.obj")
        listed = json.loads((folder / "vertex_indices.json").read_text(encoding="utf-8"))
        names = tuple(
            sorted(
                path.stem
                for path in folder.glob("*.obj")
                if path.stem != "generic_neutral_mesh" and not path.stem.startswith("identity")
            )
        )
        identity = [_read_obj(path)[0] for path in sorted(folder.glob("identity*.obj"))]
        expression = [_read_obj(folder / f"{name}.obj")[0] for name in names]
        return _build(
            neutral,
            np.stack(identity) - neutral,
            np.stack(expression) - neutral,
            names,
            faces,
            np.array(listed["idx_to_landmark_verts"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"morphable face {folder}: not the folder FaceXModel of ICT-FaceKit ({error}); it "
            "holds generic_neutral_mesh.obj, vertex_indices.json, identity*.obj and one .obj per "
            "expression"
        ) from error


def _read_obj(path: Path) -> tuple[Float[np.ndarray, "v 3"], Int[np.ndarray, "f k"]]:
    vertices, faces = [], []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith("v "):
                vertices.append([float(n) for n in line.split()[1:4]])
            elif line.startswith("f "):
                faces.append([int(corner.split("/")[0]) - 1 for corner in line.split()[1:]])
    sides = {len(face) for face in faces}
    if sides - {3, 4} or len(sides) > 1:
        raise ValueError(f"{path.name}: faces with {sorted(sides)} corners; 4 are expected")
    return np.array(vertices).reshape(-1, 3), np.array(faces, dtype=np.int64).reshape(
        -1, sides.pop() if sides else 4
    )


class MorphableSource:
    """Action units on one identity in one pose, behind ``MotionSource``.

    Construction turns, projects (orthographically) and rasterises the face once; every flow after
    that is a weighted sum of ready fields. Inside the open eyes and the mouth slit nothing moves.
    """

    def __init__(self, model: MorphableModel, pose: FacePose | None = None) -> None:
        """See the face in ``pose``; the mean face from the front by default.

        Raises:
            ConfigError: more identity weights than the model has shapes.
        """
        pose = pose or FacePose()
        if len(pose.identity) > len(model.identity):
            raise ConfigError(
                f"face pose: {len(pose.identity)} identity weights, the model has "
                f"{len(model.identity)} shapes"
            )
        self._model = model
        rotation = _rotation(pose)
        face = model.neutral.copy()
        for weight, shape in zip(pose.identity, model.identity, strict=False):
            face += weight * shape
        turned = face @ rotation.T
        image = turned[:, :2] * [1.0, -1.0]
        to_crop = canonical_transform(image[model.landmarks])
        to_crop[:, 2] += 0.5
        self._linear = to_crop[:, :2] @ np.diag([1.0, -1.0]) @ rotation[:2]
        self._points_px = apply(to_crop, image)
        self._depth = turned[:, 2]
        self._side_x = face[:, 0]
        self._fields: dict[tuple[int, int, int, Side], np.ndarray] = {}
        self._seen: dict[tuple[int, int], Visible] = {}

    @property
    def landmarks_xy_px(self) -> Float[np.ndarray, "68 2"]:
        """The model's 68 landmarks in this pose, px of the canonical crop."""
        return self._points_px[self._model.landmarks]

    def flow(
        self, units: Sequence[ActionUnit], size: int = 224, margin: float = 0.0
    ) -> Float32[np.ndarray, "2 h w"]:
        """Displacement that the units cause together; see ``MotionSource.flow``."""
        beyond = round(margin * size)
        side = size + 2 * beyond
        total = np.zeros((2, side, side), dtype=np.float32)
        for unit in units:
            total += np.float32(unit.intensity_px) * self._unit(unit, size, beyond)
        return total

    def depth_px(self, size: int = 28, margin: float = 0.0) -> Float32[np.ndarray, "h w"]:
        """Height of the seen face towards the viewer, crop px around its mean; 0 outside of it."""
        beyond = round(margin * size)
        seen = self._visible(size, beyond)
        scale = float(np.sqrt(abs(np.linalg.det(self._linear[:, :2]))))
        depth = (self._depth - self._depth[self._model.landmarks].mean()) * scale
        return _shrink(seen.interpolate(depth[:, None]), size + 2 * beyond)[0]

    def _unit(self, unit: ActionUnit, size: int, beyond: int) -> np.ndarray:
        key = (unit.number, size, beyond, unit.side)
        if key not in self._fields:
            moved = self._displacement(unit.number, unit.side) @ self._linear.T
            field = _shrink(self._visible(size, beyond).interpolate(moved), size + 2 * beyond)
            peak = float(np.hypot(*field).max())
            self._fields[key] = field / np.float32(peak) if peak > 0 else field
        return self._fields[key]

    def _displacement(self, number: int, side: Side) -> Float[np.ndarray, "v 3"]:
        """Displacement of every vertex in 3D, of any overall size."""
        shapes = _GAZE.get(number) or SHAPES.get(number)
        if shapes is None:
            raise ConfigError(
                f"morphable face: cannot show action unit {number}; leave it out, or use the atlas"
            )
        names = self._model.expression_names
        total = np.zeros_like(self._model.neutral)
        for name, weight in shapes.items():
            found = [n for n in (name, f"{name}_L", f"{name}_R") if n in names]
            if not found:
                raise ConfigError(f"morphable face: has no shape {name} for action unit {number}")
            for each in found:
                total += weight * self._model.expression[names.index(each)]
        if side != "both":
            # The person's left is image right. The halves fade into each other over about 1 cm.
            towards = 1.0 if side == "right" else -1.0
            total *= (0.5 + 0.5 * np.tanh(towards * self._side_x / 0.5))[:, None]
        return total

    def _visible(self, size: int, beyond: int) -> Visible:
        if (size, beyond) not in self._seen:
            finer = max(1, round(_SAMPLES_ACROSS / size))
            samples = (size + 2 * beyond) * finer
            scale = size * finer / IMAGE_PX
            xy = self._points_px * scale + beyond * finer
            self._seen[size, beyond] = rasterise(
                np.column_stack([xy, self._depth]),
                self._model.triangles,
                width=samples,
                height=samples,
            )
        return self._seen[size, beyond]


def _rotation(pose: FacePose) -> Float[np.ndarray, "3 3"]:
    yaw, pitch = np.deg2rad([pose.yaw_deg, pose.pitch_deg])
    around_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    around_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    return around_x @ around_y


def _shrink(values: Float[np.ndarray, "h w c"], side: int) -> Float32[np.ndarray, "c s s"]:
    small = cv2.resize(values.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small.reshape(side, side, -1).transpose(2, 0, 1))
