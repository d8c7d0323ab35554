"""Learning rates, optimiser and average, against torch's own and values written out."""

import copy

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from hmrm.training.optimisation import (
    ParameterGroup,
    Schedule,
    build_optimiser,
    take_step,
    update_average,
)


@pytest.mark.parametrize(
    ("fall", "scheduler"),
    [
        ("cosine", lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=20)),
        ("linear", lambda o: lr_scheduler.LinearLR(o, 1.0, end_factor=0.0, total_iters=20)),
        ("constant", lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
    ],
)
def test_falls_equal_torchs_schedulers(fall, scheduler):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    expected = scheduler(optimiser)
    schedule = Schedule(highest=0.3, steps=20, fall=fall)
    for step in range(20):
        # torch computes each rate from the one before: 20 roundings of 1e-16.
        assert schedule.rate(step) == pytest.approx(expected.get_last_lr()[0], rel=1e-12)
        optimiser.step()
        expected.step()


def test_the_rise_is_linear_and_the_fall_begins_at_the_highest():
    schedule = Schedule(highest=2.0, steps=8, warm_up=3.0, rise=4.0, fall="linear")
    expected = [0.5, 1.0, 1.5, 2.0, 1.6, 1.2, 0.8, 0.4]
    assert [schedule.rate(step) for step in range(8)] == pytest.approx(expected)


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 2))


def loss_of(model: nn.Module) -> torch.Tensor:
    return model(torch.ones(3, 4)).square().mean()


@pytest.mark.parametrize(
    ("kind", "torchs"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_groups_have_their_own_rate_and_decay(kind, torchs):
    ours, theirs = layers(), layers()
    optimiser = build_optimiser(
        ParameterGroup(parameters=ours[0].parameters(), factor=0.5),
        ParameterGroup(parameters=[]),
        ParameterGroup(parameters=ours[1].parameters(), weight_decay=0.0),
        weight_decay=0.1,
        kind=kind,
    )
    twin = torchs(
        [
            {"params": theirs[0].parameters(), "lr": 0.01, "weight_decay": 0.1},
            {"params": theirs[1].parameters(), "lr": 0.02, "weight_decay": 0.0},
        ]
    )
    for _ in range(3):
        take_step(optimiser, loss_of(ours), rate=0.02)
        twin.zero_grad()
        loss_of(theirs).backward()
        twin.step()
    for mine, its in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=0)


def test_only_the_clipped_module_is_clipped():
    model = layers()
    optimiser = build_optimiser(ParameterGroup(parameters=model.parameters()), weight_decay=0.0)
    whole = layers()
    (1e4 * loss_of(whole)).backward()
    take_step(optimiser, 1e4 * loss_of(model), rate=0.0, clipped=model[0], largest_gradient=2.0)
    first = torch.cat([p.grad.flatten() for p in model[0].parameters()])
    assert first.norm() == pytest.approx(2.0, rel=1e-4)
    torch.testing.assert_close(model[1].weight.grad, whole[1].weight.grad)


def test_the_average_follows_fast_at_first_and_then_with_its_decay():
    model = nn.Linear(1, 1, bias=False)
    average = copy.deepcopy(model)
    expected = average.weight.item()
    for step in range(300):
        with torch.no_grad():
            model.weight.fill_(float(step))
        update_average(average, model, decay=0.9, step=step)
        decay = 0.9 if step >= 80 else (1 + step) / (10 + step)
        expected = decay * expected + (1 - decay) * step
    # 300 roundings of float32 at values around 300.
    assert average.weight.item() == pytest.approx(expected, rel=1e-4)
