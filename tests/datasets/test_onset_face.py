"""Faces of onsets: found in tight crops and in later frames, told where not."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hmrm.datasets.preparation.onset_face import find_points
from hmrm.errors import FaceNotFoundError
from hmrm.faces.shape import five_points
from hmrm.synthetic.demo import demo_face
from hmrm.synthetic.rendered_face import render_face


def tight(image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut off at brows, jaw and cheeks, as published crops are."""
    left, top = np.maximum(points.min(0) - [0, 0.2 * np.ptp(points[:, 1])], 0).astype(int)
    right, bottom = points.max(0).astype(int)
    part = image[top:bottom, left:right]
    scale = np.array([280 / part.shape[1], 340 / part.shape[0]])
    return cv2.resize(part, (280, 340)), (five_points(points) - [left, top]) * scale


def test_faces_that_fill_the_picture_are_found() -> None:
    faces = [render_face(np.random.default_rng(s), eye_distance_px=110.0) for s in (0, 1, 2, 11)]
    sources = []
    for image, points in (*faces, demo_face()):
        crop, truth = tight(image, points)
        found, source = find_points(crop, [], name="a/b/c")
        eyes = float(np.linalg.norm(truth[1] - truth[0]))
        assert np.linalg.norm(found - truth, axis=1).mean() < 0.15 * eyes
        sources.append(source)
    assert "detected with a margin" in sources


def test_a_later_frame_serves_where_the_onset_shows_none(tmp_path: Path) -> None:
    shown, points = render_face(np.random.default_rng(4))
    onset = np.full_like(shown, 128)
    paths = []
    for number, image in enumerate((onset, onset, shown)):
        paths.append(tmp_path / f"img{number}.png")
        cv2.imwrite(str(paths[-1]), image[:, :, ::-1])
    found, source = find_points(onset, paths, name="a/b/c")
    assert source == "detected in a later frame"
    assert np.abs(found - five_points(points)).max() < 12
    with pytest.raises(FaceNotFoundError, match="a/b/c: no face in its frames"):
        find_points(onset, paths[:2], name="a/b/c")
