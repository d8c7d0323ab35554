"""hmrm spot on folders as data sets have them; its detector finds nobody in noise."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.errors import MissingExtraError
from hmrm.faces.landmarks import landmarker
from hmrm.synthetic.demo import demo_clip
from hmrm.video.writer import write_video


def spotted(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["spot", *map(str, arguments), "--no-progress"])
    return done.output


def test_named_folders_are_left_out(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
    for kind in ("color", "depth"):
        folder = tmp_path / "part_A" / "spNO.1" / "a" / kind
        folder.mkdir(parents=True)
        for number in range(3):
            cv2.imwrite(str(folder / f"{number}.jpg"), noise)
    where = (tmp_path / "part_A", "-o", tmp_path / "out")
    assert "2 of 2 videos failed" in spotted(*where)
    words = spotted(*where, "--skip", "depth")
    assert "1 of 1 videos failed" in words and "depth" not in words


def test_an_assumed_rate_names_the_option_and_videos_as_the_table_does(tmp_path: Path) -> None:
    image = cv2.cvtColor(demo_clip().frame(60).image, cv2.COLOR_RGB2BGR)
    for video in "ab":
        folder = tmp_path / "spNO.1" / video / "color"
        folder.mkdir(parents=True)
        for number in range(10):
            cv2.imwrite(str(folder / f"{number}.jpg"), image)
    words = spotted(tmp_path / "spNO.1", "-o", tmp_path / "out")
    assert "notice: a_color and 1 more: images carry no frame rate; 200 per second" in words
    assert "give the rate (--frames-per-s)" in words
    rows = (tmp_path / "out" / "spotting.csv").read_text().splitlines()
    assert rows[1:] == [",a_color,,,,,,,,", ",b_color,,,,,,,,"]


def test_68_landmarks_need_an_extra_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        write_video(tmp_path / f"{name}.mp4", [np.full((64, 64, 3), 90, np.uint8)] * 3, 25.0)
    monkeypatch.setitem(sys.modules, "dlib", None)
    landmarker.cache_clear()
    where = (str(tmp_path), "-o", str(tmp_path / "out"), "--landmarks", "68", "--no-progress")
    done = CliRunner().invoke(app, ["analyze", *where])
    assert isinstance(done.exception, MissingExtraError)
    assert "pip install 'hmrm[dlib]'" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_two_still_images_are_nothing_to_spot_in(tmp_path: Path) -> None:
    for name in ("onset.png", "apex.png"):
        cv2.imwrite(str(tmp_path / name), np.full((64, 64), 90, np.uint8))
    words = spotted(tmp_path / "onset.png", tmp_path / "apex.png", "-o", tmp_path / "out")
    assert "two still images have nothing to spot in" in words
    assert "1 of 1 videos failed" in words
