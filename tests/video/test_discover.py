import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_pattern import patterns, write_images

from hmrm.errors import InputError, VideoError
from hmrm.video.discover import discover, unique_names
from hmrm.video.images import StillPair
from hmrm.video.kinds import untaken_notes
from hmrm.video.reader import open_video


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_a_folder_that_holds_images_is_one_clip(tmp_path):
    write_images(tmp_path / "clip", patterns(2))
    touch(tmp_path / "clip" / "notes.txt")
    touch(tmp_path / "clip" / "deeper" / "other.mp4")
    assert discover([tmp_path / "clip"]) == [tmp_path / "clip"]


def test_any_other_folder_stands_for_all_clips_inside(tmp_path):
    expected = [
        touch(tmp_path / "s2" / "b.MOV"),
        touch(tmp_path / "s2" / "deep" / "er" / "a.webm"),
        tmp_path / "s10" / "EP01",
        touch(tmp_path / "s10" / "take2.gif"),
        touch(tmp_path / "s10" / "take10.avi"),
        touch(tmp_path / "z.mp4"),
    ]
    write_images(tmp_path / "s10" / "EP01", patterns(2))
    touch(tmp_path / "s2" / "readme.txt")
    assert discover([tmp_path]) == expected


def test_a_preview_beside_clips_is_not_a_clip(tmp_path):
    touch(tmp_path / "cover.jpg")
    video = touch(tmp_path / "clip.mp4")
    assert discover([tmp_path]) == [video]
    touch(tmp_path / "lonely" / "only.png")
    assert discover([tmp_path]) == [video, tmp_path / "lonely"]


def test_hidden_names_are_left_out(tmp_path):
    for hidden in (".cache/a.mp4", "__MACOSX/b.mp4", "._c.mp4", "images/._img1.png"):
        touch(tmp_path / hidden)
    with pytest.raises(InputError, match="no video and no image folder"):
        discover([tmp_path])


def test_names_may_be_skipped_below_the_paths(tmp_path):
    kept = [tmp_path / "sp1" / "a" / "color", touch(tmp_path / "sp1" / "depths.mp4")]
    write_images(kept[0], patterns(2))
    for other in ("sp1/a/depth", "sp2/depth/deeper"):
        write_images(tmp_path / other, patterns(2))
    old = touch(tmp_path / "sp1" / "old_2.mp4")
    assert discover([tmp_path], skip=["depth", "old_?.mp4"]) == kept
    assert len(discover([tmp_path])) == 5
    assert discover([old, tmp_path / "sp2" / "depth"], skip=["depth", "old*"]) == [
        old,
        tmp_path / "sp2" / "depth" / "deeper",
    ]
    with pytest.raises(InputError, match="no image folder except for depth, x;"):
        discover([tmp_path / "sp2"], skip=["depth", "x"])


def test_a_name_to_skip_that_is_nowhere_is_told(tmp_path):
    kept = touch(tmp_path / "a.mp4")
    touch(tmp_path / "old.mp4")
    with pytest.raises(InputError, match=r"skip olt\.mp4: no folder and no video"):
        discover([tmp_path], skip=["old.mp4", "olt.mp4"])
    assert discover([tmp_path], skip=["old.mp4", "old*"]) == [kept]


def test_files_are_taken_as_given_and_once(tmp_path):
    odd, video = touch(tmp_path / "recording.dat"), touch(tmp_path / "a.mp4")
    assert discover([odd, video, odd, tmp_path]) == [odd, video]


def test_links_in_a_circle_end(tmp_path):
    video = touch(tmp_path / "sub" / "a.mp4")
    (tmp_path / "sub" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert discover([tmp_path]) == [video]


def test_two_stills_are_a_pair_in_the_given_order(tmp_path):
    onset, apex = write_images(tmp_path, patterns(2))
    assert discover([apex, onset]) == [StillPair(onset=apex, apex=onset)]
    video = touch(tmp_path / "x" / "a.mp4")
    assert discover([onset, video, apex]) == [StillPair(onset=onset, apex=apex), video]
    assert open_video(discover([onset, apex])[0]).frame_count == 2


@pytest.mark.parametrize("count", [1, 3])
def test_other_numbers_of_stills_are_refused(tmp_path, count):
    paths = write_images(tmp_path, patterns(count))
    with pytest.raises(InputError, match="give two"):
        discover(paths)


def test_the_same_still_twice_is_a_pair_without_motion(tmp_path):
    (path,) = write_images(tmp_path, patterns(1))
    assert discover([path, path]) == [StillPair(onset=path, apex=path)]


def test_missing_paths_are_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.mp4"):
        discover([touch(tmp_path / "a.mp4"), tmp_path / "gone.mp4"])
    with pytest.raises(InputError, match=r"gone\.png"):
        discover([tmp_path / "gone.png", touch(tmp_path / "here.png")])


def test_names_that_no_disk_takes_are_refused():
    with pytest.raises(InputError, match="cannot be looked at"):
        discover([Path("x" * 5000 + ".mp4")])


def test_names_take_as_many_parents_as_they_need(tmp_path):
    clips = [
        touch(tmp_path / "sub01" / "EP02.mp4"),
        touch(tmp_path / "sub02" / "EP02.mp4"),
        touch(tmp_path / "sub02" / "EP03.mp4"),
        StillPair(onset=tmp_path / "a.png", apex=tmp_path / "b.png"),
    ]
    assert unique_names(clips) == ["sub01_EP02", "sub02_EP02", "EP03", "a-b"]
    assert unique_names([clips[0], clips[0]])[0] != unique_names([clips[0], clips[0]])[1]
    assert unique_names([]) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b", "a_b", "a_2"]), min_size=1, max_size=3), max_size=10
    )
)
def test_names_are_always_unique_and_never_folders(tmp_path_factory, trees):
    root = tmp_path_factory.getbasetemp()
    clips = [root.joinpath(*parts).with_suffix(".mp4") for parts in trees]
    names = unique_names(clips)
    assert len(set(names)) == len(names)
    assert not any(os.sep in name for name in names)


def make_video(path, codec="mpeg4", form=None):
    """Ten frames of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=50)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            noise = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(noise, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 50)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_every_container_that_is_read_is_taken_from_a_folder(tmp_path):
    videos = [
        make_video(tmp_path / "b.asf", "wmv2", "asf"),
        make_video(tmp_path / "c.3g2", "mpeg4", "3g2"),
        make_video(tmp_path / "d.vob", "mpeg2video", "vob"),
        make_video(tmp_path / "no_suffix", "mpeg4", "mp4"),
        make_video(tmp_path / "transport", "mpeg2video", "mpegts"),
    ]
    touch(tmp_path / "LICENSE")
    untaken = []
    assert discover([tmp_path], untaken=untaken) == videos
    assert untaken == [tmp_path / "LICENSE"]
    for video in videos:
        assert open_video(video).frame(0).image.shape == (48, 64, 3)


def test_what_is_not_taken_is_listed_with_what_to_do(tmp_path):
    make_video(tmp_path / "a.mp4")
    raw = make_video(tmp_path / "c.h264", "mpeg4", "m4v").rename(tmp_path / "sub-c.h264")
    make_video(tmp_path / "d.y4m", "rawvideo", "yuv4mpegpipe")
    write_images(tmp_path / "images", patterns(2))
    make_video(tmp_path / "images" / "lost.mp4")
    for name in ("1.txt", "2.csv", "3", "4.pdf", "5.doc", "6.doc", ".hidden"):
        touch(tmp_path / name)
    untaken = []
    assert discover([tmp_path], untaken=untaken) == [tmp_path / "a.mp4", tmp_path / "images"]
    first, among, others = untaken_notes(untaken)
    assert "d.y4m and 1 more: a raw stream without a container" in first
    assert "ffmpeg -framerate 200 -i d.y4m -c:v ffv1 d.mkv" in first
    assert "lost.mp4: in a folder of images" in among
    assert others.endswith(
        "neither videos nor image folders: 1.txt, 2.csv, 3, 4.pdf, 5.doc and 1 more"
    )
    with pytest.raises(VideoError, match=r"raw stream.*-i sub-c\.h264 -c:v copy sub-c\.mkv"):
        open_video(raw)
    only = tmp_path / "only"
    only.mkdir()
    raw.rename(only / raw.name)
    with pytest.raises(InputError, match=r"no video and no image folder.*raw stream"):
        discover([only])
