"""The fused C++ path of a block against its plain path, which test_grained_mamba ties to a loop."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.model.grained_mamba import GrainedMambaBlock
from hmrm.model.mamba_mix import Layout, mix_in_cpp
from hmrm.model.scan import scan_backend, using_backend
from hmrm.model.sizes import HMRMConfig

# float32 against float64, relative to the largest element, as for the scan alone; the products
# before and after it (sums over up to 48 channels) add their own rounding.
TOLERANCE = 2e-5


@pytest.fixture(autouse=True)
def compiled():
    if scan_backend().name != "cpp":
        pytest.skip(scan_backend().reason)


@dataclass(frozen=True, kw_only=True)
class Sizes(HMRMConfig):
    """The operators serve any width of the bottleneck, not only the network's own."""

    any_rank: int

    @property
    def rank(self):
        return self.any_rank


def make(inner, state, rank, kernels, seed=0):
    block = GrainedMambaBlock(
        Sizes(
            any_rank=rank,
            dim=inner,
            depth=1,
            state=state,
            expand=1,
            heads=1,
            coarse_kernel=kernels[0],
            fine_kernel=kernels[1],
            step_min=0.01,
            step_max=0.5,
        )
    ).double()
    g = torch.Generator().manual_seed(seed)
    block.initialise(g)
    for convolution in block.convolutions.values():
        convolution.bias.data.normal_(generator=g)
    block.D.data.normal_(generator=g)
    return block


def relative(got, expected):
    scale = expected.detach().abs().max().clamp_min(1e-12)
    return float((got.detach().double() - expected.detach()).abs().max() / scale)


def check(block, layout, fine_count, dtype, tolerance, seed=1):
    inner = block.D.shape[1]
    rows = layout.coarse_count * layout.coarse_length + fine_count * layout.fine_length
    g = torch.Generator().manual_seed(seed)
    xz, upstream = (
        torch.randn(rows, width, generator=g, dtype=torch.float64) for width in (2 * inner, inner)
    )
    xz.requires_grad_()
    weights = block.weights()
    with using_backend("torch"):
        expected = block.mix(xz, layout)
    true = torch.autograd.grad(expected, [xz, *weights], upstream)
    narrow = [value.detach().to(dtype).requires_grad_() for value in (xz, *weights)]
    got = mix_in_cpp(narrow[0], layout, type(weights)(*narrow[1:]))
    assert got.dtype == dtype
    assert relative(got, expected) <= tolerance
    ours = torch.autograd.grad(got, narrow, upstream.to(dtype))
    for name, one, other in zip(("xz", *weights._fields), ours, true, strict=True):
        assert relative(one, other) <= tolerance, name


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, TOLERANCE)]
)
@pytest.mark.parametrize(
    ("layout", "fine_count"),
    [
        (Layout(4, 16, 4), 16),
        (Layout(8, 16, 16), 32),
        (Layout(3, 49, 1), 5),  # several chunks; kernels longer than a sequence
        (Layout(1, 1, 40), 2),
        (Layout(0, 1, 4), 6),  # a grain without regions
        (Layout(3, 16, 1), 0),
    ],
)
def test_fused_equals_plain(layout, fine_count, dtype, tolerance):
    check(make(48, 16, 3, (4, 2)), layout, fine_count, dtype, tolerance)


@settings(max_examples=20, deadline=None)
@given(
    inner=st.integers(1, 40),
    state=st.integers(1, 18),
    rank=st.integers(1, 4),
    kernels=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    counts=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    lengths=st.tuples(st.integers(1, 35), st.integers(1, 35)),
)
def test_any_shape(inner, state, rank, kernels, counts, lengths):
    block = make(inner, state, rank, kernels)
    check(block, Layout(counts[0], *lengths), counts[1], torch.float64, 1e-11)
