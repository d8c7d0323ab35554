import pytest
import torch

from hmrm.errors import ConfigError, DataError, NumericalError
from hmrm.faces.regions import FINE
from hmrm.model.network import HMRM, parameter_count
from hmrm.model.scan import using_backend
from hmrm.model.sizes import PRESETS, HMRMConfig

SMALL = HMRMConfig(dim=16, depth=1, state=4, fine_grid=2, fine_kernel=2)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make(config=SMALL, **words):
    return HMRM(config, generator=seeded(), **words).eval()


def maps(count, size=28, seed=1):
    return torch.randn(count, 3, size, size, generator=seeded(seed))


def test_presets_have_the_stated_token_counts_and_sizes():
    tokens = {}
    for name, config in PRESETS.items():
        grains = make(config).tokens(maps(1))
        tokens[name] = sum(grain.shape[1] * grain.shape[2] for grain in grains)
    assert tokens == {"paper": 320, "lite": 128}
    # ENCODER.md says "about 1.31 M"; the second convolution and the two auxiliary heads are ours.
    assert 1.28e6 < parameter_count(make(PRESETS["paper"])) < 1.36e6


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c", "d")])
def test_number_of_classes_comes_from_the_data(classes):
    logits = make(classes=classes)(maps(3))
    for scale in ("coarse", "fine", "fused"):
        assert getattr(logits, scale).shape == (3, len(classes))
    assert logits.units.shape == (3, 0)
    assert make(action_units=("AU1", "AU12"))(maps(3)).units.shape == (3, 2)


@pytest.mark.parametrize("config", [SMALL, HMRMConfig(map_size=56, dim=16, depth=1, state=4)])
def test_a_map_is_judged_the_same_alone_as_in_a_batch(config):
    model, batch = make(config), maps(5, config.map_size)
    together = model.predict(batch)
    for index in range(5):
        # Matrix products sum in another order for other batch sizes.
        torch.testing.assert_close(model.predict(batch[index : index + 1])[0], together[index])


def test_same_seed_same_weights_and_no_hidden_source():
    torch.manual_seed(1)
    first = make().state_dict()
    torch.manual_seed(2)
    second = make().state_dict()
    other = HMRM(SMALL, generator=seeded(5)).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["fused_head.weight"], other["fused_head.weight"])
    # Every weight matrix was sampled: none was left at zero.
    assert all(value.abs().sum() > 0 for name, value in first.items() if name.endswith("weight"))


def test_probabilities_and_features():
    model = make().train()
    probabilities = model.predict(maps(4))
    torch.testing.assert_close(probabilities.sum(1), torch.ones(4))
    assert model.training
    features = model.features(maps(4))
    assert features.shape == (4, 20 * 16)
    torch.testing.assert_close(model.fused_head(features), model(maps(4)).fused)


def test_dropout_follows_its_generator():
    model = make(HMRMConfig(dim=16, depth=1, state=4, dropout=0.5)).train()
    batch = maps(4)
    first, same = model(batch, seeded(3)).fused, model(batch, seeded(3)).fused
    other, none = model(batch, seeded(4)).fused, model(batch).fused
    assert torch.equal(first, same)
    assert not torch.equal(first, other) and not torch.equal(first, none)
    assert torch.equal(model.eval()(batch, seeded(3)).fused, none)


def test_contributions_are_gradient_times_input_of_each_region():
    model, batch = make().double(), maps(2).double()
    targets = torch.tensor([0, 2])
    got = model.region_contributions(batch, targets)
    for index in (0, 5, 14):
        left, top = (round(28 * edge) for edge in FINE[index].box_xyxy[:2])
        cell = (slice(None), slice(None), slice(top, top + 7), slice(left, left + 7))
        scaled = [batch.clone(), batch.clone()]
        step = 1e-5
        scaled[0][cell] *= 1 + step
        scaled[1][cell] *= 1 - step
        logits = [model(value).fused for value in scaled]
        chosen = [value[[0, 1], targets] - value.mean(1) for value in logits]
        slope = (chosen[0] - chosen[1]) / (2 * step)
        torch.testing.assert_close(got[:, index], slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("batch", "error", "words"),
    [
        (torch.ones(2, 3, 32, 32), DataError, "28"),
        (torch.ones(3, 28, 28), DataError, "shape"),
        (torch.ones(2, 2, 28, 28), DataError, "shape"),
        (torch.zeros(1, 3, 28, 28), DataError, "no motion"),
        (torch.full((1, 3, 28, 28), float("nan")), NumericalError, "NaN"),
        (torch.full((1, 3, 28, 28), float("inf")), NumericalError, "infinity"),
    ],
)
def test_impossible_maps_are_refused(batch, error, words):
    with pytest.raises(error, match=words):
        make().predict(batch)


def test_a_wrong_size_is_refused_in_training_too():
    with pytest.raises(DataError, match="28"):
        make()(torch.ones(2, 3, 32, 32))


@pytest.mark.parametrize(
    "words",
    [
        {"dim": 0},
        {"dim": 10, "heads": 4},
        {"dropout": 1.0},
        {"coarse_kernel": 0},
        {"step_min": 0.2},
        {"depth": 0},
    ],
)
def test_impossible_configs_are_refused(words):
    with pytest.raises(ConfigError):
        HMRMConfig(**words)


@pytest.mark.parametrize("classes", [("one",), ("a", "a")])
def test_impossible_classes_are_refused(classes):
    with pytest.raises(ConfigError, match="classes"):
        make(classes=classes)


@pytest.mark.parametrize("name", ["cpp", "torch"])
def test_exported_program_takes_any_batch(name):
    model = make(HMRMConfig(dim=8, depth=1, state=2, coarse_grid=2, fine_grid=1, fine_kernel=1))
    with using_backend(name):
        program = torch.export.export(
            model, (maps(2),), dynamic_shapes=({0: torch.export.Dim("batch")},)
        )
    torch.testing.assert_close(program.module()(maps(5)).fused, model(maps(5)).fused)


def test_bfloat16_under_autocast():
    model = make().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(maps(4)).fused
    logits.float().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.encoder.parameters())
    # bfloat16 keeps 8 bits; logits of order one pass about ten products.
    torch.testing.assert_close(logits.float(), model(maps(4)).fused, rtol=0.05, atol=0.05)
