import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmrm.errors import InputError
from hmrm.flow.rigid import fit_rigid, remove_rigid


def affine_flow(matrix: np.ndarray, size: int = 40) -> np.ndarray:
    y, x = np.mgrid[:size, :size].astype(np.float64)
    return np.stack([m[0] * x + m[1] * y + m[2] for m in matrix])


small = st.floats(-0.02, 0.02)
shift = st.floats(-5, 5)


@given(c=small, d=small, u=shift, v=shift)
def test_similarity_is_recovered(c: float, d: float, u: float, v: float):
    matrix = np.array([[c, -d, u], [d, c, v]])
    np.testing.assert_allclose(fit_rigid(affine_flow(matrix)), matrix, atol=1e-9)


@given(a=small, b=small, c=small, d=small, u=shift, v=shift)
def test_affine_is_recovered(a: float, b: float, c: float, d: float, u: float, v: float):
    matrix = np.array([[a, b, u], [c, d, v]])
    found = fit_rigid(affine_flow(matrix), model="affine")
    np.testing.assert_allclose(found, matrix, atol=1e-9)


@pytest.mark.parametrize("model", ["translation", "similarity", "affine"])
def test_a_moving_feature_inside_the_mask_does_not_pull(model):
    rng = np.random.default_rng(0)
    flow = affine_flow(np.array([[0, 0, 0.8], [0, 0, -0.4]]))
    smile = np.zeros((2, 40, 40))
    smile[:, 25:38, 5:35] = [[[1.5]], [[-2.0]]]  # a quarter of the pixels
    noisy = flow + smile + rng.normal(0, 0.02, flow.shape)
    left = remove_rigid(noisy, model=model)
    # the residual is the smile and the noise; 1,600 pixels give the fit 0.02 / sqrt(1600)
    assert np.abs(left - smile).mean() < 0.02
    assert abs(left[0, :20].mean()) < 0.005


def test_least_squares_would_have_been_pulled():
    """The case above is one that plain averaging fails."""
    smile = np.zeros((2, 40, 40))
    smile[:, 25:38, 5:35] = [[[1.5]], [[-2.0]]]
    assert abs(smile.mean(axis=(1, 2))).max() > 0.3


def test_only_the_mask_counts_and_nan_is_left_out():
    flow = affine_flow(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0]]))
    flow[:, :30] += 7
    flow[:, 35, 3] = np.nan
    mask = np.zeros((40, 40), bool)
    mask[32:] = True
    left = remove_rigid(flow, mask, model="translation")
    np.testing.assert_allclose(left[:, 36], 0, atol=1e-6)
    np.testing.assert_allclose(left[:, 0], 7, atol=1e-6)
    assert left.dtype == np.float32


def test_nothing_moved():
    assert not remove_rigid(np.zeros((2, 20, 20))).any()


def test_bad_masks():
    flow = np.zeros((2, 20, 20))
    with pytest.raises(InputError, match="0 usable pixels"):
        fit_rigid(flow, np.zeros((20, 20), bool))
    line = np.zeros((20, 20), bool)
    line[4] = True
    with pytest.raises(InputError, match="one line"):
        fit_rigid(flow, line, model="affine")
