"""Frames of one clip: what was written comes back, and what does not fit is named."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hmrm.errors import DataError
from hmrm.flow.aligned_frames import AlignedFrames, read_aligned_frames


def clip(*, rgb: bool = True) -> AlignedFrames:
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (5, 12, 9, 3)).astype(np.uint8)
    flow = generator.normal(size=(2, 12, 9)).astype(np.float32)
    return AlignedFrames(
        frames=frames if rgb else frames[..., 0], apex=3, flow=flow, frame_rate=100.0
    )


@pytest.mark.parametrize("rgb", [False, True])
def test_a_clip_comes_back_as_it_was(rgb: bool, tmp_path: Path) -> None:
    written, path = clip(rgb=rgb), tmp_path / "a.npz"
    path.write_bytes(written.file_bytes())
    found = read_aligned_frames(path)
    np.testing.assert_array_equal(found.frames, written.frames)
    np.testing.assert_array_equal(found.flow, written.flow)
    assert (found.apex, found.frame_rate) == (3, 100.0)
    expected = [
        cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if rgb else frame for frame in written.frames
    ]
    np.testing.assert_array_equal(found.grey, np.stack(expected))


@pytest.mark.parametrize(
    "changes",
    [
        {"apex": 5},
        {"apex": -1},
        {"flow": np.zeros((2, 9, 12), np.float32)},
        {"flow": np.full((2, 12, 9), np.nan, np.float32)},
        {"frames": np.zeros((0, 12, 9), np.uint8)},
        {"frames": np.zeros((5, 12, 9, 4), np.uint8)},
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(changes, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    whole = clip()
    arrays = {"frames": whole.frames, "apex": 3, "flow": whole.flow, "frame_rate": 100.0}
    np.savez(path, **{**arrays, **changes})
    with pytest.raises(DataError, match="do not fit each other"):
        read_aligned_frames(path)


def test_a_missing_or_cut_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(DataError, match=r"a\.npz.*prepare --frames"):
        read_aligned_frames(path)
    path.write_bytes(clip().file_bytes()[:-40])
    with pytest.raises(DataError, match=r"a\.npz"):
        read_aligned_frames(path)
