"""What ablations switch off: each switch against a twin, and the network itself left as it was."""

import dataclasses
import json

import pytest
import torch

from hmrm import config
from hmrm.errors import ConfigError
from hmrm.model import grained_mamba
from hmrm.model.checkpoints import load_checkpoint, save_checkpoint
from hmrm.model.grained_mamba import GrainedMambaBlock
from hmrm.model.network import HMRM, parameter_count
from hmrm.model.region_fusion import MeanFusion
from hmrm.model.scan import scan_backend
from hmrm.model.sizes import PRESETS, HMRMConfig
from hmrm.model.tokens import Grains
from hmrm.model.weight_card import WeightCard

SMALL = HMRMConfig(
    dim=8, depth=1, state=2, heads=2, coarse_grid=2, fine_grid=2, coarse_kernel=2, fine_kernel=2
)
SWITCHES = {
    "fine": {"grains": "fine"},
    "coarse": {"grains": "coarse"},
    "coarse, global": {"grains": "coarse", "fusion": "global"},
    "mean": {"fusion": "mean"},
    "forward": {"directions": "forward"},
    "attention": {"mixer": "attention"},
    "attention, forward": {"mixer": "attention", "directions": "forward"},
    "shared": {"kernels": "shared"},
    "face": {"face_token": True},
    "face, mean, fine": {"face_token": True, "fusion": "mean", "grains": "fine"},
}
NEW_KEYS = ("grains", "directions", "mixer", "kernels", "face_token")


def make(**changes):
    settings = dataclasses.replace(SMALL, **changes)
    return HMRM(settings, generator=torch.Generator().manual_seed(0)).eval()


def maps(count=3, seed=1):
    return torch.randn(count, 3, 28, 28, generator=torch.Generator().manual_seed(seed))


def block(**options):
    sizes = {"dim": 4, "depth": 1, "state": 3, "coarse_kernel": 2, "fine_kernel": 2}
    steps = {"step_min": 0.01, "step_max": 0.5}
    made = GrainedMambaBlock(HMRMConfig(**{"heads": 1, **sizes, **steps, **options})).double()
    g = torch.Generator().manual_seed(0)
    made.initialise(g)
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=g, dtype=torch.float64)
    return made


def tokens():
    g = torch.Generator().manual_seed(2)
    return Grains(
        torch.randn(2, 6, 4, generator=g, dtype=torch.float64),
        torch.randn(5, 3, 4, generator=g, dtype=torch.float64),
    )


def test_the_presets_have_these_sizes():
    counts = {
        name: parameter_count(HMRM(sizes, generator=torch.Generator().manual_seed(0)))
        for name, sizes in PRESETS.items()
    }
    assert counts == {"paper": 1_347_657, "lite": 118_473}


@pytest.mark.parametrize("changes", SWITCHES.values(), ids=SWITCHES.keys())
def test_every_switch_gives_a_whole_network(changes):
    model, batch = make(**changes), maps()
    logits = model(batch)
    assert logits.coarse.shape[1] == (0 if changes.get("grains") == "fine" else 3)
    assert logits.fine.shape[1] == (0 if changes.get("grains") == "coarse" else 3)
    assert logits.fused.shape == (3, 3)
    assert model.features(batch).shape == (3, model.config.fused_vectors * 8)
    torch.testing.assert_close(model.predict(batch[1:2])[0], model.predict(batch)[1])
    sum(part.square().sum() for part in logits).backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert idle == []
    assert model.region_contributions(batch, torch.tensor([0, 1, 2])).shape == (3, 16)


def test_a_grain_that_is_left_out_leaves_the_other_as_it_was():
    whole, batch = make(), maps()
    both = whole.encoder(whole.tokens(batch))
    for grain in ("fine", "coarse"):
        alone = make(grains=grain)
        known = whole.state_dict()
        heads = {n: v for n, v in alone.state_dict().items() if n.startswith("fused_head")}
        alone.load_state_dict({n: known[n] for n in alone.state_dict()} | heads)
        found = alone.encoder(alone.tokens(batch))
        torch.testing.assert_close(getattr(found, grain), getattr(both, grain))
        assert found.coarse.shape[1] + found.fine.shape[1] == sum(alone.config.regions)
        assert torch.equal(
            alone(batch).fine if grain == "fine" else alone(batch).coarse,
            whole(batch).fine if grain == "fine" else whole(batch).coarse,
        )


def test_forward_alone_is_the_sum_without_its_backward_part():
    one, two, given = block(directions="forward"), block(), tokens()
    with torch.no_grad():
        for name, value in two.named_parameters():
            mine = dict(one.named_parameters())[name]
            value[:1] = mine[:1]
            if value.shape == mine.shape:
                value.copy_(mine)
        # A scan without C and D says nothing.
        two.x_proj[1, -two.config.state :] = 0
        two.D[1] = 0
    for ours, true in zip(one(given), two(given), strict=True):
        torch.testing.assert_close(ours, true)


@pytest.mark.parametrize("directions", ["both", "forward"])
def test_attention_equals_a_loop_over_tokens(directions):
    made, given = block(mixer="attention", heads=2, directions=directions), tokens()
    found = made(given)
    for grain in ("coarse", "fine"):
        sequences = getattr(given, grain)
        for sequence, got in zip(sequences, getattr(found, grain), strict=True):
            x, z = made.in_proj(made.norm(sequence)).chunk(2, -1)
            total = torch.zeros_like(x)
            for way in range(1 if directions == "forward" else 2):
                weight, bias = (
                    getattr(made.convolutions[grain], n)[way] for n in ("weight", "bias")
                )
                before = torch.zeros_like(x)
                if way == 0:
                    before[1:] = x[:-1]
                else:
                    before[:-1] = x[1:]
                u = bias + before * weight[:, 0] + x * weight[:, 1]
                u = u * torch.sigmoid(u)
                projected = u @ made.x_proj[way].T
                for head in range(2):
                    query, key = (projected[:, 6 * p + 3 * head :][:, :3] for p in (0, 1))
                    fractions = torch.softmax(query @ key.T / 3**0.5, -1)
                    total[:, 4 * head : 4 * head + 4] += fractions @ u[:, 4 * head : 4 * head + 4]
                total = total + u * made.D[way]
            expected = sequence + made.out_proj(total * z * torch.sigmoid(z))
            torch.testing.assert_close(got, expected)


def test_a_shared_convolution_is_two_equal_ones():
    one, two, given = block(kernels="shared"), block(), tokens()
    known = one.state_dict()
    two.load_state_dict({n: known[n.replace(".fine.", ".coarse.")] for n in two.state_dict()})
    for ours, true in zip(one(given), two(given), strict=True):
        torch.testing.assert_close(ours, true)
    for made in (one, two):
        sum(grain.sin().sum() for grain in made(given)).backward()
    torch.testing.assert_close(
        one.convolutions["coarse"].weight.grad,
        two.convolutions["coarse"].weight.grad + two.convolutions["fine"].weight.grad,
    )
    with pytest.raises(ConfigError, match="same number of taps"):
        dataclasses.replace(SMALL, kernels="shared", fine_kernel=1)


def test_mean_fusion_is_the_normed_mean():
    fusion, given = MeanFusion(HMRMConfig(dim=8)), maps(2)
    vectors = given.flatten(1)[:, : 20 * 8].reshape(2, 20, 8)
    mean = vectors.sum(1) / 20
    expected = (mean - mean.mean(1, keepdim=True)) / mean.var(1, correction=0, keepdim=True).sqrt()
    found = fusion(Grains(vectors[:, :4], vectors[:, 4:]))
    torch.testing.assert_close(found[:, 0], expected, rtol=1e-3, atol=1e-4)
    assert fusion(Grains(vectors[:, :4], vectors[:, 4:]), torch.ones(2, 1, 8)).shape == (2, 1, 8)


def test_the_network_itself_still_runs_fused(monkeypatch):
    if scan_backend().name != "cpp":
        pytest.skip(scan_backend().reason)
    calls = []
    known = grained_mamba.mix_in_cpp
    monkeypatch.setattr(
        grained_mamba, "mix_in_cpp", lambda *words: calls.append(1) or known(*words)
    )
    for changes, fused in (({}, 1), ({"grains": "fine"}, 1), ({"directions": "forward"}, 0)):
        calls.clear()
        make(**changes)(maps())
        assert len(calls) == fused


def test_a_card_from_before_the_switches_is_todays_network(tmp_path):
    model = make()
    card = WeightCard(
        config=SMALL, classes=model.classes, crop="hmrm-1", trained_on="nothing", steps=1
    )
    save_checkpoint(tmp_path / "old", model, card)
    file = tmp_path / "old.json"
    table = json.loads(file.read_text())
    for key in NEW_KEYS:
        del table["config"][key]
    file.write_text(json.dumps(table))
    loaded, read = load_checkpoint(tmp_path / "old", expected=SMALL)
    assert read.config == SMALL
    assert torch.equal(loaded.predict(maps()), model.predict(maps()))


def test_a_card_keeps_its_switches(tmp_path):
    model = make(**SWITCHES["face, mean, fine"])
    card = WeightCard(
        config=model.config, classes=model.classes, crop="hmrm-1", trained_on="nothing", steps=1
    )
    save_checkpoint(tmp_path / "new", model, card)
    loaded, _ = load_checkpoint(tmp_path / "new")
    assert torch.equal(loaded.predict(maps()), model.predict(maps()))
    again = config.from_mapping(HMRMConfig, config.to_mapping(model.config))
    assert again == model.config
