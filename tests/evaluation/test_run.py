"""A run: leak-free, resumable to the same bytes, the same for any number of workers."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from label_leak import uses_test_labels

from hmrm.errors import ConfigError, DataError, NumericalError, OutputError
from hmrm.evaluation.fold import inner_curve, oracle_epoch, run_fold
from hmrm.evaluation.leakage import find_leaks
from hmrm.evaluation.metrics import score
from hmrm.evaluation.protocol import build
from hmrm.evaluation.run import evaluate
from hmrm.evaluation.settings import Plan, Settings, load_plan
from hmrm.flow.mapset import build_mapset
from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout
from hmrm.training.registry import find_recogniser

HERE = Path(__file__).parent


def plan(model="toy_models:NearestMean", options=None, **settings):
    return Plan(model=model, options=options or {}, settings=Settings(**settings))


@pytest.fixture(scope="module")
def synthetic():
    return synthesize_maps(subjects=2, clips=4, noise=1.0, generator=np.random.default_rng(0))


def contents(folder):
    """Everything in a run but the seconds it took, and the commit, which may move meanwhile."""
    return {
        str(p.relative_to(folder)): re.sub(rb'"commit": "[^"]*"', b"", p.read_bytes())
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != "timings.jsonl"
    }


def loso(mapset):
    return build("loso", ids=mapset.ids, labels=mapset.labels, classes=mapset.classes)


def test_pooled_scores_equal_a_loop_written_by_hand(tmp_path, synthetic):
    result = evaluate(synthetic, plan(options={"map_kind": "raw"}), tmp_path)
    truth, predicted = [], []
    for subject in sorted(set(synthetic.subjects)):
        test = np.array([s == subject for s in synthetic.subjects])
        means = np.stack(
            [synthetic.maps[~test & (synthetic.labels == c)].mean(0) for c in range(3)]
        )
        for i in np.flatnonzero(test):
            distance = ((synthetic.maps[i].astype(float) - means) ** 2).sum((1, 2, 3))
            truth.append(synthetic.labels[i])
            predicted.append(distance.argmin())
    expected = score(np.array(truth), np.array(predicted), classes=synthetic.classes)
    found = result.summary.composite
    assert found.uf1.mean == pytest.approx(expected.uf1)
    assert found.uar.mean == pytest.approx(expected.uar)
    assert result.predictions[0].ids == synthetic.ids
    np.testing.assert_array_equal(result.predictions[0].truth, synthetic.labels)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("toy_models:NearestMean", {"seeds": (0, 1)}),
        ("toy_models:Softmax", {"selection": "inner"}),
        ("toy_models:Softmax", {"selection": "oracle"}),
    ],
)
def test_workers_change_nothing(tmp_path, synthetic, model, settings):
    for workers in (1, 2):
        evaluate(synthetic, plan(model, **settings), tmp_path / str(workers), workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_run_that_lost_folds_is_completed_to_the_same_bytes(tmp_path, synthetic):
    asked = plan("toy_models:Softmax", seeds=(0, 1), record_epochs=True)
    evaluate(synthetic, asked, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "part")
    files = sorted((tmp_path / "part/folds/seed0").iterdir())
    files[0].unlink()
    files[1].write_text("")  # power loss between rename and content
    files[2].write_text(files[2].read_text()[:100])
    shutil.rmtree(tmp_path / "part/folds/seed1")
    (tmp_path / "part/run.json").unlink()
    (tmp_path / "part/folds/seed0/.000_x.99.partial.json").write_text("{")
    steps = []
    with pytest.raises(DataError, match=r"001_.*\(and 1 others\); give --recompute-damaged"):
        evaluate(synthetic, asked, tmp_path / "part")
    evaluate(
        synthetic,
        asked,
        tmp_path / "part",
        recompute_damaged=True,
        progress=lambda *s: steps.append(s),
    )
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")
    assert steps == [("folds", done, 12) for done in range(3, 13)]


def test_a_folder_in_place_of_the_timings_is_named(tmp_path, synthetic):
    evaluate(synthetic, plan(), tmp_path)
    (tmp_path / "timings.jsonl").unlink()
    (tmp_path / "timings.jsonl").mkdir()
    next((tmp_path / "folds").rglob("0*.json")).unlink()
    with pytest.raises(OutputError, match=r"timings\.jsonl: cannot be written"):
        evaluate(synthetic, plan(), tmp_path)


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_moment_it_resumes_to_the_same_bytes(tmp_path, synthetic, workers):
    write_layout(tmp_path / "data", synthetic, layout="prepared")

    def start(output, pause):
        command = [sys.executable, "-m", "hmrm", "evaluate", "--no-progress"]
        command += ["--data", str(tmp_path / "data"), "--model", "toy_models:threads"]
        command += ["--workers", str(workers), "-o", str(tmp_path / output)]
        environment = os.environ | {"TOY_PAUSE_S": str(pause)}
        return subprocess.Popen(
            command, cwd=HERE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    process = start("killed", 0.3)
    folds = tmp_path / "killed/folds/seed0"
    while not (folds.is_dir() and any(folds.glob("0*.json"))):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    # A worker may still finish the fold it is at; then it must be gone.
    time.sleep(1)
    done = sorted(folds.glob("0*.json"))
    assert 0 < len(done) < 6
    assert not (tmp_path / "killed/run.json").exists()
    again = start("killed", 0)
    _, words = again.communicate()
    assert again.returncode == 0, words
    evaluate(synthetic, plan("toy_models:threads"), tmp_path / "whole")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_seeds_can_be_added_later(tmp_path, synthetic):
    asked = {"model": "toy_models:Softmax"}
    evaluate(synthetic, plan(**asked, seeds=(0,)), tmp_path / "grown")
    grown = evaluate(synthetic, plan(**asked, seeds=(0, 1)), tmp_path / "grown")
    whole = evaluate(synthetic, plan(**asked, seeds=(0, 1)), tmp_path / "whole")
    assert grown.summary.scores == whole.summary.scores
    assert len(whole.summary.composite.uf1.by_seed) == 2


def test_another_plan_or_other_data_is_refused(tmp_path, synthetic):
    evaluate(synthetic, plan(), tmp_path)
    with pytest.raises(ConfigError, match="config was"):
        evaluate(synthetic, plan(options={"map_kind": "raw"}), tmp_path)
    with pytest.raises(ConfigError, match="config was"):
        evaluate(synthetic, plan(folds="3"), tmp_path)
    labels = synthetic.labels.copy()
    labels[0] = 1 - labels[0] % 2
    other = build_mapset(
        **{
            k: getattr(synthetic, k)
            for k in ("ids", "maps", "classes", "crop", "channels_apart", "source")
        },
        labels=labels,
    )
    with pytest.raises(ConfigError, match="data was"):
        evaluate(other, plan(), tmp_path)


def test_a_folder_with_other_things_is_refused(tmp_path, synthetic):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="not empty and not a run"):
        evaluate(synthetic, plan(), tmp_path)


@pytest.mark.parametrize("scheme", ["loso", "loso-per-dataset", "datasets", "3"])
def test_every_scheme_tests_every_clip_once(tmp_path, synthetic, scheme):
    result = evaluate(synthetic, plan(folds=scheme), tmp_path)
    assert result.predictions[0].ids == synthetic.ids
    assert result.summary.folds == scheme


@pytest.mark.parametrize("classes", [3, 4, 5, 7])
def test_any_number_of_classes(tmp_path, classes):
    generator = np.random.default_rng(0)
    count = classes * 4
    mapset = build_mapset(
        ids=[f"d/{i % 4}/{i}" for i in range(count)],
        labels=np.arange(count) // 4,
        maps=generator.random((count, 3, 28, 28), dtype=np.float32),
        classes=tuple(f"class{c}" for c in range(classes)),
        crop="hmrm-1",
        channels_apart=False,
        source="test",
    )
    result = evaluate(mapset, plan(), tmp_path)
    assert np.shape(result.summary.composite.confusion) == (classes, classes)
    assert result.summary.classes == mapset.classes


@pytest.mark.parametrize("selection", ["fixed", "inner"])
@pytest.mark.parametrize("fold", [0, 3])
def test_test_labels_change_no_prediction(synthetic, selection, fold):
    recogniser = find_recogniser("toy_models:Softmax")
    settings = Settings(selection=selection, record_epochs=True)

    def run(labels):
        data = replace(synthetic, labels=labels)
        return run_fold(recogniser, data, loso(synthetic).folds[fold], settings, seed=0).scores

    assert not uses_test_labels(
        run,
        synthetic.labels,
        loso(synthetic).folds[fold],
        classes=3,
        generator=np.random.default_rng(0),
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [("svm-linear", {}), ("svm-mirrored", {}), ("ststnet", {"epochs": 2}), ("mdmo", {})],
)
def test_permuted_test_labels_change_no_known_model(synthetic, name, options):
    pytest.importorskip("torch")
    recogniser, fold = find_recogniser(name, options), loso(synthetic).folds[2]

    def run(labels):
        return run_fold(
            recogniser, replace(synthetic, labels=labels), fold, Settings(), seed=0
        ).scores

    generator = np.random.default_rng(0)
    assert not uses_test_labels(run, synthetic.labels, fold, classes=3, generator=generator)


def test_the_leak_check_finds_a_leak(synthetic):
    """Oracle looks at the test labels: the check must say so in at least one fold."""
    recogniser = find_recogniser("toy_models:Guesser", {"epochs": 20})
    settings = Settings(selection="oracle")

    def leaks(fold):
        def run(labels):
            return run_fold(
                recogniser, replace(synthetic, labels=labels), fold, settings, seed=0
            ).scores

        generator = np.random.default_rng(0)
        return uses_test_labels(run, synthetic.labels, fold, classes=3, generator=generator)

    assert any(leaks(fold) for fold in loso(synthetic).folds)


@pytest.mark.parametrize("selection", ["fixed", "inner"])
def test_test_maps_never_reach_training(synthetic, selection):
    """Replace the test subject's maps by noise: what is trained must not change."""
    fold = loso(synthetic).folds[0]
    maps = synthetic.maps.copy()
    maps[list(fold.test)] = np.random.default_rng(5).random(maps[list(fold.test)].shape)
    settings = Settings(selection=selection)
    seen = []

    class Spy:
        map_kind, epochs = "canonical", 4

        def fit(self, train, *, seed, epochs=None, observer=None):
            seen.append((train.ids, train.maps.tobytes(), train.labels.tobytes(), seed, epochs))
            inner = find_recogniser("toy_models:Softmax", {"epochs": 4})
            return inner.fit(train, seed=seed, epochs=epochs, observer=observer)

    run_fold(Spy(), synthetic, fold, settings, seed=3)
    first, seen[:] = list(seen), []
    other = replace(synthetic, maps=maps)
    run_fold(Spy(), other, fold, settings, seed=3)
    assert first == seen
    test_ids = {synthetic.ids[i] for i in fold.test}
    assert all(not test_ids & set(ids) for ids, *_ in seen)


def test_inner_choice_equals_its_twin(synthetic):
    """Epoch with the best pooled UF1 over inner folds, then all training clips for so long."""
    recogniser = find_recogniser("toy_models:Softmax", {"epochs": 5, "rate": 0.2})
    data, fold = synthetic, loso(synthetic).folds[1]
    settings = Settings(selection="inner", inner_folds=3, features=False)
    result = run_fold(recogniser, data, fold, settings, seed=0)
    curve = inner_curve(recogniser, data, fold, settings, seed=0)
    np.testing.assert_array_equal(result.inner_uf1, curve)
    assert result.epochs == max(range(1, 6), key=lambda e: (curve[e - 1], -e))
    again = recogniser.fit(data.select(fold.train), seed=0, epochs=result.epochs)
    np.testing.assert_array_equal(
        result.scores, again.predict(data.maps[np.array(fold.test)].copy())
    )


def test_oracle_takes_the_last_of_the_best_epochs():
    hits = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=bool)
    assert oracle_epoch(hits) == 2


def test_oracle_rewards_looking_and_its_control_says_how_much(tmp_path, synthetic):
    """A guesser without any skill gains most of its score by looking, on any labels."""
    result = evaluate(synthetic, plan("toy_models:Guesser", selection="oracle"), tmp_path)
    (one,) = result.summary.oracle_control
    control, looked = one.control, result.summary.composite.uf1.mean
    assert control.epochs == 100
    assert looked > 0.7 > 0.45 > control.fixed[0]
    assert control.looking[0] == pytest.approx(looked, abs=0.1)
    assert control.last[0] < 0.45
    assert "oracle picks the epoch on the test subject" in result.summary.warnings[0]


def test_recording_epochs_changes_no_prediction(tmp_path, synthetic):
    tables = []
    for record in (False, True):
        asked = plan("toy_models:Softmax", record_epochs=record)
        evaluate(synthetic, asked, tmp_path / str(record))
        tables.append((tmp_path / str(record) / "predictions/seed0.csv").read_bytes())
    assert tables[0] == tables[1]


@pytest.mark.parametrize("selection", ["inner", "oracle"])
def test_nothing_can_be_selected_without_epochs(tmp_path, synthetic, selection):
    with pytest.raises(ConfigError, match="no epochs"):
        evaluate(synthetic, plan(selection=selection), tmp_path)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [("nan", NumericalError, "NaN"), ("shape", ConfigError, r"expected \(4, 3\)")],
)
def test_a_model_that_breaks_its_contract_is_stopped(tmp_path, synthetic, how, error, message):
    with pytest.raises(error, match=message):
        evaluate(synthetic, plan("toy_models:Broken", {"how": how}), tmp_path)


@pytest.mark.parametrize(("how", "stamped"), [("batch", True), ("none", False), ("writes", False)])
def test_transductive_models_are_stamped(tmp_path, synthetic, how, stamped):
    result = evaluate(synthetic, plan("toy_models:Broken", {"how": how}), tmp_path)
    assert result.summary.transductive is stamped
    assert any("transductive" in w for w in result.summary.warnings) is stamped


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nobody", {}, "unknown"),
        ("no_such_module:x", {}, "cannot import"),
        ("toy_models:Missing", {}, "has no 'Missing'"),
        ("toy_models:NearestMean", {"color": 1}, "unknown key 'color'"),
        ("toy_models:threads", {"color": 1}, "no option color"),
        ("toy_models:NO_FIT", {}, "has no fit"),
        ("toy_models:NearestMean", {"map_kind": "rgb"}, "choose one of canonical, raw, frames"),
        (":x", {}, "package.module:factory"),
    ],
)
def test_models_that_cannot_be_found_say_why(name, options, message):
    with pytest.raises(ConfigError, match=message):
        find_recogniser(name, options)


def test_identical_maps_of_two_subjects_are_reported_as_leaks(synthetic):
    maps = synthetic.maps.copy()
    maps[-1] = maps[0]
    mapset = build_mapset(
        **{
            k: getattr(synthetic, k)
            for k in ("ids", "labels", "classes", "crop", "channels_apart", "source")
        },
        maps=maps,
    )
    leaks = find_leaks(mapset, loso(mapset))
    assert {leak.code for leak in leaks} == {"identical_map"}
    assert {leak.fold for leak in leaks} == {synthetic.subjects[0], synthetic.subjects[-1]}
    assert synthetic.ids[0] in leaks[0].message
    assert find_leaks(synthetic, loso(synthetic)) == ()


def test_a_number_travels_with_its_origin(tmp_path, synthetic):
    asked = plan("toy_models:Softmax", {"rate": 0.02}, seeds=(3, 4))
    evaluate(synthetic, asked, tmp_path)
    stamped = json.loads((tmp_path / "run.json").read_text())
    assert stamped["provenance"]["data_hash"] == synthetic.sha256
    assert stamped["provenance"]["config_hash"] == asked.digest
    assert stamped["provenance"]["seeds"] == stamped["seeds"] == [3, 4]
    assert stamped["skipped"] == []
    assert stamped["selection"] == "fixed"
    assert stamped["config"]["model"] == {"name": "toy_models:Softmax", "rate": 0.02}
    assert load_plan(tmp_path / "run.toml", allow_code=["toy_models"]) == asked


def test_the_command_line_has_the_last_word_over_a_config(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text('[model]\nname = "a"\ncost = 1\n[evaluation]\nfolds = "5"\nseeds = [0, 1]\n')
    assert load_plan(file).settings.folds == "5"
    same = load_plan(file, model="a", folds="loso", seeds=None)
    assert (same.options, same.settings.folds, same.settings.seeds) == ({"cost": 1}, "loso", (0, 1))
    assert load_plan(file, model="b").options == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[evaluation]\nfolds = 'loso'", "no model named"),
        ("[model]\nname = 'a'\n[training]\nx = 1", "unknown key 'training'"),
        ("[model]\nname = 'a'\n[evaluation]\nselection = 'best'", "selection"),
        ("[model]\nname = 'a'\n[evaluation]\nseeds = []", "seeds"),
        ("[model]\nname = 'a'\n[evaluation]\ninner_folds = 1", "inner_folds"),
        ("model = 'a'", "must be a table"),
        ("[model", "cannot be read as TOML"),
    ],
)
def test_bad_configs_are_refused(tmp_path, text, message):
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_plan(tmp_path / "run.toml")


def test_a_failing_fit_names_model_fold_and_seed(tmp_path, synthetic, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("hmrm.evaluation.fold_task.run_fold", fail)
    with pytest.raises(ZeroDivisionError) as caught:
        evaluate(synthetic, plan(), tmp_path)
    (note,) = caught.value.__notes__
    assert note.startswith("in model toy_models:NearestMean, fold ") and note.endswith("seed 0")
