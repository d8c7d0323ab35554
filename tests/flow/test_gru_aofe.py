import dataclasses

import pytest
import torch
from torch import Tensor

from hmrm.errors import ConfigError
from hmrm.flow.gru_aofe.estimator import SHIPPED
from hmrm.flow.gru_aofe.network import (
    COARSE_FROM_PX,
    FlowEstimate,
    GruAofe,
    GruAofeConfig,
    _padded,
)
from hmrm.flow.gru_aofe.recurrence import AdditiveAttention, ConvexUpsampler
from hmrm.flow.gru_aofe.weights import load_flow_weights

SHIPPED_SIZES = load_flow_weights(SHIPPED)[1].config
TINY = GruAofeConfig(
    encoder_width=8,
    features=16,
    state=12,
    context=8,
    motion=16,
    head_width=8,
    correlation_radius=2,
    iterations=3,
    attention_size=6,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(config: GruAofeConfig = TINY, *, awake: bool = False, seed: int = 0) -> GruAofe:
    """Untrained; ``awake`` gives the last layer weights and a gain, so that flow is not zero."""
    made = GruAofe(config, generator=generator(seed)).eval()
    if awake:
        for layer in (made.head.last, made.upsampler.last):
            torch.nn.init.normal_(layer.weight, std=0.02, generator=generator(seed + 1))
        if made.head.gain is not None:
            torch.nn.init.constant_(made.head.gain, 0.5 / made.head.GAIN)
    return made


def images(height: int, width: int, *, batch: int = 1, seed: int = 0) -> tuple[Tensor, Tensor]:
    noise = torch.randn(2, batch, 1, height, width, generator=generator(seed))
    smooth = torch.nn.functional.avg_pool2d(noise.flatten(0, 1), 5, stride=1, padding=2)
    one, two = (128 + 200 * smooth).view(2, batch, 1, height, width)
    return one, two


@torch.inference_mode()
def flow(net: GruAofe, *pair: Tensor, **options: int) -> Tensor:
    return net(*pair, **options)[-1].flow


@pytest.mark.parametrize("config", [TINY, dataclasses.replace(TINY, attention=False, cue=False)])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (70, 91)])
def test_untrained_flow_is_exactly_zero(config: GruAofeConfig, height: int, width: int):
    with torch.inference_mode():
        found = network(config)(*images(height, width), every=True)
    assert len(found) == config.iterations
    for estimate in found:
        assert estimate.flow.shape == (1, 2, height, width)
        assert estimate.log_error.shape == (1, 1, height, width)
        assert not estimate.flow.any()


def test_attention_off_is_an_exact_ablation():
    pair = images(64, 80)
    with_attention = network(awake=True)
    without = network(dataclasses.replace(TINY, attention=False), awake=True)
    shared = without.state_dict()
    for name, value in with_attention.state_dict().items():
        assert name.startswith("attention.") or torch.equal(value, shared[name])
    expected = flow(without, *pair)
    assert expected.abs().max() > 0.01
    assert torch.equal(flow(with_attention, *pair), expected)
    assert with_attention.attention is not None
    torch.nn.init.constant_(with_attention.attention.gain, 0.5)
    assert not torch.equal(flow(with_attention, *pair), expected)


def test_attention_can_start_to_learn():
    net = network(awake=True).train()
    net(*images(64, 64))[-1].flow.square().mean().backward()
    assert net.attention is not None
    assert net.attention.gain.grad is not None
    assert net.attention.gain.grad.abs() > 0


def attention_twin(layer: AdditiveAttention, state: Tensor, features: Tensor) -> Tensor:
    """Paper's formula, one query at a time; no pooling, so layer.pool must be 1."""
    states, keys = state[0].flatten(1).T, features[0].flatten(1).T

    def linear(conv: torch.nn.Conv2d, x: Tensor) -> Tensor:
        out = x @ conv.weight[:, :, 0, 0].T
        return out if conv.bias is None else out + conv.bias

    contexts = []
    for one in states:
        scores = torch.stack(
            [
                layer.score @ torch.tanh(linear(layer.query, one) + linear(layer.key, key))
                for key in keys
            ]
        )
        contexts.append(scores.softmax(0) @ linear(layer.value, keys))
    both = torch.cat([states, torch.stack(contexts)], dim=1)
    out = states + layer.gain * torch.tanh(linear(layer.output, both))
    return out.T.view_as(state[0])[None]


def test_attention_agrees_with_the_papers_formula(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(AdditiveAttention, "QUERY_POOL", 1)
    layer = AdditiveAttention(hidden_size=5, features=7, size=4, pool=1)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=generator(3))
    state, features = (torch.randn(1, c, 4, 6, generator=generator(c)) for c in (5, 7))
    # float32, sums of at most 24 terms
    torch.testing.assert_close(
        layer(state, features), attention_twin(layer, state, features), atol=1e-5, rtol=0
    )


def test_a_pair_gives_the_same_alone_as_in_a_batch():
    net = network(awake=True)
    onset, apex = images(64, 68, batch=3)
    together = flow(net, onset, apex)
    alone = flow(net, onset[1:2], apex[1:2])
    # float32, sums in another order, 3 recurrent steps; measured 2e-6
    torch.testing.assert_close(together[1:2], alone, atol=5e-5, rtol=0)


def test_gain_and_bias_of_each_picture_do_not_matter():
    net = network(awake=True)
    onset, apex = images(64, 64)
    torch.testing.assert_close(
        flow(net, onset, apex), flow(net, onset / 255, apex * 1.3 + 20), atol=5e-5, rtol=0
    )


@pytest.mark.parametrize("config", [TINY, SHIPPED_SIZES])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 16), (17, 130), (63, 65), (66, 71)])
def test_any_size_is_taken(config: GruAofeConfig, height: int, width: int):
    found = flow(network(config, awake=True), *images(height, width), iterations=2)
    assert found.shape == (1, 2, height, width)
    assert found.isfinite().all()


def test_sides_are_padded_by_the_rule():
    image = images(66, 30)[0]
    padded = _padded(image)
    assert padded.shape[-2:] == (68, 64)
    assert torch.equal(padded[..., :66, :30], image)
    assert torch.equal(padded[..., 66:, :30], image[..., -1:, :].expand(-1, -1, 2, -1))
    assert (padded[..., :, 30:] == padded[..., :, 29:30]).all()
    fitting = images(64, 68)[0]
    assert _padded(fitting) is fitting


def test_pictures_without_contrast():
    flat = torch.full((1, 1, 64, 64), 7.0)
    assert flow(network(awake=True), flat, flat).isfinite().all()


def test_upsampling_keeps_a_constant_flow_up_to_the_border():
    upsampler = ConvexUpsampler(hidden_size=4, width=6)
    state = torch.randn(2, 4, 5, 7, generator=generator())
    with torch.inference_mode():
        large = upsampler(torch.full((2, 3, 5, 7), 1.7), state)
    torch.testing.assert_close(large, torch.full((2, 3, 20, 28), 1.7), atol=1e-5, rtol=0)


def test_upsampling_puts_pixels_in_their_cells():
    upsampler = ConvexUpsampler(hidden_size=4, width=6)
    torch.nn.init.zeros_(upsampler.last.weight)
    bias = torch.full((9, 16), -50.0)
    bias[4] = 50.0  # only the middle of the 3 × 3
    upsampler.last.bias.data = bias.flatten()
    values = torch.randn(1, 2, 3, 4, generator=generator())
    with torch.inference_mode():
        large = upsampler(values, torch.zeros(1, 4, 3, 4))
    expected = values.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    torch.testing.assert_close(large, expected)


def test_untrained_upsampling_is_bilinear():
    upsampler = ConvexUpsampler(hidden_size=4, width=6)
    upsampler.start_bilinear()
    x = torch.arange(6.0).view(1, 1, 1, 6).expand(1, 1, 4, 6)
    with torch.inference_mode():
        large = upsampler(x, torch.randn(1, 4, 4, 6, generator=generator()))
    expected = (torch.arange(24.0) + 0.5) / 4 - 0.5
    # every weight that bilinear interpolation does not use is 1 % instead of none
    torch.testing.assert_close(large[0, 0, 8, 4:-4], expected[4:-4], atol=0.03, rtol=0)


def test_half_precision_costs_little():
    net = network(awake=True)
    pair = images(64, 64)
    exact = flow(net, *pair)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = flow(net, *pair)
    assert rough.dtype == torch.float32
    # bfloat16 has 8 bits; the equations themselves are solved in float32
    assert (rough - exact).norm() < 0.05 * exact.norm()


def test_more_iterations_continue_the_same_run():
    net = network(awake=True)
    pair = images(64, 64)
    with torch.inference_mode():
        every = net(*pair, iterations=4, every=True)
    assert torch.equal(every[1].flow, flow(net, *pair, iterations=2))


def test_small_pictures_start_from_zero_and_large_ones_from_half_the_size():
    net, from_zero = network(awake=True), network(awake=True)
    from_zero.config = dataclasses.replace(TINY, coarse_start=False)
    small, large = images(COARSE_FROM_PX - 4, 200), images(COARSE_FROM_PX, 200)
    assert torch.equal(flow(net, *small), flow(from_zero, *small))
    assert not torch.equal(flow(net, *large), flow(from_zero, *large))


def test_a_longer_run_starts_where_a_shorter_one_does():
    net = network(awake=True)
    pair = images(COARSE_FROM_PX, 196)
    with torch.inference_mode():
        every = net(*pair, iterations=2, every=True)
    assert torch.equal(every[0].flow, flow(net, *pair, iterations=1))


@pytest.mark.parametrize(("height", "width"), [(192, 192), (224, 196), (233, 401)])
def test_the_start_is_the_flow_of_half_the_size_where_it_is_long(
    height: int, width: int, monkeypatch: pytest.MonkeyPatch
):
    """Half-size flow of 3 px stands for 6, so 1.5 cells; of .1 px for almost nothing."""
    net = network()
    zero = torch.zeros(1, 2, height // 4, width // 4)

    def found(value: float):
        def refine(onset: Tensor, *_: object, **__: object) -> list[FlowEstimate]:
            flow = torch.zeros(1, 2, *onset.shape[-2:])
            flow[:, 0] = value
            return [FlowEstimate(flow=flow, log_error=flow[:, :1])]

        return refine

    pair = (torch.zeros(1, 1, *(4 * (side // 4) for side in (height, width))),) * 2
    monkeypatch.setattr(net, "_refine", found(3.0))
    far = net._start(*pair, zero)
    torch.testing.assert_close(far[:, 0], torch.full_like(zero[:, 0], 1.5))
    assert not far[:, 1].any()
    monkeypatch.setattr(net, "_refine", found(0.1))
    assert net._start(*pair, zero).abs().max() < 0.05 * 0.2


def test_sizes_stay_within_what_may_be_shipped():
    counts = {
        name: sum(p.numel() for p in GruAofe(config, generator=generator()).parameters())
        for name, config in [("full", GruAofeConfig()), ("shipped", SHIPPED_SIZES)]
    }
    assert counts["full"] <= 1_000_000
    assert counts["shipped"] <= counts["full"] / 2
    assert 4 * counts["full"] <= 4_000_000


def test_weights_come_from_the_generator_alone():
    before = torch.get_rng_state()
    one, two, other = network(seed=1), network(seed=1), network(seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name])
    assert not torch.equal(one.feature_encoder.stem.weight, other.feature_encoder.stem.weight)


def test_gradients_reach_every_weight():
    net = network(awake=True).train()
    torch.nn.init.constant_(net.attention.gain, 0.1)  # type: ignore[union-attr]
    sum(
        e.flow.square().mean() + e.log_error.square().mean()
        for e in net(*images(64, 64), every=True)
    ).backward()
    for name, parameter in net.named_parameters():
        # instance norm takes away the mean, and with it any bias before it
        if not any(part in name for part in ("first.bias", "second.bias", "stem.bias")):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_it_can_learn_to_see_motion():
    """One pair moves to the right and one to the left: nothing constant answers both."""
    onset, _ = images(64, 64, batch=2)
    apex = torch.stack([onset[0].roll(1, dims=2), onset[1].roll(-1, dims=2)])
    truth = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).view(2, 2, 1, 1)
    net = network().train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(45):
        loss = sum((e.flow - truth).abs().mean() for e in net(onset, apex, every=True))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
    # no flow has an error of 1; measured .12
    error = (flow(net.eval(), onset, apex) - truth).norm(dim=1).mean()
    assert error < 0.4


@pytest.mark.parametrize(("name", "value"), [("state", 0), ("motion", 2), ("iterations", 0)])
def test_impossible_sizes_are_refused(name: str, value: int):
    with pytest.raises(ConfigError, match=name):
        dataclasses.replace(TINY, **{name: value})
