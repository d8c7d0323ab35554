"""Unequal classes: orders of an epoch, weights and shifts."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from hmrm.training.imbalance import class_weights, log_fractions, sample_order

LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=60).map(np.array)


@given(labels=LABELS, seed=st.integers(0, 1000))
def test_a_plain_epoch_shows_every_clip_once(labels: np.ndarray, seed: int) -> None:
    order = sample_order(labels, balanced=False, generator=np.random.default_rng(seed))
    assert sorted(order) == list(range(len(labels)))


@given(labels=LABELS, seed=st.integers(0, 1000))
def test_a_balanced_epoch_shows_classes_equally_often(labels: np.ndarray, seed: int) -> None:
    order = sample_order(labels, balanced=True, generator=np.random.default_rng(seed))
    assert len(order) == len(labels)
    shown = np.bincount(labels[order], minlength=4)[np.unique(labels)]
    assert shown.max() - shown.min() <= 1
    times = np.bincount(order, minlength=len(labels))
    for label in np.unique(labels):
        of_class = times[labels == label]
        assert of_class.max() - of_class.min() <= 1


@given(labels=LABELS)
def test_weights_undo_the_shares(labels: np.ndarray) -> None:
    tensor = torch.from_numpy(labels)
    counts = np.bincount(labels, minlength=4)
    products = class_weights(tensor, 4).numpy() * counts * 4 / len(labels)
    np.testing.assert_allclose(products[counts > 0], 1, rtol=1e-5)
    if (counts > 0).all():
        fractions = np.exp(log_fractions(tensor, 4).numpy())
        np.testing.assert_allclose(fractions, counts / len(labels), rtol=1e-5)
