"""Splitters against readable twins, and the two promises every scheme keeps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.protocol import build
from hmrm.evaluation.settings import CLASS_SETS
from hmrm.subject_folds import grouped_folds, leave_one_out


@st.composite
def clips(draw):
    """Ids and labels of 2 to 3 data sets with 2 to 5 subjects each, 3, 4, 5 or 7 classes."""
    classes = CLASS_SETS[draw(st.sampled_from(sorted(CLASS_SETS)))]
    ids, labels = [], []
    for dataset in "abc"[: draw(st.integers(2, 3))]:
        for subject in range(draw(st.integers(2, 5))):
            for clip in range(draw(st.integers(1, 4))):
                ids.append(f"{dataset}/{subject}/{clip}")
                labels.append(draw(st.integers(0, len(classes) - 1)))
    order = draw(st.permutations(range(len(ids))))
    return [ids[i] for i in order], np.array([labels[i] for i in order]), classes


@given(clips(), st.sampled_from(["loso", "loso-per-dataset", "datasets", "2", "4"]))
def test_no_subject_on_both_sides_and_every_clip_tested_once(case, scheme):
    ids, labels, classes = case
    protocol = build(scheme, ids=ids, labels=labels, classes=classes)
    tested = [i for fold in protocol.folds for i in fold.test]
    assert sorted(tested) == list(range(len(ids)))
    for fold in protocol.folds:
        sides = [{ids[i].rsplit("/", 1)[0] for i in side} for side in (fold.train, fold.test)]
        assert not sides[0] & sides[1]
        assert fold.train and fold.test
    assert protocol.classes == classes


@given(clips())
def test_loso_equals_its_twin(case):
    ids, labels, classes = case
    twin = {}
    for i, name in enumerate(ids):
        twin.setdefault(tuple(name.split("/")[:2]), []).append(i)
    protocol = build("loso", ids=ids, labels=labels, classes=classes)
    assert len(protocol.folds) == len(twin)
    for fold in protocol.folds:
        own = twin[tuple(fold.name.split("/"))]
        assert list(fold.test) == own
        assert list(fold.train) == [i for i in range(len(ids)) if i not in own]


@given(clips())
def test_loso_per_data_set_trains_on_the_own_data_set_only(case):
    ids, labels, classes = case
    for fold in build("loso-per-dataset", ids=ids, labels=labels, classes=classes).folds:
        dataset = fold.name.split("/")[0]
        expected = [
            i
            for i, name in enumerate(ids)
            if name.split("/")[0] == dataset and not name.startswith(fold.name + "/")
        ]
        assert list(fold.train) == expected


@given(clips())
def test_leave_one_data_set_out_equals_its_twin(case):
    ids, labels, classes = case
    for fold in build("datasets", ids=ids, labels=labels, classes=classes).folds:
        assert [ids[i][0] for i in fold.test] == [fold.name] * len(fold.test)
        assert {ids[i][0] for i in fold.train} == {n[0] for n in ids} - {fold.name}


@settings(max_examples=30)
@given(clips(), st.integers(0, 5))
def test_splits_do_not_depend_on_the_order_of_clips(case, seed):
    ids, labels, classes = case
    order = np.random.default_rng(seed).permutation(len(ids))
    plain = build("3", ids=ids, labels=labels, classes=classes, seed=seed)
    moved = build(
        "3", ids=[ids[i] for i in order], labels=labels[order], classes=classes, seed=seed
    )
    sides = [
        [frozenset(names[i] for i in fold.test) for fold in protocol.folds]
        for protocol, names in ((plain, ids), (moved, [ids[i] for i in order]))
    ]
    assert sides[0] == sides[1]


def slow_grouped(subjects, labels, folds, seed):
    """The greedy rule, one count at a time."""
    names = sorted(set(subjects))
    classes = sorted(set(labels.tolist()))
    total = {c: sum(label == c for label in labels) for c in classes}
    fraction = {
        n: [
            sum(s == n and y == c for s, y in zip(subjects, labels, strict=True)) / total[c]
            for c in classes
        ]
        for n in names
    }
    size = {n: sum(s == n for s in subjects) for n in names}
    shuffled = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    bins = [[] for _ in range(folds)]
    for name in sorted(shuffled, key=lambda n: -size[n]):

        def cost(k, name=name):
            filled = [
                [
                    sum(fraction[n][c] for n in ([*b, name] if j == k else b))
                    for c in range(len(classes))
                ]
                for j, b in enumerate(bins)
            ]
            own = sum(sum(fraction[n]) for n in bins[k])
            return round(float(np.mean(np.std(filled, axis=0))), 12), round(own, 12)

        bins[min(range(folds), key=cost)].append(name)
    return [sorted(b) for b in bins]


@settings(max_examples=30)
@given(clips(), st.integers(2, 4), st.integers(0, 3))
def test_grouped_folds_equal_their_twin(case, folds, seed):
    ids, labels, _ = case
    subjects = [i.rsplit("/", 1)[0] for i in ids]
    found = grouped_folds(subjects, labels, folds=folds, seed=seed)
    assert [sorted({subjects[i] for i in f.test}) for f in found] == slow_grouped(
        subjects, labels, folds, seed
    )


def test_grouped_folds_spread_the_classes():
    """68 subjects as uneven as the composite's: shares of a class differ little between folds."""
    generator = np.random.default_rng(0)
    sizes = generator.integers(1, 25, 68)
    subjects = [f"d/{s}" for s, n in enumerate(sizes) for _ in range(n)]
    labels = generator.choice(3, len(subjects), p=[0.57, 0.25, 0.18])
    folds = grouped_folds(subjects, labels, folds=5, seed=0)
    fractions = np.array([np.bincount(labels[list(f.test)], minlength=3) for f in folds])
    fractions = fractions / fractions.sum(0)
    assert fractions.min() > 0.17
    assert fractions.max() < 0.23


def test_another_seed_gives_another_split():
    subjects = [f"d/{s}" for s in range(12) for _ in range(2)]
    labels = np.arange(24) % 3
    splits = {
        tuple(f.test for f in grouped_folds(subjects, labels, folds=4, seed=s)) for s in range(5)
    }
    assert len(splits) > 1


@pytest.mark.parametrize("scheme", ["", "1", "9", "lodo", "-3"])
def test_schemes_that_cannot_be_are_refused(scheme):
    with pytest.raises(ConfigError):
        build(scheme, ids=["a/1/x", "a/2/x"], labels=np.array([0, 1]), classes=("a", "b"))


def test_nothing_to_train_on_is_refused():
    with pytest.raises(DataError, match="nothing to train"):
        build("datasets", ids=["a/1/x", "a/2/x"], labels=np.array([0, 1]), classes=("a", "b"))
    with pytest.raises(DataError, match="nothing to train"):
        leave_one_out(["s", "s"])


def test_a_clip_twice_is_refused():
    with pytest.raises(DataError, match="a/1/x occurs twice"):
        build("loso", ids=["a/1/x", "a/2/x", "a/1/x"], labels=np.zeros(3, int), classes=("a",))
