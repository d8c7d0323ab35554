"""HMRM under the contract: repeatable, blind to watchers, one clip at a time, honest weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_hmrm import CLASSES, PRETRAINED_CLASSES, TINY, tiny_checkpoint, toy_clips

from hmrm import config
from hmrm.errors import ConfigError, DataError, NumericalError, SeenInTrainingError, WeightsError
from hmrm.evaluation.fold import run_fold
from hmrm.evaluation.settings import Settings
from hmrm.flow.pair import mirrored_maps
from hmrm.model.contract import HasFeatures, Recogniser, TrainingSet
from hmrm.model.fitted_network import FittedHmrm
from hmrm.model.network import HMRM
from hmrm.subject_folds import Fold
from hmrm.synthetic.flow_maps import SynthConfig
from hmrm.training.fitting import FittingConfig
from hmrm.training.linear_head import FittedFeatureSvm, LinearHead
from hmrm.training.motionmix import MotionMixConfig
from hmrm.training.network_recogniser import HmrmRecogniser
from hmrm.training.pretrained import pretrained_network, start_network
from hmrm.training.registry import build_recogniser
from hmrm.training.training_data import SyntheticMapsConfig, real_maps, synthetic_maps

QUICK = HmrmRecogniser(network=TINY, dropout=0.1, fitting=FittingConfig(epochs=2, batch=8))


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_checkpoint(tmp_path_factory.mktemp("weights"))


def weights(fitted: FittedHmrm) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in fitted.network.state_dict().items()}


def equal(first: FittedHmrm, second: FittedHmrm) -> bool:
    one, two = weights(first), weights(second)
    return all(torch.equal(one[name], two[name]) for name in one)


def test_it_learns_what_can_be_learnt() -> None:
    recogniser = replace(QUICK, fitting=FittingConfig(epochs=15, batch=8, learning_rate=3e-3))
    fitted = recogniser.fit(toy_clips(48), seed=0)
    test = toy_clips(15, seed=9)
    scores = fitted.predict(test.maps)
    assert (scores.argmax(1) == test.labels).mean() > 0.8
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-12)


def larger_clips(count: int) -> TrainingSet:
    """The toy's clips, each cell cut into four."""
    train = toy_clips(count)
    return replace(train, maps=train.maps.repeat(2, axis=2).repeat(2, axis=3), offset_maps=None)


def test_a_network_for_larger_maps_learns_from_them() -> None:
    recogniser = replace(
        QUICK,
        network=replace(TINY, map_size=56),
        fitting=FittingConfig(epochs=15, batch=8, learning_rate=3e-3),
    )
    train = larger_clips(48)
    scores = recogniser.fit(train, seed=0).predict(train.maps)
    assert (scores.argmax(1) == train.labels).mean() > 0.8


@pytest.mark.parametrize("side", [28, 56])
def test_maps_of_another_size_than_the_network_s_are_refused(side: int) -> None:
    recogniser = replace(QUICK, network=replace(TINY, map_size=84 - side))
    train = toy_clips(12) if side == 28 else larger_clips(12)
    with pytest.raises(DataError, match=rf"\(12, 3, {side}, {side}\).*network\.map_size"):
        recogniser.fit(train, seed=0)


def test_synthetic_maps_do_not_go_with_larger_ones() -> None:
    with pytest.raises(ConfigError, match=r"28 x 28 .*56.*fraction = 0"):
        replace(
            QUICK,
            network=replace(TINY, map_size=56),
            synthetic=SyntheticMapsConfig(fraction=1.0),
        )


def test_same_seed_same_weights_and_another_seed_others() -> None:
    train = toy_clips(17)
    first, second, other = (QUICK.fit(train, seed=seed) for seed in (5, 5, 6))
    assert equal(first, second) and not equal(first, other)


def test_a_watcher_changes_no_weight_and_sees_every_epoch() -> None:
    train, seen = toy_clips(17), []

    def observe(epoch: int, fitted: FittedHmrm) -> None:
        torch.rand(7)
        seen.append((epoch, fitted.predict(train.maps[:2])))

    observed = QUICK.fit(train, seed=0, observer=observe)
    assert [epoch for epoch, _ in seen] == [1, 2]
    assert not np.array_equal(seen[0][1], seen[1][1])
    np.testing.assert_array_equal(seen[1][1], observed.predict(train.maps[:2]))
    assert equal(observed, QUICK.fit(train, seed=0))


def test_the_world_outside_and_the_training_set_are_left_as_they_were() -> None:
    torch.set_num_threads(2)
    before, train = torch.get_rng_state(), toy_clips(9)
    maps = train.maps.copy()
    QUICK.fit(train, seed=0).predict(train.maps)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 2
    np.testing.assert_array_equal(train.maps, maps)
    torch.set_num_threads(1)


def test_a_clip_scores_the_same_alone_and_mirrored() -> None:
    fitted, maps = QUICK.fit(toy_clips(9), seed=0), toy_clips(5, seed=2).maps
    together = fitted.predict(maps)
    alone = np.concatenate([fitted.predict(maps[i : i + 1]) for i in range(5)])
    np.testing.assert_array_equal(together, alone)
    # The mean of two numbers does not depend on their order, but products of rows may round.
    np.testing.assert_allclose(fitted.predict(mirrored_maps(maps)), together, atol=1e-6)
    assert isinstance(fitted, HasFeatures) and fitted.features(maps).shape == (5, 20 * TINY.dim)


def test_epochs_of_the_call_replace_the_configs() -> None:
    train = toy_clips(9)
    own = replace(QUICK, fitting=replace(QUICK.fitting, epochs=3))
    assert equal(QUICK.fit(train, seed=0, epochs=3), own.fit(train, seed=0))


@pytest.mark.parametrize(
    "change",
    [
        {"imbalance": "none"},
        {"imbalance": "sampling"},
        {"imbalance": "adjustment"},
        {"average_decay": 0.0},
        {"body_rate": 0.1},
    ],
)
def test_every_option_changes_the_weights(change: dict[str, object]) -> None:
    train = toy_clips(16)
    train = replace(train, labels=train.labels // 2)
    other = replace(QUICK, fitting=replace(QUICK.fitting, **change))
    assert not equal(QUICK.fit(train, seed=0), other.fit(train, seed=0))


def test_the_rate_rises_and_falls_once() -> None:
    settings = FittingConfig(epochs=1, warm_up=0.2, learning_rate=2.0)
    rates = np.array([settings.schedule(50).rate(step) for step in range(50)])
    assert rates.argmax() == 10 and rates.max() == 2.0
    assert (np.diff(rates[:11]) > 0).all() and (np.diff(rates[10:]) < 0).all()
    assert 0 < rates[0] < 0.2 and 0 < rates[-1] < 0.01


def test_motionmix_offset_maps_and_synthetic_maps_enter() -> None:
    train = toy_clips(12)
    plain = QUICK.fit(train, seed=0)
    pool = SyntheticMapsConfig(fraction=0.5, maps=12, data=SynthConfig(faces=2, with_none=True))
    for change in (
        {"mix": MotionMixConfig(fraction=0.0)},
        {"offset_maps": True},
        {"synthetic": pool},
    ):
        assert not equal(plain, replace(QUICK, **change).fit(train, seed=0))


def test_the_way_back_is_reversed_and_keeps_its_label() -> None:
    train = toy_clips(6)
    train.offset_maps[2] = 0
    found = real_maps(train, offset_maps=True)
    np.testing.assert_array_equal(found.labels, [0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 2])
    np.testing.assert_array_equal(found.maps[6, :2], -train.offset_maps[0, :2])
    np.testing.assert_array_equal(found.maps[6, 2], train.offset_maps[0, 2])
    with pytest.raises(ConfigError, match=r"offset_maps = true in \[evaluation\]"):
        real_maps(replace(train, offset_maps=None), offset_maps=True)


def test_synthetic_maps_get_the_labels_and_lose_other_classes() -> None:
    settings = SyntheticMapsConfig(fraction=1.0, maps=40, data=SynthConfig(faces=2, with_none=True))
    classes = ("surprise", "other", "negative")
    pool = synthetic_maps(settings, classes)
    plain = synthetic_maps(settings, (*CLASSES, "none"))
    assert set(pool.labels) == {0, 2} and len(plain.labels) == 40
    np.testing.assert_array_equal(pool.maps[pool.labels == 0], plain.maps[plain.labels == 2])
    with pytest.raises(ConfigError, match="none of the data's"):
        synthetic_maps(settings, ("happy", "sad"))


def test_pretrained_heads_follow_the_names(pretrained: str) -> None:
    source, _ = pretrained_network(pretrained)
    classes = ("negative", "sleepy", "surprise")
    found = start_network(
        TINY,
        classes=classes,
        pretrained=pretrained,
        seen=(),
        generator=torch.Generator().manual_seed(3),
    )
    fresh = HMRM(TINY, classes=classes, generator=torch.Generator().manual_seed(3))
    for head in ("coarse_head", "fine_head", "fused_head"):
        mine, theirs = getattr(found, head), getattr(source, head)
        for row, name in ((0, "negative"), (2, "surprise")):
            column = PRETRAINED_CLASSES.index(name)
            assert torch.equal(mine.weight[row], theirs.weight[column])
            assert torch.equal(mine.bias[row], theirs.bias[column])
        assert torch.equal(mine.weight[1], getattr(fresh, head).weight[1])
    assert torch.equal(found.tokens.fine.project.weight, source.tokens.fine.project.weight)
    assert found.unit_head is None


def test_training_leaves_the_pretrained_network_alone(pretrained: str) -> None:
    source, _ = pretrained_network(pretrained)
    before = {name: value.clone() for name, value in source.state_dict().items()}
    for tune in ("whole", "last", "linear"):
        replace(QUICK, pretrained=pretrained, tune=tune).fit(toy_clips(12), seed=0)
    assert pretrained_network(pretrained)[0] is source
    assert all(torch.equal(before[name], value) for name, value in source.state_dict().items())


def test_last_trains_fusion_heads_and_the_last_block_only(pretrained: str) -> None:
    recogniser = replace(QUICK, pretrained=pretrained, tune="last")
    source, _ = pretrained_network(pretrained)
    found = weights(recogniser.fit(toy_clips(12), seed=0))
    changed = {
        name
        for name, value in source.state_dict().items()
        if name in found and "_head" not in name and not torch.equal(found[name], value)
    }
    assert changed and all(
        name.startswith(("fusion.", "encoder.blocks.1.", "encoder.norm.")) for name in changed
    )


def test_weights_of_another_size_are_refused(pretrained: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"dim = 8, not 64"):
        HmrmRecogniser(pretrained=pretrained).fit(toy_clips(6), seed=0)
    with pytest.raises(WeightsError, match="no such file"):
        replace(QUICK, pretrained=str(tmp_path / "no")).fit(toy_clips(6), seed=0)
    # Dropout and the initial step are no sizes.
    wetter = tiny_checkpoint(tmp_path, config=replace(TINY, dropout=0.3, step_max=0.2))
    replace(QUICK, pretrained=wetter).fit(toy_clips(6), seed=0)


@pytest.mark.parametrize("tune", ["whole", "linear"])
def test_weights_that_know_other_people_are_refused(tune: str, tmp_path: Path) -> None:
    known = tiny_checkpoint(tmp_path, subjects=("toy/s1", "toy/s2"), name="known")
    test_subject = tiny_checkpoint(tmp_path, subjects=("toy/s1", "toy/s9"), name="leaky")
    train = toy_clips(12)
    replace(QUICK, pretrained=known, tune=tune).fit(train, seed=0)
    with pytest.raises(SeenInTrainingError, match="toy/s9"):
        replace(QUICK, pretrained=test_subject, tune=tune).fit(train, seed=0)


@pytest.mark.parametrize("kind", ["svm", "ridge", "logistic"])
def test_a_linear_head_has_no_epochs_and_no_seed(pretrained: str, kind: str) -> None:
    recogniser = replace(
        QUICK, pretrained=pretrained, tune="linear", head=LinearHead(kind=kind, cost=0.01)
    )
    assert recogniser.epochs is None and QUICK.epochs == 2
    train, test = toy_clips(36), toy_clips(12, seed=9)
    scores = [recogniser.fit(train, seed=seed).predict(test.maps) for seed in (0, 1)]
    np.testing.assert_array_equal(scores[0], scores[1])
    # Random features: the thirds of a map are told apart even so.
    assert (scores[0].argmax(1) == test.labels).mean() > 0.6
    fitted = recogniser.fit(train, seed=0)
    assert isinstance(fitted, FittedFeatureSvm if kind == "svm" else FittedHmrm)
    assert isinstance(fitted.network, HMRM) and isinstance(fitted, HasFeatures)
    assert fitted.features(test.maps).shape == (12, 20 * TINY.dim)
    if isinstance(fitted, FittedHmrm):
        slow = replace(fitted, frozen=None).decisions(test.maps)
        np.testing.assert_allclose(fitted.decisions(test.maps), slow, rtol=1e-4, atol=1e-5)


def test_bad_toyand_options_are_refused(pretrained: str) -> None:
    with pytest.raises(DataError, match="at least two"):
        QUICK.fit(toy_clips(1), seed=0)
    broken = toy_clips(9)
    broken.maps[0, 0, 0, 0] = np.nan
    with pytest.raises(NumericalError, match="lower learning_rate"):
        QUICK.fit(broken, seed=0)
    for tune in ("last", "linear"):
        with pytest.raises(ConfigError, match="name pretrained"):
            HmrmRecogniser(tune=tune)
    with pytest.raises(ConfigError, match="last_blocks = 3"):
        HmrmRecogniser(pretrained=pretrained, last_blocks=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "huge"}, "network"),
        ({"fitting": {"epochs": 0}}, "epochs = 0"),
        ({"fitting": {"warm_up": 1.0}}, "warm_up"),
        ({"fitting": {"body_rate": -1.0}}, "body_rate"),
        ({"fitting": {"imbalance": "prayer"}}, "imbalance"),
        ({"head": {"cost": 0.0}}, "cost"),
        ({"drawn": {"share": -1.0}}, "fraction = -1"),
        ({"drawn": {"maps": 0}}, "maps = 0"),
        ({"tuna": "whole"}, "unknown key 'tuna'"),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_recogniser("hmrm", options)


def test_presets_and_single_sizes_come_from_tables() -> None:
    sizes = {"dim": 16, "heads": 2}
    assert build_recogniser("hmrm", {"network": "paper"}).sizes.dim == 192
    assert build_recogniser("hmrm", {"network": sizes}).sizes.dim == 16
    recogniser = build_recogniser("hmrm")
    assert isinstance(recogniser, Recogniser) and recogniser.map_kind == "canonical"
    assert config.from_mapping(HmrmRecogniser, config.to_mapping(recogniser)) == recogniser


@pytest.mark.parametrize("tune", ["whole", "linear"])
def test_the_test_subjects_labels_reach_no_weight(pretrained: str, tune: str) -> None:
    toy = toy_clips(16)
    recogniser = replace(QUICK, pretrained=pretrained, tune=tune)
    test = tuple(i for i, subject in enumerate(toy.subjects) if subject == "toy/s1")
    fold = Fold(name="toy/s1", train=tuple(i for i in range(16) if i not in test), test=test)
    scores = []
    for shift in (0, 1):
        labels = toy.labels.copy()
        labels[list(test)] = (labels[list(test)] + shift) % 3
        data = replace(toy, labels=labels, offset_maps=None)
        scores.append(run_fold(recogniser, data, fold, Settings(), seed=0))
    np.testing.assert_array_equal(scores[0].scores, scores[1].scores)
    assert not scores[0].transductive
