"""Clips whose every frame tells its own number, for tests of the video room."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from hmrm.clip import Image


def pattern(index: int, *, width: int = 64, height: int = 48) -> Image:
    """Smooth colour waves, shifted by ``index``; no two frames of a short clip are equal."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    phase = 2 * np.pi * ((x + index) / 40 + y / 55)
    waves = np.stack([np.sin(phase), np.cos(0.7 * phase), np.sin(0.5 * phase + index / 9)], -1)
    return np.rint(127.5 + 110 * waves).astype(np.uint8)


def grey_pattern(index: int, *, width: int = 64, height: int = 48) -> Image:
    """The first channel of ``pattern``."""
    return np.ascontiguousarray(pattern(index, width=width, height=height)[..., 0])


def patterns(count: int, *, width: int = 64, height: int = 48) -> list[Image]:
    """The first ``count`` frames."""
    return [pattern(i, width=width, height=height) for i in range(count)]


def write_images(folder: Path, images: list[Image], *, name: str = "img{}.png", first: int = 1):
    """Image files in a new folder; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, image in enumerate(images, start=first):
        path = folder / name.format(number)
        bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        assert cv2.imwrite(str(path), bgr)
        paths.append(path)
    return paths


def write_raw(
    path: Path,
    frame: av.VideoFrame,
    *,
    codec: str = "ffv1",
    color_range: int = 0,
    colorspace: int = 2,
    aspect: Fraction = Fraction(1),
    options: dict[str, str] | None = None,
):
    """Three times the same frame, in its own pixel format, for what ``write_video`` never makes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height = frame.width, frame.height
        stream.pix_fmt = frame.format.name
        stream.codec_context.color_range = color_range
        stream.codec_context.colorspace = colorspace
        stream.codec_context.sample_aspect_ratio = aspect
        for index in range(3):
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def filled(pixel_format: str, values: tuple[int, ...], *, width: int = 64, height: int = 48):
    """A frame whose component ``i`` holds ``values[i]`` everywhere (little-endian samples)."""
    frame = av.VideoFrame(width, height, pixel_format)
    deep = max(c.bits for c in frame.format.components) > 8
    for number, plane in enumerate(frame.planes):
        inside = [
            v for v, c in zip(values, frame.format.components, strict=True) if c.plane == number
        ]
        row = np.tile(np.array(inside, "<u2" if deep else "u1"), plane.width)
        rows = np.zeros((plane.height, plane.line_size // row.itemsize), row.dtype)
        rows[:, : row.size] = row
        plane.update(rows.tobytes())
    return frame
