"""Synthetic maps: repeatable one by one, in the form that training and use share, separable."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hmrm.errors import ConfigError
from hmrm.facs.recipes import HAND_MADE, NONE
from hmrm.flow.strain import optical_strain
from hmrm.synthetic.flow_maps import SynthConfig, class_names, synthesize_maps, unit_names

FEW = SynthConfig(faces=6, with_none=True)


def test_maps_are_centred_scaled_and_carry_their_own_strain() -> None:
    maps, labels, units = synthesize_maps(FEW, seed=3, start=0, count=40)
    assert maps.shape == (40, 3, 28, 28) and maps.dtype == np.float32
    assert np.isfinite(maps).all()
    np.testing.assert_allclose(np.median(maps[:, :2], axis=(2, 3)), 0.0, atol=1e-5)
    np.testing.assert_allclose(maps[:, 2], optical_strain(maps[:, :2]), atol=1e-5)
    assert set(labels) == {0, 1, 2, 3}
    assert units.shape == (40, len(unit_names(FEW))) and set(np.unique(units)) <= {0.0, 1.0}


def test_map_i_of_a_seed_is_the_same_however_it_is_made() -> None:
    whole = synthesize_maps(FEW, seed=5, start=0, count=12)
    part = synthesize_maps(FEW, seed=5, start=7, count=3)
    for a, b in zip(whole, part, strict=True):
        assert np.array_equal(a[7:10], b)
    assert not np.array_equal(synthesize_maps(FEW, seed=6, start=7, count=3)[0], part[0])


def test_three_classes_without_none_and_four_with_it() -> None:
    assert class_names(SynthConfig()) == ("negative", "positive", "surprise")
    assert class_names(FEW)[3] == NONE
    assert {recipe.label for recipe in HAND_MADE} == {"negative", "positive", "surprise"}
    assert set(synthesize_maps(SynthConfig(faces=2), seed=0, start=0, count=30)[1]) == {0, 1, 2}


def test_none_holds_no_brow_raise_and_no_smile() -> None:
    _, labels, units = synthesize_maps(FEW, seed=9, start=0, count=120)
    names = unit_names(FEW)
    expressive = [names.index(f"AU{n}") for n in (1, 2, 4, 6, 7, 9, 10, 12, 14, 15)]
    assert not units[labels == 3][:, expressive].any()
    assert units[labels != 3][:, expressive].any()


def test_classes_can_be_told_apart_by_a_plain_classifier() -> None:
    """Nearest class mean in maps of little distortion; chance is a quarter."""
    easy = dataclasses.replace(
        FEW, head_px=0.1, noise_px=0.05, outliers=0.0, estimator_loss=0.3, misalignment=0.5
    )
    train, train_labels, _ = synthesize_maps(easy, seed=0, start=0, count=600)
    test, test_labels, _ = synthesize_maps(easy, seed=1, start=0, count=300)
    means = np.stack([train[train_labels == k].mean(axis=0).ravel() for k in range(4)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    found = (test.reshape(len(test), -1) @ means.T).argmax(axis=1)
    recalls = [np.mean(found[test_labels == k] == k) for k in range(4)]
    # Measured 0.6 on average with these seeds; negative is the broadest class.
    assert np.mean(recalls) > 0.5
    assert min(recalls) > 0.25


def test_every_distortion_can_be_switched_off() -> None:
    clean = SynthConfig(
        faces=1, head_px=0.0, noise_px=0.0, outliers=0.0, estimator_loss=0.0, misalignment=0.0,
        as_bytes=0.0, channels_apart=0.0, nuisance=0.0,
    )  # fmt: skip
    maps, labels, _ = synthesize_maps(clean, seed=0, start=0, count=30)
    # Without noise the nose and the cheeks stand still in a surprise; the brows move up.
    surprise = maps[labels == 2]
    assert np.median(np.abs(surprise[:, :2, 14:18]), axis=0).max() < 0.05
    assert surprise[:, 1, :5].mean() < -0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "both"},
        {"recipes": "counted"},
        {"faces": 0},
        {"low_px": 2.0, "high_px": 1.0},
        {"outliers": 1.0},
        {"noise_px": -0.1},
    ],
)
def test_impossible_configs_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        dataclasses.replace(FEW, **wrong)


def test_morphable_face_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = dataclasses.replace(FEW, source="morphable", model_path=tmp_path / "no.npz")
    with pytest.raises(Exception, match="ICT-FaceKit"):
        synthesize_maps(config, seed=0, start=0, count=1)
