"""The transform into a face crop (``crops.py``), and images through it.

Three systems of coordinates meet here:

- *image px*: pixel centres at whole numbers, as OpenCV has it;
- *crop*: 0 to 1 from the left and from the top edge of the crop, whatever its pixel size, so that
  mirroring is ``x → 1 - x`` and no resolution is special. Pixel ``i`` of ``n`` has its centre at
  ``(i + 0.5) / n``;
- *face frame*: origin between the eye centres, x along the eyes to the image's right, y down,
  the unit is the eye distance. It is isotropic.
"""

import math

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from hmrm.clip import Image, Pair
from hmrm.errors import InputError
from hmrm.faces.crops import CANONICAL, IMAGE_WH_PX, Crop, Transform
from hmrm.faces.shape import MEAN_FACE_68, five_points

Points = Float[np.ndarray, "n 2"]
SizeWH = int | tuple[int, int]
Other = UInt8[np.ndarray, "h3 w3"] | UInt8[np.ndarray, "h3 w3 3"]
Warped = UInt8[np.ndarray, "h2 w2"] | UInt8[np.ndarray, "h2 w2 3"]


def similarity(
    source: Points, target: Float[np.ndarray, "m 2"], weights: Float[np.ndarray, " n"] | None = None
) -> Transform:
    """Turn, scale and shift that bring ``source`` nearest to ``target`` in least squares.

    No shear, no mirroring. With complex numbers it is a linear regression ``target ≈ a·source + b``
    with one complex slope (Umeyama 1991, in the plane).

    Args:
        weights: of the squared distances, 0 or more; equal if None.

    Raises:
        InputError: fewer than two different, finite points, or not as many in both.
    """
    if len(source) != len(target):
        raise InputError(f"similarity: {len(source)} points against {len(target)}")
    w = np.ones(len(source)) if weights is None else weights
    total = float(w.sum())
    p, q = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    if not (total > 0 and np.isfinite(p).all() and np.isfinite(q).all()):
        raise InputError("similarity: needs finite points that have weight")
    p_mean, q_mean = (w @ p) / total, (w @ q) / total
    p, q = p - p_mean, q - q_mean
    spread = float(w @ np.abs(p) ** 2)
    if spread <= 0:
        raise InputError("similarity: all points lie on one place; check them")
    a = (w @ (np.conj(p) * q)) / spread
    b = q_mean - a * p_mean
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def apply(transform: Transform, points: Points) -> Points:
    """Points moved by an affine transform."""
    return points @ transform[:, :2].T + transform[:, 2]


def compose(second: Transform, first: Transform) -> Transform:
    """The transform that does ``first``, then ``second``."""
    both = second[:, :2] @ first
    both[:, 2] += second[:, 2]
    return both


def invert(transform: Transform) -> Transform:
    """The transform that undoes ``transform``."""
    return cv2.invertAffineTransform(np.asarray(transform, dtype=np.float64))


def to_pixels(size_wh_px: SizeWH) -> Transform:
    """Crop (0 to 1) → px of an image of that size."""
    width, height = _wh(size_wh_px)
    return np.array([[width, 0, -0.5], [0, height, -0.5]], dtype=np.float64)


def canonical_transform(
    points_xy_px: Float[np.ndarray, "p 2"],
    size_wh_px: SizeWH = IMAGE_WH_PX,
    *,
    crop: Crop = CANONICAL,
) -> Transform:
    """Image px → crop px, from the 5 points of a detection or from 68 landmarks.

    A similarity in least squares to the average face, followed by the crop's fixed rectangle.
    68 landmarks are first brought to the same 5 points, so both kinds give the same crop.

    Args:
        points_xy_px: image-left eye, image-right eye, nose tip, image-left and image-right mouth
            corner; or the 68 landmarks of the iBUG scheme.
        size_wh_px: ``(width, height)``; one number is a square, in which the face is squeezed
            vertically (see the module's head).

    Raises:
        InputError: neither 5 nor 68 points, or points that coincide.
    """
    if len(points_xy_px) not in (5, 68):
        raise InputError(
            f"alignment: got {len(points_xy_px)} points; give a detection's 5 or 68 landmarks"
        )
    five = five_points(points_xy_px) if len(points_xy_px) == 68 else points_xy_px
    to_face = similarity(five, five_points(MEAN_FACE_68))
    return compose(to_pixels(size_wh_px), compose(crop.from_face, to_face))


def warp(image: Image, transform: Transform, size_wh_px: SizeWH = IMAGE_WH_PX) -> Warped:
    """The image in the crop: bilinear, the border repeated outside the image.

    A face more than twice as large as in the crop is first shrunk by area averaging, as bilinear
    sampling would skip pixels and turn texture into flicker. Black instead of the repeated border
    would put a strong edge into the crop.
    """
    scale = math.sqrt(abs(float(np.linalg.det(transform[:, :2]))))
    if 0 < scale <= 0.5:
        image, transform = _shrunk(image, transform, size_wh_px, math.floor(1 / scale))
    return cv2.warpAffine(
        image,
        transform,
        _wh(size_wh_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _shrunk(
    image: Image, transform: Transform, size_wh_px: SizeWH, factor: int
) -> tuple[Warped, Transform]:
    """The part of the image that the crop shows, shrunk by block means, and its transform."""
    width, height = _wh(size_wh_px)
    seen = apply(invert(transform), np.array([[0.0, 0], [width, 0], [0, height], [width, height]]))
    sides = np.array(image.shape[1::-1])
    # Whole blocks from the image's corner on, so that the blocks do not depend on the part; one
    # more on each side for the interpolation, and at least one where the crop lies outside.
    low = np.clip(np.floor(seen.min(axis=0) / factor) - 2, 0, (sides - 1) // factor).astype(int)
    high = np.ceil(seen.max(axis=0) / factor).astype(int) + 3
    high = np.clip(high, low + 1, -(-sides // factor))
    (x1, y1), (x2, y2) = low * factor, high * factor
    part = image[y1:y2, x1:x2]
    below, beyond = max(0, int(y2) - image.shape[0]), max(0, int(x2) - image.shape[1])
    if below or beyond:
        part = cv2.copyMakeBorder(part, 0, below, 0, beyond, cv2.BORDER_REPLICATE)
    blocks = (int(high[0] - low[0]), int(high[1] - low[1]))
    small = cv2.resize(part, blocks, interpolation=cv2.INTER_AREA)
    shift = low * factor + (factor - 1) / 2
    return small, compose(transform, np.array([[factor, 0, shift[0]], [0, factor, shift[1]]]))


def align_pair(
    onset: Image,
    apex: Other,
    transform: Transform,
    size_wh_px: SizeWH = IMAGE_WH_PX,
    *,
    onset_index: int = 0,
    apex_index: int = 1,
) -> Pair:
    """Onset and apex through the *same* transform, the onset's.

    One of its own for the apex would turn the jitter of its points into motion of the whole face.

    Raises:
        InputError: the two images differ in size.
    """
    if onset.shape[:2] != apex.shape[:2]:
        raise InputError(
            f"alignment: onset is {onset.shape[1]} x {onset.shape[0]} px, apex "
            f"{apex.shape[1]} x {apex.shape[0]}; give two frames of one video"
        )
    return Pair(
        onset=warp(onset, transform, size_wh_px),
        apex=warp(apex, transform, size_wh_px),
        onset_index=onset_index,
        apex_index=apex_index,
    )


def canonical_landmarks68(crop: Crop = CANONICAL) -> Float[np.ndarray, "68 2"]:
    """The average 68 landmarks in the crop, 0 to 1; jaw points may lie outside."""
    return apply(crop.from_face, MEAN_FACE_68)


def _wh(size: SizeWH) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size
