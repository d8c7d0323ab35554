import gc
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moving_pattern import grey_pattern, pattern, patterns, write_images

from hmrm.errors import FrameIndexError, InputError
from hmrm.video import pixels
from hmrm.video.container import VideoFile
from hmrm.video.reader import open_video
from hmrm.video.writer import write_video

SUFFIXES = (".avi", ".gif", ".mkv", ".mov", ".mp4", ".webm")


@pytest.fixture(scope="module")
def lossless_clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "lossless.mkv"
    write_video(path, patterns(24), 25.0, lossless=True)
    return path


@pytest.fixture(scope="module")
def image_clip(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    write_images(folder, patterns(24))
    return folder


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_container_gives_every_frame_at_its_time(tmp_path, suffix):
    path = tmp_path / f"clip{suffix}"
    write_video(path, patterns(20), 25.0)
    source = open_video(path)
    assert (source.name, source.path, source.size_wh_px) == ("clip", path, (64, 48))
    assert source.frames_per_s == pytest.approx(25.0)
    assert source.frame_count == 20
    assert source.duration_s == pytest.approx(0.8)
    frames = list(source.frames())
    assert [f.index for f in frames] == list(range(20))
    assert [f.time_s for f in frames] == pytest.approx([i / 25 for i in range(20)], abs=1e-9)
    for frame in frames:
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        errors = [np.abs(frame.image.astype(int) - pattern(i)).mean() for i in range(20)]
        assert np.argmin(errors) == frame.index
        # 5 grey levels: strong colours at half resolution; a GIF has 256 fixed colours.
        assert min(errors) < (25 if suffix == ".gif" else 5)
    assert source.notices == ()


def test_ntsc_rate_is_kept(tmp_path):
    path = tmp_path / "ntsc.mp4"
    write_video(path, patterns(5), 29.97)
    source = open_video(path)
    assert source.frames_per_s == pytest.approx(30_000 / 1001, abs=1e-3)
    assert source.frame(4).time_s == pytest.approx(4 * 1001 / 30_000, abs=1e-6)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps_ms=st.lists(st.integers(2, 400), min_size=1, max_size=12),
    suffix=st.sampled_from([".mp4", ".webm", ".mkv"]),
)
def test_variable_frame_rate_comes_back_exactly(tmp_path, steps_ms, suffix):
    times_s = np.concatenate([[0], np.cumsum(steps_ms)]) / 1000
    path = tmp_path / f"vfr{suffix}"
    write_video(path, patterns(len(times_s)), 25.0, times_s=list(times_s))
    source = open_video(path)
    # 5e-10: float rounding; the times are whole milliseconds, which every container here holds.
    assert [f.time_s for f in source.frames()] == pytest.approx(times_s, abs=5e-10)
    assert source.frames_per_s == pytest.approx(len(steps_ms) / times_s[-1], rel=1e-6)


def test_times_count_from_the_first_frame(tmp_path):
    path = tmp_path / "late.mkv"
    write_video(path, patterns(3), 25.0, times_s=[3.0, 3.04, 3.5])
    assert [f.time_s for f in open_video(path).frames()] == pytest.approx([0, 0.04, 0.5])


def test_reordered_frames_in_avi_get_times_in_order(tmp_path):
    # AVI keeps decoding times only; H.264 with B frames then shows 1, 4, 3, 5.
    path = tmp_path / "reordered.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pattern(index), "rgb24")))
        container.mux(stream.encode(None))
    source = open_video(path)
    frames = list(source.frames())
    assert [f.time_s for f in frames] == pytest.approx([i / 25 for i in range(20)])
    assert "timestamps_repaired" not in {n.code for n in source.notices}
    assert all(np.abs(f.image.astype(int) - pattern(f.index)).mean() < 7 for f in frames)


def test_given_rate_replaces_the_files_times(lossless_clip):
    source = open_video(lossless_clip, frames_per_s=200.0)
    assert source.frames_per_s == 200.0
    assert [f.time_s for f in islice(source.frames(), 3)] == pytest.approx([0, 0.005, 0.01])
    assert {n.code for n in source.notices} == {"frame_rate_given"}


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_rotation_is_applied(tmp_path, rotation_deg, suffix):
    path = tmp_path / f"turned{suffix}"
    write_video(path, patterns(2), 25.0, lossless=True, rotation_deg=rotation_deg)
    source = open_video(path)
    upright = np.rot90(pattern(0), rotation_deg // 90)
    assert source.size_wh_px == (upright.shape[1], upright.shape[0])
    np.testing.assert_array_equal(source.frame(0).image, upright)


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", ["hflip", "vflip"])
def test_mirrored_display_matrices_are_applied(tmp_path, rotation_deg, mirror):
    path = tmp_path / "mirrored.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        stream.set_display_rotation(rotation_deg, **{mirror: True})
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pattern(0), "rgb24")))
        container.mux(stream.encode(None))
    flip = np.fliplr if mirror == "hflip" else np.flipud
    expected = flip(np.rot90(pattern(0), rotation_deg // 90))
    np.testing.assert_array_equal(open_video(path, frames_per_s=25.0).frame(0).image, expected)


def test_grey_stays_grey(tmp_path):
    path = tmp_path / "grey.avi"
    write_video(path, [grey_pattern(i) for i in range(4)], 25.0, lossless=True)
    for frame in open_video(path).frames():
        np.testing.assert_array_equal(frame.image, grey_pattern(frame.index))


@settings(max_examples=25, deadline=None)
@given(
    indices=st.lists(st.integers(0, 23), max_size=8),
    kind=st.sampled_from(["lossless_clip", "image_clip"]),
)
def test_random_access_equals_sequential_reading(lossless_clip, image_clip, indices, kind):
    source = open_video(lossless_clip if kind == "lossless_clip" else image_clip)
    sequential = list(source.frames())
    found = source.frames_at(indices)
    assert set(found) == set(indices)
    for index, frame in found.items():
        assert (frame.index, frame.time_s) == (index, sequential[index].time_s)
        np.testing.assert_array_equal(frame.image, sequential[index].image)


@pytest.mark.parametrize("index", [-1, 24, 10_000])
def test_frames_outside_the_clip_are_refused(lossless_clip, image_clip, index):
    for path in (lossless_clip, image_clip):
        with pytest.raises(FrameIndexError, match=str(index)):
            open_video(path).frame(index)


def test_a_source_can_be_read_twice_and_at_once(lossless_clip):
    source = open_video(lossless_clip)
    ahead, behind = source.frames(), source.frames()
    for _ in range(5):
        next(ahead)
    for index, frame in enumerate(behind):
        assert frame.index == index
        np.testing.assert_array_equal(frame.image, pattern(index))
    assert next(ahead).index == 5


def test_max_frames_stops_and_says_so(lossless_clip, image_clip):
    for path in (lossless_clip, image_clip):
        source = open_video(path, max_frames=7)
        assert source.frame_count == 7
        assert len(list(source.frames())) == 7
        assert "shortened" in {n.code for n in source.notices}
        with pytest.raises(FrameIndexError):
            source.frame(7)
        whole = open_video(path, max_frames=24)
        assert len(list(whole.frames())) == 24
        assert "shortened" not in {n.code for n in whole.notices}


@pytest.mark.parametrize("wrong", [{"max_frames": 0}, {"frames_per_s": 0.0}, {"frames_per_s": -1.0},
                                   {"frames_per_s": float("nan")}])  # fmt: skip
def test_wrong_arguments_are_refused(lossless_clip, image_clip, wrong):
    for path in (lossless_clip, image_clip):
        with pytest.raises(InputError):
            open_video(path, **wrong)


def test_frames_are_decoded_as_they_are_asked_for(lossless_clip, monkeypatch):
    decoded, converted = [], []
    decode, convert = VideoFile._decoded, pixels.from_frame

    def counting_decode(self):
        for frame in decode(self):
            decoded.append(frame)
            yield frame

    def counting_convert(frame, orientation):
        converted.append(frame)
        return convert(frame, orientation)

    source = open_video(lossless_clip)
    monkeypatch.setattr(VideoFile, "_decoded", counting_decode)
    monkeypatch.setattr(pixels, "from_frame", counting_convert)
    list(islice(source.frames(), 3))
    assert len(decoded) == 3
    decoded.clear()
    converted.clear()
    source.frames_at([2, 9])
    assert len(decoded) == 10, "nothing beyond the last wanted frame"
    assert len(converted) == 2, "only wanted frames are worth their pixels"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's list of open files")
def test_an_abandoned_reader_closes_its_file(lossless_clip):
    def handles():
        return sum(
            os.path.realpath(link) == os.path.realpath(lossless_clip)
            for link in Path("/proc/self/fd").iterdir()
        )

    source = open_video(lossless_clip)
    assert handles() == 0
    frames = source.frames()
    next(frames)
    assert handles() == 1
    del frames
    gc.collect()
    assert handles() == 0


def test_video_needs_no_torch():
    code = (
        "import sys, hmrm.video.reader, hmrm.video.writer, hmrm.video.discover, hmrm.video.cuts;"
        "assert not {'torch', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


MEMORY_PROBE = """
import resource, sys
from pathlib import Path
from hmrm.video.reader import open_video
for frame in open_video(Path(sys.argv[1])).frames():
    pass
print(frame.index + 1, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".avi"])
def test_memory_does_not_grow_with_length(tmp_path, suffix):
    peaks_kib = []
    synthetic = pattern(0, width=160, height=120)
    for count in (600, 2400):  # decoders and the allocator fill their pools over some 500 frames
        path = tmp_path / f"long{count}{suffix}"
        write_video(path, (np.roll(synthetic, i, axis=1) for i in range(count)), 25.0)
        done = subprocess.run(
            [sys.executable, "-c", MEMORY_PROBE, str(path)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found, peak_kib = map(int, done.stdout.split())
        assert found == count
        peaks_kib.append(peak_kib)
    # 1,800 more frames are 99 MiB of pixels; 8 MiB is the allocator's own wavering.
    assert peaks_kib[1] - peaks_kib[0] < 8 * 1024, peaks_kib
