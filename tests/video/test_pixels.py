from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from hypothesis import given
from hypothesis import strategies as st
from moving_pattern import filled, pattern, write_raw

from hmrm.video import pixels
from hmrm.video.reader import open_video


def image_of(tmp_path, frame, **how):
    path = tmp_path / "raw.mkv"
    write_raw(path, frame, **how)
    return open_video(path).frame(1).image


@pytest.mark.parametrize(
    ("pixel_format", "white"),
    [("gray", 255), ("gray10le", 1023), ("gray12le", 4095), ("gray16le", 65535)],
)
@pytest.mark.parametrize("fraction", [0.0, 0.114, 0.5, 0.731, 1.0])
def test_grey_of_any_depth_is_rounded_and_never_dithered(tmp_path, pixel_format, white, fraction):
    value = round(fraction * white)
    image = image_of(tmp_path, filled(pixel_format, (value,)))
    assert image.shape == (48, 64)
    assert len(np.unique(image)) == 1
    # Deeper formats are widened by shifting, which costs up to 0.25 grey levels before rounding.
    assert abs(float(image[0, 0]) - 255 * value / white) <= 0.76


@pytest.mark.parametrize(
    ("pixel_format", "scale"), [("yuv420p", 1), ("yuv422p10le", 4), ("yuv444p12le", 16)]
)
@pytest.mark.parametrize("luma", [16, 25, 126, 200, 235])
def test_colour_of_any_depth_keeps_its_brightness(tmp_path, pixel_format, scale, luma):
    image = image_of(tmp_path, filled(pixel_format, (luma * scale, 128 * scale, 128 * scale)))
    assert image.shape == (48, 64, 3)
    assert len(np.unique(image)) == 1
    assert abs(float(image[0, 0, 0]) - 255 * (luma - 16) / 219) <= 0.6  # rounding only


@pytest.mark.parametrize("white", [1023, 4095])
def test_deep_rgb_is_rounded(tmp_path, white):
    fraction = np.array([0.2, 0.55, 1.0])
    green, blue, red = (round(s * white) for s in fraction)
    depth = {1023: "gbrp10le", 4095: "gbrp12le"}[white]
    frame = av.VideoFrame(64, 48, depth)
    for plane, value in zip(frame.planes, (green, blue, red), strict=True):
        plane.update(np.full((plane.height, plane.line_size // 2), value, "<u2").tobytes())
    image = image_of(tmp_path, frame)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) == 1
    assert np.abs(image[0, 0] - 255 * fraction[[2, 0, 1]]).max() <= 0.8


def test_grey_of_limited_range_is_stretched(tmp_path):
    for value, expected in ((16, 0), (126, 128), (235, 255)):
        image = image_of(tmp_path, filled("gray", (value,)), color_range=ColorRange.MPEG)
        assert np.unique(image).tolist() == [expected]


def test_alpha_is_ignored(tmp_path):
    rgba = np.dstack([pattern(0), np.zeros((48, 64), np.uint8)])
    frame = av.VideoFrame.from_ndarray(rgba, "rgba")
    path = tmp_path / "alpha.mov"
    write_raw(path, frame, codec="png")
    np.testing.assert_array_equal(open_video(path).frame(0).image, pattern(0))


def test_black_and_white_bits_are_grey(tmp_path):
    frame = av.VideoFrame(64, 48, "monob")
    frame.planes[0].update(bytes([0b10101010]) * frame.planes[0].buffer_size)
    path = tmp_path / "bits.mov"
    write_raw(path, frame, codec="png")
    image = open_video(path).frame(0).image
    assert image.shape == (48, 64)
    np.testing.assert_array_equal(image, np.tile([255, 0], (48, 32)))


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=40))
def test_16_bit_rounding_equals_its_twin(values):
    deep = np.array(values, np.uint16).reshape(1, -1)
    twin = [[min(255, int(v / 257 + 0.5)) for v in values]]
    assert pixels.from_16_bit(deep).tolist() == twin


@given(st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_turning_equals_moving_every_pixel(orientation):
    image = pattern(3)
    transpose, mirror_x, mirror_y = orientation
    twin = np.empty((64, 48, 3) if transpose else (48, 64, 3), np.uint8)
    for y in range(48):
        for x in range(64):
            to_x, to_y = (y, x) if transpose else (x, y)
            to_x = twin.shape[1] - 1 - to_x if mirror_x else to_x
            to_y = twin.shape[0] - 1 - to_y if mirror_y else to_y
            twin[to_y, to_x] = image[y, x]
    np.testing.assert_array_equal(pixels.turned(image, orientation), twin)


def test_decoding_is_as_exact_as_8_bit_yuv_allows():
    # The reference: the standard's own formula (BT.601, limited range), with chroma of full size.
    frame = av.VideoFrame.from_ndarray(pattern(5), "rgb24").reformat(format="yuv444p")
    planes = [
        np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width].astype(float)
        for p in frame.planes
    ]
    y, cb, cr = (
        (planes[0] - 16) / 219,
        (planes[1] - 128) / 224,
        (planes[2] - 128) / 224,
    )
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], -1)
    error = pixels.from_frame(frame, pixels.UPRIGHT) - 255 * np.clip(rgb, 0, 1)
    assert np.abs(error).max() <= 1.05  # rounding, and tables of 16 bit
    assert abs(error.mean()) < 0.03


@pytest.mark.parametrize(
    ("tag", "red_weight", "blue_weight"),  # ITU-T H.273 matrix coefficients
    [(6, 0.299, 0.114), (1, 0.2126, 0.0722), (9, 0.2627, 0.0593)],
)
def test_the_streams_colour_matrix_is_used(tmp_path, tag, red_weight, blue_weight):
    path = tmp_path / "tagged.mkv"
    frame = filled("yuv420p", (100, 90, 180))
    write_raw(path, frame, codec="libx264", colorspace=tag)
    y, cb, cr = (100 - 16) / 219, (90 - 128) / 224, (180 - 128) / 224
    red = y + 2 * (1 - red_weight) * cr
    blue = y + 2 * (1 - blue_weight) * cb
    green = (y - red_weight * red - blue_weight * blue) / (1 - red_weight - blue_weight)
    image = open_video(path).frame(0).image
    assert np.abs(image[24, 32] - 255 * np.array([red, green, blue])).max() <= 2  # H.264's loss


def test_pixels_that_are_not_square_are_reported(tmp_path):
    path = tmp_path / "anamorphic.mkv"
    write_raw(path, filled("yuv420p", (100, 90, 180)), codec="libx264", aspect=Fraction(16, 15))
    source = open_video(path)
    assert [n.code for n in source.notices] == ["pixels_not_square"]
    assert "16/15" in source.notices[0].message


def test_interlaced_video_is_reported(tmp_path):
    path = tmp_path / "comb.mkv"
    options = {"flags": "+ilme+ildct", "x264-params": "tff=1"}
    write_raw(path, filled("yuv420p", (100, 90, 180)), codec="libx264", options=options)
    assert [n.code for n in open_video(path).notices] == ["interlaced"]


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
@pytest.mark.parametrize("tag", [1, 2, 6])
@pytest.mark.parametrize("full", [False, True])
def test_the_usual_format_is_the_standards_formula_with_interpolated_colour(size, tag, full):
    red_weight, blue_weight = (0.2126, 0.0722) if tag == 1 else (0.299, 0.114)
    rng = np.random.default_rng(3)
    frame = av.VideoFrame(*size, "yuv420p")
    frame.colorspace, frame.color_range = tag, ColorRange.JPEG if full else ColorRange.MPEG
    stored = []
    for plane in frame.planes:
        values = rng.integers(60, 190, (plane.height, plane.line_size), dtype=np.uint8)
        plane.update(values.tobytes())
        stored.append(values[:, : plane.width].astype(float))

    def colour_at(plane, y, x):
        """Between the four nearest samples, each on the left of its 2 x 2 px, in their middle."""
        (row, v), (column, u) = divmod(y / 2 - 0.25, 1), divmod(x / 2, 1)
        rows, columns = (
            np.clip([first, first + 1], 0, end - 1).astype(int)
            for first, end in zip((row, column), plane.shape, strict=True)
        )
        return np.array([1 - v, v]) @ plane[np.ix_(rows, columns)] @ np.array([1 - u, u])

    black, high, colour = (0, 255, 255) if full else (16, 219, 224)
    twin = np.empty((size[1], size[0], 3))
    for y in range(size[1]):
        for x in range(size[0]):
            luma = (stored[0][y, x] - black) / high
            cb, cr = ((colour_at(plane, y, x) - 128) / colour for plane in stored[1:])
            red, blue = luma + 2 * (1 - red_weight) * cr, luma + 2 * (1 - blue_weight) * cb
            green = (luma - red_weight * red - blue_weight * blue) / (1 - red_weight - blue_weight)
            twin[y, x] = red, green, blue
    error = pixels.from_frame(frame, pixels.UPRIGHT) - 255 * np.clip(twin, 0, 1)
    assert np.abs(error).max() <= 2.7  # colour is rounded twice, and counts up to 2.1 times
    assert np.abs(error).mean() < 0.55
    assert abs(error.mean()) < 0.15
