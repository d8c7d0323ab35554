"""Every named face crop: where the face lies in it, and how crops of other programs lie in ours.

The canonical crop ``hmrm-1`` is where the public onset-to-apex maps of the field have the face
(eyes at x = 0.215 and 0.785, y = 0.27; mouth corners at y = 0.68). From eyes to mouth real faces
measure 1.04 eye distances, so that rectangle is 1.45 times as high as wide, and a *square* of it
shows the face squeezed vertically. Maps are such squares (28 x 28). Images of ``IMAGE_WH_PX``
are not squeezed: only there a turn of the head is a rotation and makes no strain.
"""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Transform = Float[np.ndarray, "2 3"]

IMAGE_WH_PX = (224, 324)
"""Width and height of a canonical image that is not squeezed."""

CANONICAL_CROP = "hmrm-1"


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A named rectangle of the upright face.

    Attributes:
        name: written next to every map taken in it.
        eyes_xy: where the middle between the eye centres lies, in the crop's 0 to 1.
        eye_distance_wh: the eye distance as a fraction of the crop's width and of its height.
    """

    name: str
    eyes_xy: tuple[float, float]
    eye_distance_wh: tuple[float, float]

    @property
    def from_face(self) -> Transform:
        """Face frame → crop."""
        (x, y), (w, h) = self.eyes_xy, self.eye_distance_wh
        return np.array([[w, 0.0, x], [0.0, h, y]])


_ACROSS, _DOWN = 0.57, 0.57 * IMAGE_WH_PX[0] / IMAGE_WH_PX[1]
CANONICAL = Crop(name=CANONICAL_CROP, eyes_xy=(0.5, 0.27), eye_distance_wh=(_ACROSS, _DOWN))
"""The crop of every image and map that this package makes; the rendering of the public maps
``norm_u_v_os`` of STSTNet and HTNet."""


@dataclass(frozen=True, kw_only=True)
class CropBox:
    """Where the canonical crop lies in another program's, as fractions of its height and width."""

    top: float
    bottom: float
    left: float
    right: float


CROPS: dict[str, CropBox] = {
    CANONICAL_CROP: CropBox(top=0.0, bottom=1.0, left=0.0, right=1.0),
    # Eyes at x = .215 and .785, y = .27, mouth corners at y ≈ .68: the canonical crop itself.
    "norm-u-v-os": CropBox(top=0.0, bottom=1.0, left=0.0, right=1.0),
    # Rows 4…28 and columns 1…27 of 28, from `geometry.measure_face` on the 442 maps, without
    # their labels: eyes in row 9.9, columns 5.9 and 21.0, mouth in rows 19.8 to 20.3.
    "megc2019-flow": CropBox(top=4 / 28, bottom=1.0, left=1 / 28, right=27 / 28),
}
"""Every crop that a map may be declared in, and its place relative to hmrm-1."""

_MEASURED = re.compile(r"measured:(-?\d\.\d{4}),(-?\d\.\d{4}),(-?\d\.\d{4}),(-?\d\.\d{4})")


def measured_crop(box: CropBox) -> str:
    """Name of a crop that has none: its place itself, in fractions to four decimals.

    Example:
        >>> from hmrm.faces.crops import CropBox, crop_box, measured_crop
        >>> name = measured_crop(CropBox(top=0.1, bottom=1, left=0, right=0.9))
        >>> name
        'measured:0.1000,1.0000,0.0000,0.9000'
        >>> crop_box(name).right
        0.9
    """
    places = (box.top, box.bottom, box.left, box.right)
    return "measured:" + ",".join(f"{place:.4f}" for place in places)


def crop_box(name: str) -> CropBox:
    """Where the canonical crop lies in the crop of that name, of `CROPS` or measured.

    Raises:
        KeyError: neither.
    """
    measured = _MEASURED.fullmatch(name)
    if measured is None:
        return CROPS[name]
    top, bottom, left, right = map(float, measured.groups())
    if not (0 < bottom - top < 10 and 0 < right - left < 10):
        raise KeyError(name)
    return CropBox(top=top, bottom=bottom, left=left, right=right)
