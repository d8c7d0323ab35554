import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.flow.metrics import OUTLIER_PX, endpoint_error, flow_scores, mean_scores


def random_flow(seed: int, size: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2, size, size))


def test_scores_agree_with_a_loop_over_pixels():
    flow, truth = random_flow(0), random_flow(1) * 2
    truth[:, 4, 4] = np.nan
    errors, angles, speeds = [], [], []
    for y in range(2, 10):
        for x in range(2, 10):
            (u, v), (tu, tv) = flow[:, y, x], truth[:, y, x]
            if np.isnan(tu):
                continue
            errors.append(np.hypot(u - tu, v - tv))
            speeds.append(np.hypot(tu, tv))
            cosine = (u * tu + v * tv + 1) / np.sqrt((u * u + v * v + 1) * (tu * tu + tv * tv + 1))
            angles.append(np.degrees(np.arccos(cosine)))
    scores = flow_scores(flow, truth, border_px=2)
    assert scores.epe_px == pytest.approx(np.mean(errors))
    assert scores.epe_median_px == pytest.approx(np.median(errors))
    assert scores.angular_deg == pytest.approx(np.mean(angles))
    assert scores.zero_epe_px == pytest.approx(np.mean(speeds))
    order = np.argsort(speeds)[::-1][:7]  # the fastest tenth of 63
    assert scores.epe_fastest_px == pytest.approx(np.mean(np.array(errors)[order]))
    for limit, fraction in zip(OUTLIER_PX, scores.outliers, strict=True):
        assert fraction == pytest.approx(np.mean(np.array(errors) > limit))


def test_golden():
    truth = np.zeros((2, 4, 4))
    truth[0, 0, 0] = 100.0
    flow = truth.copy()
    flow[1, 0, 0] = 4.0  # an error of 4 px, but below 5 % of 100 px
    flow[0, 1, 1] = 4.0
    scores = flow_scores(flow, truth)
    assert scores.epe_px == 0.5
    assert scores.fl_all == 1 / 16
    assert scores.outliers == (1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 8, 0.0)


@given(seed=st.integers(0, 99))
def test_the_truth_scores_zero(seed: int):
    truth = random_flow(seed)
    scores = flow_scores(truth, truth)
    assert scores.epe_px == scores.epe_fastest_px == scores.angular_deg == 0
    assert not any(scores.outliers)
    assert not endpoint_error(truth, truth).any()


def test_zero_flow_has_the_zero_baseline():
    truth = random_flow(3)
    scores = flow_scores(np.zeros_like(truth), truth)
    assert scores.epe_px == scores.zero_epe_px
    assert scores.length_px == 0


def test_mean_counts_pairs_equally():
    one, two = (
        flow_scores(random_flow(0), random_flow(1)),
        flow_scores(random_flow(2), random_flow(3)),
    )
    mean = mean_scores([one, two])
    assert mean.epe_px == pytest.approx((one.epe_px + two.epe_px) / 2)
    assert mean.outliers[0] == pytest.approx((one.outliers[0] + two.outliers[0]) / 2)


def test_nothing_to_score():
    with pytest.raises(ValueError, match="no known pixel"):
        flow_scores(random_flow(0), np.full((2, 12, 12), np.nan))
    with pytest.raises(ValueError, match="no known pixel"):
        flow_scores(random_flow(0), random_flow(1), border_px=6)
    with pytest.raises(ValueError, match="nothing"):
        mean_scores([])
