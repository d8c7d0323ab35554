"""Every file in configs/ says what it is meant to say: evaluation plans and trainings."""

import tomllib
from pathlib import Path

import pytest

from hmrm import config
from hmrm.evaluation.settings import load_plan
from hmrm.model.contract import Recogniser
from hmrm.training.flow.loop import FlowTrainingConfig
from hmrm.training.registry import find_recogniser
from hmrm.training.synthetic import SyntheticTrainingConfig

CONFIGS = [
    path
    for path in sorted((Path(__file__).parents[2] / "configs").rglob("*.toml"))
    if "rows" not in tomllib.loads(path.read_text(encoding="utf-8"))  # ablations: test_ablation.py
]
EXPECTED = {
    "hmrm-scratch-lite",
    "hmrm-finetune-lite",
    "hmrm-frozen-linear",
    "hmrm-ensemble",
    "hmrm-ensemble-plain",
}


def test_the_named_configs_are_there() -> None:
    assert {path.stem for path in CONFIGS} >= EXPECTED


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_loads(path: Path) -> None:
    """A file with a [model] is for `hmrm evaluate`, one without for `hmrm train`."""
    if "model" in tomllib.loads(path.read_text(encoding="utf-8")):
        plan = load_plan(path)
        recogniser = find_recogniser(plan.model, plan.options)
        assert isinstance(recogniser, Recogniser)
        assert plan.settings.selection == "fixed" or recogniser.epochs is not None
    else:
        flow = path.stem.startswith(("gru-aofe", "flow-"))
        config.load(FlowTrainingConfig if flow else SyntheticTrainingConfig, path)


def test_flow_trainings_of_before_are_read_under_their_first_digest() -> None:
    before = config.from_mapping(FlowTrainingConfig, {"data": "drawn", "first_share": 0.3})
    assert before == FlowTrainingConfig()
    assert config.to_mapping(before)["data"] == "drawn"
