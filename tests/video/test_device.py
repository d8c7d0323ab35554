"""A file that plays in real time, and cameras that are not there."""

from pathlib import Path

import numpy as np
import pytest

from hmrm.errors import VideoError
from hmrm.video.device import LATE_S, camera_frames, is_device, played
from hmrm.video.reader import open_video
from hmrm.video.writer import write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("played") / "clip.mp4"
    write_video(path, (np.full((32, 32, 3), 10 * i, np.uint8) for i in range(20)), 10.0)
    return path


class Clock:
    """Time passes while one waits, and while a frame is worked on."""

    def __init__(self) -> None:
        self.now_s = 50.0
        self.waited_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.waited_s += seconds


def test_frames_come_when_they_were_filmed(video: Path) -> None:
    clock, seen = Clock(), []
    for frame in played(open_video(video), now=clock, sleep=clock.sleep):
        assert frame is not None
        seen.append((frame.index, round(clock.now_s - 50.0, 6), round(frame.time_s, 6)))
        clock.now_s += 0.04
    assert [index for index, _, _ in seen] == list(range(20))
    assert all(abs(now_s - time_s) < 1e-6 for _, now_s, time_s in seen)


def test_frames_that_are_late_are_skipped_so_that_the_delay_stays_bounded(video: Path) -> None:
    clock, taken, skipped = Clock(), [], 0
    for frame in played(open_video(video), now=clock, sleep=clock.sleep):
        if frame is None:
            skipped += 1
            continue
        taken.append(clock.now_s - 50.0 - frame.time_s)
        clock.now_s += 0.25
    assert skipped and len(taken) + skipped == 20
    assert max(taken) < LATE_S + 1e-6


def test_a_camera_that_is_not_there_is_named_with_what_to_give(tmp_path: Path, video: Path) -> None:
    assert is_device(str(tmp_path / "nothing")) and not is_device(str(video))
    with pytest.raises(VideoError, match="no camera"):
        next(camera_frames(str(tmp_path / "nothing")))
