import pytest
import torch
from torch.nn import functional

from hmrm.model.grained_mamba import GrainedMambaBlock, GrainedMambaEncoder, short_convolution
from hmrm.model.network import parameter_count
from hmrm.model.scan import selective_scan_reference
from hmrm.model.sizes import HMRMConfig
from hmrm.model.tokens import Grains


def block(dim=6, state=3, coarse_kernel=4, fine_kernel=2, seed=0):
    made = GrainedMambaBlock(
        HMRMConfig(
            dim=dim, state=state, heads=1, coarse_kernel=coarse_kernel, fine_kernel=fine_kernel
        )
    ).double()
    g = torch.Generator().manual_seed(seed)
    for parameter in made.parameters():
        parameter.data = 0.5 * torch.randn(parameter.shape, generator=g, dtype=torch.float64)
    return made


def grains(dim=6, seed=1):
    g = torch.Generator().manual_seed(seed)
    return Grains(
        torch.randn(4, 16, dim, generator=g, dtype=torch.float64, requires_grad=True),
        torch.randn(16, 4, dim, generator=g, dtype=torch.float64, requires_grad=True),
    )


def slow_block(made, tokens, grain):
    """One sequence at a time, each direction written out, the backward one by flipping."""
    outputs = []
    for sequence in tokens:
        normed = functional.layer_norm(
            sequence, sequence.shape[-1:], made.norm.weight, made.norm.bias
        )
        projected = normed @ made.in_proj.weight.T
        inner = projected.shape[-1] // 2
        x, z = projected[:, :inner], projected[:, inner:]
        total = torch.zeros_like(x)
        for direction in (0, 1):
            ordered = x.flip(0) if direction else x
            convolution = made.convolutions[grain]
            weight, bias = convolution.weight[direction], convolution.bias[direction]
            kernel = weight.shape[1]
            rows = []
            for t in range(len(ordered)):
                row = bias
                for tap in range(kernel):
                    source = t - (kernel - 1) + tap
                    if source >= 0:
                        row = row + weight[:, tap] * ordered[source]
                rows.append(row)
            u = torch.stack(rows)
            u = u * torch.sigmoid(u)
            parts = u @ made.x_proj[direction].T
            low = parts[:, : made.config.rank]
            B = parts[:, made.config.rank : made.config.rank + made.config.state]
            C = parts[:, made.config.rank + made.config.state :]
            step = low @ made.dt_proj[direction].T + made.dt_bias[direction]
            dt = torch.log1p(torch.exp(step))
            A = -torch.exp(made.A_log[direction])
            y = selective_scan_reference(u[None], dt[None], A, B[None], C[None], made.D[direction])[
                0
            ]
            total = total + (y.flip(0) if direction else y)
        gated = total * z * torch.sigmoid(z)
        outputs.append(sequence + gated @ made.out_proj.weight.T)
    return torch.stack(outputs)


def test_block_equals_slow_twin_in_values_and_gradients():
    made, tokens = block(), grains()
    got = made(tokens)
    expected = Grains(
        slow_block(made, tokens.coarse, "coarse"), slow_block(made, tokens.fine, "fine")
    )
    weights = grains(seed=2)
    slope = [*tokens, *made.parameters()]
    for ours, true in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, true)
    sums = [
        sum((value * weight.detach()).sum() for value, weight in zip(side, weights, strict=True))
        for side in (got, expected)
    ]
    for ours, true in zip(
        torch.autograd.grad(sums[0], slope), torch.autograd.grad(sums[1], slope), strict=True
    ):
        torch.testing.assert_close(ours, true)


@pytest.mark.parametrize("grain", ["coarse", "fine"])
def test_reversing_the_tokens_swaps_the_branches(grain):
    made, mirrored = block(), block()
    with torch.no_grad():
        for name, parameter in mirrored.named_parameters():
            if parameter.shape[0] == 2:  # one entry per direction
                parameter.copy_(dict(made.named_parameters())[name].flip(0))
    x = torch.randn(3, 9, 12, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    forward, backward = made.branches(x, grain)
    swapped = mirrored.branches(x.flip(1), grain)
    torch.testing.assert_close(swapped.forward.flip(1), backward)
    torch.testing.assert_close(swapped.backward.flip(1), forward)
    assert not torch.allclose(forward, backward)


@pytest.mark.parametrize("reverse", [False, True])
def test_each_direction_sees_only_what_it_passed(reverse):
    made = block()
    x = torch.randn(1, 8, 12, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    changed = x.clone()
    changed[0, 4] += 1
    before, after = (made.branches(value, "coarse")[int(reverse)] for value in (x, changed))
    differs = (before != after).any(-1)[0].tolist()
    assert differs == ([True] * 5 + [False] * 3 if reverse else [False] * 4 + [True] * 4)


@pytest.mark.parametrize("kernel", [1, 2, 4, 7])
@pytest.mark.parametrize("reverse", [False, True])
def test_convolution_equals_torchs(kernel, reverse):
    g = torch.Generator().manual_seed(0)
    x, weight, bias = (
        torch.randn(*shape, generator=g, dtype=torch.float64)
        for shape in ((2, 5, 3), (3, kernel), (3,))
    )
    ordered = x.flip(1) if reverse else x
    padded = functional.pad(ordered.transpose(1, 2), (kernel - 1, 0))
    expected = functional.conv1d(padded, weight[:, None], bias, groups=3).transpose(1, 2)
    expected = expected.flip(1) if reverse else expected
    torch.testing.assert_close(short_convolution(x, weight, bias, reverse=reverse), expected)


def test_block_of_the_published_size_has_its_parameter_count():
    made = GrainedMambaBlock(HMRMConfig(dim=192, state=16, coarse_kernel=4, fine_kernel=4))
    fine_only = parameter_count(made.convolutions["fine"])
    assert parameter_count(made) - fine_only == 282_240


def test_encoder_gives_one_vector_per_region_and_regions_do_not_mix():
    encoder = GrainedMambaEncoder(HMRMConfig(dim=8, depth=2, state=4, fine_kernel=2))
    g = torch.Generator().manual_seed(0)
    for made in encoder.blocks:
        made.initialise(g)
    tokens = Grains(torch.randn(3, 4, 16, 8, generator=g), torch.randn(3, 16, 4, 8, generator=g))
    vectors = encoder(tokens)
    assert vectors.coarse.shape == (3, 4, 8) and vectors.fine.shape == (3, 16, 8)
    changed = Grains(tokens.coarse.clone(), tokens.fine.clone())
    changed.fine[1, 5] += 1
    after = encoder(changed)
    assert torch.equal(after.coarse, vectors.coarse)
    differs = (after.fine != vectors.fine).any(-1).nonzero().tolist()
    assert differs == [[1, 5]]


def test_initial_steps_lie_in_the_range():
    made = GrainedMambaBlock(HMRMConfig(dim=32, depth=1, state=4, step_min=0.001, step_max=0.1))
    made.initialise(torch.Generator().manual_seed(0))
    steps = functional.softplus(made.dt_bias)
    assert 0.00099 < steps.min() < 0.003 and 0.05 < steps.max() < 0.101
