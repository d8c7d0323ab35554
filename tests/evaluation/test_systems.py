"""The page of all systems: what stands next to what, and nothing that was not measured or read."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.errors import DataError
from hmrm.evaluation.cost.measure import Efficiency
from hmrm.evaluation.cost.page import read_costs
from hmrm.evaluation.cost.systems import (
    Line,
    system_lines,
    systems_page,
    write_systems_figure,
)
from hmrm.evaluation.report.published import published
from hmrm.evaluation.systems import SYSTEMS, System
from hmrm.training.registry import MODELS

ROOT = Path(__file__).parents[2]
RUNS = [ROOT / "results" / name for name in ("bi-woof-5fold", "bi-woof", "htnet-small-5fold")]
COSTS = ROOT / "docs/benchmarks/models.json"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> tuple[Line, ...]:
    monkeypatch.chdir(ROOT)
    return system_lines(RUNS, read_costs(COSTS))


def of(lines: tuple[Line, ...], title: str) -> list[Line]:
    return [line for line in lines if line.system.title == title]


def test_a_system_has_its_runs_and_then_what_others_printed(lines: tuple[Line, ...]) -> None:
    found = of(lines, "Bi-WOOF")
    assert [line.rule.split(",")[0] for line in found] == ["5-fold", "LOSO", "published"]
    assert [line.measured for line in found] == [True, True, False]
    assert found[2].scores["composite"] == (0.630, 0.623)
    assert found[0].cost is not None and found[0].cost.parameters == 1179
    low, high = found[0].interval or (1.0, 0.0)
    assert low < found[0].scores["composite"][0] < high


def test_reduced_networks_and_re_creations_have_no_published_number(
    lines: tuple[Line, ...],
) -> None:
    for line in lines:
        if line.system.kind in ("reduced", "recreation"):
            assert line.measured, line.system.title
    assert of(lines, "HTNet, reduced")[0].scores["composite"][0] is not None
    assert of(lines, "HTNet")[0].rule == "published, LOSO; on the test subject"
    for system in SYSTEMS:
        assert (system.kind == "recreation") == system.title.startswith("re-creation")
        assert (system.kind == "reduced") == system.title.endswith("reduced")


def test_what_was_not_scored_is_a_dash_and_not_a_number(lines: tuple[Line, ...]) -> None:
    page = systems_page(lines, figure="systems.svg")
    for title in ("CLBP-TOP", "STLBP-IP", "re-creation of MFDAN"):
        row = next(row for row in page.splitlines() if row.startswith(f"| {title} "))
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        assert cells[2] == "no score" and cells[3:7] == ["–"] * 4
    # GEME's and FRL-DGT's printed numbers are from memory: they stand nowhere.
    assert not [m.name for m in published().methods if re.search("GEME|FRL", m.name)]
    assert "*re-creation" not in page


def test_every_system_is_a_model_and_every_method_was_published() -> None:
    methods = {method.name for method in published().methods}
    for system in SYSTEMS:
        assert system.method is None or system.method in methods
        known = (ROOT / system.model).is_file() if "/" in system.model else system.model in MODELS
        assert known, system.title


def test_the_figure_shows_every_score(lines: tuple[Line, ...], tmp_path: Path) -> None:
    write_systems_figure(tmp_path / "a.svg", lines)
    text = (tmp_path / "a.svg").read_text()
    for line in lines:
        shown = f"{line.system.title} ({line.rule})" in text.replace("&apos;", "'")
        assert shown == (line.scores.get("composite", (None,))[0] is not None), line.system.title


def test_the_command_writes_page_and_figure(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    page = tmp_path / "systems.md"
    arguments = ["benchmark", "systems", "-o", page, "--costs", COSTS, "--run", RUNS[0]]
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    assert "![UF1 of the composite](systems.svg)" in page.read_text()
    assert page.with_suffix(".svg").is_file()
    with pytest.raises(DataError, match="hmrm benchmark models"):
        read_costs(tmp_path / "none.json")


def test_earlier_costs_are_kept_where_they_are_of_this_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    command = ["benchmark", "models", "--budget", "0", "--no-progress"]
    for output, model, more in (
        (first, "stlbp-ip", []),
        (second, "geme-recreation", ["--keep", first]),
    ):
        asked = [*command, "--models", model, "-o", output, *more]
        result = CliRunner().invoke(app, [str(one) for one in asked])
        assert result.exit_code == 0, result.output
    assert list(read_costs(second)) == ["stlbp-ip", "geme-recreation"]
    assert read_costs(second)["stlbp-ip"] == read_costs(first)["stlbp-ip"]
    text = first.read_text()
    first.write_text(re.sub(r'"cpu": "[^"]*"', '"cpu": "another"', text))
    with pytest.raises(DataError, match="times of another"):
        read_costs(first, here=True)


def test_a_cost_that_does_not_apply_is_empty() -> None:
    cost = Efficiency(
        name="x",
        parameters=None,
        flops=None,
        scan_flops=None,
        weights_mb=None,
        ms_per_clip={1: 2.0, 32: 1.0},
        training_s_per_fold=None,
        epochs=None,
        side_px=28,
    )
    line = Line(
        system=System(title="x", model="x"), measured=True, rule="no score", scores={}, cost=cost
    )
    row = next(
        row for row in systems_page([line], figure="f").splitlines() if row.startswith("| x")
    )
    assert row.endswith("| – | – | 2 |")
