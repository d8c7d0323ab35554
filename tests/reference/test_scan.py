"""Every backend of the selective scan against the recurrence written out in scalars."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, library

from hmrm.model.scan import BACKENDS, selective_scan, selective_scan_reference, using_backend

# Triton's is in test_scan_triton.py: it needs a CUDA device or, in a process of its own, Triton's
# interpreter.
CPU_BACKENDS = tuple(name for name in BACKENDS if name != "triton")

# float32 against float64. The bounds: values 2e-6, gradients 1e-5, both relative to the
# largest element (rounding adds up over states and steps, so small elements carry its error).
VALUE_TOLERANCE, GRADIENT_TOLERANCE = 2e-6, 1e-5
NAMES = ("u", "dt", "A", "B", "C", "D")


@pytest.fixture(params=CPU_BACKENDS)
def backend(request):
    with using_backend(request.param) as active:
        if active.name != request.param:
            pytest.skip(active.reason)
        yield request.param


def scalar_scan(u, dt, A, B, C, D, reverse):
    """The recurrence, one number at a time, float64."""
    batch, length, channels = u.shape
    y = np.zeros_like(u)
    for b in range(batch):
        for d in range(channels):
            h = np.zeros(A.shape[1])
            for t in range(length - 1, -1, -1) if reverse else range(length):
                y[b, t, d] = D[d] * u[b, t, d]
                for n in range(A.shape[1]):
                    driven = dt[b, t, d] * B[b, t, n] * u[b, t, d]
                    h[n] = np.exp(dt[b, t, d] * A[d, n]) * h[n] + driven
                    y[b, t, d] += C[b, t, n] * h[n]
    return y


def arguments(
    batch: int, length: int, channels: int, state: int, seed: int = 0, dtype=torch.float32
) -> list[Tensor]:
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    A = -torch.exp(normal(channels, state))
    dt = torch.nn.functional.softplus(normal(batch, length, channels) - 2)
    values = [normal(batch, length, channels), dt, A]
    values += [normal(batch, length, state), normal(batch, length, state), normal(channels)]
    return [value.to(dtype).requires_grad_() for value in values]


def relative(got: Tensor, expected: Tensor) -> float:
    if expected.numel() == 0:
        return 0.0
    scale = expected.detach().abs().max().clamp_min(1e-12)
    return float((got.detach().double() - expected.detach()).abs().max() / scale)


def check(
    args: list[Tensor], reverse: bool, *, gradient_tolerance: float = GRADIENT_TOLERANCE
) -> None:
    wide = [value.detach().double().requires_grad_() for value in args]
    got, expected = selective_scan(*args, reverse), selective_scan_reference(*wide, reverse)
    assert got.shape == expected.shape and got.dtype == args[0].dtype
    assert relative(got, expected) <= VALUE_TOLERANCE
    g = torch.Generator().manual_seed(1)
    upstream = torch.randn(expected.shape, generator=g, dtype=torch.float64).to(got.device)
    got_gradients = torch.autograd.grad(got, args, upstream.to(got.dtype))
    gradients = torch.autograd.grad(expected, wide, upstream)
    for name, ours, true in zip(NAMES, got_gradients, gradients, strict=True):
        assert relative(ours, true) <= gradient_tolerance, name


@pytest.mark.parametrize("reverse", [False, True])
def test_reference_equals_scalar_loop(reverse):
    args = arguments(2, 5, 3, 4, dtype=torch.float64)
    got = selective_scan_reference(*args, reverse).detach().numpy()
    expected = scalar_scan(*(value.detach().numpy() for value in args), reverse)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "shape",
    [
        (1, 1, 1, 1),
        (2, 16, 32, 16),
        (3, 49, 24, 16),  # channels no multiple of the vector width
        (1, 130, 17, 5),  # several chunks and a ragged last one
        (2, 33, 16, 8),
        (3, 49, 384, 16),  # the benchmark's length and width
        (2, 7, 40, 24),
    ],
)
def test_values_and_gradients(backend, shape, reverse):
    check(arguments(*shape), reverse)


@settings(max_examples=25, deadline=None)
@given(
    batch=st.integers(1, 3),
    length=st.integers(1, 70),
    channels=st.integers(1, 40),
    state=st.integers(1, 20),
    reverse=st.booleans(),
    seed=st.integers(0, 1000),
)
@pytest.mark.parametrize("name", CPU_BACKENDS)
def test_any_shape(name, batch, length, channels, state, reverse, seed):
    with using_backend(name):
        # With one channel and state a gradient is a single sum, and its terms may cancel: 1.05e-5
        # was seen, relative to what is left.
        args = arguments(batch, length, channels, state, seed)
        check(args, reverse, gradient_tolerance=3e-5)


@pytest.mark.parametrize("shape", [(0, 5, 4, 3), (0, 70, 4, 3), (2, 5, 0, 3)])
def test_empty(backend, shape):
    args = arguments(*shape)
    y = selective_scan(*args)
    assert y.shape == shape[:3]
    for value, gradient in zip(args, torch.autograd.grad(y.sum(), args), strict=True):
        assert gradient.shape == value.shape
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("reverse", [False, True])
def test_strided_views(backend, reverse):
    u, dt, A, B, C, D = (value.detach() for value in arguments(3, 11, 20, 16))
    packed = torch.cat([u, dt, B, C], dim=-1)
    views = list(packed.split([20, 20, 16, 16], dim=-1))
    channels_first = u.transpose(1, 2).contiguous().transpose(1, 2)
    every_other = torch.repeat_interleave(dt, 2, dim=1)[:, ::2]
    for u_, dt_ in ((views[0], views[1]), (channels_first, every_other)):
        args = [u_, dt_, A.t().contiguous().t(), views[2], views[3], D]
        assert not u_.is_contiguous()
        check([value.detach().requires_grad_() for value in args], reverse)


def test_expanded_input_gradient(backend):
    u, dt, A, B, C, D = (value.detach() for value in arguments(3, 6, 8, 4))
    dt_row = dt[:, :1].clone().requires_grad_()
    wide = dt_row.detach().double().requires_grad_()
    selective_scan(u, dt_row.expand(-1, 6, -1), A, B, C, D).sum().backward()
    rest = [value.double() for value in (u, A, B, C, D)]
    expected = selective_scan_reference(rest[0], wide.expand(-1, 6, -1), *rest[1:])
    expected.sum().backward()
    assert relative(dt_row.grad, wide.grad) <= GRADIENT_TOLERANCE


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 3, 37])
def test_gradcheck(backend, length, reverse):
    args = arguments(2, length, 2, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda *a: selective_scan(*a, reverse), args)


def test_some_inputs_without_gradient(backend):
    args = [value.detach() for value in arguments(2, 5, 4, 3)]
    args[2].requires_grad_()
    (gradient,) = torch.autograd.grad(selective_scan(*args).sum(), [args[2]])
    wide = [value.detach().double() for value in args]
    wide[2].requires_grad_()
    (expected,) = torch.autograd.grad(selective_scan_reference(*wide).sum(), [wide[2]])
    assert relative(gradient, expected) <= GRADIENT_TOLERANCE


def test_reverse_is_flip(backend):
    u, dt, A, B, C, D = (value.detach() for value in arguments(2, 9, 20, 16))
    backward = selective_scan(u, dt, A, B, C, D, True)
    flipped = selective_scan(u.flip(1), dt.flip(1), A, B.flip(1), C.flip(1), D).flip(1)
    assert torch.equal(backward, flipped)


def test_clip_is_the_same_alone_as_in_a_batch(backend):
    u, dt, A, B, C, D = (value.detach() for value in arguments(5, 49, 48, 16))
    together = selective_scan(u, dt, A, B, C, D)
    alone = selective_scan(u[2:3], dt[2:3], A, B[2:3], C[2:3], D)
    torch.testing.assert_close(together[2:3], alone, rtol=1e-6, atol=1e-6)


def test_far_decays_stay_finite(backend):
    # Sums of Δ·|A| far above 88, where cumulative sums in log space overflow.
    args = arguments(1, 196, 16, 16)
    with torch.no_grad():
        args[1].mul_(0).add_(30.0)
    y = selective_scan(*args)
    assert torch.isfinite(y).all()
    for gradient in torch.autograd.grad(y.sum(), args):
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("position", range(6))
def test_nan_is_passed_on(backend, position):
    args = [value.detach().clone() for value in arguments(1, 6, 20, 16)]
    args[position].view(-1)[0] = float("nan")
    assert torch.isnan(selective_scan(*args)).any()


def test_bfloat16_under_autocast(backend):
    u, dt, A, B, C, D = arguments(2, 64, 32, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        narrow = [u.bfloat16(), dt, A, B.bfloat16(), C.bfloat16(), D]
        y = selective_scan(*narrow)
    assert y.dtype == torch.bfloat16
    wide = [value.detach().double() for value in narrow]
    # Only the result is rounded to bfloat16 (half a unit: 2^-9 relative), not the recurrence.
    expected = selective_scan_reference(*wide)
    torch.testing.assert_close(y.double(), expected, rtol=2**-8, atol=1e-5)
    y.float().sum().backward()
    assert all(value.grad is not None and torch.isfinite(value.grad).all() for value in (u, A, D))


def test_export(backend):
    class Scan(torch.nn.Module):
        def forward(self, u, dt, A, B, C, D):
            return selective_scan(u, dt, A, B, C, D)

    args = tuple(value.detach() for value in arguments(2, 8, 16, 4))
    program = torch.export.export(Scan(), args)
    torch.testing.assert_close(program.module()(*args), selective_scan(*args))


@pytest.mark.parametrize("length", [1, 16, 17, 40])
def test_operator_keeps_torchs_contract(length):
    with using_backend("cpp") as active:
        if active.name != "cpp":
            pytest.skip(active.reason)
    args = (*arguments(2, length, 20, 4), False)
    with warnings.catch_warnings():
        # opcheck itself calls functions that torch has deprecated.
        warnings.simplefilter("ignore")
        library.opcheck(torch.ops.hmrm.scan_forward, args)


def test_threads_do_not_change_a_bit():
    results = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            with using_backend("cpp"):
                args = arguments(21, 20, 24, 16)
                y = selective_scan(*args)
                results.append([y, *torch.autograd.grad(y.sum(), args)])
    finally:
        torch.set_num_threads(threads)
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
