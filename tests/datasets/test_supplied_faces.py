"""Faces given to prepare: points that fit no clip are refused, another origin of faces is told."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from hmrm.cli.main import app
from hmrm.datasets.preparation import prepare_clip
from hmrm.datasets.preparation.supplied_points import read_points
from hmrm.errors import DataError
from hmrm.synthetic.datasets.composite import synthetic_smic
from hmrm.synthetic.datasets.writer import write_points, write_synthetic


@pytest.fixture()
def root(tmp_path: Path) -> Path:
    write_points(tmp_path / "faces.csv", write_synthetic(tmp_path, synthetic_smic().first(3)))
    return tmp_path


def prepared(root: Path, *more: object) -> Result:
    command = ["datasets", "prepare", "smic", root, "-o", root / "out", "--flow", "farneback"]
    return CliRunner().invoke(app, [str(word) for word in (*command, *more)])


def test_points_of_another_data_set_alone_are_refused_before_anything_is_made(root: Path) -> None:
    points = read_points(root / "faces.csv")
    others = {f"smic-e-hs/{clip.split('/', 1)[1]}": face for clip, face in points.items()}
    write_points(root / "others.csv", others)
    done = prepared(root, "--faces", root / "others.csv")
    assert isinstance(done.exception, DataError)
    assert "none of its 3 ids is a clip here; its first is 'smic-e-hs/s01" in str(done.exception)
    assert "the first clip 'smic/s01/s01_ne_01'" in str(done.exception)
    assert not (root / "out").exists()


def test_where_faces_are_from_is_told_and_that_it_changed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = read_points(root / "faces.csv")
    face = np.reshape(next(iter(points.values())), (5, 2))
    monkeypatch.setattr(prepare_clip, "find_points", lambda *_, **__: (face, "detected"))
    given = ("--faces", root / "faces.csv")
    first = prepared(root, *given).stdout
    assert "faces: 3 given" in first and "made again" not in first
    second = prepared(root).stdout
    assert "faces: 3 detected" in second
    assert "3 made again, as their faces are from elsewhere: given → detected" in second
    assert "made again" not in prepared(root).stdout
    (clip, *_) = points
    write_points(root / "faces.csv", {clip: points[clip]})
    third = prepared(root, *given).stdout
    assert "faces: 2 detected, 1 given" in third
    assert "1 made again, as their faces are from elsewhere: detected → given" in third
