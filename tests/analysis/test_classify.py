"""Naming: probabilities from a network, the mirror image treated alike, misfits refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hmrm.analysis.classify import NetworkNamer, open_namer, origin
from hmrm.clip import FlowMap
from hmrm.errors import DataError, NumericalError, WeightsError
from hmrm.faces.regions import FINE
from hmrm.model.checkpoints import WeightCard, save_checkpoint
from hmrm.model.network import HMRM
from hmrm.model.sizes import HMRMConfig

CONFIG = HMRMConfig(dim=8, depth=1, state=2, heads=2, fine_grid=2, fine_kernel=2)
CLASSES = ("negative", "positive", "surprise", "none")


def saved(folder: Path, *, crop: str = "hmrm-1", steps: int = 1) -> Path:
    model = HMRM(CONFIG, classes=CLASSES, generator=torch.Generator().manual_seed(3))
    card = WeightCard(config=CONFIG, classes=CLASSES, crop=crop, trained_on="a test", steps=steps)
    save_checkpoint(folder / "tiny.safetensors", model, card)
    return folder / "tiny.safetensors"


@pytest.fixture(scope="module")
def namer(tmp_path_factory: pytest.TempPathFactory) -> NetworkNamer:
    return NetworkNamer(saved(tmp_path_factory.mktemp("weights")))


@pytest.fixture
def flow_map() -> FlowMap:
    values = np.random.default_rng(0).normal(size=(3, 28, 28)).astype(np.float32)
    return FlowMap(values=values, crop="hmrm-1", scale_px=1.0)


def test_probabilities_add_up_and_are_named(namer: NetworkNamer, flow_map: FlowMap) -> None:
    naming = namer(flow_map)
    assert tuple(naming.probabilities) == CLASSES
    assert sum(naming.probabilities.values()) == pytest.approx(1)
    assert naming == namer(flow_map)


def test_the_mirror_image_has_the_same_probabilities(
    namer: NetworkNamer, flow_map: FlowMap
) -> None:
    mirrored = flow_map.values[:, :, ::-1] * np.float32([-1, 1, 1]).reshape(3, 1, 1)
    other = namer(replace(flow_map, values=np.ascontiguousarray(mirrored)))
    for name, value in namer(flow_map).probabilities.items():
        # float32 sums in another order
        assert other.probabilities[name] == pytest.approx(value, abs=1e-6)


def test_the_decisive_region_is_where_the_gradient_times_motion_is_largest(
    namer: NetworkNamer, flow_map: FlowMap
) -> None:
    naming = namer(flow_map)
    best = list(naming.probabilities.values()).index(max(naming.probabilities.values()))
    maps = torch.from_numpy(flow_map.values)[None]
    shares = namer._fitted.network.region_contributions(maps, torch.tensor([best]))[0]
    assert naming.decisive_region == FINE[int(shares.argmax())].name


def test_maps_that_cannot_be_named(namer: NetworkNamer, flow_map: FlowMap) -> None:
    with pytest.raises(DataError, match="all zero"):
        namer(replace(flow_map, values=np.zeros((3, 28, 28), np.float32)))
    with pytest.raises(NumericalError, match="NaN"):
        namer(replace(flow_map, values=np.full((3, 28, 28), np.nan, np.float32)))
    with pytest.raises(DataError, match="shape"):
        namer(replace(flow_map, values=np.ones((3, 56, 56), np.float32)))


def test_weights_that_cannot_name(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        NetworkNamer("no-such-weights")
    with pytest.raises(WeightsError, match="crop"):
        NetworkNamer(saved(tmp_path, crop="another"))
    with pytest.raises(WeightsError, match="random weights"):
        NetworkNamer(saved(tmp_path, steps=0))


def test_a_namer_is_opened_only_from_weights(namer: NetworkNamer) -> None:
    assert open_namer(None) is None and origin(None) is None
    assert open_namer(namer) is namer
    known = origin(namer)
    assert known is not None and len(known["sha256"]) == 64
