"""The face mesh: 468 points of a face in three dimensions, from one crop, without torch.

Source: Kartynnik, Ablavatski, Grishchenko, Grundmann, "Real-time Facial Surface Geometry from
Monocular Video on Mobile GPUs", CVPR workshop 2019. Weights: ``weights/face_mesh.md``. Coarse and
absolute: its noise is .003 to .005 of the eye distance about the mouth and .001 at the brows;
movements below that are the business of sub-pixel registration.
"""

import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from hmrm.clip import Image
from hmrm.dnn import read_tflite
from hmrm.faces.align import apply, invert, warp
from hmrm.faces.boxes import Detection
from hmrm.faces.crops import Transform
from hmrm.faces.mesh_points import EYE_CORNERS, POINT_COUNT

INPUT_PX = 192
CROP_SCALE = 1.5
"""Side of the crop over the longer side of the face's box, as the network was trained."""

_OUTPUTS = ("conv2d_20", "conv2d_30")


@dataclass(frozen=True, kw_only=True, eq=False)
class Mesh:
    """One face's mesh.

    Attributes:
        points_xyz_px: px of the image; z towards the back of the head, px of the same scale, from
            the network's own zero.
        presence: 0 to 1, whether a face is in the crop at all; the network's own, not calibrated.
    """

    points_xyz_px: Float[np.ndarray, "468 3"]
    presence: float


@dataclass(frozen=True, kw_only=True)
class MeshCrop:
    """An upright square around a face: centre and side in px of the image, turn in rad."""

    centre_xy_px: tuple[float, float]
    side_px: float
    turn_rad: float

    @classmethod
    def around(cls, points_xyz_px: Float[np.ndarray, "468 3"]) -> "MeshCrop":
        """The crop that a mesh asks for, as in tracking: its box along the eyes, 1.5 times."""
        points = points_xyz_px[:, :2]
        left, right = points[EYE_CORNERS[0]], points[EYE_CORNERS[3]]
        turn = math.atan2(right[1] - left[1], right[0] - left[0])
        upright = _rotation(turn)
        placed = points @ upright.T
        low, high = placed.min(axis=0), placed.max(axis=0)
        x, y = upright.T @ ((low + high) / 2)
        return cls(
            centre_xy_px=(float(x), float(y)),
            side_px=CROP_SCALE * float((high - low).max()),
            turn_rad=turn,
        )

    @classmethod
    def of_detection(cls, detection: Detection) -> "MeshCrop":
        """The crop that a detection asks for."""
        x1, y1, x2, y2 = detection.box_xyxy_px
        left, right = detection.points_xy_px[:2]
        return cls(
            centre_xy_px=((x1 + x2) / 2, (y1 + y2) / 2),
            side_px=CROP_SCALE * max(x2 - x1, y2 - y1),
            turn_rad=math.atan2(float(right[1] - left[1]), float(right[0] - left[0])),
        )

    @property
    def to_crop(self) -> Transform:
        """Image px → px of the network's input; pixel centres at whole numbers in both."""
        scaled = INPUT_PX / self.side_px * _rotation(self.turn_rad)
        shift = (INPUT_PX - 1) / 2 - scaled @ np.array(self.centre_xy_px)
        return np.concatenate([scaled, shift[:, None]], axis=1)


class FaceMesh:
    """The network; the same image and crop always give the same mesh.

    Raises:
        WeightsError: the weight file is missing, damaged, or this OpenCV cannot read it.
    """

    def __init__(self, *, weights: Path | None = None) -> None:
        path = weights or Path(str(resources.files("hmrm") / "weights" / "face_mesh.tflite"))
        self._net = read_tflite(path, outputs=_OUTPUTS)

    def fit(self, image: Image, crop: MeshCrop) -> Mesh:
        """The mesh of the face in a crop; it is always given: look at ``presence``."""
        to_crop = crop.to_crop
        blob = cv2.dnn.blobFromImage(_rgb(warp(image, to_crop, INPUT_PX)), 1 / 255)
        self._net.setInput(blob)
        points, presence = self._net.forward(_OUTPUTS)
        placed = np.asarray(points, dtype=np.float64).reshape(POINT_COUNT, 3)
        # The network counts from the crop's edge, this package from its first pixel's centre.
        placed[:, :2] = apply(invert(to_crop), placed[:, :2] - 0.5)
        placed[:, 2] *= crop.side_px / INPUT_PX
        logit = float(np.asarray(presence).ravel()[0])
        return Mesh(
            points_xyz_px=placed, presence=1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))
        )

    def settled(self, image: Image, detection: Detection, *, rounds: int = 3) -> Mesh:
        """The mesh of a detected face; its last crop is its mesh's own, not the detector's."""
        mesh = self.fit(image, MeshCrop.of_detection(detection))
        for _ in range(rounds):
            mesh = self.fit(image, MeshCrop.around(mesh.points_xyz_px))
        return mesh


def _rotation(turn_rad: float) -> Float[np.ndarray, "2 2"]:
    cos, sin = math.cos(turn_rad), math.sin(turn_rad)
    return np.array([[cos, sin], [-sin, cos]])


def _rgb(image: Image) -> UInt8[np.ndarray, "h2 w2 3"]:
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
