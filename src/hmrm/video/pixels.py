"""Decoded images of any pixel format → upright uint8, grey or RGB.

Grey stays ``(h, w)``, everything else becomes RGB ``(h, w, 3)``. Deeper images are scaled over
their full range and rounded, never dithered: a dither pattern moves with the brightness below it
and would be read as motion. Alpha is ignored: a transparent pixel keeps the colour that is stored.
"""

import struct

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.reformatter import ColorRange, Interpolation
from jaxtyping import UInt8, UInt16

from hmrm.clip import Image
from hmrm.video import planes

# The default fast path of swscale is 1.3 grey levels too dark and off by up to 2.5; these flags
# leave rounding only (0.19 rms) and give the same bytes on every processor.
_EXACT = (
    Interpolation.BILINEAR
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)

_EXACT_OUT = _EXACT | Interpolation.FULL_CHR_H_INP

_LIMITED_TO_FULL = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)

Orientation = tuple[bool, bool, bool]
"""Transpose first, then mirror left–right, then mirror top–bottom."""

UPRIGHT: Orientation = (False, False, False)


def from_frame(frame: av.VideoFrame, orientation: Orientation) -> Image:
    """The frame's image as uint8, turned upright."""
    if is_grey(frame):
        image = _grey(frame)
    elif frame.format.is_rgb and _depth_bits(frame) > 8:
        image = from_16_bit(_array(frame, "rgb48le"))
    elif planes.is_usual(frame):
        image = planes.rgb(frame)
    else:
        image = _array(frame, "rgb24")
    return turned(image, orientation)


def to_frame(image: Image, pixel_format: str) -> av.VideoFrame:
    """The image in an encoder's pixel format."""
    frame = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(image), format="gray" if image.ndim == 2 else "rgb24"
    )
    return frame.reformat(format=pixel_format, interpolation=_EXACT_OUT, threads=1)


def is_grey(frame: av.VideoFrame) -> bool:
    """Whether the pixel format has brightness only (perhaps with alpha)."""
    return frame.format.name.startswith(("gray", "ya8", "ya16", "mono"))


def from_16_bit(image: UInt16[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """Full range 0…65535 → 0…255, rounded to the nearest."""
    shape = image.shape
    # OpenCV takes at most a few channels; as one plane any shape is the same work.
    flat = np.ascontiguousarray(image).reshape(shape[0], -1)
    return cv2.convertScaleAbs(flat, alpha=1 / 257).reshape(shape)


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """How to turn the frame's image, from its display matrix, to the nearest right angle."""
    found = frame.side_data.get("DISPLAYMATRIX")
    matrix = bytes(found) if isinstance(found, SideData) else b""
    if len(matrix) < 36:
        return UPRIGHT
    a, b, _, c, d = struct.unpack("=9i", matrix[:36])[:5]
    # The matrix sends (x, y) to (a·x + c·y, b·x + d·y), y downwards.
    if abs(b) + abs(c) > abs(a) + abs(d):
        return (True, c < 0, b < 0)
    return (False, a < 0, d < 0)


def turned(
    image: UInt8[np.ndarray, "h w *channels"], orientation: Orientation
) -> UInt8[np.ndarray, "upright_h upright_w *channels"]:
    """The image, transposed and mirrored as ``orientation`` states."""
    transpose, mirror_x, mirror_y = orientation
    if not any(orientation):
        return image
    if transpose:
        image = np.swapaxes(image, 0, 1)
    if mirror_x:
        image = image[:, ::-1]
    if mirror_y:
        image = image[::-1]
    return np.ascontiguousarray(image)


def as_kind(image: Image, *, grey: bool) -> Image:
    """The image as grey ``(h, w)`` or as RGB ``(h, w, 3)``; BT.601 weights for brightness."""
    if grey == (image.ndim == 2):
        return image
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY if grey else cv2.COLOR_GRAY2RGB)


def _grey(frame: av.VideoFrame) -> UInt8[np.ndarray, "h w"]:
    image: UInt8[np.ndarray, "h w"]
    if _depth_bits(frame) > 8:
        image = from_16_bit(_array(frame, "gray16le"))
    else:
        image = _array(frame, "gray")
    # swscale takes every grey format for full range, whatever the stream says.
    return _LIMITED_TO_FULL[image] if frame.color_range == ColorRange.MPEG else image


def _depth_bits(frame: av.VideoFrame) -> int:
    return max(component.bits for component in frame.format.components)


def _array(frame: av.VideoFrame, pixel_format: str) -> np.ndarray:
    return frame.reformat(format=pixel_format, interpolation=_EXACT, threads=1).to_ndarray()
