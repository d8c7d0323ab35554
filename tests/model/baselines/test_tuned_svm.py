"""The tuned machine: against loops and scikit-learn, its symmetry, and what its choice may see."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from toy_maps import CLASSES, toy_set

from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.fold import run_fold
from hmrm.evaluation.protocol import build
from hmrm.evaluation.settings import Settings
from hmrm.flow.mapset import MapSet
from hmrm.flow.pair import mirrored_about_median
from hmrm.model.baselines import tuned_svm
from hmrm.model.baselines.kernel_svm import FittedSvm
from hmrm.model.baselines.tuned_svm import SymmetricSvm, TunedSvm
from hmrm.subject_folds import grouped_folds

SMALL = TunedSvm(blurs_px=(0.0, 1.0), costs=(0.3, 3.0), inner_folds=3)


def blurred_by_loops(plane: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian cut off at 4 σ, over a plane whose border is repeated in reverse."""
    reach = round(4 * sigma)
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    for _ in range(2):
        padded = np.pad(plane, ((reach, reach), (0, 0)), mode="symmetric")
        rows = [weights @ padded[i : i + 2 * reach + 1] for i in range(len(plane))]
        plane = np.array(rows).T
    return plane


def test_the_description_equals_loops_over_pixels() -> None:
    maps = toy_set(2, noise=0.3).maps.astype(np.float64)
    found = SymmetricSvm(blur_px=1.5).describe(maps).reshape(maps.shape)
    for clip, symmetric in zip(maps, found, strict=True):
        u, v, strain = (blurred_by_loops(plane, 1.5) for plane in clip)
        u, v = u - np.median(u), v - np.median(v)
        u, v = u / np.sqrt((u**2).mean()), v / np.sqrt((v**2).mean())
        for row in range(28):
            for column in range(28):
                across = 27 - column
                expected = (
                    (u[row, column] - u[row, across]) / 2,
                    (v[row, column] + v[row, across]) / 2,
                    (strain[row, column] + strain[row, across]) / 2,
                )
                assert symmetric[:, row, column] == pytest.approx(expected, abs=1e-9)


def test_no_blur_leaves_the_map() -> None:
    maps = toy_set(2, noise=0.3).maps.astype(np.float64)
    u, *_ = SymmetricSvm(blur_px=0.0).describe(maps).reshape(maps.shape)[0]
    sharp = maps[0, 0] - np.median(maps[0, 0])
    sharp /= np.sqrt((sharp**2).mean())
    np.testing.assert_allclose(u, (sharp - sharp[:, ::-1]) / 2, atol=1e-12)


def test_the_blur_covers_the_same_part_of_the_face_at_every_size() -> None:
    y, x = np.mgrid[:112, :112]
    wave = np.sin(2 * np.pi * x / 56) * np.cos(2 * np.pi * y / 112)
    large = np.stack([wave, wave.T, wave**2])[None]
    small = large.reshape(1, 3, 28, 4, 28, 4).mean((3, 5))
    machine = SymmetricSvm(blur_px=2.0)
    finer = machine.describe(large).reshape(1, 3, 28, 4, 28, 4).mean((3, 5))
    np.testing.assert_allclose(finer, machine.describe(small).reshape(1, 3, 28, 28), atol=0.02)


def inner_scores_by_pipelines(train: MapSet) -> np.ndarray:
    """The twin: scikit-learn's own machine for each setting and inner fold, one after the other."""
    scores = np.empty((2, 2))
    for row, blur in enumerate(SMALL.blurs_px):
        rows = SymmetricSvm(blur_px=blur).describe(train.maps.astype(np.float64))
        rows = StandardScaler().fit_transform(rows)
        for column, cost in enumerate(SMALL.costs):
            predicted = np.empty(len(rows), dtype=int)
            for fold in grouped_folds(train.subjects, train.labels, folds=3, seed=0):
                machine = SVC(C=cost, gamma=1 / rows.shape[1], class_weight="balanced")
                machine.fit(rows[list(fold.train)], train.labels[list(fold.train)])
                scored = machine.decision_function(rows[list(fold.test)])
                predicted[list(fold.test)] = scored.argmax(1)
            scores[row, column] = f1_score(train.labels, predicted, average="macro")
    return scores


def hard_set(*, seed: int = 0) -> MapSet:
    """Noise that settings bear differently."""
    return toy_set(60, seed=seed, noise=1.2)


def test_the_choice_equals_one_pipeline_after_the_other() -> None:
    train = hard_set()
    expected = inner_scores_by_pipelines(train)
    found = SMALL.inner_scores(train)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert len(np.unique(found.round(6))) > 1
    blur, cost = np.unravel_index(expected.argmax(), expected.shape)
    chosen = SMALL.fit(train, seed=0).recogniser
    assert isinstance(chosen, SymmetricSvm)
    assert (chosen.blur_px, chosen.cost) == (SMALL.blurs_px[blur], SMALL.costs[cost])


def test_the_fitted_machine_equals_scikit_learns_pipeline() -> None:
    train, test = hard_set(), toy_set(20, seed=1, noise=1.2)
    fitted = TunedSvm(blurs_px=(1.0,), costs=(3.0,)).fit(train, seed=0)
    describe = SymmetricSvm(blur_px=1.0).describe
    twin = make_pipeline(StandardScaler(), SVC(C=3.0, gamma=1 / 2352, class_weight="balanced"))
    twin.fit(describe(train.maps.astype(np.float64)), train.labels)
    expected = twin.decision_function(describe(test.maps.astype(np.float64)))
    np.testing.assert_allclose(fitted.predict(test.maps), expected, atol=2e-3)


def test_a_clip_and_its_mirror_image_are_decided_alike() -> None:
    fitted = TunedSvm().fit(toy_set(30, noise=0.3), seed=0)
    maps = toy_set(9, seed=5, noise=0.3).maps
    mirrored = mirrored_about_median(maps)
    assert np.abs(mirrored - maps).max() > 0.1
    # float32 mirror images round u once more.
    np.testing.assert_allclose(fitted.predict(maps), fitted.predict(mirrored), atol=1e-5)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A recogniser that keeps what it was given and what it fitted."""

    inside: TunedSvm = SMALL
    map_kind: str = "raw"
    epochs: None = None
    seen: list[MapSet] = field(default_factory=list)
    fitted: list[FittedSvm] = field(default_factory=list)

    def fit(self, train: MapSet, **settings: Any) -> FittedSvm:
        self.seen.append(train)
        self.fitted.append(self.inside.fit(train, **settings))
        return self.fitted[-1]


def test_the_choice_sees_nothing_of_the_test_subject() -> None:
    data = hard_set()
    folds = build("loso", ids=data.ids, labels=data.labels, classes=CLASSES).folds
    for fold in folds[:2]:
        others = data.maps.copy(), data.labels.copy()
        others[0][list(fold.test)] = toy_set(len(fold.test), seed=9, noise=3.0).maps
        others[1][list(fold.test)] = (others[1][list(fold.test)] + 1) % 3
        watched = Watched()
        for maps, labels in ((data.maps, data.labels), others):
            changed = replace(data, maps=maps, labels=labels)
            run_fold(watched, changed, fold, Settings(), seed=0)  # type: ignore[arg-type]
        assert not {fold.name} & set(watched.seen[0].subjects)
        first, second = watched.fitted
        assert first.recogniser == second.recogniser
        np.testing.assert_array_equal(first.weights, second.weights)
        np.testing.assert_array_equal(first.mean, second.mean)


def test_inner_folds_keep_every_training_subject_on_one_side(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, splits = hard_set(), []

    def remembered(*args: Any, **kwargs: Any) -> Any:
        splits.append(grouped_folds(*args, **kwargs))
        return splits[-1]

    monkeypatch.setattr(tuned_svm, "grouped_folds", remembered)
    SMALL.inner_scores(train)
    (folds,) = splits
    assert sorted(i for fold in folds for i in fold.test) == list(range(60))
    for fold in folds:
        sides = [{train.subjects[i] for i in side} for side in (fold.train, fold.test)]
        assert not sides[0] & sides[1]


def test_an_inner_fold_of_one_class_names_that_class() -> None:
    train = toy_set(6, classes=(0, 2))
    ids = tuple(f"toy/s{label}/c{i}" for i, label in enumerate(train.labels))
    # Each inner fold learns from one subject, so from one class: it is wrong about the other.
    assert (SMALL.inner_scores(replace(train, ids=ids)) == 0).all()


def test_one_subject_or_a_grid_without_entries_is_refused() -> None:
    train = toy_set(6)
    with pytest.raises(ConfigError, match="2 folds of 1 subjects"):
        TunedSvm().fit(replace(train, ids=tuple(f"toy/s/c{i}" for i in range(6))), seed=0)
    with pytest.raises(DataError, match="an SVM needs two classes"):
        TunedSvm().fit(toy_set(6, classes=(1,)), seed=0)
    for wrong in ({"costs": ()}, {"blurs_px": (-1.0,)}, {"costs": (0.0,)}):
        with pytest.raises(ConfigError, match="give at least one blur"):
            TunedSvm(**wrong)
    with pytest.raises(ConfigError, match="inner_folds = 1"):
        TunedSvm(inner_folds=1)
