"""Motion drawn larger: by the factor that is stated, and of the onset alone."""

import numpy as np
import pytest

from hmrm.analysis.report.magnify import MOST, SHOWN_PX, factor_of, magnified


@pytest.mark.parametrize(("motion_px", "factor"), [(1.0, 6), (2.0, 3), (0.0, 12), (30.0, 1)])
def test_a_bar_is_moved_by_the_stated_multiple_of_its_motion(motion_px: float, factor: int) -> None:
    onset = np.zeros((80, 160, 3), dtype=np.uint8)
    onset[:, 60:70] = 200
    flow = np.zeros((2, 80, 160))
    flow[0] = motion_px
    image, found = magnified(onset, flow)
    assert found == factor == factor_of(flow)
    expected = np.roll(onset, round(factor * motion_px), axis=1)
    np.testing.assert_array_equal(image, expected)


def test_small_motion_is_not_magnified_without_bound() -> None:
    assert factor_of(np.full((2, 4, 4), 1e-3)) <= MOST


def test_parts_that_do_not_move_stay_and_unknown_motion_is_none() -> None:
    rng = np.random.default_rng(0)
    onset = rng.integers(0, 255, (60, 120), dtype=np.uint8)
    flow = np.zeros((2, 60, 120))
    flow[1, :, 80:] = SHOWN_PX / 2
    flow[:, :10, :10] = np.nan
    image, _ = magnified(onset, flow)
    np.testing.assert_array_equal(image[:, :70], onset[:, :70])
    assert not np.array_equal(image[:, 100:], onset[:, 100:])
