"""The head's motion is taken off before, and given back after."""

import numpy as np

from hmrm.flow.aligned import Aligned
from hmrm.flow.classical import DeepFlow
from hmrm.flow.metrics import flow_scores
from hmrm.flow.spline import spline
from hmrm.synthetic.known_flow import flow_between, smooth_field


def moving_head(u: float, turn: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Onset, apex and flow: a head that shifts by ``u`` px and turns, with .3 px of skin motion."""
    rng = np.random.default_rng(0)
    side = 96
    image = 128 + 30 * sum(
        smooth_field(side, side, sigma_px=s, generator=rng)[0] for s in (1.0, 4.0)
    )
    y, x = np.mgrid[:side, :side] - side / 2
    head = np.stack([u - turn * y, turn * x])
    skin = 0.3 * smooth_field(side, side, sigma_px=12.0, generator=rng)
    flow = flow_between(np.zeros_like(skin), (-head - skin).astype(np.float32))
    levels = spline(image[None]).at((-head - skin).astype(np.float32))[0]
    return *(np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in (image, levels)), flow


def test_less_is_left_to_the_estimator_and_the_result_is_closer():
    onset, apex, truth = moving_head(2.0, 0.02)
    seen = []

    def first_pass(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        found = DeepFlow()(first, second)
        seen.append(float(np.linalg.norm(found, axis=0).mean()))
        return found

    plain = flow_scores(DeepFlow()(onset, apex), truth, border_px=8)
    aligned = flow_scores(Aligned(estimator=first_pass)(onset, apex), truth, border_px=8)
    # mean motion: 2.1 px with the head's, about .35 px of skin alone
    assert plain.length_px > 1.5 and seen[0] < 0.6
    assert aligned.epe_px < plain.epe_px


def test_an_estimator_that_sees_nothing_leaves_the_heads_motion():
    onset, apex, _ = moving_head(2.0, 0.0)
    blind = Aligned(estimator=lambda _, second: np.zeros((2, *second.shape), np.float32))
    flow = blind(onset, apex)
    # DIS and the robust fit find the shift under .3 px of other motion
    np.testing.assert_allclose(flow.mean(axis=(1, 2)), [2.0, 0.0], atol=0.15)


def test_a_head_at_rest_is_not_resampled():
    onset, _, _ = moving_head(0.0, 0.0)
    given = []
    Aligned(estimator=lambda a, b: given.append(b) or DeepFlow()(a, b))(onset, onset)
    assert given[0] is onset
