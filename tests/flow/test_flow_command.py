import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from hmrm.cli.main import app
from hmrm.errors import DataError, FrameIndexError, HmrmError, InputError, MissingExtraError
from hmrm.flow.files.folders import find_pairs
from hmrm.flow.files.formats import read_flow


def save(path: Path, u: float = 0.0, *, size: int = 48) -> Path:
    """A smooth random picture, moved by ``u`` px to the right."""
    noise = np.random.default_rng(0).standard_normal((size, size))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    image = 128 + 40 * smooth / smooth.std()
    moved = cv2.warpAffine(
        image, np.float64([[1, 0, u], [0, 1, 0]]), (size, size), borderMode=cv2.BORDER_REFLECT
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.clip(moved, 0, 255).astype(np.uint8)
    assert cv2.imwrite(str(path), np.repeat(grey[..., None], 3, axis=2))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["flow", *map(str, arguments)])


def failure(*arguments: object) -> HmrmError:
    error = run(*arguments).exception
    assert isinstance(error, HmrmError), error
    return error


def test_two_pictures(tmp_path: Path):
    a, b = save(tmp_path / "a.png"), save(tmp_path / "b.png", 1.0)
    out, synthetic = tmp_path / "new" / "out.flo", tmp_path / "out.png"
    result = run(a, b, "-o", out, "--picture", synthetic, "--method", "dis")
    assert result.exit_code == 0, result.output
    assert np.median(read_flow(out)[0]) == pytest.approx(1.0, abs=0.1)
    assert "48 x 48 px" in result.output
    assert "static pair" in result.output
    assert cv2.imread(str(synthetic)).shape == (120, 48 + 8 + 120, 3)


@pytest.mark.parametrize("suffix", [".pfm", ".npy", ".png"])
def test_other_formats_and_arrows(tmp_path: Path, suffix: str):
    a, b = save(tmp_path / "a.png"), save(tmp_path / "b.png", 1.0)
    out = tmp_path / f"flow{suffix}"
    result = run(a, b, "-o", out, "--picture", tmp_path / "pictures", "--arrows")
    assert result.exit_code == 0, result.output
    assert read_flow(out).shape == (2, 48, 48)
    assert (tmp_path / "pictures" / "a-b.png").exists()


def test_folder_of_pairs(tmp_path: Path):
    folder = tmp_path / "pairs"
    for name, u in [("s1", 0.5), ("s2", -0.5)]:
        save(folder / f"{name}_onset.png")
        save(folder / f"{name}_apex.bmp", u)
    save(folder / "00001_img1.ppm")
    save(folder / "00001_img2.ppm", 1.0)
    save(folder / "portrait.png")
    result = run(folder, "-o", tmp_path / "out", "--method", "dis")
    assert result.exit_code == 0, result.output
    medians = {p.name: float(np.median(read_flow(p)[0])) for p in (tmp_path / "out").iterdir()}
    assert medians == pytest.approx({"s1.flo": 0.5, "s2.flo": -0.5, "00001.flo": 1.0}, abs=0.1)


def test_two_folders(tmp_path: Path):
    for name in ("x", "y"):
        save(tmp_path / "onsets" / f"{name}.png")
        save(tmp_path / "apexes" / f"{name}.jpg", 0.5)
    result = run(tmp_path / "onsets", tmp_path / "apexes", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["x.flo", "y.flo"]


def test_a_damaged_pair_does_not_stop_the_others(tmp_path: Path):
    folder = tmp_path / "pairs"
    for name in ("a", "b"):
        save(folder / f"{name}_onset.png")
        save(folder / f"{name}_apex.png", 0.5)
    (folder / "a_apex.png").write_bytes(b"no picture")
    result = run(folder, "-o", tmp_path / "out")
    assert result.exit_code == InputError.exit_code
    assert "1 of 2 pairs failed" in result.output
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["b.flo"]


def test_frames_of_a_clip(tmp_path: Path):
    for index in range(4):
        save(tmp_path / "clip" / f"img{index}.png", 0.5 * index)
    out = tmp_path / "out.npy"
    result = run(tmp_path / "clip", "--onset", 1, "--apex", 3, "-o", out, "--method", "dis")
    assert result.exit_code == 0, result.output
    assert np.median(read_flow(out)[0]) == pytest.approx(1.0, abs=0.1)
    assert isinstance(failure(tmp_path / "clip", "--onset", 1), FrameIndexError)
    assert isinstance(failure(tmp_path / "clip", "--onset", 1, "--apex", 1), FrameIndexError)
    assert isinstance(failure(tmp_path / "clip", "--onset", 1, "--apex", 9), FrameIndexError)


class TestRefused:
    def test_arguments(self, tmp_path: Path):
        a, b = save(tmp_path / "a.png"), save(tmp_path / "b.png", 1.0)
        assert "--onset" in str(failure(a))
        assert "two folders" in str(failure(a, b, a))
        assert "two folders" in str(failure(a, tmp_path))
        assert "one video" in str(failure(a, b, "--onset", 0, "--apex", 1))
        assert "suffix" in str(failure(a, b, "-o", tmp_path / "out.exr"))
        assert "share" in str(
            failure(a, b, "-o", tmp_path / "o.png", "--picture", tmp_path / "o.png")
        )
        assert "raft" in str(failure(a, b, "-o", tmp_path / "o.flo", "--method", "raft"))

    def test_files(self, tmp_path: Path):
        a, small = save(tmp_path / "a.png"), save(tmp_path / "b.png", size=40)
        assert "same size" in str(failure(a, small, "-o", tmp_path / "o.flo"))
        assert "absent.png" in str(failure(a, tmp_path / "absent.png", "-o", tmp_path / "o.flo"))
        assert not (tmp_path / "o.flo").exists()

    def test_several_pairs_into_one_file(self, tmp_path: Path):
        for name in ("a", "b"):
            save(tmp_path / "in" / f"{name}_onset.png")
            save(tmp_path / "in" / f"{name}_apex.png")
        result = run(tmp_path / "in", "-o", tmp_path / "one.flo")
        assert result.exit_code == InputError.exit_code
        assert "name a folder" in result.output

    def test_folders(self, tmp_path: Path):
        folder = tmp_path / "in"
        folder.mkdir()
        with pytest.raises(InputError, match="no pair"):
            find_pairs([folder])
        save(folder / "a_onset.png")
        with pytest.raises(InputError, match="no partner"):
            find_pairs([folder])
        save(folder / "a_apex.png")
        save(folder / "a_img1.png")
        save(folder / "a_img2.png")
        with pytest.raises(InputError, match="two namings"):
            find_pairs([folder])
        save(folder / "a_apex.jpg")
        with pytest.raises(InputError, match="same name"):
            find_pairs([folder])
        with pytest.raises(InputError, match="got nothing"):
            find_pairs([])

    def test_unknown_flow_suffix_is_a_data_error(self, tmp_path: Path):
        with pytest.raises(DataError):
            read_flow(tmp_path / "o.exr")


def test_bare_names_are_a_pair(tmp_path: Path):
    save(tmp_path / "onset.png")
    save(tmp_path / "apex.png")
    assert [pair.name for pair in find_pairs([tmp_path])] == ["flow"]


def test_kinds_of_picture_files(tmp_path: Path):
    colour = [save(tmp_path / "a.png"), save(tmp_path / "b.png", 1.0)]
    assert run(*colour, "-o", tmp_path / "8.npy", "--method", "dis").exit_code == 0
    for kind in ("16-bit", "grey", "alpha"):
        others = []
        for path in colour:
            levels = cv2.imread(str(path))
            if kind == "16-bit":
                levels = levels.astype(np.uint16) * 257
            elif kind == "grey":
                levels = levels[..., 0]
            else:
                levels = np.dstack([levels, np.full(levels.shape[:2], 100, np.uint8)])
            others.append(tmp_path / f"{kind}-{path.name}")
            assert cv2.imwrite(str(others[-1]), levels)
        result = run(*others, "-o", tmp_path / f"{kind}.npy", "--method", "dis")
        assert result.exit_code == 0, result.output
        np.testing.assert_array_equal(
            read_flow(tmp_path / f"{kind}.npy"), read_flow(tmp_path / "8.npy")
        )


def test_tiny_pictures_are_refused(tmp_path: Path):
    a, b = save(tmp_path / "a.png", size=15), save(tmp_path / "b.png", size=15)
    message = str(failure(a, b, "-o", tmp_path / "o.flo", "--method", "gru-aofe"))
    assert "15 x 15" in message and "at least 16" in message


def test_without_torch_the_network_says_what_to_do(tmp_path: Path):
    a, b = save(tmp_path / "a.png"), save(tmp_path / "b.png", 1.0)
    code = "import sys; sys.modules['torch'] = None; from hmrm.cli.main import main; main()"
    command = [sys.executable, "-c", code, "flow", str(a), str(b), "-o", str(tmp_path / "o.flo")]
    done = subprocess.run([*command, "--method", "gru-aofe"], capture_output=True, text=True)
    assert done.returncode == MissingExtraError.exit_code
    assert "hmrm[torch]" in done.stderr and "deepflow" in done.stderr
    assert "Traceback" not in done.stderr
    assert subprocess.run(command, check=False).returncode == 0
