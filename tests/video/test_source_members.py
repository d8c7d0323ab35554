"""What a source says of itself: label, whether it is a pair, notices, and what identifies it."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmrm.errors import InputError
from hmrm.video.images import ArrayPair, StillPair
from hmrm.video.reader import open_video
from hmrm.video.writer import write_video


def written(path: Path, value: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((24, 32, 3), value, np.uint8))
    return path


def test_a_video_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "clip.mkv"
    write_video(path, [np.full((24, 32, 3), v, np.uint8) for v in (9, 99)], 25.0, lossless=True)
    video = open_video(path)
    assert (video.label, video.is_pair) == ("clip.mkv", False)
    assert video.content_hash() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert open_video(str(path)).content_hash() == video.content_hash()
    assert open_video(video) is video


def test_a_folder_is_its_files_by_name_and_content(tmp_path: Path) -> None:
    for number in range(3):
        written(tmp_path / "frames" / f"{number}.png", 10 * number)
    folder = open_video(tmp_path / "frames")
    assert (folder.label, folder.is_pair) == ("frames", False)
    assert [notice.code for notice in folder.notices] == ["frame_rate_assumed"]
    before = folder.content_hash()
    assert open_video(tmp_path / "frames", frames_per_s=25.0).content_hash() == before
    written(tmp_path / "frames" / "1.png", 11)
    changed = folder.content_hash()
    (tmp_path / "frames" / "2.png").rename(tmp_path / "frames" / "3.png")
    assert len({before, changed, open_video(tmp_path / "frames").content_hash()}) == 3


def test_a_pair_has_no_rate_that_could_be_wrong(tmp_path: Path) -> None:
    onset, apex = (written(tmp_path / f"{name}.png", v) for name, v in (("on", 1), ("ap", 2)))
    for source in ((onset, apex), [str(onset), str(apex)], StillPair(onset=onset, apex=apex)):
        pair = open_video(source)
        assert (pair.label, pair.is_pair, pair.notices) == ("on.png + ap.png", True, ())


def test_two_arrays_are_known_by_their_pixels() -> None:
    one, other = (np.full((24, 32), value, np.uint8) for value in (1, 2))
    pair = open_video([one, other])
    assert (pair.label, pair.is_pair, pair.notices) == ("pair", True, ())
    assert pair.content_hash() == open_video((one, other)).content_hash()
    assert pair.content_hash() != open_video([other, one]).content_hash()
    with pytest.raises(InputError, match="got 3 images"):
        ArrayPair([one, other, one])
    with pytest.raises(InputError, match=r"float64 and shape \(24, 32\)"):
        open_video([one, one.astype(float)])
