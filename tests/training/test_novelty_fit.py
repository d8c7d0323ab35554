"""The flag for maps that show no face is fitted, written and measured on other subjects."""

from pathlib import Path

import numpy as np
import pytest

from hmrm.errors import DataError
from hmrm.flow.mapset import canonical_maps
from hmrm.model.novelty import read_novelty
from hmrm.synthetic.datasets.flow_maps import synthesize_maps
from hmrm.training.novelty import NoveltyConfig, fit_novelty, write_novelty
from hmrm.training.wrong_maps import KINDS, wrong_maps

SMALL = NoveltyConfig(right=400, synthetic=60, members=2, hidden=16, rounds=8)


def test_it_tells_faces_from_wrong_maps_of_unseen_subjects(tmp_path: Path) -> None:
    maps = synthesize_maps(subjects=4, generator=np.random.default_rng(0))
    fitted, measured = fit_novelty(maps, SMALL)
    assert (measured.clips, measured.subjects) == (72, 12)
    assert measured.false_alarms <= 0.15
    assert set(measured.caught) == set(KINDS)
    assert min(measured.caught.values()) >= 0.3
    write_novelty(tmp_path / "own.novelty.npz", fitted)
    read = read_novelty(tmp_path / "own.safetensors")
    assert read is not None
    others = synthesize_maps(subjects=4, generator=np.random.default_rng(1))
    right = canonical_maps(others)
    np.testing.assert_allclose(read.scores(right), fitted.scores(right), atol=0.1)
    assert read.unlike(right).mean() <= 0.15
    assert read.unlike(right[:, :, ::-1]).mean() >= 0.3


def test_few_subjects_are_refused() -> None:
    maps = synthesize_maps(subjects=3, generator=np.random.default_rng(0))
    with pytest.raises(DataError, match="9 subjects; 10 are needed"):
        fit_novelty(maps, SMALL)


def test_every_kind_of_wrong_map_is_made_alike() -> None:
    flows = np.random.default_rng(2).normal(size=(5, 2, 28, 28))
    made = wrong_maps(flows, 12, np.random.default_rng(0))
    assert made.shape == (12, 2, 28, 28)
    assert np.abs(np.median(made, axis=(2, 3))).max() < 1e-9


def test_what_the_kinds_do() -> None:
    flows = np.zeros((4, 2, 28, 28))
    flows[:, :, 10, 14] = 1.0
    random = np.random.default_rng(0)
    down = KINDS["upside down"](flows, random)
    assert (np.abs(down[:, :, 17, 14]) == 1).all()
    moved = KINDS["shifted by a quarter"](flows, random)
    places = {tuple(np.argwhere(one[0])[0]) for one in moved}
    assert places == {(3, 14), (17, 14), (10, 7), (10, 21)}
    turned = KINDS["on its side"](flows, random)
    assert {tuple(np.argwhere(one[0])[0]) for one in turned} <= {(14, 17), (13, 10)}
    y, x = np.mgrid[0:28, 0:28]
    basis = np.stack([np.ones(784), x.ravel(), y.ravel()], axis=1)
    for one in KINDS["rigid motion"](flows, random):
        _, left, *_ = np.linalg.lstsq(basis, one.reshape(2, -1).T, rcond=None)
        assert left.sum() < 0.1 * (one**2).sum()


def test_real_maps_can_give_the_threshold_alone() -> None:
    maps = synthesize_maps(subjects=4, generator=np.random.default_rng(0))
    others = synthesize_maps(subjects=8, generator=np.random.default_rng(1))
    synthetic = canonical_maps(others)[:, :2].astype(np.float64)
    fitted, measured = fit_novelty(maps, SMALL, synthetic=synthetic)
    assert measured.false_alarms <= 0.15 and min(measured.caught.values()) >= 0.3
    # Other real maps with the same threshold leave the networks as they are.
    half, _ = fit_novelty(maps.select(range(0, 72, 2)), SMALL, synthetic=synthetic)
    np.testing.assert_array_equal(half.first, fitted.first)
