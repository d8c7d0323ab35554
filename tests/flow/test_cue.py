"""The sub-pixel cue against what is known exactly."""

import numpy as np
import pytest
import torch
from torch import Tensor

from hmrm.flow.gru_aofe.cue import (
    CHANNELS,
    EQUATIONS,
    LEVELS,
    TERMS,
    WINDOWS_CELLS,
    Cue,
    FlowTerms,
    _coefficients,
    blurred,
    read_spline,
    solve,
)
from hmrm.flow.spline import spline


def textured(side: int = 64, *, shift_xy: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """Waves of 9 to 40 px, moved by any part of a px."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:side, :side].astype(float)
    x, y = x - shift_xy[0], y - shift_xy[1]
    total = np.zeros((side, side))
    for _ in range(24):
        length, angle, phase = rng.uniform(9, 40), rng.uniform(0, np.pi), rng.uniform(0, 6.3)
        total += np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / length + phase)
    return torch.from_numpy(total / total.std()).float()[None, None]


def believing_all(cells: int = 16) -> Tensor:
    """Every equation counts; hardly any wish to stay, and none to smooth."""
    weights = torch.zeros(1, TERMS, cells, cells)
    weights[:, EQUATIONS:] = -8.0
    return weights


@pytest.mark.parametrize("shift_xy", [(0.1, 0.0), (0.02, -0.05), (-0.3, 0.25), (1.0, 0.5)])
def test_the_solved_equations_find_a_shift(shift_xy: tuple[float, float]):
    cue = Cue(textured(), textured(shift_xy=shift_xy))
    flow = torch.zeros(1, 2, 16, 16)
    for _ in range(3):
        flow = flow + solve(cue.at(flow), believing_all()) / 4
    true = torch.tensor(shift_xy).view(1, 2, 1, 1)
    # away from the border, where the apex shows what the onset does not
    error = (4 * flow - true)[..., 3:-3, 3:-3].abs()
    assert error.mean() < 0.01


def test_nothing_is_left_at_the_true_flow():
    cue = Cue(textured(), textured(shift_xy=(0.8, -0.4)))
    true = torch.tensor([0.2, -0.1]).view(1, 2, 1, 1).expand(1, 2, 16, 16)  # cells
    inner = (slice(None), slice(None), slice(3, -3), slice(3, -3))
    left = solve(cue.at(true), believing_all())[inner].abs().mean()
    before = solve(cue.at(torch.zeros_like(true)), believing_all())[inner].abs().mean()
    assert left < 0.01 < 0.1 < before


def test_gain_bias_and_soft_shade_are_no_motion():
    still = textured()
    shade = torch.linspace(-1, 1, 64).view(1, 1, 1, 64)
    for other in (1.3 * still, still + 0.7, still + shade):
        step = solve(Cue(still, other).at(torch.zeros(1, 2, 16, 16)), believing_all())
        # at the border the local mean is lopsided
        assert step[..., 3:-3, 3:-3].abs().mean() < 0.02


def test_something_bright_that_moves_does_not_drag_its_surroundings():
    """Light taken off the pictures, not off what warping leaves over, drags them by 1 to 2 px."""

    def alongside(move_px: float) -> Tensor:
        column = torch.arange(128.0) - move_px
        inside = ((column >= 48) & (column < 80)).float()
        front = 6 + textured(128, shift_xy=(move_px, 0.0))
        return 0.1 * textured(128) * (1 - inside) + front * inside

    flow = torch.zeros(1, 2, 32, 32)
    flow[:, 0, :, 12:20] = 2 / 4  # cells
    weights = torch.full((1, TERMS, 32, 32), -8.0)
    weights[:, :LEVELS] = 0  # the smallest window
    step = solve(Cue(alongside(0.0), alongside(2.0)).at(flow), weights)
    # 4 to 20 px from what moves, in the part that looks the same in both frames
    assert step[0, 0, 4:-4, 7:11].abs().mean() < 0.8


def test_sizes():
    terms = Cue(textured(), textured()).at(torch.zeros(1, 2, 16, 16))
    assert terms.features.shape == (1, CHANNELS, 16, 16)
    assert terms.equations.shape == (1, EQUATIONS, 5, 16, 16)
    assert terms.smoothing.shape == (1, len(WINDOWS_CELLS), 2, 16, 16)


def terms_of(equations: Tensor, pulls: Tensor) -> FlowTerms:
    return FlowTerms(features=torch.zeros(1, 1, 1, 1), equations=equations, smoothing=pulls)


def test_deciding_is_weighted_least_squares():
    generator = torch.Generator().manual_seed(1)
    slopes = torch.randn(EQUATIONS, 7, 2, generator=generator).double()
    remains = torch.randn(EQUATIONS, 7, generator=generator).double()
    pulls = torch.randn(3, 2, generator=generator).double()
    weights = torch.randn(TERMS, generator=generator).double()
    matrix = torch.einsum("kni,knj->kij", slopes, slopes)
    right = torch.einsum("kni,kn->ki", slopes, remains)
    rows = [*matrix[:, 0].unbind(1), matrix[:, 1, 1], *right.unbind(1)]
    found = solve(
        terms_of(torch.stack(rows, dim=1)[None, ..., None, None], pulls[None, ..., None, None]),
        weights.view(1, -1, 1, 1),
    )
    # The same as rows of one system: slopes · change = -remains, change = 0, change = pull.
    root = (weights / 2).exp()
    data = root[:EQUATIONS, None, None]
    left = [(slopes * data).flatten(0, 1), root[EQUATIONS] * torch.eye(2).double()]
    needed = [(-remains * data[..., 0]).flatten(), torch.zeros(2).double()]
    for pull, weight in zip(pulls, root[EQUATIONS + 1 :], strict=True):
        left.append(weight * torch.eye(2).double())
        needed.append(weight * pull)
    expected = torch.linalg.lstsq(torch.cat(left), torch.cat(needed)[:, None]).solution[:, 0]
    torch.testing.assert_close(found[0, :, 0, 0], expected)


def test_absurd_weights_give_finite_changes():
    terms = Cue(textured(), textured(shift_xy=(3.0, 0.0))).at(torch.zeros(1, 2, 16, 16))
    for weight in (-1e4, 1e4):
        assert solve(terms, torch.full((1, TERMS, 16, 16), weight)).isfinite().all()


def test_flat_pictures_give_finite_terms():
    terms = Cue(torch.zeros(1, 1, 64, 64), textured()).at(torch.full((1, 2, 16, 16), 1e6))
    assert all(part.isfinite().all() for part in terms)


def test_reading_agrees_with_the_numpy_spline():
    image = textured()
    shift = np.random.default_rng(2).uniform(-2, 2, (2, 64, 64)).astype(np.float32)
    expected = spline(image[0].numpy()).at(shift)
    found = read_spline(_coefficients(image), torch.from_numpy(shift)[None])[0].numpy()
    # the prefilter ends after 7 taps, at 2e-4 of each value; at the border one repeats, the other
    # mirrors, and the difference dies out by a quarter a px
    np.testing.assert_allclose(found[..., 8:-8, 8:-8], expected[..., 8:-8, 8:-8], atol=2e-3)


def test_blur_keeps_constants_and_spreads_a_point():
    constant = torch.full((2, 3, 9, 11), 4.0)
    torch.testing.assert_close(blurred(constant, 2.0), constant)
    point = torch.zeros(1, 1, 31, 31)
    point[..., 15, 15] = 1.0
    spread = blurred(point, 2.0)[0, 0]
    variance = (spread.sum(0) * (torch.arange(31.0) - 15) ** 2).sum()
    assert variance == pytest.approx(4.0, rel=0.1)  # cut off at 2.5 deviations
