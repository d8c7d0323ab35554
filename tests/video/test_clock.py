"""How a player's clock runs next to that of the frames."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hmrm.clip import MediaClock
from hmrm.video.reader import open_video
from hmrm.video.writer import write_video

TICK = Fraction(1, 90_000)
TIMES_S = (0.0, 0.04, 0.1, 0.2, 0.24)


def write_with_sound(path: Path, video_begins_s: float) -> None:
    """Frames at `TIMES_S` after the given time, and a second of silence from 0."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = TICK
        audio = container.add_stream("flac" if path.suffix == ".mkv" else "aac", rate=8000)
        audio.layout = "mono"
        for place in range(8):
            silence = np.zeros((1, 1000), np.int16)
            sound = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 8000, place * 1000, Fraction(1, 8000)
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
        for time_s in TIMES_S:
            image = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8))
            image.pts, image.time_base = round((time_s + video_begins_s) / TICK), TICK
            container.mux(video.encode(image))
        container.mux(video.encode(None))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("late_s", [0.0, 0.5])
def test_a_video_that_begins_after_its_sound(suffix: str, late_s: float, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    write_with_sound(path, late_s)
    video = open_video(path)
    # Sound begins before its first sample where its codec needs a run-up.
    assert video.clock.first_frame_s == pytest.approx(late_s, abs=0.13 if late_s == 0 else 0.001)
    assert video.clock.rate == 1
    assert [frame.time_s for frame in video.frames()] == pytest.approx(TIMES_S, abs=0.001)


def test_players_begin_with_a_video_that_is_alone(tmp_path: Path) -> None:
    images = [np.full((48, 64, 3), 90, np.uint8)] * 5
    write_video(tmp_path / "x.mp4", images, 25.0, times_s=[0.5 + time for time in TIMES_S])
    video = open_video(tmp_path / "x.mp4")
    assert video.clock == MediaClock()
    assert [frame.time_s for frame in video.frames()] == pytest.approx(TIMES_S)


def test_a_recording_that_is_stored_slowed_down(tmp_path: Path) -> None:
    write_video(tmp_path / "x.mp4", [np.full((48, 64, 3), 90, np.uint8)] * 10, 25.0)
    video = open_video(tmp_path / "x.mp4", frames_per_s=200.0)
    assert video.clock == MediaClock(rate=8.0)
    last = list(video.frames())[-1]
    assert video.clock.player_s(last.time_s) == pytest.approx(9 / 25)
