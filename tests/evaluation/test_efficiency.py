"""Costs of models: counted by hand, and read from a report without rounding anything away."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from toy_results import estimate, summary
from typer.testing import CliRunner

from hmrm import records
from hmrm.cli.main import app
from hmrm.errors import ConfigError, DataError
from hmrm.evaluation.cost import measure
from hmrm.evaluation.cost.measure import (
    PRODUCTS,
    SCAN,
    Efficiency,
    add_up,
    count_flops,
    measure_models,
    median_ms,
    model_names,
    noise_set,
)
from hmrm.evaluation.cost.page import Score, as_markdown, cost_table, read_scores, write_figure
from hmrm.evaluation.settings import Plan
from hmrm.model.network import HMRM
from hmrm.model.scan import using_backend
from hmrm.model.sizes import PRESETS
from hmrm.training.registry import MODELS

# Published operations (a multiplication and an addition are two), in 10⁹, per clip.
PUBLISHED_GFLOP = {"htnet": 0.43, "googlenet": 2.99, "vgg16": 30.9, "off-apexnet": 0.008}


def test_products_and_convolutions_are_counted_as_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)
    )
    by_hand = 2 * (4 * 4 * 4 * 3 * 9) + 2 * 64 * 5
    assert count_flops(network, torch.zeros(1, 3, 4, 4)) == {PRODUCTS: by_hand}


@pytest.mark.parametrize("preset", PRESETS)
def test_the_scan_is_counted_whatever_backend_runs_it(preset: str) -> None:
    config = PRESETS[preset]
    network = HMRM(config, generator=torch.Generator().manual_seed(0)).eval()
    tokens = 4 * config.coarse_grid**2 + 16 * config.fine_grid**2
    inner = config.dim * config.expand
    by_hand = 9 * tokens * inner * config.state * 2 * config.depth
    taps = 4 * config.coarse_grid**2 * config.coarse_kernel
    taps += 16 * config.fine_grid**2 * config.fine_kernel
    maps = torch.rand(1, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    with using_backend("torch"):
        counts = count_flops(network, maps)
    assert counts[SCAN] == by_hand
    assert counts["short convolution"] == 2 * taps * inner * 2 * config.depth
    assert not network.encoder.blocks[0]._forward_pre_hooks


def test_our_paper_preset_costs_what_was_measured_for_it() -> None:
    network = HMRM(PRESETS["paper"], generator=torch.Generator().manual_seed(0)).eval()
    counts = count_flops(network, torch.ones(1, 3, 28, 28))
    assert sum(counts.values()) == pytest.approx(0.85e9, rel=0.02)
    assert counts[SCAN] == pytest.approx(0.14e9, rel=0.02)


@pytest.mark.parametrize("name", PUBLISHED_GFLOP)
def test_peers_cost_what_is_published(name: str) -> None:
    model = MODELS[name]
    assert model.network is not None
    with torch.device("meta"):
        network, side = model.network(classes=3).eval(), model.side_px
        maps = torch.empty(1, 3, side, side)
    operations = sum(count_flops(network, maps).values())
    # Published figures have two digits.
    assert operations / 1e9 == pytest.approx(PUBLISHED_GFLOP[name], rel=0.05)


def test_median_leaves_out_warming_up_and_outliers(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(np.cumsum([0.0, 0.010, 0.0, 0.500, 0.0, 0.012, 0.0, 0.011, 0.0, 0.9]))
    calls = []
    monkeypatch.setattr(measure.time, "process_time", lambda: float(next(ticks)))
    found = median_ms(lambda: calls.append(1), budget_s=1.0)
    assert found == pytest.approx(12.0)
    assert len(calls) == 1 + 5


def test_models_on_frames_are_measured_without_a_data_set() -> None:
    machine, network = measure_models(("stlbp-ip", "geme-recreation"), budget_s=0.0)
    assert machine.parameters == 3 * (10_080 + 1)
    assert network.parameters == 865_541
    # Convolutions of both streams, those between them, and both classifiers, by hand.
    sides, widths = (112, 56, 28, 14), (3, 32, 64, 128, 256)
    streams = sum(2 * s * s * 9 * a * b for s, a, b in zip(sides, widths, widths[1:], strict=False))
    crossings = sum(2 * (s // 2) ** 2 * w * w for s, w in zip(sides[1:], widths[2:], strict=True))
    assert network.flops == 2 * streams + crossings + 2 * 256 * (3 + 2)
    for found in (machine, network):
        assert found.training_s_per_fold is None
        assert all(ms > 0 for ms in found.ms_per_clip.values())


def test_every_kind_of_model_is_measured() -> None:
    names = ("svm-linear", "ststnet", "hmrm-lite")
    steps: list[tuple[str, int, int | None]] = []
    svm, ststnet, ours = measure_models(
        names,
        train=noise_set(12),
        budget_s=0.0,
        progress=lambda stage, done, total: steps.append((stage, done, total)),
    )
    assert steps == [("models", done, 3) for done in range(4)]
    assert svm.parameters == 3 * 2353
    assert svm.epochs is None
    assert (ststnet.parameters, ststnet.epochs) == (1683, 800)
    # Batch normalisation's running means, deviations and its counter are stored too.
    assert ststnet.weights_mb == pytest.approx((1683 * 4 + 2 * 16 * 4 + 8) / 1e6)
    assert ours.scan_flops
    for found in (svm, ststnet, ours):
        assert set(found.ms_per_clip) == {1, 32}
        assert all(ms > 0 for ms in found.ms_per_clip.values())
    assert svm.training_s_per_fold
    assert ststnet.training_s_per_fold


def test_a_config_is_measured_and_an_ensemble_costs_what_its_members_cost(tmp_path: Path) -> None:
    network = "{dim = 8, depth = 1, state = 2, heads = 2, fine_grid = 1}"
    single = f'[model]\nname = "hmrm"\nnetwork = {network}\nfitting = {{epochs = 3}}\n'
    pair = (
        f'[model]\nname = "ensemble"\n[[model.members]]\nname = "hmrm"\nrepeat = 2\n'
        f'network = {network}\n[[model.members]]\nname = "svm-linear"\nmap_kind = "canonical"\n'
    )
    paths = [tmp_path / "single.toml", tmp_path / "pair.toml"]
    for path, text in zip(paths, (single, pair), strict=True):
        path.write_text(text)
    one, both = measure_models([str(p) for p in paths], train=noise_set(12), budget_s=0.0)
    assert (one.name, one.epochs, both.name, both.epochs) == ("single", 3, "pair", None)
    assert one.parameters and one.flops and one.scan_flops
    assert both.parameters == 2 * one.parameters + 3 * 2353
    assert both.flops == 2 * one.flops + 2 * 3 * 2353
    assert both.scan_flops == 2 * one.scan_flops
    hidden = add_up("both", [both, example("htnet", None)])
    assert hidden.parameters is None and hidden.flops == both.flops + 10**8


def test_unknown_models_are_named_before_anything_is_measured() -> None:
    with pytest.raises(ConfigError, match="'nobody' is unknown; choose svm-linear"):
        list(measure_models(("svm-linear", "nobody")))


def test_all_peers_and_both_presets_are_on_the_list() -> None:
    assert {"svm-linear", "ststnet", "vgg16", "hmrm-paper", "hmrm-lite"} <= set(model_names())


def example(name: str, parameters: int | None) -> Efficiency:
    return Efficiency(
        name=name,
        parameters=parameters,
        flops=10**8,
        scan_flops=0,
        weights_mb=1.0,
        ms_per_clip={1: 1.0, 32: 0.5},
        training_s_per_fold=None,
        epochs=None,
        side_px=28,
    )


def test_scores_come_from_finished_runs(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(DataError, match=r"no finished run \(no run\.json\)"):
        read_scores([run], ["ststnet"])
    found = summary(uf1=estimate(mean=0.71), plan=Plan(model="ststnet"))
    records.write(run / "run.json", found)
    scores = read_scores([run], ["cnn", "ststnet"])
    assert list(scores) == ["ststnet"]
    assert (scores["ststnet"].uf1, scores["ststnet"].rule) == (0.71, "fixed")
    table = records.to_json(cost_table([example("ststnet", 5)], scores=scores, training_clips=435))
    (row,) = table["models"]
    assert row["measured_uf1"] == {"uf1": 0.71, "rule": "fixed", "published": False}
    assert row["published_uf1"]["uf1"] == 0.7209
    assert row["training_s_per_fold"] is None
    assert table["provenance"]["seeds"] == [0]


def test_configs_of_one_model_are_told_apart_by_their_options(tmp_path: Path) -> None:
    for name, cost in (("mild", 0.5), ("strict", 2.0)):
        (tmp_path / f"{name}.toml").write_text(f'[model]\nname = "svm-linear"\ncost = {cost}\n')
        (tmp_path / name).mkdir()
        plan = Plan(model="svm-linear", options={"cost": cost})
        found = summary(uf1=estimate(mean=cost / 10), plan=plan)
        records.write(tmp_path / name / "run.json", found)
    configs = [str(tmp_path / "mild.toml"), str(tmp_path / "strict.toml")]
    scores = read_scores([tmp_path / "mild", tmp_path / "strict"], [*configs, "svm-linear"])
    assert {name: score.uf1 for name, score in scores.items()} == {"mild": 0.05, "strict": 0.2}


def test_the_page_says_what_was_not_measured() -> None:
    score = Score(uf1=0.71, rule="fixed", published=False)
    measured = [example("ststnet", 1683), example("cnn", None)]
    page = as_markdown(measured, scores={"ststnet": score}, figure="costs.svg")
    assert page.endswith("![Parameters against UF1](costs.svg)\n")
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert rows == [
        "| ststnet | 1,683 | 100 | – | 1 | 1 | 0.5 | – | 0.710 (fixed) |",
        "| cnn | – | 100 | – | 1 | 1 | 0.5 | – | – |",
    ]


def test_the_figure_is_the_same_bytes_and_names_each_scored_model(tmp_path: Path) -> None:
    measured = [example("ststnet", 1683), example("htnet", 139_583_273), example("cnn", 10)]
    measured.append(example("svm-linear", None))
    for name in ("one.svg", "two.svg"):
        write_figure(tmp_path / name, measured, scores={})
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    assert "htnet (published, on test)" in text
    assert "cnn" not in text


def test_the_command_writes_table_and_figure(tmp_path: Path) -> None:
    output = tmp_path / "costs" / "models.json"
    arguments = ["benchmark", "models", "--models", "svm-linear, ststnet", "--budget", "0"]
    done = CliRunner().invoke(app, [*arguments, "-o", str(output), "--no-progress"])
    assert done.exit_code == 0, done.output
    assert "ststnet" in done.output
    assert [m["name"] for m in json.loads(output.read_text())["models"]] == [
        "svm-linear",
        "ststnet",
    ]
    assert output.with_suffix(".svg").read_text().startswith("<?xml")
    assert "| ststnet | 1,683 |" in output.with_suffix(".md").read_text()
