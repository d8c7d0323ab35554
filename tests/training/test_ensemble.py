"""Recognisers that judge together."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from tiny_hmrm import toy_clips

from hmrm.errors import ConfigError
from hmrm.flow.mapset import canonical_form
from hmrm.training.ensemble import Ensemble, decisions
from hmrm.training.registry import build_recogniser

TINY_NETWORK = {"dim": 8, "depth": 1, "state": 2, "heads": 2, "coarse_grid": 2, "fine_grid": 1}
NETWORK = {"name": "hmrm", "network": TINY_NETWORK, "fitting": {"epochs": 2, "batch": 8}}
SVM = {"name": "svm-mirrored", "map_kind": "canonical"}


def build(*members: dict[str, object]) -> Ensemble:
    found = build_recogniser("ensemble", {"members": list(members)})
    assert isinstance(found, Ensemble)
    return found


def test_scores_are_the_mean_of_members_on_their_own_scale() -> None:
    train, test = toy_clips(18), toy_clips(6, seed=3).maps
    ensemble = build(NETWORK, SVM)
    found = ensemble.fit(train, seed=2)
    expected = np.zeros((6, 3))
    for number, member in enumerate(ensemble.members):
        alone = member.fit(train, seed=2 * 2 + number)
        learnt = decisions(alone, train.maps)
        learnt -= learnt.mean(1, keepdims=True)
        scores = decisions(alone, test)
        expected += (scores - scores.mean(1, keepdims=True)) / np.sqrt((learnt**2).mean()) / 2
    np.testing.assert_allclose(found.predict(test), expected, atol=1e-12)


@pytest.mark.parametrize("channels_apart", [False, True])
def test_members_see_the_maps_they_ask_for(channels_apart: bool) -> None:
    raw = replace(toy_clips(18), crop="megc2019-flow", channels_apart=channels_apart)
    cut = partial(canonical_form, crop="megc2019-flow", per_channel=channels_apart)
    ensemble = build(NETWORK, {"name": "svm-mirrored"})
    assert ensemble.map_kind == "raw"
    found = ensemble.fit(raw, seed=0)
    test = toy_clips(5, seed=3).maps
    network, svm = found.members
    alone = ensemble.members[0].fit(replace(raw, maps=cut(raw.maps)), seed=0)
    np.testing.assert_array_equal(decisions(network, cut(test)), decisions(alone, cut(test)))
    parts = []
    for member, maps, learnt in ((network, cut(test), cut(raw.maps)), (svm, test, raw.maps)):
        size = decisions(member, learnt)
        size -= size.mean(1, keepdims=True)
        scores = decisions(member, maps)
        parts.append((scores - scores.mean(1, keepdims=True)) / np.sqrt((size**2).mean()))
    np.testing.assert_allclose(found.predict(test), np.mean(parts, axis=0), atol=1e-12)


def test_a_clip_scores_the_same_alone() -> None:
    found = build(NETWORK, SVM).fit(toy_clips(18), seed=0)
    maps = toy_clips(4, seed=3).maps
    alone = np.concatenate([found.predict(maps[i : i + 1]) for i in range(4)])
    np.testing.assert_array_equal(found.predict(maps), alone)
    assert found.features(maps).shape == (4, 160)


def test_repeats_are_trained_from_different_seeds_and_no_two_seeds_share_one() -> None:
    ensemble = build({**NETWORK, "repeat": 2})
    train, maps = toy_clips(12), toy_clips(3, seed=1).maps
    scores = [m.predict(maps) for s in (0, 1) for m in ensemble.fit(train, seed=s).members]
    assert all(not np.array_equal(scores[i], scores[j]) for i in range(4) for j in range(i))


def test_repeats_share_one_weight() -> None:
    train, maps = toy_clips(12), toy_clips(3, seed=1).maps
    found = build({**NETWORK, "repeat": 2}, SVM).fit(train, seed=0)
    judges = []
    for member, scale in zip(found.members, found.scales, strict=True):
        scores = decisions(member, maps)
        judges.append((scores - scores.mean(1, keepdims=True)) / scale)
    expected = ((judges[0] + judges[1]) / 2 + judges[2]) / 2
    np.testing.assert_allclose(found.predict(maps), expected, atol=1e-12)
    with pytest.raises(ConfigError, match="one weight for each"):
        Ensemble(members=build(SVM).members, member_weights=(1.0, 1.0))


def test_a_member_of_constant_scores_adds_nothing() -> None:
    class Silent:
        map_kind, epochs = "canonical", None

        def fit(self, train, *, seed, epochs=None, observer=None):
            return self

        def predict(self, maps):
            return np.full((len(maps), 3), 0.25)

    found = Ensemble(members=(Silent(),)).fit(toy_clips(6), seed=0)
    np.testing.assert_array_equal(found.predict(toy_clips(2).maps), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"member": []}, "unknown key 'member'"),
        ({"members": []}, "at least one"),
        ({"members": "hmrm"}, "must be tables"),
        ({"members": [{"map_kind": "raw"}]}, "name a recogniser"),
        ({"members": [{"name": "ensemble"}]}, "name a recogniser"),
        ({"members": [{"name": "hmrm", "repeat": 0}]}, "repeat = 0"),
        ({"members": [{"name": "nobody"}]}, "'nobody' is unknown"),
        ({"members": [{"name": "lbp-top"}]}, "reads frames"),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_recogniser("ensemble", options)
