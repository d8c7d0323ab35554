"""Pairs in a folder, named as the public flow data sets name them."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.errors import InputError
from hmrm.flow.files.folders import find_pairs
from hmrm.flow.files.formats import write_flow


def files(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ("0000000-img0.ppm", "0000000-img1.ppm", "0000001-img0.ppm", "0000001-img1.ppm"),
            [
                ("0000000", "0000000-img0", "0000000-img1"),
                ("0000001", "0000001-img0", "0000001-img1"),
            ],
        ),
        (("7-img_0.png", "7-img_1.png", "7-flow_01.flo"), [("7", "7-img_0", "7-img_1")]),
        (("00001_img1.ppm", "00001_img2.ppm"), [("00001", "00001_img1", "00001_img2")]),
        (
            ("000000_10.png", "000000_11.png", "000002_10.png", "000002_11.png", "000000_09.png"),
            [("000000", "000000_10", "000000_11"), ("000002", "000002_10", "000002_11")],
        ),
        (("frame10.png", "frame11.png"), [("frame10", "frame10", "frame11")]),
        (tuple(f"frame{n:02d}.png" for n in range(7, 15)), [("frame10", "frame10", "frame11")]),
        (
            ("frame_0001.png", "frame_0002.png", "frame_0003.png", "frame_0007.png"),
            [
                ("frame_0001", "frame_0001", "frame_0002"),
                ("frame_0002", "frame_0002", "frame_0003"),
            ],
        ),
        (("a_onset.png", "a_apex.png", "frame10.png"), [("a", "a_onset", "a_apex")]),
    ],
)
def test_names(names: tuple[str, ...], expected: list[tuple[str, ...]], tmp_path: Path) -> None:
    pairs = find_pairs([files(tmp_path, *names)])
    assert [(pair.name, pair.onset.stem, pair.apex.stem) for pair in pairs] == expected


def test_what_is_no_pair_or_lacks_its_partner(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no pair found.*Frames of one video: give --onset"):
        find_pairs([files(tmp_path / "video", "img001.png", "img002.png")])
    with pytest.raises(InputError, match=r"000001_11\.png has no partner"):
        find_pairs([files(tmp_path / "kitti", "000000_10.png", "000000_11.png", "000001_11.png")])
    with pytest.raises(InputError, match=r"2-img1\.ppm has no partner"):
        find_pairs([files(tmp_path / "chairs", "1-img0.ppm", "1-img1.ppm", "2-img1.ppm")])


@pytest.mark.parametrize(
    ("first", "second", "truth"),
    [
        ("0000000-img0.png", "0000000-img1.png", "0000000-flow_01.flo"),
        ("000000_10.png", "000000_11.png", "000000_10.png"),
        ("frame10.png", "frame11.png", "flow10.flo"),
        ("frame_0001.png", "frame_0002.png", "frame_0001.flo"),
    ],
)
def test_errors_against_the_truth_of_the_set(
    first: str, second: str, truth: str, tmp_path: Path
) -> None:
    import cv2

    image = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8), (0, 0), 2
    )
    folder, flows = files(tmp_path / "images"), files(tmp_path / "flow")
    cv2.imwrite(str(folder / first), image)
    cv2.imwrite(str(folder / second), np.roll(image, 1, axis=1))
    flow = np.zeros((2, 48, 64), np.float32)
    flow[0] = 1.0
    write_flow(flows / truth, flow)
    arguments = [folder, "--truth", flows, "--method", "dis", "-o", tmp_path / "out"]
    result = CliRunner().invoke(app, ["flow", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stdout.splitlines() if "end-point error" in line]
    assert float(line.split("end-point error ")[1].split()[0]) < 0.2
    assert "Fl-all 0.0 %" in line
    rows = (tmp_path / "out/scores.csv").read_text().splitlines()
    assert len(rows) == 2
