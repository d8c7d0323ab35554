"""Frames by number equal those of sequential reading, whatever the file's times are."""

import gc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import InputContainer

from hmrm.clip import Image
from hmrm.errors import DataError, FrameIndexError
from hmrm.video import container, frame_index
from hmrm.video.frame_index import (
    FrameFinder,
    IndexRecorder,
    build_index,
    digest_of_rows,
    read_frames,
    read_index,
)
from hmrm.video.reader import open_video
from hmrm.video.source import VideoSource
from hmrm.video.writer import write_video

COUNT = 60


def images() -> Iterator[Image]:
    base = np.random.default_rng(5).integers(40, 200, (12, 16, 3)).repeat(8, 0).repeat(8, 1)
    for i in range(COUNT):
        yield np.roll(base, 2 * i, axis=1).astype(np.uint8)


def late_start(path: Path) -> Path:
    """B-frames, irregular times from 0.7 s on, a key frame every 12."""
    ticks = np.cumsum(np.random.default_rng(1).integers(20, 90, COUNT)) + 700
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.options = {"g": "12", "bf": "3"}
        stream.codec_context.time_base = Fraction(1, 1000)
        for image, tick in zip(images(), ticks.tolist(), strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = tick, stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def made(kind: str, folder: Path) -> Path:
    path = folder / f"clip.{kind.split('-')[-1]}"
    if kind.startswith("late"):
        return late_start(path)
    times = np.cumsum(np.random.default_rng(2).uniform(0.01, 0.08, COUNT))
    irregular = kind.startswith("irregular")
    write_video(path, images(), 25.0, times_s=times.tolist() if irregular else None)
    return path


KINDS = ("late-mp4", "late-mkv", "irregular-mp4", "irregular-mkv", "even-avi", "even-mp4")


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_in_any_order_is_that_of_sequential_reading(kind: str, tmp_path: Path) -> None:
    video = open_video(made(kind, tmp_path))
    expected = list(video.frames())
    build_index(video).save(tmp_path / "index.npz")
    index = read_index(tmp_path / "index.npz")
    order = np.random.default_rng(3).permutation(COUNT).tolist()
    with FrameFinder(video, index) as finder:
        for number in [*order, *range(COUNT), *range(COUNT - 1, -1, -7)]:
            found = finder.frame(number)
            assert found.index == number
            assert found.time_s == expected[number].time_s
            assert np.array_equal(found.image, expected[number].image)


def test_a_frame_is_found_without_decoding_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = open_video(late_start(tmp_path / "clip.mp4"))
    index = build_index(video)
    assert index.is_key.sum() == 5

    def forbidden(self: VideoSource, number: int) -> None:
        raise AssertionError("read in order")

    monkeypatch.setattr(VideoSource, "frame", forbidden)
    with FrameFinder(video, index) as finder:
        assert [finder.frame(i).index for i in (50, 3, 49, 20)] == [50, 3, 49, 20]


def test_the_file_is_opened_once_however_often_it_is_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = open_video(late_start(tmp_path / "clip.mp4"))
    index = build_index(video)
    opened = list[InputContainer]()
    really = container._opened

    def counted(path: Path) -> InputContainer:
        opened.append(really(path))
        return opened[-1]

    monkeypatch.setattr(container, "_opened", counted)
    with FrameFinder(video, index) as finder:
        for number in (50, 3, 49, 20, COUNT - 1, 0):
            finder.frame(number)
        assert len(opened) == 1
    with pytest.raises(AssertionError, match="not open"):
        opened[0].seek(0)


def test_no_decoded_frame_outlives_its_turn(tmp_path: Path) -> None:
    video = open_video(late_start(tmp_path / "clip.mp4"))
    gc.collect()
    gc.disable()
    try:
        assert len(list(video.chosen(lambda index: index % 7 == 0))) == COUNT
        kept = [one for one in gc.get_objects() if type(one) is av.VideoFrame]
    finally:
        gc.enable()
    assert kept == [], "hundreds of frames would fill the memory until the collector runs"


def test_where_seeking_gives_another_image_the_frame_is_read_in_order(tmp_path: Path) -> None:
    video = open_video(late_start(tmp_path / "clip.mp4"))
    index = build_index(video)
    wrong = frame_index.FrameIndex(
        times_s=index.times_s, stamps=np.roll(index.stamps, 1), is_key=index.is_key,
        digests=index.digests,
    )  # fmt: skip
    expected = list(video.frames())
    with FrameFinder(video, wrong) as finder:
        for number in (40, 5, 59):
            assert np.array_equal(finder.frame(number).image, expected[number].image)


def test_numbers_outside_and_damaged_indices_are_refused(tmp_path: Path) -> None:
    video = open_video(late_start(tmp_path / "clip.mp4"))
    with FrameFinder(video, build_index(video)) as finder, pytest.raises(FrameIndexError):
        finder.frame(COUNT)
    (tmp_path / "index.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="damaged"):
        read_index(tmp_path / "index.npz")


@pytest.mark.parametrize("kind", KINDS)
def test_chosen_frames_are_those_of_a_whole_pass(kind: str, tmp_path: Path) -> None:
    video = open_video(made(kind, tmp_path))
    expected = list(video.frames())
    noted = IndexRecorder(digest_of_rows)
    for time_s, stored, frame in video.chosen(lambda i: i % 3 == 0):
        noted.add(time_s, stored, frame)
    index = noted.index()
    assert (index.digests >= 0).tolist() == [i % 3 == 0 for i in range(COUNT)]
    numbers = [57, 3, 3, 30, 33]
    for known in (index, None):
        found = list(read_frames(video, known, numbers))
        assert [frame.index for frame in found] == [3, 30, 33, 57]
        for frame in found:
            assert frame.time_s == expected[frame.index].time_s
            assert np.array_equal(frame.image, expected[frame.index].image)
    # Those that the pass did not look at follow one that it did.
    for numbers in ([4], [3, 4, 9], [5, 7, 8, 57, 58]):
        found = list(read_frames(video, index, numbers))
        assert [frame.index for frame in found] == numbers
        for frame in found:
            assert np.array_equal(frame.image, expected[frame.index].image)
    with pytest.raises(FrameIndexError, match=f"no frame {COUNT}"):
        list(read_frames(video, None, [COUNT]))


def test_chosen_frames_are_decoded_from_the_key_frame_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = open_video(late_start(tmp_path / "clip.mp4"))
    noted = IndexRecorder(digest_of_rows)
    for time_s, stored, frame in video.chosen(lambda i: i % 3 == 0):
        noted.add(time_s, stored, frame)

    def forbidden(self: VideoSource) -> None:
        raise AssertionError("read from the start")

    monkeypatch.setattr(VideoSource, "timed", forbidden)
    found = list(read_frames(video, noted.index(), [14, 15, 50, 58]))
    assert [frame.index for frame in found] == [14, 15, 50, 58]
