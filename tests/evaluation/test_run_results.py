"""A run's result as records: the committed files keep their bytes, the tidy table their numbers."""

import csv
import json
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
from toy_results import summary

from hmrm import records
from hmrm.clip import CLASSES
from hmrm.errors import DataError
from hmrm.evaluation.predictions import build_predictions
from hmrm.evaluation.report.runs import read_runs, tidy_table
from hmrm.evaluation.results import (
    RunResult,
    RunSummary,
    ScoreRow,
    read_result,
    read_summary,
    write_result,
)
from hmrm.evaluation.summary import score_parts

RUNS = sorted(path.parent for path in (Path(__file__).parents[2] / "results").glob("*/run.json"))


def result(seeds=(0, 1), datasets=("a", "b")):
    """Two data sets of two subjects; the second seed has one clip more right."""
    ids = [f"{d}/s{s}/c{c}" for d in datasets for s in (1, 2) for c in range(3)]
    truth = np.arange(len(ids)) % 3
    predictions = {}
    for seed in seeds:
        predicted = truth.copy()
        predicted[: 4 - seed] = 0
        predictions[seed] = build_predictions(
            ids=ids, truth=truth, predicted=predicted, classes=CLASSES
        )
    scores = score_parts(list(predictions.values()))
    return RunResult(predictions=predictions, summary=summary(seeds=seeds, scores=scores))


def value(rows, **expected):
    (found,) = [r.value for r in rows if expected.items() <= vars(r).items()]
    return found


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_committed_results_are_read_and_written_to_the_same_bytes(run):
    text = (run / "run.json").read_text(encoding="utf-8")
    found = read_result(run)
    # The key was renamed after the files were written; all else keeps its bytes.
    assert records.dumps(found.summary) == text.replace('"looks":', '"evaluations":')
    table = json.loads(text)
    assert found.summary.composite.uf1.mean == table["scores"]["composite"]["uf1"]["mean"]
    rows = [r for r in found.table() if not r.subject]
    for data_set, scores in table["scores"].items():
        for metric in ("uf1", "uar", "accuracy"):
            by_seed = [r.value for r in rows if (r.data_set, r.metric) == (data_set, metric)]
            assert by_seed == pytest.approx(scores[metric]["by_seed"], abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clips": "442"}, r"run\.json: clips: expected int, got '442'"),
        ({"scores": {"composite": {}}}, r"run\.json: scores: composite: has no 'clips'"),
        ({"provenance": None}, r"run\.json: provenance: expected a table, got None"),
        ({"config": {"model": {}}}, r"run\.json: config: model: has no 'name'"),
        ({"leaks": [{"code": "x"}]}, r"run\.json: leaks: has no 'fold'"),
    ],
)
def test_a_damaged_summary_is_refused_with_file_and_key(tmp_path, changes, words):
    table = json.loads((RUNS[0] / "run.json").read_text(encoding="utf-8"))
    (tmp_path / "run.json").write_text(json.dumps({**table, **changes}))
    with pytest.raises(DataError, match=words):
        read_summary(tmp_path)


def test_every_key_of_a_summary_is_needed_but_those_that_may_be_absent(tmp_path):
    optional = {"fold_count", "named", "evaluations", "epochs", "curves", "oracle_control"}
    optional |= {"calibration", "synthetic"}
    table = records.to_json(summary())
    for key in {one.name for one in fields(RunSummary)} - optional:
        (tmp_path / "run.json").write_text(json.dumps({k: table[k] for k in table if k != key}))
        with pytest.raises(DataError, match=rf"has no '{key}'.*run again"):
            read_summary(tmp_path)
    (tmp_path / "run.json").write_text(
        json.dumps({k: v for k, v in table.items() if k not in optional})
    )
    assert read_summary(tmp_path).epochs is records.Absent.ABSENT


def test_the_table_holds_every_score_and_the_clips_of_each_subject():
    rows = result().table()
    assert rows == tuple(ScoreRow(**asdict(row)) for row in rows)
    pooled = {r.metric for r in rows if not r.subject}
    by_class = {f"{kind}_{name}" for kind in ("f1", "recall") for name in CLASSES}
    assert pooled == {"clips", "accuracy", "uf1", "uar"} | by_class
    assert {r.metric for r in rows if r.subject} == {"clips", "accuracy"}
    assert {r.data_set for r in rows} == {"composite", "a", "b"}
    assert {(r.data_set, r.subject) for r in rows if r.subject} == {
        *(("a", "a/s1"), ("a", "a/s2"), ("b", "b/s1"), ("b", "b/s2"))
    }
    keys = [(r.data_set, r.subject, r.seed, r.metric) for r in rows]
    assert len(set(keys)) == len(keys)
    # Seed 0 takes the first four clips for class 0: two of s1's three are wrong, none of s2's.
    assert value(rows, subject="a/s1", seed=0, metric="accuracy") == pytest.approx(1 / 3)
    assert value(rows, subject="a/s2", seed=0, metric="accuracy") == 1
    assert value(rows, data_set="composite", seed=0, metric="accuracy") == 10 / 12
    # F1 of class 1: 3 of 4 clips found, none falsely.
    assert value(rows, data_set="composite", seed=0, metric="f1_positive") == pytest.approx(6 / 7)


def test_subjects_weighted_by_clips_give_the_pooled_accuracy():
    rows = result().table()
    for seed in (0, 1):
        for data_set in ("a", "b"):
            own = [r for r in rows if r.subject and (r.seed, r.data_set) == (seed, data_set)]
            clips = {r.subject: r.value for r in own if r.metric == "clips"}
            right = sum(clips[r.subject] * r.value for r in own if r.metric == "accuracy")
            pooled = {"data_set": data_set, "subject": "", "seed": seed}
            assert value(rows, **pooled, metric="clips") == sum(clips.values()) == 6
            assert value(rows, **pooled, metric="accuracy") == pytest.approx(right / 6)


def test_one_data_set_stands_under_its_own_name_too():
    rows = result(datasets=("a",)).table()
    composite, alone = (value(rows, data_set=d, seed=0, metric="uf1") for d in ("composite", "a"))
    assert composite == alone


def test_scores_csv_is_the_table(tmp_path):
    found = result()
    write_result(tmp_path, found)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == ["data_set", "subject", "seed", "model", "metric", "value"]
    read = [ScoreRow(**{**n, "seed": int(n["seed"]), "value": float(n["value"])}) for n in lines]
    assert tuple(read) == found.table()


def test_a_result_comes_back_from_its_folder(tmp_path):
    found = result()
    write_result(tmp_path, found)
    again = read_result(tmp_path)
    assert again.summary == found.summary
    assert again.table() == found.table()


def test_several_runs_are_one_table_under_the_names_of_the_report(tmp_path):
    for name in ("x", "y"):
        write_result(tmp_path / name, result())
    rows = tidy_table(read_runs([tmp_path / "x", tmp_path / "y"]))
    assert {r.model for r in rows} == {"toy (x)", "toy (y)"}
    assert len(rows) == 2 * len(result().table())
    assert {r.model for r in result().table(model="mine")} == {"mine"}


def test_pandas_takes_the_table_as_it_is():
    pandas = pytest.importorskip("pandas")
    rows = result().table()
    frame = pandas.DataFrame(rows)
    assert list(frame.columns) == [one.name for one in fields(ScoreRow)]
    pooled = frame[(frame.subject == "") & (frame.metric == "uf1")]
    assert pooled.pivot(index="seed", columns="data_set", values="value").shape == (2, 3)
    assert frame.value.tolist() == [r.value for r in rows]
