"""The heads on frozen features are scikit-learn's, to its own tolerance."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from tiny_hmrm import tiny_checkpoint, toy_clips

from hmrm.errors import DataError
from hmrm.flow.pair import mirrored_maps
from hmrm.model import fitted_network
from hmrm.model.fitted_network import FrozenFeatures
from hmrm.training.linear_head import FeatureSvm, LinearHead, fit_linear_classifiers
from hmrm.training.pretrained import frozen_features, pretrained_network


def problem(count: int = 45, width: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(count) ** 2 % 3 % 2 + (np.arange(count) % 5 == 0)
    rows = rng.normal(size=(count, width)) * rng.uniform(0.1, 3, width) + rng.normal(size=width)
    rows[:, :3] += 2 * np.eye(3)[labels]
    return rows, labels


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("cost", [3e-3, 1.0])
def test_ridge_is_scikit_learns(balanced: bool, cost: float) -> None:
    rows, labels = problem()
    head = LinearHead(kind="ridge", cost=cost, balanced=balanced)
    classifiers = fit_linear_classifiers(rows, labels, classes=3, head=head)
    twin = RidgeClassifier(alpha=1 / (2 * cost), class_weight="balanced" if balanced else None)
    scale = StandardScaler().fit(rows)
    twin.fit(scale.transform(rows), labels)
    expected = twin.decision_function(scale.transform(rows))
    # Both are direct solutions in float64.
    np.testing.assert_allclose(
        rows @ classifiers.weights.T + classifiers.offsets, expected, atol=1e-8
    )


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("cost", [3e-3, 1.0])
def test_logistic_is_scikit_learns(balanced: bool, cost: float) -> None:
    rows, labels = problem()
    head = LinearHead(kind="logistic", cost=cost, balanced=balanced)
    classifiers = fit_linear_classifiers(rows, labels, classes=3, head=head)
    twin = LogisticRegression(
        C=cost, class_weight="balanced" if balanced else None, tol=1e-10, max_iter=5000
    )
    scale = StandardScaler().fit(rows)
    twin.fit(scale.transform(rows), labels)
    found = rows @ classifiers.weights.T + classifiers.offsets
    expected = twin.decision_function(scale.transform(rows))
    # A constant on all classes changes nothing; both stop where gradients are tiny.
    np.testing.assert_allclose(
        found - found.mean(1, keepdims=True),
        expected - expected.mean(1, keepdims=True),
        atol=1e-4,
    )


def test_the_svm_is_scikit_learns_on_features(tmp_path: Path) -> None:
    extract = frozen_features(tiny_checkpoint(tmp_path))
    train, test = toy_clips(30), toy_clips(9, seed=4)
    found = FeatureSvm(extract=extract, cost=0.01, mirror=True).fit(train, seed=0)
    rows = np.concatenate([extract(train.maps), extract(mirrored_maps(train.maps))])
    scale = StandardScaler().fit(rows)
    twin = SVC(kernel="linear", C=0.01, class_weight="balanced", decision_function_shape="ovr")
    twin.fit(scale.transform(rows), np.tile(train.labels, 2))
    expected = sum(
        twin.decision_function(scale.transform(extract(maps)))
        for maps in (test.maps, mirrored_maps(test.maps))
    )
    # libsvm stops at its own tolerance, on Gram matrices that differ in rounding.
    np.testing.assert_allclose(found.predict(test.maps), expected, atol=2e-3)


@pytest.mark.parametrize("kind", ["ridge", "logistic"])
def test_a_class_without_clips_never_wins_and_one_class_is_refused(kind: str) -> None:
    rows, labels = problem()
    head = LinearHead(kind=kind)
    classifiers = fit_linear_classifiers(rows, labels * 2, classes=5, head=head)
    assert set((rows @ classifiers.weights.T + classifiers.offsets).argmax(1)) <= {0, 2, 4}
    with pytest.raises(DataError, match="all of one class"):
        fit_linear_classifiers(rows, np.zeros_like(labels), classes=3, head=head)


def test_features_do_not_depend_on_company_or_history(tmp_path: Path, monkeypatch) -> None:
    network, _ = pretrained_network(tiny_checkpoint(tmp_path))
    maps = toy_clips(6).maps
    warm = FrozenFeatures(network)
    warm(maps[::-1])
    rows = warm(maps)
    np.testing.assert_array_equal(rows, FrozenFeatures(network)(maps))
    np.testing.assert_array_equal(rows[2:3], FrozenFeatures(network)(maps[2:3]))
    monkeypatch.setattr(fitted_network, "_KEPT_ROWS", 3)
    np.testing.assert_array_equal(rows, warm(maps))
    assert len(warm._rows) == 6


def test_weights_replaced_on_disk_are_read_again(tmp_path: Path) -> None:
    path = tiny_checkpoint(tmp_path)
    first = frozen_features(path)
    assert frozen_features(path) is first
    Path(path).touch()
    assert frozen_features(path) is not first
