"""``hmrm analyze --live`` on a file that plays in real time."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.errors import VideoError
from hmrm.video import device
from hmrm.video.writer import write_video
from tests.analysis.test_stream import RATE, film


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("live") / "smile.mp4"
    write_video(path, (image for image, _ in film(5.2)), RATE)
    return path


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["analyze", *words])
    return result.exit_code, result.stdout, result.stderr


def test_a_movement_is_reported_and_kept(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only the waiting is left out.
    monkeypatch.setattr(device, "LATE_S", 1e9)
    code, out, _ = run("--live", str(video), "-o", str(tmp_path / "out"), "--weights", "none")
    assert code == 0
    assert "announced" in out and "1 movement in 156 frames" in out
    rows = (tmp_path / "out" / "events.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 2 and rows[0].startswith("face_id,onset_frame")


@pytest.mark.parametrize(
    "words", [("a.mp4", "b.mp4"), ("a.mp4", "--onset", "3"), ("a.mp4", "--blur-faces")]
)
def test_what_live_does_not_take_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    code, _, err = run("--live", *words, "-o", str(tmp_path / "out"))
    assert code == 2 and "--live" in err


def test_neither_a_file_nor_a_camera(tmp_path: Path) -> None:
    words = ["analyze", "--live", str(tmp_path / "none.mp4"), "-o", str(tmp_path / "out")]
    with pytest.raises(VideoError, match="no camera"):
        CliRunner().invoke(app, words, catch_exceptions=False)
