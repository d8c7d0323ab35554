import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from hmrm.errors import WeightsError
from hmrm.model import checkpoints
from hmrm.model.checkpoints import (
    WeightCard,
    load_checkpoint,
    load_model,
    save_checkpoint,
    shipped_names,
)
from hmrm.model.network import HMRM
from hmrm.model.sizes import HMRMConfig
from hmrm.provenance import make_stamp

SMALL = HMRMConfig(dim=16, depth=1, state=4)
CARD = WeightCard(
    config=SMALL,
    classes=("negative", "positive", "surprise", "none"),
    crop="hmrm-1",
    trained_on="maps synthesized for this test",
    steps=7,
    trained_subjects=("casme2/sub01",),
    trained_clips=("casme2/sub01/EP02_01f",),
    action_units=("AU12",),
    metrics={"synthetic": {"uf1": 0.5}},
    limits=("Knows nothing.",),
    provenance=make_stamp(seeds=(0,)),
)


@pytest.fixture
def model():
    g = torch.Generator().manual_seed(0)
    return HMRM(SMALL, classes=CARD.classes, action_units=CARD.action_units, generator=g).eval()


@pytest.fixture
def saved(tmp_path, model):
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, model, CARD)
    return path


def edit_card(path, **changes):
    card = path.with_suffix(".json")
    table = json.loads(card.read_text())
    card.write_text(json.dumps(table | changes))


def replace_tensors(path, tensors):
    save_file(tensors, path)
    from hmrm.provenance import sha256

    edit_card(path, sha256=sha256(path))


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.json", "weights"])
def test_round_trip(saved, model, name):
    loaded, card = load_checkpoint(saved.with_name(name), expected=SMALL)
    assert card == CARD
    assert not loaded.training
    maps = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    assert torch.equal(loaded.predict(maps), model.predict(maps))


def test_same_network_same_bytes(saved, model, tmp_path):
    save_checkpoint(tmp_path / "again.safetensors", model, CARD)
    for suffix in (".safetensors", ".json"):
        assert (tmp_path / f"again{suffix}").read_bytes() == saved.with_suffix(suffix).read_bytes()


def test_shipped_name(saved, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHIPPED", saved.parent)
    assert shipped_names() == ("weights",)
    assert load_model("weights")[1] == CARD
    with pytest.raises(WeightsError, match="shipped: weights"):
        load_model("nonesuch")


def test_another_preset(saved):
    with pytest.raises(WeightsError, match="dim = 16, expected 32"):
        load_checkpoint(saved, expected=dataclasses.replace(SMALL, dim=32))


def test_missing_file_or_card(saved):
    saved.with_suffix(".json").rename(saved.with_suffix(".old"))
    with pytest.raises(WeightsError, match="card"):
        load_checkpoint(saved)
    with pytest.raises(WeightsError, match="no such file"):
        load_model(saved.with_name("other.safetensors"))


@pytest.mark.parametrize("damage", [b"", b"random bytes, no weights", None])
def test_damaged_file(saved, damage):
    content = saved.read_bytes()
    saved.write_bytes(content[:-5] if damage is None else damage)
    with pytest.raises(WeightsError, match="digest differs"):
        load_checkpoint(saved)
    from hmrm.provenance import sha256

    edit_card(saved, sha256=sha256(saved))
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": "other"}, "describes network 'other'"),
        ({"config": {"dimension": 3}}, "unknown key 'dimension'"),
        ({"config": {"dim": 15}}, "divisible by heads"),
        ({"steps": 0}, "random weights"),
        ({"classes": ["only"]}, "classes"),
    ],
)
def test_bad_card(saved, changes, words):
    edit_card(saved, **changes)
    with pytest.raises(WeightsError, match=words):
        load_checkpoint(saved)


def test_card_that_is_no_json(saved):
    saved.with_suffix(".json").write_text("{")
    with pytest.raises(WeightsError, match="not JSON"):
        load_checkpoint(saved)


def test_nan_shape_missing_and_extra_tensors(saved):
    good = load_file(saved)
    name = "fused_head.bias"
    for value, words in (
        (torch.full_like(good[name], float("nan")), "NaN"),
        (torch.zeros(9), r"\(9,\), the card's config asks for \(4,\)"),
    ):
        replace_tensors(saved, good | {name: value})
        with pytest.raises(WeightsError, match=words):
            load_checkpoint(saved)
    replace_tensors(saved, good | {"more": torch.zeros(1)})
    with pytest.raises(WeightsError, match="asks for nothing"):
        load_checkpoint(saved)
    replace_tensors(saved, {key: value for key, value in good.items() if key != name})
    with pytest.raises(WeightsError, match="is nothing"):
        load_checkpoint(saved)


def test_saving_refuses_nan_and_foreign_cards(tmp_path, model):
    with pytest.raises(WeightsError, match="not the network's"):
        save_checkpoint(tmp_path / "w", model, dataclasses.replace(CARD, classes=("a", "b")))
    with torch.no_grad():
        model.fused_head.bias[0] = float("inf")
    with pytest.raises(WeightsError, match=r"fused_head\.bias"):
        save_checkpoint(tmp_path / "w", model, CARD)
    assert list(tmp_path.iterdir()) == []
