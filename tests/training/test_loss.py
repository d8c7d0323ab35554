import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from hmrm.errors import ConfigError
from hmrm.model.network import Logits
from hmrm.training.loss import LossConfig, MultiScaleLoss, focal_cross_entropy


def logits(seed=0, count=6, classes=3):
    g = torch.Generator().manual_seed(seed)
    scales = [
        torch.randn(count, classes, generator=g, dtype=torch.float64, requires_grad=True)
        for _ in range(3)
    ]
    return Logits(*scales, units=torch.empty(count, 0))


LABELS = torch.tensor([0, 1, 2, 2, 1, 0])
WEIGHTS = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)


def slow_loss(outputs, labels, alpha, gamma, class_weights):
    """Scale by scale, sample by sample, in scalars."""
    total = 0.0
    for scale, weight in zip(outputs[:3], alpha, strict=True):
        loss, mass = 0.0, 0.0
        for row, label in zip(scale.tolist(), labels.tolist(), strict=True):
            exponentials = [math.exp(value) for value in row]
            p = exponentials[label] / sum(exponentials)
            w = 1.0 if class_weights is None else class_weights[label].item()
            loss -= w * (1 - p) ** gamma * math.log(p)
            mass += w
        total += weight * loss / mass
    return total


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 0.5])
@pytest.mark.parametrize("class_weights", [None, WEIGHTS])
@pytest.mark.parametrize("learn", [False, True])
def test_equals_scalar_twin_in_value_and_gradient(gamma, class_weights, learn):
    config = LossConfig(gamma=gamma, alpha=(1.0, 2.0, 5.0), learn_alpha=learn)
    loss = MultiScaleLoss(config, class_weights=class_weights).double()
    outputs = logits()
    alpha = np.array([1.0, 2.0, 5.0]) / 8
    value = loss(outputs, LABELS)
    expected = slow_loss(outputs, LABELS, alpha, gamma, class_weights)
    # alpha is set in float32.
    assert value.item() == pytest.approx(expected, rel=1e-6)
    value.backward()
    step = 1e-6
    for scale in range(3):
        for place in ((0, 0), (3, 2), (5, 1)):
            nudged = []
            for sign in (1, -1):
                moved = [part.detach().clone() for part in outputs]
                moved[scale][place] += sign * step
                nudged.append(slow_loss(moved, LABELS, alpha, gamma, class_weights))
            slope = (nudged[0] - nudged[1]) / (2 * step)
            assert outputs[scale].grad[place].item() == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_learned_alpha_gradient():
    loss = MultiScaleLoss(LossConfig()).double()
    value = loss(logits(), LABELS)
    value.backward()
    per_scale = [focal_cross_entropy(part, LABELS, gamma=2.0).item() for part in logits()[:3]]
    expected = [(part - value.item()) / 3 for part in per_scale]
    np.testing.assert_allclose(loss.alpha_logits.grad.numpy(), expected, rtol=1e-6)


def test_without_focus_and_one_scale_it_is_torchs_cross_entropy():
    config = LossConfig(gamma=0.0, alpha=(0.0, 0.0, 1.0), learn_alpha=False)
    loss = MultiScaleLoss(config, class_weights=WEIGHTS).double()
    outputs = logits()
    expected = functional.cross_entropy(outputs.fused, LABELS, WEIGHTS)
    torch.testing.assert_close(loss(outputs, LABELS), expected)
    assert list(loss.parameters()) == []


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_certain_predictions_have_finite_gradients(gamma):
    sure = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    value = focal_cross_entropy(sure, torch.tensor([0, 0]), gamma=gamma)
    value.backward()
    assert value.item() == pytest.approx(100.0)
    assert torch.isfinite(sure.grad).all()


def test_focus_lowers_easy_samples_more():
    easy, hard = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 0.5]])
    label = torch.tensor([0])
    ratios = [
        focal_cross_entropy(x, label, gamma=2.0) / focal_cross_entropy(x, label, gamma=0.0)
        for x in (easy, hard)
    ]
    assert ratios[0] < ratios[1] < 1


@pytest.mark.parametrize(
    "words",
    [
        {"gamma": -1.0},
        {"alpha": (0.0, 0.0, 0.0), "learn_alpha": False},
        {"alpha": (-1.0, 1.0, 1.0)},
        {"alpha": (0.0, 1.0, 1.0)},
    ],
)
def test_impossible_configs_are_refused(words):
    with pytest.raises(ConfigError):
        LossConfig(**words)


@pytest.mark.parametrize("learn", [False, True])
def test_a_scale_that_is_not_there_leaves_its_weight_to_the_others(learn):
    config = LossConfig(gamma=1.0, alpha=(1.0, 2.0, 5.0), learn_alpha=learn)
    outputs = logits()._replace(coarse=torch.empty(6, 0, dtype=torch.float64))
    value = MultiScaleLoss(config).double()(outputs, LABELS)
    parts = [
        focal_cross_entropy(stated, LABELS, gamma=1.0) for stated in (outputs.fine, outputs.fused)
    ]
    assert value.item() == pytest.approx((2 * parts[0] + 5 * parts[1]).item() / 7, rel=1e-6)
