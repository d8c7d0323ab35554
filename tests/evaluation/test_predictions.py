"""Prediction tables: written, read back, matched by id, foreign ones too."""

from pathlib import Path

import numpy as np
import pytest

from hmrm.clip import CLASSES
from hmrm.errors import DataError
from hmrm.evaluation.external_predictions import score_external
from hmrm.evaluation.predictions import build_predictions, match, read_table, write_table

GOLDEN = Path(__file__).parents[1] / "golden/ststnet_loso_predictions.csv"


def table(**changes):
    parts = {
        "ids": ["b/1/x", "a/1/x", "a/2/x"],
        "truth": np.array([0, 1, 2]),
        "predicted": np.array([0, 0, 2]),
        "classes": CLASSES,
        "scores": np.array([[0.1, 1e-17, -3], [1 / 3, 0.2, 0.1], [0, 0, 1]]),
    }
    return build_predictions(**{**parts, **changes})


def test_a_table_comes_back_to_the_last_bit(tmp_path):
    write_table(tmp_path / "p.csv", table())
    found = read_table(tmp_path / "p.csv", classes=CLASSES)
    assert found.ids == ("a/1/x", "a/2/x", "b/1/x")
    np.testing.assert_array_equal(found.scores, table().scores)
    np.testing.assert_array_equal(found.truth, [1, 2, 0])
    np.testing.assert_array_equal(found.predicted, [0, 2, 0])


def test_a_table_without_scores_comes_back(tmp_path):
    write_table(tmp_path / "p.csv", table(scores=None))
    assert read_table(tmp_path / "p.csv", classes=CLASSES).scores is None


def test_per_data_set_scores_name_all_classes():
    of_a, of_b = table().of_dataset("a").score(), table().of_dataset("b").score()
    assert of_b.uf1 == pytest.approx(1 / 3)
    assert (of_a.clips, of_b.clips) == (2, 1)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("id,truth,predicted\na/1/x,negative,positive\n", "a/1/x"),
        ("dataset,subject,clip,truth,predicted\na,1,x,0,1\n", "a/1/x"),
        ("subject,clip,truth,predicted\nsub01,EP01_1,0,1\n", "casme2/sub01/EP01_1"),
        ("subject,truth,predicted\n006,0,1\n", "samm/006/row-00001"),
    ],
)
def test_foreign_tables_are_understood(tmp_path, text, ids):
    (tmp_path / "p.csv").write_text("\ufeff" + text.replace("\n", "\r\n"))
    found = read_table(tmp_path / "p.csv", classes=CLASSES)
    assert (found.ids, found.truth[0], found.predicted[0]) == ((ids,), 0, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no predictions"),
        ("id,truth\na/1/x,0\n", "no column predicted; found: id, truth"),
        ("id,truth,predicted\na/1/x,0,3\n", "line 2: predicted is '3'"),
        ("id,truth,predicted\na/1/x,0,angry\n", "angry"),
        ("id,truth,predicted\na/1,0,1\n", "not dataset/subject/clip"),
        ("id,truth,predicted\na/1/x,0,1\na/1/x,0,1\n", "a/1/x is predicted twice"),
        ("truth,predicted\n0,1\n", "no column id or subject"),
        ("subject,truth,predicted\nanna,0,1\n", "of which data set"),
        (
            "id,truth,predicted,score_negative,score_positive,score_surprise\na/1/x,0,1,a,b,c\n",
            "line 2: a score is not a number",
        ),
    ],
)
def test_bad_tables_name_their_line(tmp_path, text, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "p.csv", classes=CLASSES)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv"):
        read_table(tmp_path / "none.csv", classes=CLASSES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": ["b/1/x", "a/1/x", "a/2/y"]}, "2 clips are in one table only, e.g. a/2/x"),
        ({"truth": np.array([0, 1, 1])}, "a/2/x: the tables disagree"),
        ({"classes": ("negative", "positive", "other")}, "classes differ"),
        ({"named": False}, "without clip names"),
    ],
)
def test_tables_that_do_not_match_say_why(changes, message):
    with pytest.raises(DataError, match=message):
        match(table(), table(**changes))
    match(table(), table(predicted=np.array([1, 1, 1])))


def test_the_golden_table_is_scored_as_a_foreign_one(tmp_path):
    summary = score_external(GOLDEN, tmp_path, classes=CLASSES).summary
    composite = summary.composite
    assert (composite.uf1.mean, composite.uar.mean) == pytest.approx((0.7209, 0.7250), abs=5e-5)
    assert summary.selection == "unknown"
    assert any("names no clips" in w for w in summary.warnings)
