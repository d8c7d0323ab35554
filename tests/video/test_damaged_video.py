import math
import os
import struct
import wave

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moving_pattern import pattern, patterns, write_images

from hmrm.errors import InputError, VideoError
from hmrm.video.reader import open_video
from hmrm.video.writer import write_video

LOSSLESS = (".mkv", ".avi", ".mp4", ".mov")
LOSSY = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".gif")


def codes(source) -> set[str]:
    return {n.code for n in source.notices}


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    contents = {}
    for suffix in LOSSY:
        write_video(folder / f"lossy{suffix}", patterns(16), 25.0)
        contents["lossy", suffix] = (folder / f"lossy{suffix}").read_bytes()
    for suffix in LOSSLESS:
        write_video(folder / f"lossless{suffix}", patterns(16), 25.0, lossless=True)
        contents["lossless", suffix] = (folder / f"lossless{suffix}").read_bytes()
    return contents


@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
@pytest.mark.parametrize("fraction", [0.35, 0.7, 0.9])
def test_a_truncated_file_gives_what_is_there_and_says_so(tmp_path, whole_files, suffix, fraction):
    content = whole_files["lossless", suffix]
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: int(fraction * len(content))])
    source = open_video(path)
    frames = list(source.frames())
    assert 16 * fraction - 3 <= len(frames) < 16
    assert "truncated" in codes(source)
    for frame in frames[:-1]:  # the last may be half a picture
        np.testing.assert_array_equal(frame.image, pattern(frame.index))
        assert frame.time_s == pytest.approx(frame.index / 25)


@pytest.mark.parametrize("suffix", [".webm", ".gif"])
def test_truncated_web_formats_are_flagged(tmp_path, whole_files, suffix):
    content = whole_files["lossy", suffix]
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: int(0.8 * len(content))])
    source = open_video(path)
    assert 1 <= len(list(source.frames())) < 16
    assert "truncated" in codes(source)


def test_a_truncated_fast_start_mp4_is_flagged(tmp_path):
    path = tmp_path / "stream.mp4"
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "4", "qp": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for image in patterns(16):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    path.write_bytes(content[: int(0.7 * len(content))])
    source = open_video(path)
    assert 4 <= len(list(source.frames())) < 16
    assert "truncated" in codes(source)


@pytest.mark.parametrize("lost", [300, 900, 1800])
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_recording_without_its_index_is_explained(tmp_path, whole_files, suffix, lost):
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole_files["lossy", suffix][:-lost])
    with pytest.raises(VideoError, match="index cannot be read"):
        open_video(path)


def test_whole_files_are_not_called_truncated(tmp_path, whole_files):
    for (kind, suffix), content in whole_files.items():
        path = tmp_path / f"{kind}{suffix}"
        path.write_bytes(content)
        source = open_video(path)
        assert len(list(source.frames())) == 16
        assert source.notices == (), (kind, suffix)


def test_notices_are_the_same_after_a_second_pass(tmp_path, whole_files):
    path = tmp_path / "cut.mkv"
    path.write_bytes(whole_files["lossless", ".mkv"][:-5000])
    source = open_video(path)
    list(source.frames())
    first = source.notices
    list(source.frames())
    assert source.notices == first != ()


def test_a_file_without_frames_is_refused(tmp_path):
    # A movie header that promises a stream whose every sample lies beyond the end.
    path = tmp_path / "none.avi"
    write_video(path, patterns(2), 25.0)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"movi") + 4])
    with pytest.raises(VideoError):
        open_video(path)


def write_sound(path):
    rate = 8_000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        tone = [int(9_000 * math.sin(i / 9)) for i in range(rate // 4)]
        file.writeframes(struct.pack(f"<{len(tone)}h", *tone))


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".webm"])
def test_audio_only_is_named(tmp_path, suffix):
    path = tmp_path / f"song{suffix}"
    codec = "libopus" if suffix == ".webm" else "aac"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 48_000), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 48_000
        for part in av.AudioResampler(
            format=stream.format, layout="mono", rate=48_000, frame_size=960
        ).resample(silence):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="only sound"):
        open_video(path)


def test_a_songs_cover_is_not_a_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        cover = container.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(pattern(0), "rgb24")))
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 48_000
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
        container.mux(cover.encode(None))
    with pytest.raises(VideoError, match="only sound"):
        open_video(path)


def not_videos(folder):
    write_sound(folder / "tone.avi")
    (folder / "notes.txt").write_text("Dear diary,\n" * 200)
    (folder / "notes.mp4").write_text("Dear diary,\n" * 200)
    (folder / "zeros.mov").write_bytes(bytes(10_000))
    (folder / "empty.webm").write_bytes(b"")
    (folder / "page.gif").write_text("<html></html>")
    return sorted(folder.iterdir())


def test_what_is_not_a_video_is_refused(tmp_path):
    for path in not_videos(tmp_path):
        with pytest.raises(VideoError) as caught:
            open_video(path)
        assert str(path) in str(caught.value)


def test_playlists_lead_nowhere(tmp_path):
    write_video(tmp_path / "clip.mp4", patterns(3), 25.0)
    (tmp_path / "list.m3u8").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n"
    )
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile clip.mp4\n")
    for name in ("list.m3u8", "list.mp4"):
        with pytest.raises(VideoError, match="not a video"):
            open_video(tmp_path / name)


def test_missing_and_special_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"gone\.mp4.*no such file"):
        open_video(tmp_path / "gone.mp4")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")
        with pytest.raises(InputError, match="not a file"):  # and does not wait for a writer
            open_video(tmp_path / "pipe.mp4")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_permissions_are_explained(tmp_path):
    path = tmp_path / "mine.mp4"
    write_video(path, patterns(2), 25.0)
    write_images(tmp_path / "images", patterns(2))
    path.chmod(0)
    (tmp_path / "images").chmod(0)
    was_root = os.geteuid() == 0
    try:
        if was_root:  # whom no permission stops
            for folder in (tmp_path, *list(tmp_path.parents)[:2]):
                folder.chmod(0o755)
            os.seteuid(65534)
        for refused in (path, tmp_path / "images"):
            with pytest.raises(
                InputError, match=r"cannot be (read|looked at) \(Permission denied\)"
            ):
                open_video(refused)
    finally:
        if was_root:
            os.seteuid(0)
        (tmp_path / "images").chmod(0o755)


def test_odd_names_are_plain_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("file:clip.mp4", "concat:a|b.mp4", "-i.mp4", "img%03d.mp4", "ü 視.mp4"):
        path = tmp_path / name
        write_video(tmp_path / "plain.mp4", patterns(2), 25.0)
        (tmp_path / "plain.mp4").rename(path)
        assert len(list(open_video(path.relative_to(tmp_path)).frames())) == 2


def test_frames_of_different_size_inside_a_video_are_refused(tmp_path):
    # Two WebM-ready VP9 sizes in one Matroska stream, as browsers record a changing bandwidth.
    path = tmp_path / "adaptive.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for index in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pattern(index), "rgb24")))
        other = av.CodecContext.create("mjpeg", "w")
        other.width, other.height, other.pix_fmt = 80, 48, "yuvj420p"
        other.time_base = stream.codec_context.time_base
        frame = av.VideoFrame.from_ndarray(pattern(2, width=80), "rgb24").reformat(
            format="yuvj420p"
        )
        frame.pts = 2
        for packet in [*other.encode(frame), *other.encode(None)]:
            packet.stream = stream
            container.mux(packet)
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match=r"frame 2: 80 × 48 px.*64 × 48"):
        list(open_video(path).frames())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_never_gives_anything_but_frames_or_an_error(whole_files, tmp_path_factory, data):
    kind, suffix = data.draw(st.sampled_from(sorted(whole_files)))
    content = bytearray(whole_files[kind, suffix])
    place = st.integers(0, len(content) - 1)
    for _ in range(data.draw(st.integers(0, 12))):
        content[data.draw(place)] ^= 1 << data.draw(st.integers(0, 7))
    if data.draw(st.booleans()):
        at = data.draw(place)
        content[at:at] = data.draw(st.binary(max_size=64))
    if data.draw(st.booleans()):
        del content[data.draw(place) :]
    path = tmp_path_factory.mktemp("damaged", numbered=True) / f"x{suffix}"
    path.write_bytes(content)
    assert_only_frames_or_error(path)


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(min_size=1, max_size=3000),
    suffix=st.sampled_from(LOSSY),
    head=st.sampled_from([b"", b"\0\0\0\x20ftypisom", b"RIFF\0\0\0\0AVI LIST", b"GIF89a",
                          b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"G" + b"\0" * 187]),
)  # fmt: skip
def test_random_bytes_never_give_anything_but_frames_or_an_error(
    tmp_path_factory, content, suffix, head
):
    path = tmp_path_factory.mktemp("random", numbered=True) / f"x{suffix}"
    path.write_bytes(head + content)
    assert_only_frames_or_error(path)


def assert_only_frames_or_error(path):
    last_s = -1.0
    count = 0
    try:
        source = open_video(path, max_frames=200)
        for count, frame in enumerate(source.frames(), start=1):
            assert frame.index == count - 1
            assert frame.time_s > last_s
            assert (frame.image.shape[1], frame.image.shape[0]) == source.size_wh_px
            last_s = frame.time_s
    except VideoError:
        return
    assert count > 0


def test_decoders_are_silent(tmp_path, whole_files, capfd):
    for (kind, suffix), content in whole_files.items():
        broken = bytearray(content[: int(0.9 * len(content))])
        broken[len(broken) // 2] ^= 0xFF
        broken[len(broken) // 3] ^= 0xFF
        path = tmp_path / f"{kind}{suffix}"
        path.write_bytes(broken)
        try:
            list(open_video(path).frames())
        except VideoError:
            continue
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
