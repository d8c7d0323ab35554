"""Classifying: probabilities from a network, the mirror image treated alike, misfits refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hmrm.analysis.classify import NetworkClassifier, open_classifier, origin_of
from hmrm.analysis.settings import Classification
from hmrm.clip import FlowMap
from hmrm.errors import DataError, NumericalError, WeightsError
from hmrm.faces.regions import FINE
from hmrm.model.checkpoints import save_checkpoint
from hmrm.model.network import HMRM
from hmrm.model.sizes import HMRMConfig
from hmrm.model.weight_card import WeightCard

CONFIG = HMRMConfig(dim=8, depth=1, state=2, heads=2, fine_grid=2, fine_kernel=2)
CLASSES = ("negative", "positive", "surprise", "none")


def saved(folder: Path, *, crop: str = "hmrm-1", steps: int = 1) -> Path:
    model = HMRM(CONFIG, classes=CLASSES, generator=torch.Generator().manual_seed(3))
    card = WeightCard(config=CONFIG, classes=CLASSES, crop=crop, trained_on="a test", steps=steps)
    save_checkpoint(folder / "tiny.safetensors", model, card)
    return folder / "tiny.safetensors"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> NetworkClassifier:
    return NetworkClassifier(saved(tmp_path_factory.mktemp("weights")))


@pytest.fixture
def flow_map() -> FlowMap:
    values = np.random.default_rng(0).normal(size=(3, 28, 28)).astype(np.float32)
    return FlowMap(values=values, crop="hmrm-1", scale_px=1.0)


def test_probabilities_add_up_and_have_names(
    classifier: NetworkClassifier, flow_map: FlowMap
) -> None:
    found = classifier(flow_map)
    assert tuple(found.probabilities) == CLASSES
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert found == classifier(flow_map)


def test_the_mirror_image_has_the_same_probabilities(
    classifier: NetworkClassifier, flow_map: FlowMap
) -> None:
    mirrored = flow_map.values[:, :, ::-1] * np.float32([-1, 1, 1]).reshape(3, 1, 1)
    other = classifier(replace(flow_map, values=np.ascontiguousarray(mirrored)))
    for name, value in classifier(flow_map).probabilities.items():
        # float32 sums in another order
        assert other.probabilities[name] == pytest.approx(value, abs=1e-6)


def test_the_decisive_region_is_where_the_gradient_times_motion_is_largest(
    classifier: NetworkClassifier, flow_map: FlowMap
) -> None:
    found = classifier(flow_map)
    best = list(found.probabilities.values()).index(max(found.probabilities.values()))
    network = HMRM(CONFIG, classes=CLASSES, generator=torch.Generator().manual_seed(3)).eval()
    maps = torch.from_numpy(flow_map.values)[None]
    contributions = network.region_contributions(maps, torch.tensor([best]))[0]
    assert found.decisive_region == FINE[int(contributions.argmax())].name


def test_maps_that_cannot_be_classified(classifier: NetworkClassifier, flow_map: FlowMap) -> None:
    with pytest.raises(DataError, match="all zero"):
        classifier(replace(flow_map, values=np.zeros((3, 28, 28), np.float32)))
    with pytest.raises(NumericalError, match="NaN"):
        classifier(replace(flow_map, values=np.full((3, 28, 28), np.nan, np.float32)))
    with pytest.raises(DataError, match="shape"):
        classifier(replace(flow_map, values=np.ones((3, 56, 56), np.float32)))


def test_weights_that_cannot_classify(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        NetworkClassifier("no-such-weights")
    with pytest.raises(WeightsError, match="crop"):
        NetworkClassifier(saved(tmp_path, crop="another"))
    with pytest.raises(WeightsError, match="random weights"):
        NetworkClassifier(saved(tmp_path, steps=0))


def test_a_classifier_is_opened_only_from_weights(classifier: NetworkClassifier) -> None:
    assert open_classifier(None) is None and origin_of(None) is None
    assert open_classifier(classifier) is classifier
    known = origin_of(classifier)
    assert known is not None and len(known.sha256) == 64


def test_two_classes_about_as_probable_are_unclear() -> None:
    near = Classification(probabilities={"surprise": 0.42, "positive": 0.2, "negative": 0.38})
    assert near.label == "unclear: negative or surprise"
    assert Classification(probabilities={"negative": 0.6, "surprise": 0.4}).label == "negative"
    assert Classification(probabilities={"none": 1.0}).label == "none"
