"""Weights from all clips: what the card says, and what it guards."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_hmrm import tiny_checkpoint
from typer.testing import CliRunner

from hmrm.cli.main import app
from hmrm.clip import CLASSES
from hmrm.datasets.maps.importers import load_maps
from hmrm.datasets.maps.prepared import write_prepared
from hmrm.errors import ConfigError, SeenInTrainingError
from hmrm.evaluation.out_of_fold import out_of_fold
from hmrm.evaluation.pretrained import load_pretrained, score_pretrained
from hmrm.evaluation.run import evaluate
from hmrm.evaluation.settings import load_plan
from hmrm.flow.mapset import MapSet, canonical_maps, canonical_mapset
from hmrm.model.checkpoints import SHIPPED, load_checkpoint
from hmrm.model.fitted_network import FittedHmrm
from hmrm.synthetic.datasets.flow_maps import synthesize_maps
from hmrm.training.registry import build_recogniser, find_recogniser
from hmrm.training.release import train_composite

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "megc2019_flow"
SIZES = {"dim": 8, "depth": 2, "state": 2, "heads": 2, "coarse_grid": 2, "fine_grid": 1}
OPTIONS = {"network": {**SIZES, "fine_kernel": 1}, "fitting": {"epochs": 2, "batch": 8}}
CONFIG = """
[model]
name = "hmrm"
network = {dim = 8, depth = 1, state = 2, heads = 2, coarse_grid = 2, fine_grid = 1}
fitting = {epochs = 1, batch = 8}
[evaluation]
folds = "2"
"""


@pytest.fixture(scope="module")
def maps() -> MapSet:
    return synthesize_maps(subjects=2, clips=3, generator=np.random.default_rng(0))


def test_the_card_names_everyone_and_the_network_is_the_fitted_one(
    maps: MapSet, tmp_path: Path
) -> None:
    recogniser = build_recogniser("hmrm", {**OPTIONS, "pretrained": tiny_checkpoint(tmp_path)})
    paths = [train_composite(maps, recogniser, tmp_path / n, seed=3) for n in ("a", "b")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    _, card = load_checkpoint(paths[0])
    assert card.trained_clips == maps.ids
    assert set(card.trained_subjects) == set(maps.subjects)
    assert card.classes == maps.classes and card.action_units == ()
    assert card.trained_on == "nothing: random numbers for tests; then 18 clips of 6 people"
    assert card.steps == 1 + 2 * 3
    assert card.limits
    with pytest.raises(SeenInTrainingError, match="6 of these subjects"):
        score_pretrained(
            load_pretrained(str(paths[0])), maps, tmp_path / "scored", allow_seen=False
        )


@pytest.mark.parametrize("kind", ["ridge", "logistic"])
def test_a_linear_head_becomes_the_networks_last_layer(
    maps: MapSet, tmp_path: Path, kind: str
) -> None:
    options = {
        "network": OPTIONS["network"],
        "pretrained": tiny_checkpoint(tmp_path),
        "tune": "linear",
        "head": {"kind": kind, "cost": 0.01},
        "mirror_test": False,
    }
    path = train_composite(maps, build_recogniser("hmrm", options), tmp_path / kind, seed=0)
    network, card = load_checkpoint(path)
    assert card.steps == 1 and "last layer only" in card.trained_on
    fitted = build_recogniser("hmrm", options).fit(canonical_mapset(maps), seed=0)
    # Alone and in batches, products of float32 round differently.
    np.testing.assert_allclose(
        network.predict(torch.from_numpy(canonical_maps(maps))).numpy(),
        fitted.predict(canonical_maps(maps)),
        atol=1e-5,
    )


def test_what_is_no_single_network_is_refused(maps: MapSet, tmp_path: Path) -> None:
    weights = tiny_checkpoint(tmp_path)
    machine = {"network": OPTIONS["network"], "pretrained": weights, "tune": "linear"}
    for name, options in (("svm-linear", None), ("ensemble", None), ("hmrm", machine)):
        with pytest.raises(ConfigError, match="hold one network"):
            train_composite(maps, build_recogniser(name, options), tmp_path / "w", seed=0)


def test_the_command_puts_out_of_fold_scores_into_the_card(maps: MapSet, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CONFIG)
    write_prepared(tmp_path / "data", maps)
    plan = load_plan(tmp_path / "c.toml")
    result = evaluate(maps, plan, tmp_path / "run")
    arguments = ["train", "composite", "--data", str(tmp_path / "data"), "-o", str(tmp_path / "w")]
    arguments += ["--config", str(tmp_path / "c.toml"), "--run", str(tmp_path / "run")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    card = json.loads((tmp_path / "w/weights.json").read_text())
    found = card["metrics"]["out of fold"]
    assert found["composite"]["uf1"]["mean"] == result.summary.composite.uf1.mean
    assert (found["folds"], found["selection"], found["clips"]) == ("2", "fixed", 18)


def test_another_runs_scores_are_refused(maps: MapSet, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CONFIG)
    plan = load_plan(tmp_path / "c.toml")
    evaluate(maps, plan, tmp_path / "run")
    (tmp_path / "d.toml").write_text(CONFIG.replace("epochs = 1", "epochs = 2"))
    with pytest.raises(ConfigError, match="another model or other options"):
        out_of_fold(tmp_path / "run", load_plan(tmp_path / "d.toml"), maps)
    with pytest.raises(ConfigError, match="other clips"):
        out_of_fold(tmp_path / "run", plan, maps.select(range(12)))
    with pytest.raises(ConfigError, match="not a finished run"):
        out_of_fold(tmp_path, plan, maps)


def test_the_shipped_weights_are_the_synthetic_ones_but_for_the_last_layer() -> None:
    synthetic, _ = load_checkpoint(SHIPPED / "hmrm-synthetic.safetensors")
    shipped, card = load_checkpoint(SHIPPED / "hmrm-composite.safetensors")
    assert (len(card.trained_clips), len(card.trained_subjects)) == (442, 68)
    assert card.classes == CLASSES and "research" in " ".join(card.limits)
    before = synthetic.state_dict()
    for name, value in shipped.state_dict().items():
        if "_head." not in name:
            torch.testing.assert_close(value, before[name], rtol=0, atol=0, msg=name)
    assert not torch.equal(shipped.fused_head.weight, before["fused_head.weight"][: len(CLASSES)])


@pytest.mark.skipif(not REAL.is_dir(), reason="the 442 public clips are not here")
def test_the_shipped_weights_can_be_trained_again_and_refuse_people_they_saw(
    tmp_path: Path,
) -> None:
    mapset = load_maps(REAL)
    plan = load_plan(ROOT / "configs" / "hmrm-frozen-linear.toml")
    again, _ = load_checkpoint(
        train_composite(mapset, find_recogniser(plan.model, plan.options), tmp_path, seed=0)
    )
    shipped = load_pretrained("hmrm-composite")
    values = canonical_maps(mapset)[::40]
    trained = FittedHmrm(network=again).predict(values)
    # Another processor rounds features differently.
    np.testing.assert_allclose(trained, shipped.fitted.predict(values), atol=1e-3)
    with pytest.raises(SeenInTrainingError, match="68 of these subjects"):
        score_pretrained(shipped, mapset, tmp_path / "scored", allow_seen=False)
