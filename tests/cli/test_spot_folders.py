"""hmrm spot on folders as data sets have them; its detector finds nobody in noise."""

from pathlib import Path

import cv2
import numpy as np
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.synthetic.demo import demo_clip


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
    picture = cv2.cvtColor(demo_clip().frame(60).image, cv2.COLOR_RGB2BGR)
    for video in "ab":
        folder = tmp_path / "spNO.1" / video / "color"
        folder.mkdir(parents=True)
        for number in range(10):
            cv2.imwrite(str(folder / f"{number}.jpg"), picture)
    words = spotted(tmp_path / "spNO.1", "-o", tmp_path / "out")
    assert "notice: a_color and 1 more: images carry no frame rate; 200 per second" in words
    assert "give the rate (--frames-per-s)" in words
    rows = (tmp_path / "out" / "spotting.csv").read_text().splitlines()
    assert rows[1:] == [",a_color,,,,,", ",b_color,,,,,"]
