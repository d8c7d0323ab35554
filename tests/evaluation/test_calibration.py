"""Calibration on other subjects: known cases, slow twins, and the committed runs."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hmrm import records
from hmrm.clip import CLASSES
from hmrm.errors import DataError
from hmrm.evaluation.calibration import RULES, calibrate_on_others, fit, fit_scaling
from hmrm.evaluation.calibration_scores import (
    CalibrationScores,
    calibration_error,
    score_calibration,
)
from hmrm.evaluation.predictions import build_predictions, read_table
from hmrm.evaluation.results import read_result
from hmrm.model.calibration import class_sets, logits_of
from hmrm.model.inference import softmax

RESULTS = Path(__file__).parents[2] / "results"


def clips(seed, *, subjects=40, each=10, sure=3.0, shift=(0.0, 0.0, 0.0), data_sets=3):
    """Clips whose logits are calibrated, then made ``sure`` times as sure and shifted."""
    generator = np.random.default_rng(seed)
    count = subjects * each
    logits = generator.normal(size=(count, 3)) * 1.5
    truth = (generator.random((count, 1)) > softmax(logits).cumsum(1)[:, :-1]).sum(1)
    scores = sure * (logits - np.array(shift))
    return build_predictions(
        ids=[f"d{i // each % data_sets}/{i // each:02d}/{i % each}" for i in range(count)],
        truth=truth,
        predicted=scores.argmax(1),
        classes=CLASSES,
        scores=scores,
    )


def test_scaling_undoes_what_was_done_to_calibrated_logits():
    table = clips(0, subjects=400, sure=3.0, shift=(0.5, 0.0, -0.5))
    found = fit_scaling(table.scores, table.truth)
    assert found.slope == pytest.approx(1 / 3, abs=0.02)
    assert found.offsets == pytest.approx((0.5, 0.0, -0.5), abs=0.1)


def test_scaling_is_the_minimum():
    table = clips(1)

    def loss(slope, offsets):
        fitted = softmax(slope * table.scores + np.array(offsets))
        right = fitted[np.arange(len(fitted)), table.truth]
        return -np.log(right).sum() + np.square(offsets).sum() / 2

    found = fit_scaling(table.scores, table.truth)
    least = loss(found.slope, found.offsets)
    for change in (0.9, 1.1):
        assert loss(found.slope * change, found.offsets) > least
    for place in range(3):
        moved = np.array(found.offsets)
        moved[place] += 0.1
        assert loss(found.slope, moved) > least


def test_scaling_of_perfect_and_of_useless_scores_is_finite():
    truth = np.arange(30) % 3
    perfect = fit_scaling(np.eye(3)[truth] * 100, truth)
    assert perfect.probabilities(np.eye(3)[truth] * 100).argmax(1).tolist() == truth.tolist()
    inverted = fit_scaling(-np.eye(3)[truth], truth)
    assert inverted.slope == 0  # worse than chance: every clip gets the frequencies
    with pytest.raises(DataError, match="no clips"):
        fit_scaling(np.zeros((0, 3)), np.zeros(0, dtype=int))


def test_thresholds_are_conformal_quantiles():
    table = clips(2)
    found = fit(table.scores, table.truth, table.datasets)
    balanced = found.scaling.balanced(table.scores)
    right = balanced[np.arange(len(table.truth)), table.truth]
    rows = np.arange(len(table.truth))

    def covered(rule):
        return class_sets(balanced, np.array(found.least[rule]))[rows, table.truth]

    # Of n clips, ceil((n + 1) .9) are at or above it.
    assert (right >= found.least["pooled"][0]).sum() == np.ceil(401 * 0.9)
    homes = np.array(table.datasets)
    for name in set(table.datasets):
        assert covered("every_data_set")[homes == name].mean() >= 0.87
    for label in range(3):
        assert covered("by_class")[table.truth == label].mean() >= 0.9


def test_a_hard_data_set_decides_for_all():
    easy, hard = clips(3, data_sets=1), clips(4, data_sets=1)
    truth = np.concatenate([easy.truth, np.roll(hard.truth, 1)])
    logits = np.concatenate([easy.scores, hard.scores])
    found = fit(logits, truth, ["easy"] * 400 + ["hard"] * 400)
    assert found.least["every_data_set"][0] < found.least["pooled"][0]


def test_too_few_clips_give_every_class():
    found = fit(np.eye(3), np.arange(3), ["d"] * 3)
    assert found.least["pooled"] == (0.0, 0.0, 0.0)


def test_a_clip_has_no_part_in_its_own_calibration():
    table = clips(5)
    changed = table.truth.copy()
    changed[:10] = (changed[:10] + 1) % 3
    before, after = (
        calibrate_on_others(table.scores, truth, table.subjects, table.datasets)
        for truth in (table.truth, changed)
    )
    own = np.array(table.subjects) == table.subjects[0]
    assert own.sum() == 10
    assert (before.probabilities[own] == after.probabilities[own]).all()
    assert (before.probabilities[~own] != after.probabilities[~own]).any(1).all()
    assert all((before.sets[rule][own] == after.sets[rule][own]).all() for rule in RULES)


def test_unsure_scores_are_repaired_and_their_sets_cover():
    table = clips(6, subjects=60)
    found = score_calibration([table])
    assert found.nll.value < found.nll_uncalibrated.value
    assert found.brier.value < found.brier_uncalibrated.value
    assert found.error.value <= found.error.perfect_high < found.error_uncalibrated.value
    for sets in (found.other_subjects, found.other_data_sets):
        assert sets["pooled"].coverage.value == pytest.approx(0.9, abs=0.03)
        assert sets["every_data_set"].coverage.value >= sets["pooled"].coverage.value
    assert found.abstention.excluded == pytest.approx(0.2, abs=0.03)
    assert found.abstention.gain.low > 0


def test_calibration_error_equals_its_twin():
    table = clips(7, subjects=20)
    probabilities = softmax(table.scores)
    sure, right = probabilities.max(1), probabilities.argmax(1) == table.truth
    rows = sorted(range(200), key=lambda i: sure[i])
    bins = [rows[start : start + 20] for start in range(0, 200, 20)]
    slow = np.mean([abs(right[b].mean() - sure[b].mean()) for b in bins])
    assert calibration_error(probabilities, table.truth) == pytest.approx(slow)


def test_nothing_is_measured_without_scores_or_others():
    table = clips(8)
    assert score_calibration([dataclasses.replace(table, scores=None)]) is None
    assert score_calibration([clips(8, subjects=1)]) is None
    assert score_calibration([clips(8, data_sets=2)]).other_data_sets is None


def test_what_is_measured_survives_its_file():
    found = score_calibration([clips(9)])
    text = records.dumps(found)
    assert records.dumps(records.loads(CalibrationScores, text, where="x")) == text


def test_probabilities_of_some_classes_are_still_probabilities():
    assert softmax(logits_of(np.array([[0.5, 0.2]])))[0] == pytest.approx([5 / 7, 2 / 7])
    assert logits_of(np.array([[0.5, 0.6]])).tolist() == [[0.5, 0.6]]


@pytest.mark.parametrize("run", ["hmrm-ensemble-plain", "hmrm-frozen-linear"])
def test_committed_runs_are_calibrated(run):
    """What docs/recognition/calibration.md states of them."""
    found = score_calibration(list(read_result(RESULTS / run).predictions.values()))
    assert found.nll.value < found.nll_uncalibrated.value
    assert found.brier.value < found.brier_uncalibrated.value
    assert found.error.value <= found.error.perfect_high
    for sets in (found.other_subjects, found.other_data_sets):
        shipped = sets["every_data_set"]
        assert 0.87 <= shipped.coverage.value <= 0.93
        assert min(shipped.by_class) >= 0.8
        assert shipped.size <= 1.7
    assert min(found.other_data_sets["every_data_set"].by_data_set.values()) >= 0.85


def test_labels_of_zero_shot_are_calibrated_too():
    path = RESULTS / "hmrm-synthetic-zero-shot" / "predictions" / "seed0.csv"
    found = score_calibration([read_table(path, classes=CLASSES)])
    assert found.nll.value < found.nll_uncalibrated.value
    assert found.error.value <= found.error.perfect_high
