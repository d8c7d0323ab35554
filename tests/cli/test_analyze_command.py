"""hmrm analyze, from outside: outputs, exit codes, and never a traceback."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmrm.synthetic.demo import demo_clip, demo_face
from hmrm.video.writer import write_video


def hmrm(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hmrm", *map(str, arguments), "--no-progress"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def smile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0.7 s of the demo clip around its smile, and its onset and apex image."""
    folder = tmp_path_factory.mktemp("smile")
    clip = demo_clip()
    frames = [clip.frame(i).image for i in range(165, 235)]
    write_video(folder / "smile.mp4", frames, 100.0)
    for name, index in (("onset", 15), ("apex", 30)):
        cv2.imwrite(str(folder / f"{name}.png"), cv2.cvtColor(frames[index], cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos without a usable face, and files that are no video."""
    folder = tmp_path_factory.mktemp("blank")
    grey = np.full((120, 160, 3), 90, np.uint8)
    write_video(folder / "nobody.mp4", [grey] * 12, 25.0)
    write_video(folder / "black.mp4", [grey * 0] * 12, 25.0)
    face, _ = demo_face()
    tiny = np.full((240, 320, 3), 90, np.uint8)
    small = cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA)
    tiny[80:144, 120:184] = small
    write_video(folder / "tiny.mp4", [tiny] * 12, 25.0)
    (folder / "text.mp4").write_text("not a video")
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "empty").mkdir()
    return folder


def test_two_pictures_give_all_files(smile: Path, tmp_path: Path) -> None:
    done = hmrm("analyze", smile / "onset.png", smile / "apex.png", "-o", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"events.csv", "frames.csv", "analysis.json", "report.html"}
    assert len(json.loads((tmp_path / "out/analysis.json").read_text())["events"]) == 1


def test_annotated_frames_skip_spotting(smile: Path, tmp_path: Path) -> None:
    arguments = ("analyze", smile / "smile.mp4", "--onset", 15, "--apex", 30, "-o", "out")
    done = hmrm(*arguments, "--no-head-motion", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "out/analysis.json").read_text())
    assert written["provenance"]["config"]["head_motion"] is False
    (event,) = written["events"]
    assert (event["onset_frame"], event["apex_frame"]) == (15, 30)


def test_the_same_picture_twice_is_no_movement(smile: Path, tmp_path: Path) -> None:
    (tmp_path / "again.png").write_bytes((smile / "onset.png").read_bytes())
    done = hmrm("analyze", smile / "onset.png", "again.png", "-o", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out/analysis.json").read_text())
    assert found["events"] == []
    assert "no_movement" in {notice["code"] for notice in found["notices"]}


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [
        (["absent.mp4"], 3, "no such file"),
        (["text.mp4"], 3, "not a video"),
        (["empty.mp4"], 3, "empty"),
        (["empty"], 3, "holds no video"),
        (["nobody.mp4"], 4, "no face"),
        (["black.mp4"], 4, "no face"),
        (["tiny.mp4"], 4, "px"),
        (["nobody.mp4", "--onset", "3"], 3, "apex"),
        (["nobody.mp4", "--onset", "3", "--apex", "99"], 3, "99"),
        (["nobody.mp4", "--onset", "9", "--apex", "3"], 3, "onset"),
        (["nobody.mp4", "--flow", "magic"], 3, "magic"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_clear_line(
    names: list[str], code: int, words: str, blank: Path, tmp_path: Path
) -> None:
    done = hmrm("analyze", *names, "-o", tmp_path / "out", folder=blank)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_one_bad_video_does_not_stop_the_others(smile: Path, blank: Path, tmp_path: Path) -> None:
    videos = (blank / "text.mp4", smile / "smile.mp4")
    done = hmrm("analyze", *videos, "-o", "out", folder=tmp_path)
    assert done.returncode == 3
    assert "1 of 2 videos failed" in done.stderr
    assert (tmp_path / "out/smile/report.html").exists()


def test_unwritable_output(smile: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    pair = (smile / "onset.png", smile / "apex.png")
    done = hmrm("analyze", *pair, "-o", "file/out", folder=tmp_path)
    assert done.returncode == 5 and "cannot be written" in done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_several_videos_resume(smile: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes((smile / "smile.mp4").read_bytes())
    # Annotated frames: the command is tested, not the spotter.
    run = ("analyze", "a.mp4", "b.mp4", "-o", "out", "--onset", 15, "--apex", 30)
    first = hmrm(*run, folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "earlier run" not in first.stdout
    before = contents(tmp_path / "out")
    again = hmrm(*run, folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "2 of 2 videos from an earlier run" in again.stdout
    assert "a.mp4: 1 movement in 0.7 s (70 frames), from an earlier run" in again.stdout
    assert contents(tmp_path / "out") == before
    (tmp_path / "out/a/report.html").unlink()
    images = [demo_clip().frame(i).image for i in range(165, 205)]
    write_video(tmp_path / "b.mp4", images, 100.0)
    changed = hmrm(*run, folder=tmp_path)
    assert "earlier run" in changed.stdout and "2 of 2 videos again:" in changed.stdout
    assert (tmp_path / "out/a/report.html").exists()
    assert json.loads((tmp_path / "out/b/analysis.json").read_text())["frame_count"] == 40
    other = hmrm(*run, "--no-head-motion", folder=tmp_path)
    assert "2 of 2 videos again:" in other.stdout


def read_until(terminal: int, words: bytes) -> None:
    """Read a terminal until the words appear in it."""
    seen = b""
    while words not in seen:
        seen += os.read(terminal, 4096)


def test_ctrl_c_leaves_nothing_half_written(smile: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hmrm", "analyze", str(smile / "smile.mp4"), "-o", "out"],
        cwd=tmp_path,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
        # A test run in the background of a shell ignores the signal, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    # While torch is imported, a signal may abort the process: wait until frames are read.
    read_until(ours, b"finding faces")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    os.close(ours)
    assert not list(tmp_path.rglob("*.partial*")) and not (tmp_path / "out").exists()
