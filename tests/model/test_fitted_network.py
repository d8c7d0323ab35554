"""One adapter: the same weights answer alike in a fold, zero-shot, and on a video's movement."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hmrm.analysis.classify import NetworkClassifier
from hmrm.clip import FlowMap
from hmrm.errors import DataError, NumericalError
from hmrm.evaluation.pretrained import load_pretrained
from hmrm.model.checkpoints import save_checkpoint
from hmrm.model.contract import ChecksMaps, FittedRecogniser, HasFeatures, TrainingSet
from hmrm.model.fitted_network import FittedHmrm, FrozenFeatures
from hmrm.model.network import HMRM
from hmrm.model.sizes import HMRMConfig
from hmrm.model.weight_card import WeightCard
from hmrm.training.fitting import FittingConfig
from hmrm.training.network_recogniser import HmrmRecogniser

CONFIG = HMRMConfig(dim=8, depth=1, state=2, heads=2, fine_grid=2, fine_kernel=2)
CLASSES = ("negative", "positive", "surprise")
UNITS = ("AU4", "AU12")


def some_maps(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3, 28, 28)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> HMRM:
    generator = torch.Generator().manual_seed(3)
    found = HMRM(CONFIG, classes=CLASSES, action_units=UNITS, generator=generator)
    with torch.no_grad():
        # Far from ½, where averaging logits and averaging probabilities differ most.
        found.fused_head.weight.mul_(20)
    return found.eval()


def test_a_fold_zero_shot_evaluation_and_analyze_agree_on_the_same_weights(tmp_path: Path) -> None:
    train = TrainingSet(
        ids=tuple(f"casme2/sub01/{i}" for i in range(12)),
        maps=some_maps(12, seed=1),
        labels=np.arange(12) % 3,
        classes=CLASSES,
    )
    recogniser = HmrmRecogniser(network=CONFIG, fitting=FittingConfig(epochs=3))
    fitted = recogniser.fit(train, seed=0)
    assert isinstance(fitted, FittedHmrm)
    card = WeightCard(
        config=fitted.network.config, classes=CLASSES, crop="hmrm-1", trained_on="a test", steps=3
    )
    save_checkpoint(tmp_path / "w.safetensors", fitted.network, card)
    maps = some_maps(6)
    in_fold = fitted.predict(maps)
    zero_shot = load_pretrained(str(tmp_path / "w")).fitted.predict(maps)
    classifier = NetworkClassifier(tmp_path / "w")
    on_video = [
        list(classifier(FlowMap(values=m, crop="hmrm-1", scale_px=1.0)).probabilities.values())
        for m in maps
    ]
    np.testing.assert_array_equal(zero_shot, in_fold)
    np.testing.assert_array_equal(np.array(on_video), in_fold)


def test_logits_of_both_views_are_averaged_not_probabilities(network: HMRM) -> None:
    maps = some_maps(5)
    other = maps[..., ::-1] * np.array([-1, 1, 1], np.float32)[:, None, None]
    with torch.inference_mode():
        views = [network(torch.from_numpy(m.copy())) for m in (maps, other)]
    mean = (views[0].fused.double() + views[1].fused.double()) / 2
    fitted = FittedHmrm(network=network)
    # Batched products of float32 round otherwise than one clip's.
    np.testing.assert_allclose(fitted.predict(maps), mean.softmax(1).numpy(), atol=1e-5)
    wrong = (views[0].fused.softmax(1) + views[1].fused.softmax(1)) / 2
    assert np.abs(fitted.predict(maps) - wrong.numpy()).max() > 0.01
    units = ((views[0].units + views[1].units) / 2).sigmoid().numpy()
    np.testing.assert_allclose(fitted.action_units(maps), units, atol=1e-5)


def test_a_clip_and_its_mirror_image_answer_alike_unless_one_view_is_asked_for(
    network: HMRM,
) -> None:
    maps = some_maps(4)
    other = maps[..., ::-1] * np.array([-1, 1, 1], np.float32)[:, None, None]
    both = FittedHmrm(network=network)
    # The mean of two numbers does not depend on their order, but products of rows may round.
    np.testing.assert_allclose(both.predict(other), both.predict(maps), atol=1e-5)
    one = FittedHmrm(network=network, mirror_test=False)
    assert np.abs(one.predict(other) - one.predict(maps)).max() > 1e-3


def test_kept_features_change_no_answer(network: HMRM) -> None:
    maps = some_maps(4)
    kept = FittedHmrm(network=network, frozen=FrozenFeatures(network))
    expected = FittedHmrm(network=network).predict(maps)
    np.testing.assert_allclose(kept.predict(maps), expected, atol=1e-6)
    np.testing.assert_array_equal(kept.predict(maps), kept.predict(maps))


def test_it_keeps_the_contracts_and_refuses_maps_it_cannot_judge(network: HMRM) -> None:
    fitted = FittedHmrm(network=network)
    for contract in (FittedRecogniser, HasFeatures, ChecksMaps):
        assert isinstance(fitted, contract)
    with pytest.raises(DataError, match="all zero"):
        fitted.check(np.zeros((1, 3, 28, 28), np.float32))
    with pytest.raises(NumericalError, match="NaN"):
        fitted.check(np.full((1, 3, 28, 28), np.nan, np.float32))
