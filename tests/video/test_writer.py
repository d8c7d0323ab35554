import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_pattern import grey_pattern, pattern, patterns

from hmrm.errors import OutputError
from hmrm.video.reader import open_video
from hmrm.video.writer import write_video

LOSSLESS = (".mkv", ".avi", ".mp4", ".mov")
LOSSY = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".gif")


@settings(max_examples=20, deadline=None)
@given(
    size=st.tuples(st.integers(16, 70), st.integers(16, 70)),
    suffix=st.sampled_from(LOSSLESS),
    grey=st.booleans(),
    seed=st.integers(0, 100),
)
def test_lossless_gives_back_every_pixel(tmp_path_factory, size, suffix, grey, seed):
    generator = np.random.default_rng(seed)
    shape = size if grey else (*size, 3)
    images = [generator.integers(0, 256, shape).astype(np.uint8) for _ in range(3)]
    path = tmp_path_factory.mktemp("lossless", numbered=True) / f"clip{suffix}"
    assert write_video(path, images, 100.0, lossless=True) == 3
    back = [f.image for f in open_video(path).frames()]
    assert len(back) == 3
    for image, read in zip(images, back, strict=True):
        if grey and suffix in (".mp4", ".mov"):
            image = np.repeat(image[..., None], 3, axis=2)
        np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("suffix", LOSSY)
def test_lossy_formats_take_odd_sizes_and_grey(tmp_path, suffix, grey):
    draw = grey_pattern if grey else pattern
    images = [draw(i, width=61, height=47) for i in range(3)]
    path = tmp_path / f"clip{suffix}"
    write_video(path, images, 25.0)
    image = open_video(path).frame(0).image
    assert image.shape[:2] == (47, 61)
    expected = images[0] if images[0].ndim == image.ndim else images[0][..., None]
    assert np.abs(image.astype(int) - expected).mean() < (25 if suffix == ".gif" else 6)


@pytest.mark.parametrize(
    ("suffix", "lossless"), [*((s, False) for s in LOSSY), *((s, True) for s in LOSSLESS)]
)
def test_the_same_frames_give_the_same_bytes(tmp_path, suffix, lossless):
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}{suffix}", patterns(12), 50.0, lossless=lossless)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_frames_are_taken_one_at_a_time(tmp_path):
    alive = []

    def one_by_one():
        for index in range(30):
            alive.append(index)
            yield pattern(index)

    assert write_video(tmp_path / "clip.mkv", one_by_one(), 25.0, lossless=True) == 30
    assert alive == list(range(30))


def test_an_interrupted_write_leaves_nothing_and_keeps_the_old(tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, patterns(3), 25.0)
    before = path.read_bytes()

    def interrupted():
        yield pattern(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(path, interrupted(), 25.0)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


def refused(tmp_path):
    one = patterns(1)
    yield "no frames", (tmp_path / "a.mp4", [], 25.0), {}
    yield "all must be alike", (tmp_path / "a.mp4", [pattern(0), pattern(1, width=66)], 25.0), {}
    yield "all must be alike", (tmp_path / "a.mp4", [pattern(0), grey_pattern(1)], 25.0), {}
    yield r"written as \.txt", (tmp_path / "a.txt", one, 25.0), {}
    yield "without suffix", (tmp_path / "a", one, 25.0), {}
    yield "no lossless", (tmp_path / "a.webm", one, 25.0), {"lossless": True}
    yield "number above 0", (tmp_path / "a.mp4", one, 0.0), {}
    yield "does not come after", (tmp_path / "a.mp4", patterns(2), 25.0), {"times_s": [1.0, 1.0]}
    yield "give one per frame", (tmp_path / "a.mp4", patterns(2), 25.0), {"times_s": [1.0]}
    yield "no time per frame", (tmp_path / "a.avi", one, 25.0), {"times_s": [0.0]}


def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path):
    for message, arguments, options in refused(tmp_path):
        with pytest.raises(OutputError, match=message):
            write_video(*arguments, **options)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_explained(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        write_video(tmp_path / "file" / "clip.mp4", patterns(1), 25.0)
