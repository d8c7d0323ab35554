"""The report: what it says follows from the runs, and the page stands alone."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from toy_results import estimate, summary
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.clip import CLASSES
from hmrm.errors import DataError
from hmrm.evaluation.external_predictions import score_external
from hmrm.evaluation.predictions import build_predictions
from hmrm.evaluation.report.content import build_content
from hmrm.evaluation.report.hard import HardClip, hard_cases
from hmrm.evaluation.report.pages import write_report
from hmrm.evaluation.report.published import published
from hmrm.evaluation.report.runs import Run, read_distance, read_runs
from hmrm.evaluation.results import RunResult
from hmrm.evaluation.run import evaluate
from hmrm.evaluation.settings import Plan, Settings
from hmrm.synthetic.datasets.flow_maps import synthesize_maps, write_layout

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "golden/ststnet_loso_predictions.csv"


@pytest.fixture(scope="module")
def synthetic():
    return synthesize_maps(subjects=2, clips=4, noise=1.0, generator=np.random.default_rng(0))


@pytest.fixture(scope="module")
def folders(tmp_path_factory, synthetic):
    root = tmp_path_factory.mktemp("runs")
    plans = {
        "means": Plan(model="toy_models:NearestMean"),
        "softmax": Plan(
            model="toy_models:Softmax", settings=Settings(seeds=(0, 1), record_epochs=True)
        ),
        "inner": Plan(model="toy_models:Softmax", settings=Settings(selection="inner")),
        "oracle": Plan(model="toy_models:Guesser", settings=Settings(selection="oracle")),
    }
    for name, plan in plans.items():
        evaluate(synthetic, plan, root / name)
    return [root / name for name in plans]


@pytest.fixture(scope="module")
def report(tmp_path_factory, folders, synthetic):
    folder = tmp_path_factory.mktemp("report")
    write_report(folders, folder, mapset=synthetic)
    return folder


class Page(HTMLParser):
    """Collects what a page loads, its text, and whether its tags close."""

    EMPTY = frozenset(["meta", "br", "img", "link", "path", "use", "rect", "line", "circle"])

    def __init__(self):
        super().__init__()
        self.loads, self.words, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        loads = [named[k] for k in ("src", "href", "xlink:href") if named.get(k)]
        self.loads += [a for a in loads if not a.startswith(("#", "data:"))]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read_page(report):
    page = Page()
    page.feed((report / "report.html").read_text())
    page.close()
    return page


def test_the_page_stands_alone_and_is_whole(report):
    page = read_page(report)
    assert page.loads == []
    assert page.open == []
    text = (report / "report.html").read_text()
    assert "<script" not in text
    assert "@import" not in text and "url(http" not in text


def test_page_markdown_and_json_say_the_same_numbers(report, folders):
    words = " ".join(read_page(report).words)
    markdown = (report / "report.md").read_text()
    content = json.loads((report / "report.json").read_text())
    for folder, run in zip(folders, content["runs"], strict=True):
        on_disk = json.loads((folder / "run.json").read_text())
        assert run["scores"] == on_disk["scores"]
        uf1, uar = (f"{on_disk['scores']['composite'][m]['mean']:.3f}" for m in ("uf1", "uar"))
        for text in (words, markdown):
            assert re.search(rf"{uf1}( ± 0\.\d+)? / {uar}", text)


def test_published_numbers_stand_beside_with_their_rule(tmp_path):
    score_external(GOLDEN, tmp_path / "golden", classes=CLASSES)
    write_report([tmp_path / "golden"], tmp_path)
    words = " ".join(read_page(tmp_path).words)
    for method in published().methods:
        assert method.name in words
        assert method.source in words
        assert method.rule_words in words
    assert "macro precision" in words
    assert "no subject on both sides" not in words


def test_published_numbers_do_not_stand_beside_other_clips(report):
    words = " ".join(read_page(report).words)
    assert "these runs do not" in words
    assert "HTNet" not in words and "macro precision" not in words
    assert "no subject on both sides" in words


def test_published_numbers_stand_beside_whole_systems_with_one_subject_left_out(tmp_path):
    for name, beside in (("bi-woof", True), ("bi-woof-5fold", False), ("htnet-small-5fold", False)):
        write_report([ROOT / "results" / name], tmp_path / name)
        assert ("CausalNet" in (tmp_path / name / "report.md").read_text()) == beside
    summary = json.loads((ROOT / "results/bi-woof/run.json").read_text())
    shutil.copytree(ROOT / "results/bi-woof", tmp_path / "run")
    # A re-creation never stands in a column with published numbers.
    summary["model"] = "mfdan-recreation"
    (tmp_path / "run/run.json").write_text(json.dumps(summary))
    write_report([tmp_path / "run"], tmp_path / "other")
    assert "CausalNet" not in (tmp_path / "other/report.md").read_text()


def test_pictures_of_markdown_exist(report):
    files = re.findall(r"\]\((figures/[^)]+)\)", (report / "report.md").read_text())
    assert len(files) >= 8
    for file in files:
        assert (report / file).read_text().startswith("<svg")


def test_the_same_runs_give_the_same_bytes(tmp_path, report, folders, synthetic):
    write_report(folders, tmp_path, mapset=synthetic)
    for file in sorted(p.relative_to(report) for p in report.rglob("*") if p.is_file()):
        assert (tmp_path / file).read_bytes() == (report / file).read_bytes(), file


def test_oracle_stands_last_with_its_warning_and_what_looking_is_worth(report):
    content = json.loads((report / "report.json").read_text())
    groups = {r["name"]: r["group"] for r in content["table"] if r["own"]}
    assert groups == {
        "toy_models:NearestMean": "ours",
        "toy_models:Softmax": "ours",
        "toy_models:Softmax, inner": "ours",
        "toy_models:Guesser, oracle": "on_test",
    }
    (oracle,) = content["oracle"]
    assert oracle["permuted_looking"][0] > oracle["permuted_last"][0] + 0.2
    words = " ".join(read_page(report).words)
    assert "oracle picks the epoch on the test subject itself" in words
    assert "What choosing on the test subject is worth" in words


def test_higher_run_comes_second_so_that_differences_are_positive(report):
    content = json.loads((report / "report.json").read_text())
    assert len(content["pairs"]) == 6
    assert all(p["uf1"]["value"] >= 0 for p in content["pairs"])


def test_no_verdict_on_runs_that_looked(report):
    rows = [
        row for row in (report / "report.md").read_text().splitlines() if "Guesser, oracle |" in row
    ]
    verdicts = [row for row in rows if "| none: one chose on the test subject |" in row]
    assert len(verdicts) == 3


def test_holm_equals_its_twin(report):
    pairs = json.loads((report / "report.json").read_text())["pairs"]
    values = sorted(p["uf1"]["p"] for p in pairs)
    for pair in pairs:
        rank = values.index(pair["uf1"]["p"])
        twin = max(min(1, values[i] * (len(values) - i)) for i in range(rank + 1))
        # Equal p values share the largest of their corrections.
        assert pair["p_holm"] <= 1
        assert pair["p_holm"] == pytest.approx(twin, abs=1e-12) or values.count(values[rank]) > 1


def test_markup_in_names_is_escaped(tmp_path):
    table = tmp_path / "<b>x&y.csv"
    table.write_text("id,truth,predicted\na/1/<i>,0,1\na/2/x,1,1\n")
    score_external(table, tmp_path / "run", classes=CLASSES)
    write_report([tmp_path / "run"], tmp_path / "report")
    text = (tmp_path / "report/report.html").read_text()
    assert "<b>x" not in text
    assert "&lt;b&gt;x&amp;y" in text


def voter(name, predicted, *, selection="fixed", truth=(0, 0, 1, 2), low=0.4):
    seeds = tuple(
        build_predictions(
            ids=[f"d/{i}/x" for i in range(4)],
            truth=np.array(truth),
            predicted=np.array(row),
            classes=CLASSES,
        )
        for row in predicted
    )
    found = summary(selection=selection, seeds=tuple(range(len(seeds))), uf1=estimate(low=low))
    return Run(name=name, result=RunResult(predictions=dict(enumerate(seeds)), summary=found))


def test_hard_cases_of_a_known_table():
    found = hard_cases(
        [
            voter("a", [[1, 0, 0, 2], [1, 0, 2, 2]]),
            voter("b", [[1, 1, 0, 0]]),
            voter("looks", [[0, 0, 1, 2]], selection="oracle"),
            voter("guesses", [[0, 0, 0, 0]], low=0.3),
        ]
    )
    assert (found.runs, found.votes) == (("a", "b"), 3)
    assert [r.id for r in found.all_wrong] == ["d/0/x", "d/2/x"]
    assert found.suspected_labels == (
        HardClip(id="d/0/x", truth="negative", votes={"positive": 3}),
    )
    assert [r.id for r in found.disagreement] == ["d/1/x", "d/3/x"]
    assert found.disagreement[1].by_run == {"a": "surprise", "b": "negative"}
    assert found.right_at_least_once == 0.5


def test_few_votes_suspect_no_label():
    assert hard_cases([voter("a", [[1, 1, 0, 0]] * 2)]).suspected_labels == ()
    assert hard_cases([voter("a", [[1, 1, 0, 0]] * 3)]).suspected_labels != ()
    assert hard_cases([voter("looks", [[0, 0, 1, 2]], selection="oracle")]) is None
    assert hard_cases([voter("a", [[1, 1, 0, 0]])]) is None, "one vote compares nothing"


def test_runs_on_other_clips_do_not_vote_and_are_not_paired(tmp_path, folders):
    score_external(GOLDEN, tmp_path / "golden", classes=CLASSES)
    content = build_content(read_runs([folders[0], tmp_path / "golden"]))
    assert content.pairs == ()
    assert content.hard is None
    (warning,) = [w for w in content.warnings if "not comparable" in w]
    assert "clips are in one table only" in warning and warning.endswith("must not be ranked")


def test_runs_of_another_split_are_named(tmp_path, folders, synthetic):
    assert not [w for w in build_content(read_runs(folders)).warnings if "one split" in w]
    evaluate(
        synthetic, Plan(model="toy_models:NearestMean", settings=Settings(folds="2")), tmp_path
    )
    content = build_content(read_runs([folders[0], tmp_path]))
    (warning,) = [w for w in content.warnings if "one split" in w]
    assert "folds loso" in warning and "folds 2" in warning


def test_tables_with_another_truth_are_named(tmp_path):
    lines = GOLDEN.read_text().splitlines()
    column = lines[0].split(",").index("truth")
    cells = lines[1].split(",")
    cells[column] = "2" if cells[column] != "2" else "0"
    (tmp_path / "other.csv").write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    for name, table in (("golden", GOLDEN), ("other", tmp_path / "other.csv")):
        score_external(table, tmp_path / name, classes=CLASSES)
    content = build_content(read_runs([tmp_path / "golden", tmp_path / "other"]))
    assert any("disagree about the true label" in warning for warning in content.warnings)


def test_distance_equals_its_twin(folders, synthetic):
    """Mean of what the two models say that did not train on the one or on the other."""
    ids = synthetic.ids
    found = read_distance(folders[0] / "folds/seed0", ids)
    row_of = {}
    for path in (folders[0] / "folds/seed0").iterdir():
        table = json.loads(path.read_text())
        row_of |= dict(zip(table["ids"], table["cosine_similarity"], strict=True))
    for i, j in ((0, 5), (3, 20), (7, 7)):
        twin = 1 - (row_of[ids[i]][j] + row_of[ids[j]][i]) / 2
        assert found[i, j] == pytest.approx(0 if i == j else twin, abs=1e-9)
    np.testing.assert_array_equal(found, found.T)
    assert read_distance(folders[1] / "folds/seed0", ids) is None


def test_unfinished_and_damaged_runs_are_named(tmp_path, folders):
    with pytest.raises(DataError, match="no finished run"):
        read_runs([tmp_path])
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        read_runs([tmp_path])
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(DataError, match="'model'"):
        read_runs([tmp_path])
    with pytest.raises(DataError, match="give each folder once"):
        read_runs([folders[0], folders[0]])


def test_the_command_writes_a_report_of_one_run(tmp_path, folders, synthetic):
    write_layout(tmp_path / "data", synthetic, layout="prepared")
    arguments = ["report", str(folders[0]), "-o", str(tmp_path / "r"), "--data"]
    result = CliRunner().invoke(app, [*arguments, str(tmp_path / "data")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "r/report.html").exists()
