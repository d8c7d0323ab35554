"""A finished run whose files were damaged or changed: found, named, computed again when asked."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from test_run import contents, plan

from hmrm.errors import DataError
from hmrm.evaluation.report.runs import read_runs
from hmrm.evaluation.run import evaluate
from hmrm.synthetic.datasets.flow_maps import synthesize_maps

PLAN = plan(seeds=(0, 1))


@pytest.fixture(scope="module")
def maps():
    return synthesize_maps(subjects=2, clips=4, noise=1.0, generator=np.random.default_rng(0))


@pytest.fixture(scope="module")
def whole(maps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    evaluate(maps, PLAN, folder)
    return folder


@pytest.fixture
def run(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "run"))


def fold(run):
    return sorted((run / "folds/seed1").iterdir())[2]


def cut_off(path):
    path.write_bytes(path.read_bytes()[:200])


def rolled(path):
    """Another result in a file of the right form, which still carries its old digest."""
    table = json.loads(path.read_text())
    table["scores"] = np.roll(np.array(table["scores"]), 1, axis=1).tolist()
    table["predicted"] = np.argmax(table["scores"], axis=1).tolist()
    path.write_text(json.dumps(table) + "\n")


def one_digit(path):
    text = path.read_text()
    place = re.search(r'"scores": \[\[[^\]]*\d', text).end() - 1
    path.write_text(f"{text[:place]}{(int(text[place]) + 1) % 10}{text[place + 1 :]}")


def without_digest(path):
    text = path.read_text()
    path.write_text(re.sub(r', "sha256": "[0-9a-f]{64}"', "", text))
    assert path.read_text() != text


def rolled_without_digest(path):
    rolled(path)
    without_digest(path)


@pytest.mark.parametrize("change", [cut_off, rolled, one_digit, rolled_without_digest])
def test_a_changed_fold_is_named_and_computed_again_when_asked(run, whole, maps, change):
    change(fold(run))
    before = contents(run)
    for read in (lambda: read_runs([run]), lambda: evaluate(maps, PLAN, run)):
        with pytest.raises(DataError, match=rf"{re.escape(str(fold(run)))}.*--recompute-damaged"):
            read()
        assert contents(run) == before
    steps = []
    evaluate(maps, PLAN, run, recompute_damaged=True, progress=lambda *s: steps.append(s))
    assert steps == [("folds", 11, 12), ("folds", 12, 12)]
    assert contents(run) == contents(whole)


def test_a_run_of_an_older_version_is_read_and_said_to_be_unverified(run, maps):
    without_digest(fold(run))
    (found,) = read_runs([run])
    assert found.summary.warnings[-1].startswith("unverified: 1 of 12 fold files")
    assert evaluate(maps, PLAN, run).summary.warnings == found.summary.warnings
    (found,) = read_runs([run])
    assert sum(one.startswith("unverified") for one in found.summary.warnings) == 1


@pytest.mark.parametrize("metric", ["uf1", "uar", "accuracy"])
def test_a_changed_score_is_named(run, metric):
    path = run / "run.json"
    table = json.loads(path.read_text())
    table["scores"]["composite"][metric]["by_seed"][1] += 0.01
    path.write_text(json.dumps(table))
    with pytest.raises(DataError, match=rf"run.json: {metric} of composite, seed 1"):
        read_runs([run])


def test_a_whole_run_has_no_warning(whole):
    assert read_runs([whole])[0].summary.warnings == ()
