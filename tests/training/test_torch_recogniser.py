"""The peers' training loop: repeatable, blind to watchers, one clip at a time at test."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch.nn import functional

from hmrm.errors import ConfigError, DataError, NumericalError
from hmrm.flow.pair import mirrored_about_median
from hmrm.model.baselines.off_apexnet import OffApexNet
from hmrm.model.baselines.ststnet import StstNet
from hmrm.model.contract import HasFeatures, MapKind, Recogniser, TrainingSet
from hmrm.training.registry import MODELS, build_recogniser, trainable
from hmrm.training.torch_recogniser import (
    FittedNetwork,
    Recipe,
    TorchRecogniser,
    margin_loss,
)

CLASSES = ("negative", "positive", "surprise")
QUICK = {"epochs": 2, "learning_rate": 1e-3, "batch_size": 8}
NETWORKS = [name for name in trainable() if MODELS[name].network and MODELS[name].reads == "maps"]


def synthetic(count: int, *, seed: int = 0) -> TrainingSet:
    """Maps whose lower third moves down where the class is 2, upper third where it is 0."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    maps = generator.normal(0, 0.1, (count, 3, 28, 28)).astype(np.float32)
    for clip, label in zip(maps, labels, strict=True):
        clip[1, 9 * label : 9 * label + 9] += 1
    ids = tuple(f"toy/s{i % 4}/c{i}" for i in range(count))
    return TrainingSet(ids=ids, maps=maps, labels=labels, classes=CLASSES)


def weights(fitted: FittedNetwork) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in fitted.network.state_dict().items()}


@pytest.fixture
def quick() -> TorchRecogniser:
    return TorchRecogniser(
        network=StstNet, recipe=Recipe(epochs=3, batch_size=8, mirror_train=True, mirror_test=True)
    )


def test_it_learns_what_can_be_learnt() -> None:
    recogniser = build_recogniser("off-apexnet", {"epochs": 8, "batch_size": 8})
    fitted = recogniser.fit(synthetic(36), seed=0)
    test = synthetic(12, seed=9)
    scores = fitted.predict(test.maps)
    assert (scores.argmax(1) == test.labels).all()
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-12)


def test_maps_of_another_size_are_refused_with_what_to_do(quick: TorchRecogniser) -> None:
    train = synthetic(12)
    larger = replace(train, maps=train.maps.repeat(2, axis=2).repeat(2, axis=3))
    with pytest.raises(DataError, match=r"56 x 56 cells.*28 x 28.*--size 28"):
        quick.fit(larger, seed=0)


def test_same_seed_same_bytes_and_another_seed_others(quick: TorchRecogniser) -> None:
    train = synthetic(17)
    first, second = (weights(quick.fit(train, seed=5)) for _ in range(2))
    other = weights(quick.fit(train, seed=6))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_watcher_changes_no_weight(quick: TorchRecogniser) -> None:
    train, seen = synthetic(17), []

    def observe(epoch: int, fitted: FittedNetwork) -> None:
        torch.rand(7)
        seen.append((epoch, fitted.predict(train.maps[:2]).shape))

    observed = weights(quick.fit(train, seed=0, observer=observe))
    alone = weights(quick.fit(train, seed=0))
    assert seen == [(1, (2, 3)), (2, (2, 3)), (3, (2, 3))]
    assert all(torch.equal(observed[name], alone[name]) for name in alone)


def test_the_world_outside_is_left_as_it_was(quick: TorchRecogniser) -> None:
    torch.set_num_threads(2)
    before = torch.get_rng_state()
    quick.fit(synthetic(9), seed=0).predict(synthetic(2).maps)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_clip_scores_the_same_alone_as_in_a_batch(name: str) -> None:
    fitted = build_recogniser(name, {**QUICK, "epochs": 1}).fit(synthetic(6), seed=0)
    maps = synthetic(5, seed=2).maps
    batch = fitted.predict(maps)
    alone = np.concatenate([fitted.predict(maps[i : i + 1]) for i in range(5)])
    assert batch.dtype == np.float64
    np.testing.assert_array_equal(batch, alone)
    assert isinstance(fitted, HasFeatures)
    assert fitted.features(maps).shape[0] == 5


def test_mirrored_twins_score_alike_where_test_is_mirrored(quick: TorchRecogniser) -> None:
    fitted, maps = quick.fit(synthetic(12), seed=0), synthetic(4, seed=3).maps
    # A mirror image taken twice differs from the map by a rounding of u.
    np.testing.assert_allclose(
        fitted.predict(maps), fitted.predict(mirrored_about_median(maps)), atol=1e-6
    )


def test_epochs_of_the_call_replace_the_recipes(quick: TorchRecogniser) -> None:
    train = synthetic(9)
    called = weights(quick.fit(train, seed=0, epochs=5))
    set_up = replace(quick, recipe=replace(quick.recipe, epochs=5))
    own = weights(set_up.fit(train, seed=0))
    assert all(torch.equal(called[name], own[name]) for name in own)


def test_a_last_batch_of_one_breaks_nothing(quick: TorchRecogniser) -> None:
    assert np.isfinite(quick.fit(synthetic(9), seed=0).predict(synthetic(2).maps)).all()


def test_margin_loss_equals_the_papers_formula() -> None:
    lengths = torch.tensor([[0.95, 0.05, 0.4], [0.2, 0.3, 0.7]], dtype=torch.float64)
    first = 0.0 + 0.5 * (0.4 - 0.1) ** 2
    second = (0.9 - 0.3) ** 2 + 0.5 * (0.2 - 0.1) ** 2 + 0.5 * (0.7 - 0.1) ** 2
    labels = torch.tensor([0, 1])
    assert margin_loss(lengths, labels).item() == pytest.approx((first + second) / 2)
    weighted = margin_loss(lengths, labels, weights=torch.tensor([3.0, 1.0, 9.0]).double())
    assert weighted.item() == pytest.approx((3 * first + second) / 4)


def test_class_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    from hmrm.training.imbalance import class_weights

    labels = np.array([0, 0, 0, 1, 2, 2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(class_weights(torch.from_numpy(labels), 3).numpy(), expected)


def test_plain_recipe_equals_a_loop_written_out() -> None:
    train = synthetic(6)
    recipe = Recipe(epochs=2, optimiser="adam", weight_decay=0.0, batch_size=6, input_scale=2.0)
    fitted = TorchRecogniser(network=OffApexNet, recipe=recipe).fit(train, seed=3)

    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = OffApexNet(classes=3)
        optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
        order = torch.Generator().manual_seed(3)
        for _ in range(2):
            chosen = torch.randperm(6, generator=order)
            scores = network(2 * torch.from_numpy(train.maps)[chosen])
            loss = functional.cross_entropy(scores, torch.from_numpy(train.labels)[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    for name, value in network.state_dict().items():
        # Adam's first steps are of the size lr whatever the gradient, so rounding in another
        # memory order shows in single weights with almost no gradient.
        torch.testing.assert_close(
            fitted.network.state_dict()[name], value, atol=2e-3, rtol=0, msg=name
        )


def test_one_clip_is_too_few(quick: TorchRecogniser) -> None:
    with pytest.raises(DataError, match="at least two"):
        quick.fit(synthetic(1), seed=0)


def test_a_loss_that_leaves_the_numbers_is_reported(quick: TorchRecogniser) -> None:
    train = synthetic(9)
    train.maps[0, 0, 0, 0] = np.nan
    with pytest.raises(NumericalError, match="lower learning_rate"):
        quick.fit(train, seed=0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ststnet", {"epoch": 3}, "unknown key 'epoch'"),
        ("ststnet", {"epochs": 0}, "epochs = 0"),
        ("vit", {"weight_decay": -1.0}, "weight_decay"),
        ("svm-linear", {"costs": 1.0}, "unknown key 'costs'"),
        ("nobody", None, "choose svm-linear"),
    ],
)
def test_options_are_checked(name: str, options: dict[str, object] | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_recogniser(name, options)


@pytest.mark.parametrize("name", trainable())
def test_every_known_name_is_a_recogniser(name: str) -> None:
    options = {"genders": "genders.csv"} if name == "geme-recreation" else None
    recogniser = build_recogniser(name, options)
    assert isinstance(recogniser, Recogniser)
    assert (recogniser.map_kind == "frames") == (MODELS[name].reads == "frames")
    assert recogniser.map_kind in get_args(MapKind)


def test_a_network_that_is_only_counted_is_not_trained() -> None:
    with pytest.raises(ConfigError, match="'vgg16' is only counted, by hmrm benchmark models"):
        build_recogniser("vgg16")


def test_every_model_says_in_a_line_what_it_is() -> None:
    lines = [model.description for model in MODELS.values()]
    assert all(line and "\n" not in line and len(line) <= 80 for line in lines)
    assert len(set(lines)) == len(lines)


def test_names_are_known_without_torch_and_scikit_learn() -> None:
    code = (
        "import sys; from hmrm.training.registry import MODELS; "
        "sys.exit(any(m in sys.modules for m in ('torch', 'sklearn')))"
    )
    source = Path(__file__).parents[2] / "src"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(source)})
    assert done.returncode == 0
