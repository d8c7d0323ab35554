"""Bootstrap, paired test, chance and seeds against slow twins and known cases."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from hmrm.clip import CLASSES
from hmrm.errors import DataError
from hmrm.evaluation.predictions import build_predictions
from hmrm.evaluation.statistics import bootstrap, chance_levels, mean_sd, paired_bootstrap


def table(seed, *, right=0.6, subjects=12, clips=5, ids=None):
    """Predictions that are right with a given probability; truth is the same for every seed."""
    count = subjects * clips
    truth = np.random.default_rng(99).integers(0, 3, count)
    generator = np.random.default_rng(seed)
    guess = generator.integers(0, 3, count)
    predicted = np.where(generator.random(count) < right, truth, guess)
    return build_predictions(
        ids=ids or [f"d/{i // clips:02d}/{i % clips}" for i in range(count)],
        truth=truth,
        predicted=predicted,
        classes=CLASSES,
    )


def slow_draws(tables, samples, seed):
    """Resample subjects clip by clip, score with scikit-learn, average over seeds."""
    subjects = sorted(set(tables[0].subjects))
    weights = np.random.default_rng(seed).multinomial(
        len(subjects), [1 / len(subjects)] * len(subjects), size=samples
    )
    of = np.array([subjects.index(s) for s in tables[0].subjects])
    named = {"labels": [0, 1, 2], "average": "macro", "zero_division": 0}
    rows = []
    for weight in weights:
        clips = np.repeat(np.arange(len(of)), weight[of])
        rows.append(
            [
                np.mean([m(t.truth[clips], t.predicted[clips], **named) for t in tables])
                for m in (f1_score, recall_score)
            ]
        )
    return np.array(rows)


def test_bootstrap_equals_its_twin():
    tables = [table(0), table(1)]
    found = bootstrap(tables, generator=np.random.default_rng(7), samples=60)
    slow = slow_draws(tables, 60, 7)
    for name, column in (("uf1", slow[:, 0]), ("uar", slow[:, 1])):
        assert found[name].low == pytest.approx(np.quantile(column, 0.025))
        assert found[name].high == pytest.approx(np.quantile(column, 0.975))
        assert found[name].sd == pytest.approx(column.std(ddof=1))
        assert found[name].value == pytest.approx(
            np.mean([getattr(t.score(), name) for t in tables])
        )


def test_paired_bootstrap_equals_its_twin():
    first, second = [table(0, right=0.4)], [table(1, right=0.7)]
    found = paired_bootstrap(first, second, generator=np.random.default_rng(3), samples=60)
    difference = slow_draws(second, 60, 3) - slow_draws(first, 60, 3)
    for name, column in (("uf1", difference[:, 0]), ("uar", difference[:, 1])):
        assert found[name].low == pytest.approx(np.quantile(column, 0.025))
        assert found[name].high == pytest.approx(np.quantile(column, 0.975))
        outside = min((column <= 0).sum(), (column >= 0).sum())
        assert found[name].p == pytest.approx(min(1, 2 * (outside + 1) / 61))


def test_the_same_run_twice_does_not_differ():
    found = paired_bootstrap(
        [table(0)], [table(0)], generator=np.random.default_rng(0), samples=200
    )
    assert all((d.value, d.low, d.high, d.p) == (0, 0, 0, 1) for d in found.values())


def test_a_clear_difference_is_seen_and_its_sign_turns_with_the_order():
    good, bad = [table(0, right=0.95)], [table(1, right=0.1)]
    generator = np.random.default_rng
    up = paired_bootstrap(bad, good, generator=generator(0), samples=1000)["uf1"]
    down = paired_bootstrap(good, bad, generator=generator(0), samples=1000)["uf1"]
    assert up.low > 0
    assert up.p == pytest.approx(2 / 1001)
    assert (down.value, down.low, down.high) == pytest.approx((-up.value, -up.high, -up.low))


def test_pairing_is_by_clip_id_and_not_by_position():
    plain, other = table(0), table(1, right=0.8)
    order = np.random.default_rng(0).permutation(len(plain.ids))
    shuffled = build_predictions(
        ids=[other.ids[i] for i in order],
        truth=other.truth[order],
        predicted=other.predicted[order],
        classes=CLASSES,
    )
    results = [
        paired_bootstrap([plain], [o], generator=np.random.default_rng(0), samples=50)
        for o in (other, shuffled)
    ]
    assert results[0] == results[1]


def test_paired_intervals_are_calibrated_under_no_difference():
    """60 pairs of equally good runs: a 95 % interval may miss 0 a few times, not often."""
    missed = 0
    for seed in range(60):
        found = paired_bootstrap(
            [table(1000 + seed)],
            [table(2000 + seed)],
            generator=np.random.default_rng(seed),
            samples=300,
        )["uf1"]
        missed += not found.low <= 0 <= found.high
    # Binomial(60, 0.05) exceeds 9 once in 1,500; few subjects make percentile intervals liberal.
    assert missed <= 9


def test_more_subjects_give_a_narrower_interval():
    widths = []
    for subjects in (8, 128):
        found = bootstrap(
            [table(0, subjects=subjects)], generator=np.random.default_rng(0), samples=500
        )["uf1"]
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 2.5


def test_runs_on_other_clips_cannot_be_paired():
    other = table(0, ids=[f"d/{i:02d}/x" for i in range(60)])
    with pytest.raises(DataError, match=r"in one table only, e.g. d/00/0"):
        paired_bootstrap([table(0)], [other], generator=np.random.default_rng(0))


def test_chance_levels_of_known_cases():
    truth = np.array([0] * 6 + [1] * 3 + [2] * 3)
    predictions = build_predictions(
        ids=[f"d/{i}/x" for i in range(12)], truth=truth, predicted=truth, classes=CLASSES
    )
    found = chance_levels(predictions, generator=np.random.default_rng(0), samples=3000)
    # Always class 0: its F1 is 2·6/(6 + 12), the others' are 0.
    assert found["uf1"].majority == pytest.approx(2 / 3 / 3)
    assert found["uar"].majority == pytest.approx(1 / 3)
    assert found["accuracy"].majority == pytest.approx(0.5)
    # Standard error of 3,000 draws of 12 clips: below 0.003.
    assert found["uar"].uniform == pytest.approx(1 / 3, abs=0.01)
    assert found["accuracy"].uniform == pytest.approx(1 / 3, abs=0.01)
    assert found["accuracy"].permuted == pytest.approx(0.25 + 2 / 16, abs=0.01)
    assert found["uf1"].permuted < found["uf1"].permuted_high < 1


def test_mean_and_sd_over_seeds():
    found = mean_sd([0.7, 0.8, 0.75])
    assert (found.mean, found.sd, found.count) == pytest.approx((0.75, 0.05, 3))
    assert mean_sd([0.7]).sd is None


def test_the_same_generator_state_gives_the_same_numbers():
    results = [bootstrap([table(0)], generator=np.random.default_rng(5), samples=40) for _ in "ab"]
    assert results[0] == results[1]
