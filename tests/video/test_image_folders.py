from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_pattern import grey_pattern, pattern, patterns, write_images
from PIL import Image as PillowImage

from hmrm.errors import InputError, VideoError
from hmrm.video.images import ASSUMED_FRAMES_PER_S, StillPair, natural_key, read_image
from hmrm.video.reader import open_video


def codes(source) -> set[str]:
    return {n.code for n in source.notices}


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "tiff", "PNG"])
def test_a_folder_of_images_is_one_clip(tmp_path, suffix):
    write_images(tmp_path / "clip", patterns(12), name="img{}." + suffix)
    source = open_video(tmp_path / "clip")
    assert (source.name, source.frame_count, source.size_wh_px) == ("clip", 12, (64, 48))
    for index, frame in enumerate(source.frames()):  # img2 comes before img10
        assert frame.index == index
        np.testing.assert_array_equal(frame.image, pattern(index))


@pytest.mark.parametrize("suffix", ["jpg", "jpeg"])
def test_jpeg_folders_read_as_close_as_jpeg_allows(tmp_path, suffix):
    write_images(tmp_path, patterns(3), name="img{}." + suffix)
    for frame in open_video(tmp_path).frames():
        assert np.abs(frame.image.astype(int) - pattern(frame.index)).mean() < 4


def test_the_rate_is_assumed_aloud_or_given(tmp_path):
    write_images(tmp_path, patterns(3))
    assumed = open_video(tmp_path)
    assert assumed.frames_per_s == ASSUMED_FRAMES_PER_S == 200.0
    assert codes(assumed) == {"frame_rate_assumed"}
    given_rate = open_video(tmp_path, frames_per_s=30.0)
    assert codes(given_rate) == set()
    assert [f.time_s for f in given_rate.frames()] == pytest.approx([0, 1 / 30, 2 / 30])


def test_grey_stays_grey_and_16_bit_is_scaled(tmp_path):
    deep = grey_pattern(0).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    cv2.imwrite(str(tmp_path / "deep.tif"), deep)
    cv2.imwrite(str(tmp_path / "colour.png"), pattern(0)[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png"), grey_pattern(0))
    np.testing.assert_array_equal(read_image(tmp_path / "deep.tif"), grey_pattern(0))
    np.testing.assert_array_equal(read_image(tmp_path / "colour.png"), pattern(0))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "CMYK", "I;16"])
def test_every_kind_of_image_becomes_grey_or_rgb(tmp_path, mode):
    path = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    PillowImage.new(mode, (9, 7)).save(path)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.shape in {(7, 9), (7, 9, 3)}


def test_alpha_is_ignored(tmp_path):
    rgba = np.dstack([pattern(0), np.zeros((48, 64), np.uint8)])
    PillowImage.fromarray(rgba).save(tmp_path / "clear.png")
    np.testing.assert_array_equal(read_image(tmp_path / "clear.png"), pattern(0))


@pytest.mark.parametrize(
    ("exif", "stored"),  # what the camera stores so that a viewer shows it upright
    [(1, lambda a: a), (3, lambda a: np.rot90(a, 2)), (6, np.rot90), (8, lambda a: np.rot90(a, 3))],
)
def test_exif_orientation_is_applied(tmp_path, exif, stored):
    flat = np.zeros((32, 64, 3), np.uint8)
    flat[:16, :32] = 255
    tags = PillowImage.Exif()
    tags[0x0112] = exif
    turned = PillowImage.fromarray(np.ascontiguousarray(stored(flat)))
    turned.save(tmp_path / "phone.jpg", exif=tags, quality=100)
    image = read_image(tmp_path / "phone.jpg")
    assert image.shape == flat.shape
    assert np.abs(image.astype(int) - flat).max() < 10


def test_random_access_reads_only_what_is_wanted(tmp_path):
    paths = write_images(tmp_path, patterns(6))
    source = open_video(tmp_path)
    paths[3].write_bytes(b"not an image")
    np.testing.assert_array_equal(source.frame(5).image, pattern(5))
    with pytest.raises(VideoError, match=r"img4\.png"):
        source.frame(3)


def test_mixed_colour_follows_the_first_image(tmp_path):
    write_images(tmp_path / "grey", [grey_pattern(0), pattern(1)])
    write_images(tmp_path / "colour", [pattern(0), grey_pattern(1)])
    for name, shape in (("grey", (48, 64)), ("colour", (48, 64, 3))):
        source = open_video(tmp_path / name, frames_per_s=25.0)
        assert [f.image.shape for f in source.frames()] == [shape, shape]
        assert codes(source) == {"mixed_colour"}


def test_missing_numbers_are_reported(tmp_path):
    write_images(tmp_path, patterns(4), first=46)
    (tmp_path / "img47.png").unlink()
    source = open_video(tmp_path, frames_per_s=25.0)
    assert codes(source) == {"frames_missing"}
    assert "47" in source.notices[0].message


@pytest.mark.parametrize("names", ["img{}0.png", "{}_left.png"])
def test_other_ways_of_counting_are_no_loss(tmp_path, names):
    write_images(tmp_path, patterns(4), name=names)
    assert codes(open_video(tmp_path, frames_per_s=25.0)) == set()


def test_hidden_and_foreign_files_are_left_out(tmp_path):
    write_images(tmp_path, patterns(2))
    (tmp_path / "._img1.png").write_bytes(b"resource fork")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "img7.png").mkdir()
    assert open_video(tmp_path).frame_count == 2


def test_frames_of_different_size_are_refused_by_name(tmp_path):
    write_images(tmp_path, [pattern(0), pattern(1), pattern(2, width=65)])
    source = open_video(tmp_path)
    frames = source.frames()
    next(frames)
    next(frames)
    with pytest.raises(VideoError, match=r"img3\.png: 65 × 48 px.*64 × 48"):
        next(frames)


def damaged_contents():
    _, png = cv2.imencode(".png", pattern(0))
    _, jpg = cv2.imencode(".jpg", pattern(0))
    _, tif = cv2.imencode(".tif", pattern(0))
    for name, whole in (("png", png), ("jpg", jpg), ("tif", tif)):
        yield f"half.{name}", whole.tobytes()[: len(whole) // 2]
        yield f"empty.{name}", b""
        yield f"text.{name}", b"hello"


@pytest.mark.parametrize(("name", "content"), list(damaged_contents()), ids=lambda v: str(v)[:9])
def test_unreadable_images_are_named(tmp_path, name, content, capfd):
    paths = write_images(tmp_path, patterns(3), name="f{}." + name.split(".")[1])
    paths[1].write_bytes(content)
    with pytest.raises(VideoError, match=paths[1].name):
        list(open_video(tmp_path).frames())
    paths[0].write_bytes(content)
    with pytest.raises(VideoError, match=paths[0].name):
        open_video(tmp_path)
    assert capfd.readouterr().err == ""


def test_float_images_are_refused_with_a_way_out(tmp_path):
    cv2.imwrite(str(tmp_path / "depth1.tif"), np.zeros((5, 6), np.float32))
    with pytest.raises(VideoError, match=r"float32.*8 or 16 bits"):
        open_video(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(VideoError, match="holds no image"):
        open_video(tmp_path)


def test_one_frame_in_two_formats_is_refused(tmp_path):
    write_images(tmp_path, patterns(3))
    write_images(tmp_path, patterns(3), name="img{}.bmp")
    with pytest.raises(VideoError, match=r"img1\.bmp and img1\.png"):
        open_video(tmp_path)


def test_two_stills_are_a_clip_of_two_frames(tmp_path):
    onset, apex = write_images(tmp_path, patterns(2), name="p{}.png")
    source = open_video(StillPair(onset=apex, apex=onset))
    assert (source.name, source.frame_count) == ("p2-p1", 2)
    frames = list(source.frames())
    np.testing.assert_array_equal(frames[0].image, pattern(1))
    np.testing.assert_array_equal(frames[1].image, pattern(0))
    assert frames[1].time_s > 0


def test_stills_of_different_size_are_refused(tmp_path):
    onset, apex = write_images(tmp_path, [pattern(0), pattern(1, height=50)])
    with pytest.raises(VideoError, match="64 × 50"):
        list(open_video(StillPair(onset=onset, apex=apex)).frames())
    with pytest.raises(InputError, match="gone"):
        list(open_video(StillPair(onset=onset, apex=tmp_path / "gone.png")).frames())


def test_one_still_is_refused_with_a_way_out(tmp_path):
    (path,) = write_images(tmp_path, patterns(1))
    with pytest.raises(VideoError, match="no motion; give two"):
        open_video(path)


@given(st.lists(st.integers(0, 10**12), unique=True, min_size=1, max_size=20))
def test_natural_order_is_the_order_of_numbers(numbers):
    names = [Path(f"img{n}.png") for n in numbers]
    assert sorted(names, key=natural_key) == [Path(f"img{n}.png") for n in sorted(numbers)]


@given(st.lists(st.text(alphabet="aB0123_²٣", min_size=1, max_size=6), max_size=12))
def test_natural_order_takes_any_name_and_is_total(names):
    forward = [Path(name) for name in names]
    backward = forward[::-1]
    assert sorted(forward, key=natural_key) == sorted(backward, key=natural_key)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_images_never_give_anything_but_a_picture_or_an_error(tmp_path_factory, data):
    suffix = data.draw(st.sampled_from([".png", ".jpg", ".bmp", ".tif"]))
    content = bytearray(cv2.imencode(suffix, pattern(0))[1].tobytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fuzz", numbered=True) / f"x{suffix}"
    path.write_bytes(content)
    try:
        image = read_image(path)
    except VideoError:
        return
    assert image.dtype == np.uint8
    assert image.ndim in (2, 3)
