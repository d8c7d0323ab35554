import pytest
import torch
from torch.nn import functional

from hmrm.model.network import parameter_count
from hmrm.model.region_fusion import RegionFusion
from hmrm.model.sizes import HMRMConfig
from hmrm.model.tokens import Grains


def make(fusion):
    module = RegionFusion(HMRMConfig(dim=8, heads=2, fusion=fusion)).double()
    g = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=g, dtype=torch.float64)
    vectors = Grains(
        torch.randn(2, 4, 8, generator=g, dtype=torch.float64, requires_grad=True),
        torch.randn(2, 16, 8, generator=g, dtype=torch.float64, requires_grad=True),
    )
    return module, vectors


def slow_attention(module, rows):
    """Self-attention of one set of vectors, head by head, token by token."""
    weight, bias = module.attention.qkv.weight, module.attention.qkv.bias
    normed = functional.layer_norm(rows, rows.shape[-1:], module.norm.weight, module.norm.bias)
    dim, heads = rows.shape[1], module.attention.heads
    width = dim // heads
    query, key, value = (normed @ weight.T + bias).split(dim, dim=1)
    outputs = []
    for token in range(len(rows)):
        parts = []
        for head in range(heads):
            columns = slice(head * width, (head + 1) * width)
            scores = key[:, columns] @ query[token, columns] / width**0.5
            parts.append(torch.softmax(scores, 0) @ value[:, columns])
        outputs.append(torch.cat(parts))
    return rows + torch.stack(outputs) @ module.attention.out.weight.T + module.attention.out.bias


def slow_fusion(module, vectors):
    """Algorithm 1: per coarse region its own and its four fine vectors, then all twenty."""
    samples = []
    for coarse, fine in zip(*vectors, strict=True):
        if module.fusion == "window":
            new_coarse, new_fine = [], []
            for region in range(4):
                window = torch.cat([coarse[region][None], fine[4 * region : 4 * region + 4]])
                window = slow_attention(module, window)
                new_coarse.append(window[0])
                new_fine.extend(window[1:])
            coarse, fine = torch.stack(new_coarse), torch.stack(new_fine)
        fused = slow_attention(module, torch.cat([coarse, fine]))
        samples.append(
            functional.layer_norm(fused, (8,), module.out_norm.weight, module.out_norm.bias)
        )
    return torch.stack(samples)


@pytest.mark.parametrize("fusion", ["window", "global"])
def test_fusion_equals_slow_twin_in_values_and_gradients(fusion):
    module, vectors = make(fusion)
    got, expected = module(vectors), slow_fusion(module, vectors)
    torch.testing.assert_close(got, expected)
    g = torch.Generator().manual_seed(1)
    weight = torch.randn(got.shape, generator=g, dtype=torch.float64)
    slope = [*vectors, *module.parameters()]
    for ours, true in zip(
        torch.autograd.grad((got * weight).sum(), slope),
        torch.autograd.grad((expected * weight).sum(), slope),
        strict=True,
    ):
        torch.testing.assert_close(ours, true)


def test_window_and_global_have_the_same_parameters():
    assert parameter_count(make("window")[0]) == parameter_count(make("global")[0])


@pytest.mark.parametrize("fusion", ["window", "global"])
def test_every_region_reaches_every_other(fusion):
    module, vectors = make(fusion)
    fused = module(vectors)
    for token in (0, 7, 19):
        gradients = torch.autograd.grad(fused[0, token].sum(), [*vectors], retain_graph=True)
        for gradient in gradients:
            assert (gradient[0].abs().sum(-1) > 0).all()
            assert (gradient[1] == 0).all()
