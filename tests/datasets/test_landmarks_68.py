"""Faces aligned by 68 landmarks in prepare: asked for, told, remembered; without dlib refused."""

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from hmrm.cli.main import app
from hmrm.datasets.preparation import prepare_clip
from hmrm.errors import ConfigError, MissingExtraError
from hmrm.faces import landmarks
from hmrm.faces.shape import MEAN_FACE_68
from hmrm.synthetic.datasets.composite import synthetic_smic
from hmrm.synthetic.datasets.writer import write_points, write_synthetic


class AverageFace:
    """Stands in for dlib's predictor: the average face, filling the rectangle."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, view: np.ndarray, box: SimpleNamespace) -> SimpleNamespace:
        side = (box.x2 - box.x1) / 2.6
        points = [
            SimpleNamespace(x=box.x1 + (x + 1.3) * side, y=box.y1 + (y + 0.9) * side)
            for x, y in MEAN_FACE_68
        ]
        return SimpleNamespace(num_parts=68, parts=lambda: points)


@pytest.fixture()
def root(tmp_path: Path) -> Path:
    write_points(tmp_path / "faces.csv", write_synthetic(tmp_path, synthetic_smic().first(2)))
    return tmp_path


@pytest.fixture()
def dlib(root: Path, monkeypatch: pytest.MonkeyPatch):
    model = root / "model.dat"
    model.write_bytes(b"one model")
    place = SimpleNamespace
    monkeypatch.setitem(
        sys.modules,
        "dlib",
        SimpleNamespace(
            shape_predictor=AverageFace,
            rectangle=lambda x1, y1, x2, y2: place(x1=x1, y1=y1, x2=x2, y2=y2),
        ),
    )
    monkeypatch.setenv(landmarks.VARIABLE, str(model))
    caches = (landmarks.landmarker, prepare_clip.landmark_model_sha256)
    for cached in caches:
        cached.cache_clear()
    yield model
    for cached in caches:
        cached.cache_clear()


def prepared(root: Path, *more: object) -> Result:
    command = ["datasets", "prepare", "smic", root, "-o", root / "out", "--flow", "farneback"]
    return CliRunner().invoke(app, [str(word) for word in (*command, *more)])


def test_detected_faces_are_aligned_by_68_landmarks(root: Path, dlib: Path) -> None:
    done = prepared(root, "--landmarks", 68)
    assert "faces: 2 detected, 68 landmarks" in done.stdout
    with (root / "out/clips.csv").open() as file:
        assert {row["face"] for row in csv.DictReader(file)} == {"detected, 68 landmarks"}
    assert json.loads((root / "out/prepare.json").read_text())["made_from"]["landmarks"] == 68
    assert "(0 made now)" in prepared(root, "--landmarks", 68).stdout
    other = prepared(root)
    assert isinstance(other.exception, ConfigError)
    assert "landmarks was 68, now absent" in str(other.exception)
    dlib.write_bytes(b"another model")
    prepare_clip.landmark_model_sha256.cache_clear()
    assert "(2 made now)" in prepared(root, "--landmarks", 68).stdout


def test_given_points_are_taken_as_they_are(root: Path, dlib: Path) -> None:
    done = prepared(root, "--landmarks", 68, "--faces", root / "faces.csv")
    assert "faces: 2 given" in done.stdout


def test_five_points_are_written_nowhere(root: Path) -> None:
    prepared(root, "--faces", root / "faces.csv", "--landmarks", 5)
    made_from = json.loads((root / "out/prepare.json").read_text())["made_from"]
    assert "landmarks" not in made_from


def test_without_dlib_it_is_refused_before_anything_is_made(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    landmarks.landmarker.cache_clear()
    done = prepared(root, "--landmarks", 68)
    assert isinstance(done.exception, MissingExtraError)
    assert "pip install 'hmrm[dlib]'" in str(done.exception)
    assert not (root / "out").exists()
