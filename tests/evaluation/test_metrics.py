"""Metrics against scikit-learn, against published predictions, and against the field's slips."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from hmrm.clip import CLASSES
from hmrm.errors import DataError
from hmrm.evaluation.metrics import confusion_matrix, score

GOLDEN = Path(__file__).parents[1] / "golden/ststnet_loso_predictions.csv"


@st.composite
def labelled(draw):
    """Truth and prediction over 2 to 7 classes, some of which may not occur."""
    k = draw(st.integers(2, 7))
    n = draw(st.integers(1, 60))
    present = draw(st.lists(st.integers(0, k - 1), min_size=1, unique=True))
    truth = draw(st.lists(st.sampled_from(present), min_size=n, max_size=n))
    predicted = draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n))
    return k, np.array(truth), np.array(predicted)


@given(labelled())
def test_all_scores_agree_with_scikit_learn(case):
    k, truth, predicted = case
    ours = score(truth, predicted, classes=tuple(map(str, range(k))))
    named = {"labels": list(range(k)), "zero_division": 0}
    np.testing.assert_array_equal(
        ours.confusion, reference.confusion_matrix(truth, predicted, labels=list(range(k)))
    )
    for name in ("f1", "recall", "precision"):
        theirs = getattr(reference, f"{name}_score")(truth, predicted, average=None, **named)
        np.testing.assert_allclose(getattr(ours, name), theirs, atol=1e-12)
    assert ours.uf1 == pytest.approx(
        reference.f1_score(truth, predicted, average="macro", **named), abs=1e-12
    )
    assert ours.uar == pytest.approx(
        reference.recall_score(truth, predicted, average="macro", **named), abs=1e-12
    )
    assert ours.accuracy == pytest.approx(reference.accuracy_score(truth, predicted), abs=1e-12)
    assert ours.clips == len(truth)


@given(labelled(), st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_order_or_on_names_of_classes(case, random):
    k, truth, predicted = case
    names = tuple(map(str, range(k)))
    order = random.sample(range(len(truth)), len(truth))
    renamed = np.array(random.sample(range(k), k))
    plain = score(truth, predicted, classes=names)
    again = score(renamed[truth[order]], renamed[predicted[order]], classes=names)
    assert (again.uf1, again.uar, again.accuracy) == pytest.approx(
        (plain.uf1, plain.uar, plain.accuracy), abs=1e-12
    )


def test_a_class_that_nobody_has_still_counts():
    """Published code drops it and prints 1.0 where three-class UF1 is 2/3."""
    truth = np.array([0, 0, 1])
    found = score(truth, truth, classes=CLASSES)
    assert (found.uf1, found.uar, found.accuracy) == pytest.approx((2 / 3, 2 / 3, 1))


@pytest.fixture(scope="module")
def golden():
    with GOLDEN.open() as file:
        rows = list(csv.DictReader(file))
    columns = {c: [r[c] for r in rows] for c in rows[0]}
    return columns["subject"], np.array(columns["truth"], int), np.array(columns["predicted"], int)


def test_published_predictions_give_the_published_scores(golden):
    _, truth, predicted = golden
    found = score(truth, predicted, classes=CLASSES)
    assert (round(found.uf1, 4), round(found.uar, 4)) == (0.7209, 0.7250)
    assert found.confusion.sum(1).tolist() == [250, 109, 83]


@pytest.mark.parametrize(
    ("prefix", "uf1", "uar"), [("sub", 0.830, 0.830), ("s0s1s2", 0.687, 0.688), ("0", 0.599, 0.615)]
)
def test_published_predictions_give_the_published_scores_per_data_set(golden, prefix, uf1, uar):
    subjects, truth, predicted = golden
    starts = ("s0", "s1", "s2") if prefix == "s0s1s2" else (prefix,)
    rows = np.array([s.startswith(starts) for s in subjects])
    found = score(truth[rows], predicted[rows], classes=CLASSES)
    assert (found.uf1, found.uar) == pytest.approx((uf1, uar), abs=5.1e-4)


def test_uar_is_mean_recall_and_never_macro_precision(golden):
    _, truth, predicted = golden
    found = score(truth, predicted, classes=CLASSES)
    assert found.uar == pytest.approx(found.recall.mean())
    assert abs(found.uar - found.precision.mean()) > 5e-4
    lopsided = score(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]), classes=("a", "b"))
    assert lopsided.uar == pytest.approx((1 / 3 + 1) / 2)
    assert lopsided.precision.mean() == pytest.approx((1 + 1 / 3) / 2)
    assert score(np.array([0, 0, 0, 1]), np.array([1, 1, 1, 1]), classes=("a", "b")).uar == 0.5


def test_pooled_scores_are_not_means_over_subjects():
    """Two subjects with one class each, all right: every mean over subjects would be 0.5."""
    truth = np.array([0, 0, 1, 1])
    assert score(truth, truth, classes=("a", "b")).uf1 == 1


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([0, 1], [0, 1, 2], "2 true labels but 3 predictions"),
        ([0, 3], [0, 1], "true label 3"),
        ([0, 1], [0, -1], "prediction -1"),
        ([], [], "no predictions"),
    ],
)
def test_bad_tables_are_refused(truth, predicted, message):
    with pytest.raises(DataError, match=message):
        score(np.array(truth, int), np.array(predicted, int), classes=CLASSES)


@given(labelled())
def test_confusion_matrix_equals_counting_one_by_one(case):
    k, truth, predicted = case
    slow = np.zeros((k, k), int)
    for t, p in zip(truth, predicted, strict=True):
        slow[t, p] += 1
    np.testing.assert_array_equal(confusion_matrix(truth, predicted, classes=k), slow)
