"""Faces made unrecognisable, by box, over lost frames, and at the edges."""

from dataclasses import replace

import numpy as np
import pytest

from hmrm.analysis.blur import HOLD_S, MARGIN, MOST_CELLS, TrackedBoxes, blur
from hmrm.clip import FaceFrame


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(200, 300), (200, 300, 3)])
@pytest.mark.parametrize("cells", [1, 3, MOST_CELLS])
def test_a_box_becomes_flat_cells(shape: tuple[int, ...], cells: int) -> None:
    image = noise(*shape)
    done = blur(image, (100.0, 60.0, 150.0, 110.0), cells=cells)
    changed = np.argwhere((done != image).reshape(*shape[:2], -1).any(axis=2))
    margin = MARGIN * 50
    assert changed.min(axis=0).tolist() == [60 - margin, 100 - margin]
    assert changed.max(axis=0).tolist() == [110 + margin, 150 + margin]
    inside = done[40:131, 80:171].reshape(91, 91, -1)
    assert len(np.unique(inside.reshape(-1, inside.shape[2]), axis=0)) <= cells**2
    assert np.array_equal(image, noise(*shape)), "the image given stays as it is"


@pytest.mark.parametrize(
    "box", [(-50.0, -20.0, 10.0, 30.0), (290.0, 190.0, 400.0, 300.0), (-9.0, -9.0, 400.0, 300.0)]
)
def test_a_box_over_the_edge_is_cut(box: tuple[float, float, float, float]) -> None:
    done = blur(noise(200, 300), box, cells=1)
    left, top, right, bottom = (round(v) for v in box)
    part = done[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
    assert len(np.unique(part)) == 1


def test_a_box_outside_changes_nothing_and_no_box_is_the_whole_image() -> None:
    image = noise(200, 300)
    assert np.array_equal(blur(image, (900.0, 900.0, 910.0, 910.0)), image)
    assert len(np.unique(blur(image, None))) <= MOST_CELLS**2
    assert len(np.unique(blur(image, None, cells=1))) == 1


@pytest.mark.parametrize("cells", [0, 9])
def test_more_cells_would_show_a_face(cells: int) -> None:
    with pytest.raises(ValueError, match="hidden by 1 to 8"):
        blur(noise(20, 20), None, cells=cells)


def frame(index: int, left: float, face_id: int = 0) -> FaceFrame:
    return FaceFrame(
        index=index,
        time_s=index / 10,
        face_id=face_id,
        box_xyxy_px=(left, 10.0, left + 20, 30.0),
        detection_confidence=1.0,
        success=True,
    )


def test_boxes_are_held_over_lost_frames_and_for_a_while_at_the_ends() -> None:
    tracked = TrackedBoxes([frame(20, 100.0), frame(10, 0.0), frame(20, 500.0, face_id=1)])
    assert tracked.at(10, 1.0) == [(0.0, 10.0, 20.0, 30.0)]
    assert tracked.at(15, 1.5) == [(0.0, 10.0, 120.0, 30.0), (500.0, 10.0, 520.0, 30.0)]
    assert tracked.at(14, 1.4) == [(0.0, 10.0, 120.0, 30.0)]
    assert len(tracked.at(20, 2.0)) == 2
    assert tracked.at(24, 2.0 + HOLD_S - 0.01)[0] == (100.0, 10.0, 120.0, 30.0)
    assert tracked.at(26, 2.0 + HOLD_S + 0.01) == []
    assert tracked.at(4, 1.0 - HOLD_S - 0.01) == []
    without = [replace(frame(0, 0.0), box_xyxy_px=None)]
    assert TrackedBoxes(without).at(0, 0.0) == TrackedBoxes([]).at(0, 0.0) == []
