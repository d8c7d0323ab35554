"""68 landmarks of a detected face, with the optional extra ``[dlib]``.

The numbering is iBUG 300-W's: 0 to 16 jaw, 17 to 26 brows, 27 to 35 nose, 36 to 47 eyes, 48 to 67
mouth, image left before right. Method: Kazemi and Sullivan, "One Millisecond Face Alignment with
an Ensemble of Regression Trees", CVPR 2014, as in dlib. Without the extra a detection's 5 points
align a face; the paper aligns by 68. `alignment_points` gives either.

The model was trained on iBUG 300-W, whose licence excludes commercial use; hmrm does not ship it.
"""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float

from hmrm.clip import Image
from hmrm.errors import MissingExtraError, WeightsError
from hmrm.faces.align import apply, invert

Landmarks = Literal[5, 68]
"""How many points align a face: the detector's, or the paper's."""

AlignedBy = Literal["mesh", 5, 68]
"""What the crops of a movement are aligned by: the same five points out of the face mesh, those of
MTCNN, or the paper's 68."""

VARIABLE = "HMRM_DLIB_LANDMARKS"
FILE_NAME = "shape_predictor_68_face_landmarks.dat"
DEBIAN_FOLDER = Path("/usr/share/dlib")

# dlib rounds its points to whole px, so the face is shown to it this large.
_SIDE_PX = 512
# The model expects a square around brows and chin; MTCNN's box is higher than wide, and its square
# sits a little below the middle.
_CENTRE_DOWN = 0.58
_MARGIN = 0.4


@runtime_checkable
class FoundFace(Protocol):
    """A face that was detected or followed; ``Detection`` is."""

    @property
    def box_xyxy_px(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of its box, px of the image."""

    @property
    def points_xy_px(self) -> Float[np.ndarray, "5 2"]:
        """Eyes, nose tip and mouth corners, px of the image."""


def alignment_points(
    image: Image, face: FoundFace, landmarks: Landmarks = 5
) -> Float[np.ndarray, "p 2"]:
    """The points by which a face is aligned (``align.canonical_transform`` takes either).

    Args:
        landmarks: 5 are the face's own; 68 are found in its box.

    Raises:
        MissingExtraError: 68 are asked for and dlib or its model is not installed.
        WeightsError: the landmark model is unusable.
    """
    return face.points_xy_px if landmarks == 5 else landmarker().find(image, face)


@cache
def landmarker() -> "Landmarker":
    """The installed landmark model, read once for each process.

    Raises:
        MissingExtraError: dlib or its model is not installed.
        WeightsError: the file is not such a model.
    """
    return Landmarker()


def find_model() -> Path:
    """The model file: environment variable, Debian's ``libdlib-data``, then the Python package.

    Raises:
        WeightsError: the environment variable names a file that does not exist.
        MissingExtraError: none of the three has it.
    """
    if named := os.environ.get(VARIABLE):
        if not Path(named).is_file():
            raise WeightsError(f"{VARIABLE}={named}: no such file; correct or unset the variable")
        return Path(named)
    places = [DEBIAN_FOLDER / FILE_NAME]
    # Found, not imported: the package's own code needs pkg_resources, which is often absent.
    spec = find_spec("face_recognition_models")
    if spec is not None and spec.origin is not None:
        places.append(Path(spec.origin).parent / "models" / FILE_NAME)
    for place in places:
        if place.is_file():
            return place
    raise MissingExtraError(
        "68 landmarks need dlib's model, which was not found; run: pip install 'hmrm[dlib]', "
        f"or install Debian's libdlib-data, or set {VARIABLE} to {FILE_NAME}"
    )


class Landmarker:
    """Find 68 landmarks in detected faces; same image and box, same landmarks.

    Raises:
        MissingExtraError: dlib or its model is not installed.
        WeightsError: the file is not such a model.
    """

    def __init__(self, model: Path | None = None) -> None:
        try:
            import dlib
        except ImportError as error:
            raise MissingExtraError(
                f"68 landmarks need dlib, which is not installed ({error}); "
                "run: pip install 'hmrm[dlib]', or align by 5 points"
            ) from error
        self.model = model or find_model()
        try:
            self._predictor: Any = dlib.shape_predictor(str(self.model))
        except RuntimeError as error:
            raise WeightsError(
                f"{self.model}: not a dlib shape predictor ({error}); give {FILE_NAME}"
            ) from error
        self._rectangle: Any = dlib.rectangle

    def find(self, image: Image, face: FoundFace) -> Float[np.ndarray, "68 2"]:
        """Landmarks (x, y) in px of the image; where the face is hidden they are guesses.

        Raises:
            WeightsError: the model gives another number of points than 68.
        """
        x1, y1, x2, y2 = face.box_xyxy_px
        side = x2 - x1
        centre = np.array([(x1 + x2) / 2, y1 + _CENTRE_DOWN * (y2 - y1)])
        scale = _SIDE_PX / side
        margin = round(_MARGIN * _SIDE_PX)
        shift = margin + _SIDE_PX / 2 - scale * centre
        to_view = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
        extent = _SIDE_PX + 2 * margin
        view = cv2.warpAffine(
            image,
            to_view,
            (extent, extent),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        near, far = margin, margin + _SIDE_PX - 1
        shape = self._predictor(view, self._rectangle(near, near, far, far))
        if shape.num_parts != 68:
            raise WeightsError(f"landmark model gives {shape.num_parts} points; give {FILE_NAME}")
        points = np.array([(p.x, p.y) for p in shape.parts()], dtype=np.float64)
        return apply(invert(to_view), points)
