"""hmrm spot, from outside: intervals, resuming, failures."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video


def hmrm(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hmrm", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of one subject: 2.5 s of the demo at half its rate, and nobody."""
    folder = tmp_path_factory.mktemp("spot")
    clip = demo_clip()
    (folder / "videos" / "s01").mkdir(parents=True)
    images = (clip.frame(i).image for i in range(60, 310, 2))
    write_video(folder / "videos" / "s01" / "smile.mp4", images, 50.0)
    grey = np.full((120, 160, 3), 90, np.uint8)
    write_video(folder / "videos" / "s01" / "nobody.mp4", [grey] * 12, 25.0)
    return folder


def spotted(folder: Path) -> subprocess.CompletedProcess[str]:
    return hmrm(
        "spot", "videos", "-o", "out", "--subject", "folder", "--no-progress", folder=folder
    )


def written(folder: Path) -> dict[Path, str]:
    """All files without the checkout's commit, which may move between two runs."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: re.sub(r'"commit": .*', "", path.read_text()) for path in files}


def test_intervals_and_their_score(folder: Path) -> None:
    done = spotted(folder)
    assert done.returncode == 4, done.stderr  # nobody.mp4
    assert "nobody.mp4: no face" in done.stderr
    assert "1 of 2 videos failed" in done.stderr
    rows = (folder / "out" / "spotting.csv").read_text().splitlines()
    assert rows[0] == "subject,video,onset,offset,type,apex,score,onset_s,apex_s,offset_s"
    assert [[*row.split(",")[:2], row.split(",")[4]] for row in rows[1:]] == [
        ["s01", "smile", "micro"]
    ]
    (truth,) = demo_clip().truth.events
    onset, offset = ((i - 60) // 2 for i in (truth.onset_index, truth.offset_index))
    (folder / "truth.csv").write_text(
        f"subject,video,onset,offset,type\ns01,smile,{onset},{offset},micro\n"
    )
    for found in ("out/spotting.csv", "out/spotting.json"):
        scored = hmrm("score-spotting", "--truth", "truth.csv", "--found", found, folder=folder)
        assert scored.returncode == 0, scored.stderr
        assert scored.stdout.splitlines()[1].split()[-1] == "1.0000"
    stored = json.loads((folder / "out" / "spotting.json").read_text())
    assert list(stored["failures"]) == ["s01_nobody"]
    assert stored["videos"][0]["intervals"][0]["region"].endswith("mouth_corner")


def test_a_video_without_an_expression_is_named(tmp_path: Path) -> None:
    clip = demo_clip()
    write_video(tmp_path / "quiet.mp4", [clip.frame(60).image] * 30, 25.0)
    done = hmrm("spot", "quiet.mp4", "-o", "out", "--no-progress", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 video(s), 1.2 s: 0 micro-" in done.stdout
    rows = (tmp_path / "out" / "spotting.csv").read_text().splitlines()
    assert rows[1:] == [",quiet,,,,,,,,"]


def test_a_repeated_run_takes_what_is_there(folder: Path) -> None:
    first = spotted(folder)
    before = written(folder / "out")
    again = spotted(folder)
    assert "1 of 2 videos from an earlier run" in again.stdout, first.stdout
    assert before == written(folder / "out")
    kept = folder / "out" / "videos" / "s01_smile.json"
    kept.write_text(kept.read_text()[:40])
    damaged = spotted(folder)
    assert "1 of 2 videos again:" in damaged.stdout and "from an earlier" not in damaged.stdout
    assert written(folder / "out")[kept] == before[kept]


def test_another_rate_is_another_run(folder: Path) -> None:
    video = folder / "videos" / "s01" / "smile.mp4"
    done = hmrm(
        "spot", video, "-o", "out", "--subject", "folder", "--frames-per-s", 25, "--no-progress",
        folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 of 1 videos again:" in done.stdout and "from an earlier" not in done.stdout
    assert "notice: smile: times follow the given 25 frames per second, not the file" in done.stderr
    assert json.loads((folder / "out" / "spotting.json").read_text())["videos"][0][
        "frames_per_s"
    ] == pytest.approx(25.0)
