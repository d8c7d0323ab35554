"""Peers' networks: counts as published, layers against slow twins, no dead parameter."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from hmrm.model.baselines.attention import SelfAttention
from hmrm.model.baselines.capsule_head import route, squash
from hmrm.model.baselines.ststnet import STREAMS, StstNet
from hmrm.training.registry import MODELS

# Published, where a paper or a measurement tells: OFF-ApexNet 2.66 M, HTNet 139.6 M, VGG16 134 M,
# GoogLeNet 5.6 M, MobileViT-S 4.9 M. The rest pins ours.
COUNTS = {
    "ststnet": 1_683,
    "off-apexnet": 2_664_475,
    "capsule-head": 461_920,
    "capsule-head-full": 6_050_176,
    "htnet-small": 2_443_433,
    "htnet": 139_583_273,
    "vgg16-small": 256_843,
    "vgg16": 134_272_835,
    "googlenet-small": 355_259,
    "googlenet": 5_602_979,
    "mobilevit-small": 951_987,
    "mobilevit-s": 4_939_555,
    "cnn": 1_301_183,
    "cnn-lite": 192_845,
    "vit": 1_316_431,
    "vit-lite": 206_531,
    "geme-recreation": 865_541,
    "geme-recreation-without-gender": 865_541,
    "frl-dgt-recreation": 920_221,
    "mfdan-recreation": 1_919_283,
}


TRAINED = [name for name in COUNTS if MODELS[name].recogniser and MODELS[name].reads == "maps"]


def build(name: str, *, classes: int) -> nn.Module:
    network = MODELS[name].network
    assert network is not None
    return network(classes=classes)


def test_every_network_is_counted_here() -> None:
    named = {name for name, model in MODELS.items() if model.network is not None}
    assert set(COUNTS) == named - {"hmrm-paper", "hmrm-lite"}


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_as_many_as_published(name: str) -> None:
    side, channels = MODELS[name].side_px, MODELS[name].channels
    # On the meta device, but for networks with constants of their own.
    with torch.device("cpu" if MODELS[name].reads == "frames" else "meta"):
        network = build(name, classes=3)
        assert sum(p.numel() for p in network.parameters()) == COUNTS[name]
        assert network.eval()(torch.empty(2, channels, side, side)).shape == (2, 3)


@pytest.mark.parametrize("name", TRAINED)
def test_every_parameter_is_used_and_any_number_of_classes_served(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, classes=5)
    maps = torch.rand(4, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    scores = network(maps)
    assert scores.shape == (4, 5)
    functional.cross_entropy(scores, torch.tensor([0, 1, 2, 4])).backward()
    dead = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


@pytest.mark.parametrize("name", TRAINED)
def test_features_decide_the_score(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, classes=3).eval()
    maps = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        features, scores = network.features(maps), network(maps)
        if name == "capsule-head":
            expected = features.reshape(2, 3, 16).norm(dim=-1)
        else:
            expected = network.classify(features)
    # The capsule head runs twice; everything else is the same product.
    torch.testing.assert_close(scores, expected, atol=1e-6, rtol=1e-5)


def test_ststnet_written_as_one_stream_equals_three() -> None:
    torch.manual_seed(0)
    network = StstNet(classes=3).eval()
    convolution, normalise = network.streams[0], network.streams[2]
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(normalise, nn.BatchNorm2d)
    normalise.running_mean.uniform_(-1, 1)
    normalise.running_var.uniform_(0.5, 2)
    maps = torch.rand(5, 3, 28, 28)
    streams, start = [], 0
    with torch.inference_mode():
        for width in STREAMS:
            own = slice(start, start + width)
            start += width
            stream = functional.conv2d(
                maps, convolution.weight[own], convolution.bias[own], padding=2
            ).relu()
            stream = functional.batch_norm(
                stream,
                normalise.running_mean[own],
                normalise.running_var[own],
                normalise.weight[own],
                normalise.bias[own],
            )
            streams.append(functional.max_pool2d(stream, 3, stride=3, padding=1))
        pooled = functional.avg_pool2d(torch.cat(streams, dim=1), 2)
        assert pooled.shape == (5, 16, 5, 5)
        torch.testing.assert_close(network(maps), network.classify(pooled.flatten(1)))


def test_attention_equals_torchs_own() -> None:
    torch.manual_seed(0)
    ours, theirs = SelfAttention(24, heads=4), nn.MultiheadAttention(24, 4, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.to_qkv.weight)
        theirs.in_proj_bias.copy_(ours.to_qkv.bias)
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    tokens = torch.randn(3, 7, 24)
    torch.testing.assert_close(ours(tokens), theirs(tokens, tokens, tokens)[0])


def test_squash_keeps_direction_and_bounds_length() -> None:
    capsules = torch.tensor([[3.0, 4.0], [0.03, 0.04], [0.0, 0.0]], requires_grad=True)
    squashed = squash(capsules)
    lengths = squashed.detach().norm(dim=-1)
    torch.testing.assert_close(lengths[:2], torch.tensor([25 / 26, 0.0025 / 1.0025]))
    torch.testing.assert_close(squashed[0].detach() / lengths[0], torch.tensor([0.6, 0.8]))
    squashed.sum().backward()
    assert torch.isfinite(capsules.grad).all()


def test_routing_equals_a_loop_over_capsules() -> None:
    votes = np.random.default_rng(0).normal(size=(2, 5, 3, 4))
    got = route(torch.from_numpy(votes), rounds=3).numpy()

    def squashed(vector: np.ndarray) -> np.ndarray:
        square = (vector**2).sum()
        return square / (1 + square) * vector / np.sqrt(square)

    for clip in range(2):
        agreement = np.zeros((5, 3))
        for _ in range(3):
            wholes = []
            for k in range(3):
                total = np.zeros(4)
                for i in range(5):
                    fraction = np.exp(agreement[i, k]) / np.exp(agreement[i]).sum()
                    total += fraction * votes[clip, i, k]
                wholes.append(squashed(total))
            for i in range(5):
                for k in range(3):
                    agreement[i, k] += votes[clip, i, k] @ wholes[k]
        np.testing.assert_allclose(got[clip], wholes, atol=1e-9)
