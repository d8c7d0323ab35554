"""Support vector machines: against scikit-learn's own pipeline, loops, and the field's figures."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from toy_maps import CLASSES, toy_set

from hmrm.errors import DataError
from hmrm.flow.pair import mirrored_about_median
from hmrm.model.baselines.bi_woof import BiWoof, direction_bins
from hmrm.model.baselines.kernel_svm import KernelSvm
from hmrm.model.baselines.linear_svm import LinearSvm
from hmrm.model.baselines.mdmo import Mdmo
from hmrm.model.baselines.mirrored_svm import MirroredSvm, centred_flow
from hmrm.model.baselines.rbf_svm import RbfSvm
from hmrm.training.registry import MODELS, build_recogniser

SVMS = [
    name for name, model in MODELS.items() if model.needs == "research" and model.reads == "maps"
]

SHARED_MAPS = Path(__file__).parents[3].parent / "shared/data/megc2019_flow"

small_maps = arrays(np.float64, (2, 3, 28, 28), elements=st.floats(-1, 1, width=32))


@pytest.mark.parametrize(
    ("recogniser", "twin"),
    [
        (LinearSvm(), SVC(kernel="linear", C=0.001, class_weight="balanced")),
        (RbfSvm(), SVC(kernel="rbf", C=1.0, gamma=1 / 2352, class_weight="balanced")),
        (
            KernelSvm(kernel="cubic", cost=0.5, balanced=False),
            SVC(kernel="poly", degree=3, C=0.5, gamma=1 / 2352, coef0=1.0),
        ),
    ],
)
def test_scores_equal_scikit_learns_pipeline(recogniser: KernelSvm, twin: SVC) -> None:
    train, test = toy_set(40, noise=0.4), toy_set(11, seed=1, noise=0.4)
    pipeline = make_pipeline(StandardScaler(), twin)
    pipeline.fit(train.maps.reshape(40, -1).astype(np.float64), train.labels)
    expected = pipeline.decision_function(test.maps.reshape(11, -1).astype(np.float64))
    got = recogniser.fit(train, seed=0).predict(test.maps)
    # LIBSVM stops at a gradient of 1e-3, and both start from differently rounded kernels.
    np.testing.assert_allclose(got, expected, atol=2e-3)


@pytest.mark.parametrize("name", SVMS)
def test_every_machine_learns_where_the_face_moves(name: str) -> None:
    fitted = build_recogniser(name).fit(toy_set(45), seed=0)
    test = toy_set(15, seed=7)
    assert (fitted.predict(test.maps).argmax(1) == test.labels).all()


@pytest.mark.parametrize("name", SVMS)
def test_a_clip_scores_the_same_alone_as_in_a_batch(name: str) -> None:
    fitted = build_recogniser(name).fit(toy_set(30, noise=0.3), seed=0)
    test = toy_set(6, seed=3, noise=0.3)
    batch = fitted.predict(test.maps)
    alone = np.concatenate([fitted.predict(test.maps[i : i + 1]) for i in range(6)])
    assert batch.dtype == np.float64
    np.testing.assert_array_equal(batch, alone)


@pytest.mark.parametrize("name", SVMS)
def test_a_class_without_training_clips_is_never_chosen(name: str) -> None:
    fitted = build_recogniser(name).fit(toy_set(30, classes=(0, 2)), seed=0)
    scores = fitted.predict(toy_set(9, seed=1).maps)
    assert scores.shape == (9, 3)
    assert (scores[:, 1] < scores[:, [0, 2]].min(1)).all()


def test_one_class_alone_is_refused_with_its_name() -> None:
    with pytest.raises(DataError, match="surprise; an SVM needs two classes"):
        LinearSvm().fit(toy_set(5, classes=(2,)), seed=0)


def test_a_constant_pixel_makes_no_nan() -> None:
    train = toy_set(12)
    train.maps[:, :, 0, 0] = 0.25
    assert np.isfinite(LinearSvm().fit(train, seed=0).predict(train.maps)).all()


def test_maps_without_any_motion_are_scored() -> None:
    still = np.zeros((1, 3, 28, 28), dtype=np.float32)
    for name in SVMS:
        assert np.isfinite(build_recogniser(name).fit(toy_set(12), seed=0).predict(still)).all()


@settings(max_examples=20, deadline=None)
@given(maps=small_maps)
def test_mirroring_twice_changes_nothing(maps: np.ndarray) -> None:
    np.testing.assert_allclose(mirrored_about_median(mirrored_about_median(maps)), maps, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(maps=small_maps, gain=st.floats(0.5, 20), rest=st.floats(-1, 1))
def test_centring_forgets_scale_and_rest(maps: np.ndarray, gain: float, rest: float) -> None:
    maps[:, 0, 0, 0] = 5.0  # some motion, so that scale is defined
    maps[:, 1, 3, 3] = -5.0
    np.testing.assert_allclose(centred_flow(maps * gain + rest), centred_flow(maps), atol=1e-9)


def test_the_mirrored_machine_scores_a_clip_and_its_mirror_image_alike() -> None:
    fitted = MirroredSvm().fit(toy_set(30, noise=0.3), seed=0)
    test = toy_set(6, seed=5, noise=0.3).maps
    # float32 mirror images round u once more.
    np.testing.assert_allclose(
        fitted.predict(test), fitted.predict(mirrored_about_median(test)), atol=1e-5
    )


def test_directions_start_at_the_right_and_turn_downwards() -> None:
    vectors = np.array([[1, 0.1], [0.1, 1], [-0.1, 1], [-1, 0.1], [-1, -0.1], [1, -1e-20]])
    assert direction_bins(vectors[..., None, None])[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 0]


def test_bi_woof_equals_a_loop_over_pixels() -> None:
    maps = toy_set(3, noise=0.3).maps.astype(np.float64)
    flow, expected = centred_flow(maps), np.zeros((3, 7, 7, 8))
    for clip in range(3):
        for row in range(28):
            for column in range(28):
                u, v = flow[clip, :, row, column]
                eighth = int(np.floor((np.degrees(np.arctan2(v, u)) % 360) / 45))
                expected[clip, row // 4, column // 4, eighth] += np.hypot(u, v)
        for row in range(7):
            for column in range(7):
                block = maps[clip, 2, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
                expected[clip, row, column] *= np.abs(block).mean()
    np.testing.assert_allclose(BiWoof().describe(maps), expected.reshape(3, -1), rtol=1e-12)


def test_mdmo_equals_a_loop_over_regions() -> None:
    maps = toy_set(2, noise=0.3).maps.astype(np.float64)
    flow = centred_flow(maps)
    edges = [0, 5, 10, 15, 20, 24, 28]
    for clip, row_of_numbers in enumerate(Mdmo().describe(maps)):
        lengths, angles = [], []
        for top, bottom in pairwise(edges):
            for left, right in pairwise(edges):
                vectors = flow[clip, :, top:bottom, left:right].reshape(2, -1).T
                eighths = [int(np.degrees(np.arctan2(v, u)) % 360 // 45) for u, v in vectors]
                main = max(range(8), key=eighths.count)
                chosen = [w for w, e in zip(vectors, eighths, strict=True) if e == main]
                u, v = np.mean(chosen, axis=0)
                lengths.append(np.hypot(u, v))
                angles.append(np.arctan2(v, u))
        expected = [x / max(lengths) for x in lengths] + angles
        np.testing.assert_allclose(row_of_numbers, expected, rtol=1e-9)


@pytest.mark.skipif(not SHARED_MAPS.exists(), reason="the public flow maps are not here")
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("svm-linear", (0.701, 0.710), (0.711, 0.720)),
        ("svm-mirrored", (0.745, 0.762), (0.790, 0.810)),
    ],
)
def test_leave_one_subject_out_reaches_the_fields_figures(
    name: str, least: tuple[float, float], most: tuple[float, float]
) -> None:
    from hmrm.datasets.maps.importers import load_maps
    from hmrm.evaluation.metrics import score

    found = load_maps(SHARED_MAPS)
    subjects = np.array(found.subjects)
    predicted = np.full(len(subjects), -1)
    for subject in np.unique(subjects):
        test = subjects == subject
        train = found.select(np.flatnonzero(~test).tolist())
        fitted = build_recogniser(name).fit(train, seed=0)
        predicted[test] = fitted.predict(found.maps[test]).argmax(1)
    scores = score(found.labels, predicted, classes=CLASSES)
    assert least[0] <= scores.uf1 <= most[0]
    assert least[1] <= scores.uar <= most[1]


def test_two_classes_alone_are_decided_as_scikit_learn_does() -> None:
    train, test = toy_set(40, noise=0.5, classes=(0, 2)), toy_set(30, seed=1, noise=0.5)
    pipeline = make_pipeline(
        StandardScaler(), SVC(kernel="rbf", C=1.0, gamma=1 / 2352, class_weight="balanced")
    )
    pipeline.fit(train.maps.reshape(40, -1).astype(np.float64), train.labels)
    expected = pipeline.predict(test.maps.reshape(30, -1).astype(np.float64))
    got = RbfSvm().fit(train, seed=0).predict(test.maps).argmax(1)
    np.testing.assert_array_equal(got, expected)
    assert len(set(expected)) == 2


def test_a_linear_machine_is_counted_as_one_plane_per_pair() -> None:
    linear, mirrored = (m.fit(toy_set(30), seed=0) for m in (LinearSvm(), MirroredSvm()))
    assert linear.parameters == mirrored.parameters == 3 * (2352 + 1)
    assert (linear.flops, mirrored.flops) == (2 * 7059, 4 * 7059)
    rbf = RbfSvm().fit(toy_set(30), seed=0)
    assert rbf.parameters == len(rbf.rows) * (2352 + 3) + 3
