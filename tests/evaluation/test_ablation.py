"""An ablation: rows are ordinary runs, compared with the base on the same subjects."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hmrm import records
from hmrm.errors import ConfigError, NumericalError
from hmrm.evaluation.ablation import runs
from hmrm.evaluation.ablation.runs import ablate, tabulate
from hmrm.evaluation.ablation.table import NONE_SHOWN, SAME, verdict
from hmrm.evaluation.run import evaluate
from hmrm.evaluation.statistics import Difference, holm, paired_bootstrap
from hmrm.synthetic.datasets.flow_maps import synthesize_maps
from hmrm.training.registry import find_recogniser

CONFIGS = Path(__file__).parents[2] / "configs"
load_ablation = partial(runs.load_ablation, allow_code=("toy_models",))
BASE_TOML = """
[model]
name = "toy_models:Softmax"
epochs = 3
rate = 0.02
[evaluation]
seeds = [7]
"""
ROWS_TOML = """
base = "base.toml"
paper = [0.9, 0.8]
[evaluation]
folds = "2"
seeds = [0, 1]
[[rows]]
name = "one-epoch"
part = "training, cut short"
paper = [0.5, 0.4]
model = { epochs = 1 }
[[rows]]
name = "means"
part = "softmax, means in its place"
model = { name = "toy_models:NearestMean" }
"""


@pytest.fixture(scope="module")
def three_datasets():
    return synthesize_maps(subjects=3, clips=3, noise=1.0, generator=np.random.default_rng(0))


@pytest.fixture(scope="module")
def synthetic(three_datasets):
    """One data set, which is scored four times as fast as three."""
    return three_datasets.select(range(9))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "base.toml").write_text(BASE_TOML)
    path = tmp_path / "rows.toml"
    path.write_text(ROWS_TOML)
    return path


def with_rows(file, text):
    file.write_text('base = "base.toml"\n' + text)
    return file


def row(content, name):
    return next(one for one in content.rows if one.name == name)


def test_rows_change_what_they_say_and_no_more(file):
    base, short, means = load_ablation(file).rows
    assert base.plan.options == {"epochs": 3, "rate": 0.02}
    assert short.plan.options == {"epochs": 1, "rate": 0.02}
    assert (means.plan.model, means.plan.options) == ("toy_models:NearestMean", {})
    for one in (base, short, means):
        assert one.plan.settings == base.plan.settings
    assert (base.plan.settings.folds, base.plan.settings.seeds) == ("2", (0, 1))
    fewer = load_ablation(file, folds="loso", seeds=1).rows[1].plan.settings
    assert (fewer.folds, fewer.seeds) == ("loso", (0,))


def test_the_default_is_five_folds_and_three_seeds(file):
    with_rows(file, '[[rows]]\nname = "a"\nmodel = { epochs = 1 }\n')
    settings = load_ablation(file).rows[0].plan.settings
    assert (settings.folds, settings.seeds) == ("5", (0, 1, 2))


def test_tables_are_merged_presets_spelt_out_and_options_dropped(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "base.toml").write_text(
        '[model]\nname = "hmrm"\nnetwork = "lite"\npretrained = "x"\n[model.loss]\ngamma = 1.0\n'
    )
    file = with_rows(
        tmp_path / "rows.toml",
        '[[rows]]\nname = "a"\nwithout = ["pretrained"]\n'
        'model = { network = { fusion = "mean" }, loss = { learn_alpha = false }, '
        "mix = { fraction = 0.0 } }\n"
        '[[rows]]\nname = "b"\nconfig = "other.toml"\nmodel = { cost = 2.0 }\n',
    )
    (tmp_path / "other.toml").write_text('[model]\nname = "svm-linear"\nbalanced = true\n')
    _, first, second = load_ablation(file).rows
    options = first.plan.options
    assert options["network"]["dim"] == 64 and options["network"]["fusion"] == "mean"
    assert options["loss"] == {"gamma": 1.0, "learn_alpha": False}
    file.write_text(file.read_text().replace('fusion = "mean"', 'fussion = "mean"'))
    with pytest.raises(ConfigError, match="unknown key 'fussion'"):
        find_recogniser("hmrm", load_ablation(file).rows[1].plan.options)
    assert options["mix"] == {"fraction": 0.0} and "pretrained" not in options
    assert (second.plan.model, second.plan.options) == (
        "svm-linear",
        {"balanced": True, "cost": 2.0},
    )


def test_every_row_is_the_run_that_evaluate_makes(tmp_path, file, synthetic):
    asked = load_ablation(file)
    content = ablate(synthetic, asked, tmp_path / "r").table
    base, short, _ = asked.rows
    alone = evaluate(synthetic, short.plan, tmp_path / "alone")
    found = row(content, "one-epoch")
    expected = alone.summary.composite
    assert found.scores["composite"].uf1.by_seed == expected.uf1.by_seed
    assert found.scores["composite"].f1_by_class == expected.f1_by_class
    of_base = evaluate(synthetic, base.plan, tmp_path / "r/base")
    pair = paired_bootstrap(
        list(of_base.predictions.values()),
        list(alone.predictions.values()),
        generator=np.random.default_rng(0),
    )["uf1"]
    assert found.difference.uf1 == pair
    assert row(content, "base").difference is None
    ps = [row(content, name).difference.uf1.p for name in ("one-epoch", "means")]
    assert [row(content, n).p_holm for n in ("one-epoch", "means")] == holm(ps)
    assert content.configurations == 3
    assert records.to_json(content) == json.loads((tmp_path / "r/ablation.json").read_text())


def test_the_page_names_rows_figures_and_the_papers(tmp_path, file, three_datasets):
    content = ablate(
        three_datasets, load_ablation(file, seeds=2), tmp_path / "r", only=["one-epoch"]
    )
    content = content.table
    page = (tmp_path / "r/ablation.md").read_text()
    found = row(content, "one-epoch").scores
    assert f"{found['composite'].uf1.mean:.3f} ± " in page
    assert all(f"{value:.3f}" in page for value in found["composite"].f1_by_class)
    for words in ("training, cut short", "0.500 / 0.400", "CASME II", "2 configurations"):
        assert words in page
    assert set(found) == {"composite", "casme2", "samm", "smic"} and "## By data set" in page
    assert "27 clips of 9 subjects, 0 skipped" in page and "not run yet: means" in page
    figure = (tmp_path / "r/ablation.svg").read_text()
    assert "](ablation.svg)" in page and "training, cut short" in figure


def test_a_part_is_done_first_and_the_rest_later(tmp_path, file, synthetic):
    asked, steps = load_ablation(file), []
    first = ablate(
        synthetic, asked, tmp_path / "r", only=["means"], progress=lambda *s: steps.append(s)
    )
    assert [s for s in steps if s[0] == "rows"] == [("rows", n, 2) for n in range(3)]
    folds = [done for stage, done, total in steps if stage == "folds" and total == 8]
    assert folds == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]
    assert row(first.table, "one-epoch").scores is None
    assert "not run yet: one-epoch" in (tmp_path / "r/ablation.md").read_text()
    assert row(first.table, "means").difference is not None
    whole = ablate(synthetic, asked, tmp_path / "r").table
    assert row(whole, "means").scores == row(first.table, "means").scores
    assert whole == tabulate(synthetic, asked, tmp_path / "r")
    assert "Not finished" not in (tmp_path / "r/ablation.md").read_text()


def test_nothing_done_yet_is_said(tmp_path, file, synthetic):
    content = tabulate(synthetic, load_ablation(file), tmp_path / "r")
    assert content.configurations == 0
    assert "No row is finished yet" in (tmp_path / "r/ablation.md").read_text()


def test_a_row_that_fails_is_named_and_stops_no_other(tmp_path, file, synthetic):
    bad = '[[rows]]\nname = "bad"\nmodel = { name = "toy_models:Broken", how = "nan" }\n'
    file.write_text(ROWS_TOML.replace("[[rows]]", bad + "[[rows]]", 1))
    result = ablate(synthetic, load_ablation(file), tmp_path / "r")
    assert isinstance(result.failures["bad"], NumericalError)
    assert "NaN" in row(result.table, "bad").failed
    assert row(result.table, "means").verdict is not None
    assert "- bad: failed: " in (tmp_path / "r/ablation.md").read_text()


def test_runs_of_another_plan_or_other_data_stay_out_of_the_table(tmp_path, file, synthetic):
    ablate(synthetic, load_ablation(file), tmp_path / "r")
    other = synthetic.select(range(6))
    assert tabulate(other, load_ablation(file), tmp_path / "r").configurations == 0
    file.write_text(ROWS_TOML.replace("epochs = 1", "epochs = 2"))
    changed = load_ablation(file)
    assert tabulate(synthetic, changed, tmp_path / "r").configurations == 2
    result = ablate(synthetic, changed, tmp_path / "r")
    assert "other settings" in row(result.table, "one-epoch").failed


def test_rows_with_other_seeds_say_so(tmp_path, file, synthetic):
    ablate(synthetic, load_ablation(file), tmp_path / "r")
    ablate(synthetic, load_ablation(file, seeds=3), tmp_path / "r", only=["base"])
    assert "| means (seeds 0, 1) |" in (tmp_path / "r/ablation.md").read_text()


@pytest.mark.parametrize(
    ("low", "high", "p", "stated"),
    [
        (-0.1, 0.2, 0.4, NONE_SHOWN),
        (0.0, 0.2, 0.04, NONE_SHOWN),
        (0.0, 0.0, 1.0, SAME),
        (0.01, 0.2, 0.01, "helps"),
        (-0.2, -0.01, 0.01, "hurts"),
        (-0.2, -0.01, 0.2, "hurts, but not after correction"),
    ],
)
def test_verdicts(low, high, p, stated):
    assert verdict(Difference(value=(low + high) / 2, low=low, high=high, p=p), p) == stated


def test_a_better_row_helps(tmp_path, synthetic):
    """Against a guesser the nearest mean wins on maps told apart by eye."""
    easy = synthesize_maps(subjects=8, clips=6, noise=0.1, generator=np.random.default_rng(0))
    easy = easy.select(range(48))
    (tmp_path / "base.toml").write_text('[model]\nname = "toy_models:Guesser"\nepochs = 1\n')
    text = '[[rows]]\nname = "means"\nmodel = { name = "toy_models:NearestMean" }\n'
    asked = load_ablation(with_rows(tmp_path / "rows.toml", text), folds="3", seeds=1)
    found = row(ablate(easy, asked, tmp_path / "r").table, "means")
    assert found.verdict == "helps" and found.difference.uf1.low > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "unknown key 'x'"),
        ("", "no rows"),
        ("rows = [1]", "begin each with"),
        ('[[rows]]\nname = "a"\ncolour = 1\nmodel = { epochs = 1 }', "unknown key 'colour'"),
        ('[[rows]]\nname = "a"', "changes nothing"),
        ('[[rows]]\nname = "base"\nmodel = { epochs = 1 }', "name is taken"),
        ('[[rows]]\nname = "../a"\nmodel = { epochs = 1 }', "names a folder"),
        ('[[rows]]\nname = "a"\nmodel = 3', "must be a table"),
        ('[[rows]]\nname = "a"\nmodel = { rate = { x = 1 } }', "no table to change"),
        ('[[rows]]\nname = "a"\nwithout = ["cost"]', "sets no such option"),
        ('[evaluation]\nselection = "oracle"\n[[rows]]\nname = "a"', "oracle"),
        ('[[rows]]\npart = "a"\nmodel = { epochs = 1 }', "row 1"),
    ],
)
def test_bad_files_say_what_is_wrong(file, text, message):
    with pytest.raises(ConfigError, match=message):
        load_ablation(with_rows(file, text))


def test_a_renamed_row_is_asked_for_by_either_name(file):
    with_rows(file, '[[rows]]\nname = "a"\nformerly = "b"\nmodel = { epochs = 1 }\n')
    found = load_ablation(file)
    assert [row.name for row in found.chosen(["b"])] == ["base", "a"]
    assert found.chosen(["a"]) == found.chosen(["b"])


def test_the_former_name_of_a_row_is_not_anothers(file):
    rows = '[[rows]]\nname = "a"\nformerly = "b"\nmodel = { epochs = 1 }\n'
    with pytest.raises(ConfigError, match="name is taken"):
        load_ablation(with_rows(file, rows + rows.replace('"a"\nformerly = "b"', '"b"')))


def test_bad_rows_are_refused_before_anything_runs(tmp_path, file, synthetic):
    with pytest.raises(ConfigError, match=r"'fast' is unknown; the file has base, one-epoch"):
        ablate(synthetic, load_ablation(file), tmp_path / "r", only=["fast"])
    with_rows(file, '[[rows]]\nname = "odd"\nmodel = { colour = 1 }\n')
    with pytest.raises(ConfigError, match=r"row odd: .*unknown key 'colour'"):
        ablate(synthetic, load_ablation(file), tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_rows_that_were_not_asked_for_are_checked_too(tmp_path, file, synthetic):
    text = '[[rows]]\nname = "odd"\nmodel = { colour = 1 }\n[[rows]]\nname = "a"\n'
    with_rows(file, text + "model = { epochs = 1 }\n")
    with pytest.raises(ConfigError, match=r"row odd: .*colour"):
        ablate(synthetic, load_ablation(file), tmp_path / "out", only=["a"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("ablation*.toml")), ids=lambda p: p.stem)
def test_shipped_ablations_can_be_built(path):
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    asked = load_ablation(path)
    # The grid of sizes costs hours for one seed.
    seeds = 1 if path.stem == "ablation-paper-grid" else 3
    found = asked.rows[0].plan.settings
    assert (found.folds, len(found.seeds)) == ("5", seeds)
    for one in asked.rows:
        recogniser = find_recogniser(one.plan.model, one.plan.options)
        assert one.part or one is asked.rows[0]
        assert one.plan.model != "hmrm" or recogniser.parameters(("a", "b", "c")) > 0
